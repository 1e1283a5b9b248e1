//! `carepath check`: the publish-time rules, offline.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use carepath_engine::compile::{self, AttributeFacts, Context, TemplateFacts, WayOut};
use carepath_engine::document::{Finding, Severity};
use carepath_engine::ids::{Name, SegmentId, TemplateId, WorkflowId};
use carepath_engine::render::{self, Template};
use carepath_engine::segment::{Membership, Segment};
use carepath_engine::version::Version;
use serde::Serialize;
use serde_json::{Value, json};

use crate::failure::{Failure, answer};
use crate::files::{self, Document, Found, Kind};
use crate::output::{self, Ink};
use crate::places::Places;
use crate::sarif;

/// Check workflows, templates and segments before publishing, offline
///
/// All files together are the context: a workflow may refer to templates and segments in the other files, and to those
/// in `schema.yaml`, `segments/` and `templates/` beside it. Folders are walked. Exit code 1 where there are errors.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  carepath check examples/appointment-reminder")]
pub(crate) struct Args {
    /// Files in YAML or JSON, or folders of them
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Print the report as JSON
    #[arg(long, conflicts_with = "sarif")]
    json: bool,
    /// Print the report as SARIF 2.1.0, for code review
    #[arg(long)]
    sarif: bool,
}

/// A finding and where it was found.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Located {
    /// The file.
    pub(crate) file: String,
    /// The line that the finding is at, counted from 1, where it could be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<u64>,
    /// The column in it, counted from 1 in characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) column: Option<u64>,
    /// The column after the last one of what is there, where that is known.
    #[serde(skip)]
    pub(crate) end: Option<u64>,
    /// The finding.
    #[serde(flatten)]
    pub(crate) finding: Finding,
}

/// Checks the files.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let mut found = files::read(&args.files)?;
    let beside = files::neighbours(&found);
    found.documents.extend(beside);
    found.documents.sort_by_key(|document| document.kind);
    let findings = examine(&found);
    let ok = findings.iter().all(|located| located.finding.severity != Severity::Error);
    if args.json {
        output::say_json(&json!({ "ok": ok, "findings": findings }))?;
    } else if args.sarif {
        output::say_json(&sarif::log(&findings))?;
    } else {
        print(&found, &findings)?;
    }
    Ok(answer(ok))
}

/// All findings on the files, in their order.
pub(crate) fn examine(found: &Found) -> Vec<Located> {
    let mut known = Known::default();
    let mut findings: Vec<Located> = Vec::new();
    for file in &found.unreadable {
        let finding = fault("D000", "", format!("This is not YAML or JSON that can be read: {}", file.message));
        findings.push(Located { file: file.file.clone(), line: file.line, column: None, end: None, finding });
    }
    for document in &found.documents {
        let report = match document.kind {
            Kind::Schema => known.schema(document),
            Kind::Segment => known.segment(document),
            Kind::Template => known.template(document),
            // Workflows refer to each other: they come once everything else is known.
            Kind::Workflow => continue,
        };
        locate(document, report, &mut findings);
    }
    for (document, finding) in known.rounds() {
        locate(document, vec![finding], &mut findings);
    }
    let workflows: Vec<&Document> = found.documents.iter().filter(|document| document.kind == Kind::Workflow).collect();
    known.compile_all(&workflows);
    for document in workflows {
        let report = compile::check(&document.body, &known.context());
        locate(document, report.findings, &mut findings);
    }
    findings
}

/// What the files say that workflows may refer to.
#[derive(Debug, Default)]
struct Known<'d> {
    workflows: BTreeMap<WorkflowId, Arc<Version>>,
    templates: BTreeMap<TemplateId, TemplateFacts>,
    segments: BTreeMap<SegmentId, Membership>,
    schema: BTreeMap<Name, AttributeFacts>,
    /// The segments as they were read, and where.
    read: Vec<(Segment, &'d Document)>,
}

