//! The sink that faults are noted in, and what each fault of shape means.

use std::borrow::Cow;

use super::report::{Finding, Severity};
use crate::ids::StepId;

/// What a rule is about, for whoever looks its id up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// The stable id that findings carry.
    pub id: &'static str,
    /// How bad a finding of it is.
    pub severity: Severity,
    /// In a few words.
    pub title: &'static str,
    /// Why it matters and what to do.
    pub explanation: &'static str,
}

const fn fault(id: &'static str, title: &'static str, explanation: &'static str) -> Rule {
    Rule { id, severity: Severity::Error, title, explanation }
}

/// The faults of shape: what keeps a document from being understood.
pub const FAULTS: &[Rule] = &[
    fault(
        "D001",
        "Unknown field",
        "The object has a field that means nothing there. It is refused rather than ignored, because a misspelt field \
         that is ignored changes what a workflow does without anybody noticing. Correct its name, or take it out.",
    ),
    fault(
        "D002",
        "Missing field",
        "The object lacks a field that it needs. The finding points to the object; add the field that the message names. \
         Every step but the last has to say where it leads: `next: end` ends the run.",
    ),
    fault(
        "D003",
        "Wrong type",
        "The field holds a value of another JSON type than it takes, such as a number where there has to be text. In YAML, \
         put quotes around times and texts that look like numbers.",
    ),
    fault(
        "D004",
        "Bad value",
        "The field has the right type, but not a value that it can take: a duration that cannot be read, an unknown time \
         zone, a word that is not one of the choices. The message says what would be right.",
    ),
    fault(
        "D005",
        "Not exactly one",
        "Some objects are told apart by which one of several fields they have: a step by its kind, an entry by its \
         trigger, a test by what it tests. This one has none of them, or several.",
    ),
    fault(
        "D006",
        "Too large",
        "The document goes beyond a limit: 500 steps, 1,000 cases, paths and shares in all, conditions and values nested \
         32 deep, 100 exit rules. Split the workflow and connect the parts with `jump`.",
    ),
    fault(
        "D010",
        "Not supported by this version",
        "The field belongs to the workflow document, but this version of Carepath does not carry it out yet. A workflow \
         that says it is refused rather than run without it.",
    ),
];

/// More findings than these help nobody, and a hostile document could have a hundred thousand.
const MAX_FINDINGS: usize = 1_000;

/// Where faults are noted while reading goes on.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    findings: Vec<Finding>,
    /// The step that is being read.
    pub(crate) step: Option<StepId>,
}

impl Faults {
    /// Notes an error.
    pub(crate) fn error(&mut self, rule: &'static str, pointer: impl Into<String>, message: impl Into<String>) {
        self.note(rule, Severity::Error, pointer, message, self.step.clone());
    }

    /// Notes a finding.
    pub(crate) fn note(
        &mut self,
        rule: &'static str,
        severity: Severity,
        pointer: impl Into<String>,
        message: impl Into<String>,
        step: Option<StepId>,
    ) {
        // However many warnings there are, an error is never lost among them.
        if !self.is_full() || (severity == Severity::Error && self.is_clean()) {
            self.findings.push(Finding {
                rule: Cow::Borrowed(rule),
                severity,
                pointer: pointer.into(),
                message: message.into(),
                step,
            });
        }
    }

    /// Whether so much is wrong that nothing more is noted.
    pub(crate) fn is_full(&self) -> bool {
        self.findings.len() >= MAX_FINDINGS
    }

    /// Whether no error was noted.
    pub(crate) fn is_clean(&self) -> bool {
        self.findings.iter().all(|finding| finding.severity != Severity::Error)
    }

    /// All that was noted.
    pub(crate) fn into_findings(self) -> Vec<Finding> {
        self.findings
    }
}

/// A text of the document, cut where it is long, for a message.
pub(crate) fn quote(text: &str) -> String {
    const MOST: usize = 60;
    if text.chars().count() > MOST {
        format!("`{}…`", text.chars().take(MOST).collect::<String>())
    } else {
        format!("`{text}`")
    }
}
