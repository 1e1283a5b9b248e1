//! Templates as they are written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::TemplateId;
use crate::version::Class;

/// A template as its author writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateSource {
    /// Its id.
    pub id: TemplateId,
    /// The subject line.
    pub subject: String,
    /// The line that inboxes show after the subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preheader: Option<String>,
    /// The body as MJML. Either this or `html` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mjml: Option<String>,
    /// The body as HTML.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    /// The plain text; made from the body where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What kind of mail it is.
    pub class: Class,
}

/// One thing that is wrong with a template, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateFault {
    /// Where: a JSON Pointer into the template.
    pub pointer: String,
    /// Which rule: `T001`, ...
    pub rule: &'static str,
    /// What is wrong and what would be right.
    pub message: String,
}

impl TemplateFault {
    pub(super) fn new(pointer: impl Into<String>, rule: &'static str, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), rule, message: message.into() }
    }
}

const FIELDS: [(&str, bool); 7] = [
    ("id", true),
    ("subject", true),
    ("preheader", false),
    ("mjml", false),
    ("html", false),
    ("text", false),
    ("class", true),
];

/// Reads a template, with every fault of its fields at once. What is in them is looked at by
/// [`super::Template::compile`].
///
/// # Errors
/// The faults, all of rule `T001`.
pub fn parse(value: &Value) -> Result<TemplateSource, Vec<TemplateFault>> {
    let Value::Object(fields) = value else {
        return Err(vec![TemplateFault::new(
            "",
            "T001",
            "a template is an object with `id`, `subject`, `class` and `mjml` or `html`",
        )]);
    };
    let mut faults = Vec::new();
    for (name, value) in fields {
        let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
        if !FIELDS.iter().any(|(known, _)| known == name) {
            let known = FIELDS.map(|(known, _)| known).join(", ");
            faults.push(TemplateFault::new(pointer, "T001", format!("there is no such field; the fields are {known}")));
        } else if !value.is_string() {
            faults.push(TemplateFault::new(pointer, "T001", "must be text"));
        } else if let Some(problem) = problem_of(name, value) {
            faults.push(TemplateFault::new(pointer, "T001", problem));
        }
    }
    for (name, _) in FIELDS.iter().filter(|(name, needed)| *needed && !fields.contains_key(*name)) {
        faults.push(TemplateFault::new(format!("/{name}"), "T001", "is missing"));
    }
    if faults.is_empty() {
        // Every field has been looked at, so this only fails for what the checks above do not know.
        return serde_json::from_value(value.clone())
            .map_err(|error| vec![TemplateFault::new("", "T001", error.to_string())]);
    }
    Err(faults)
}

fn problem_of(name: &str, value: &Value) -> Option<String> {
    match name {
        "id" => serde_json::from_value::<TemplateId>(value.clone()).err().map(|error| error.to_string()),
        "class" => serde_json::from_value::<Class>(value.clone())
            .err()
            .map(|_| "must be `care`, `operational` or `marketing`".to_owned()),
        _ => None,
    }
}