impl<'d> Known<'d> {
    fn context(&self) -> Context<'_> {
        Context {
            workflows: &self.workflows,
            templates: &self.templates,
            segments: &self.segments,
            schema: &self.schema,
            // Files do not say what the account does.
            way_out: WayOut::Given,
        }
    }

    fn schema(&mut self, document: &Document) -> Vec<Finding> {
        let Some(Value::Object(attributes)) = document.body.get("attributes") else {
            return vec![fault("D003", "/attributes", "`attributes` is an object of names and what they are.")];
        };
        let mut faults = Vec::new();
        for (name, facts) in attributes {
            let pointer = format!("/attributes/{}", name.replace('~', "~0").replace('/', "~1"));
            match (name.parse::<Name>(), serde_json::from_value::<AttributeFacts>(facts.clone())) {
                (Ok(name), Ok(facts)) => {
                    self.schema.insert(name, facts);
                }
                (Err(error), _) => faults.push(fault("D004", &pointer, error.to_string())),
                (_, Err(error)) => faults.push(fault("D004", &pointer, error.to_string())),
            }
        }
        faults
    }

    fn segment(&mut self, document: &'d Document) -> Vec<Finding> {
        match compile::segment(&document.body) {
            Ok(segment) => {
                let taken = self.segments.insert(segment.id.clone(), segment.membership.clone()).is_some();
                self.read.push((segment, document));
                if taken { vec![twice("segment")] } else { Vec::new() }
            }
            Err(report) => report.findings,
        }
    }

    /// Segments that name segments which are not there, or each other in a circle.
    fn rounds(&self) -> Vec<(&'d Document, Finding)> {
        let others = self.read.iter().map(|(segment, _)| (segment.id.clone(), compile::named_by(segment))).collect();
        let mut found = Vec::new();
        for (segment, document) in &self.read {
            for missing in compile::named_by(segment).iter().filter(|id| !self.segments.contains_key(*id)) {
                let message = format!("There is no segment `{missing}`. Save it first, or name another one.");
                found.push((*document, fault("W012", "/when", message)));
            }
            if let Some(message) = compile::goes_round(segment, &others) {
                found.push((*document, fault("D004", "/when", message)));
            }
        }
        found
    }

    fn template(&mut self, document: &Document) -> Vec<Finding> {
        let compiled = render::parse(&document.body).and_then(|source| Template::compile(&source));
        match compiled {
            Ok(template) => {
                let facts = TemplateFacts::new(1, template.class(), template.facts());
                let taken = self.templates.insert(template.id().clone(), facts).is_some();
                if taken { vec![twice("template")] } else { Vec::new() }
            }
            Err(faults) => {
                let findings = faults.into_iter().map(|found| fault(found.rule, &found.pointer, found.message));
                findings.collect()
            }
        }
    }

    /// Compiles the workflows that can be, those first that others jump into.
    fn compile_all(&mut self, workflows: &[&Document]) {
        let mut open: Vec<&Document> = workflows.to_vec();
        loop {
            let before = open.len();
            open.retain(|document| match compile::compile(&document.body, 1, &self.context()) {
                Ok(compiled) => {
                    self.workflows.insert(compiled.version.workflow.clone(), Arc::new(compiled.version));
                    false
                }
                Err(_) => true,
            });
            if open.len() == before {
                return;
            }
        }
    }
}

fn twice(what: &str) -> Finding {
    fault("D004", "/id", format!("Another file has a {what} of this id. Give one of them another id."))
}

fn fault(rule: &'static str, pointer: &str, message: impl Into<String>) -> Finding {
    Finding {
        rule: rule.into(),
        severity: Severity::Error,
        pointer: pointer.to_owned(),
        message: message.into(),
        step: None,
    }
}

/// Says where in its file each finding on a document is.
fn locate(document: &Document, found: Vec<Finding>, into: &mut Vec<Located>) {
    if document.beside || found.is_empty() {
        return;
    }
    let places = Places::of(&document.text);
    into.extend(found.into_iter().map(|finding| {
        let place = places.find(&finding.pointer);
        Located {
            file: document.file.clone(),
            line: place.map(|place| place.line),
            column: place.map(|place| place.column),
            end: place.and_then(|place| place.end),
            finding,
        }
    }));
}

fn print(found: &Found, findings: &[Located]) -> Result<(), Failure> {
    let colour = output::stdout_coloured();
    for located in findings {
        let finding = &located.finding;
        let (word, ink) = match finding.severity {
            Severity::Error => ("error", Ink::Red),
            Severity::Warning => ("warning", Ink::Yellow),
            Severity::Info => ("info", Ink::Dim),
        };
        let line = located.line.map_or_else(String::new, |line| format!(":{line}"));
        let at = if finding.pointer.is_empty() { "/" } else { &finding.pointer };
        let step =
            finding.step.as_ref().map_or_else(String::new, |step| format!(" (step {})", output::plain(step.as_str())));
        let head = format!("{} {}", ink.paint(word, colour), finding.rule);
        let (file, at, message) = (output::plain(&located.file), output::plain(at), output::plain(&finding.message));
        output::say(&format!("{file}{line}: {head} at {at}{step}\n  {message}"))?;
    }
    let asked = found.documents.iter().filter(|document| !document.beside).count();
    let count = |severity| findings.iter().filter(|located| located.finding.severity == severity).count();
    output::say(&format!(
        "{} checked: {}, {}",
        counted(asked + found.unreadable.len(), "document"),
        counted(count(Severity::Error), "error"),
        counted(count(Severity::Warning), "warning"),
    ))
}

fn counted(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
