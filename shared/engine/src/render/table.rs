//! What each fault of a template is about.

use crate::document::{Rule, Severity};

const fn fault(id: &'static str, title: &'static str, explanation: &'static str) -> Rule {
    Rule { id, severity: Severity::Error, title, explanation }
}

/// The faults of templates.
pub const FAULTS: &[Rule] = &[
    fault(
        "T001",
        "A field of a template",
        "A template has `id`, `subject`, `class` and `mjml` or `html`, and may have `preheader` and `text`. All of them are \
         text. A field of another name is refused, because a misspelt one would be left out of the mail.",
    ),
    fault("T002", "No body, or two", "The body of a mail is written as `mjml` or as `html`: give exactly one of them."),
    fault(
        "T003",
        "Code that cannot be read",
        "What stands between `{{ }}` or `{% %}` is not of the template language. The message names the line.",
    ),
    fault(
        "T004",
        "Markup that cannot be read",
        "The body is not MJML or HTML. Elements have to be closed, and a block of code has to hold whole elements.",
    ),
    fault(
        "T005",
        "Something that the language does not have",
        "The code names a value, a filter or a test that is not there. Attributes are found under `contact.attributes`, what \
         started the run under `entry`.",
    ),
    fault(
        "T006",
        "The name of a link",
        "Reports and conditions go by the names of links, so a name is fixed and made of letters, digits, `_` and `-`. What \
         differs from contact to contact belongs into the address.",
    ),
    fault(
        "T007",
        "Too large",
        "A part of a template has at most 256 KiB, and its elements are nested 256 deep at most.",
    ),
];
