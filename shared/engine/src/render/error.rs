//! Why a mail could not be made, without a word of what was to be in it.

use std::fmt;

use minijinja::ErrorKind;

/// A part of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The subject line.
    Subject,
    /// The line that inboxes show after the subject.
    Preheader,
    /// The HTML or MJML.
    Body,
    /// The plain text.
    Text,
    /// A link of the body. Only facts name it.
    Link,
    /// A value of an `update` or a `jump`.
    Value,
}

impl Part {
    /// The part as messages name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Preheader => "preheader",
            Self::Body => "body",
            Self::Text => "text",
            Self::Link => "link",
            Self::Value => "value",
        }
    }
}

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RenderProblem {
    /// A value is used that is not there and has no default.
    Undefined,
    /// A filter or an operation got a value that it cannot work on.
    Value,
    /// It computes for too long.
    Fuel,
    /// Its code is nested too deeply, as when a macro calls itself.
    Recursion,
    /// What it makes is larger than [`super::MAX_OUTPUT`].
    TooLarge,
    /// The elements that it makes are nested too deeply.
    TooDeep,
    /// What it makes is not MJML.
    Mjml,
    /// What it makes is not HTML that links can be found in.
    Html,
    /// It uses a part of the template language that is not there.
    Language,
}

impl RenderProblem {
    /// The code that a failed run carries.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Undefined => "template_undefined",
            Self::Value => "template_value",
            Self::Fuel => "template_fuel",
            Self::Recursion => "template_recursion",
            Self::TooLarge => "template_too_large",
            Self::TooDeep => "template_too_deep",
            Self::Mjml => "template_mjml",
            Self::Html => "template_html",
            Self::Language => "template_language",
        }
    }

    const fn sentence(self) -> &'static str {
        match self {
            Self::Undefined => "a value is used that is not there; give it a default: `| default(\"...\")`",
            Self::Value => "a filter or an operation got a value that it cannot work on",
            Self::Fuel => "it computes for too long; make its loops shorter",
            Self::Recursion => "it calls itself too often",
            Self::TooLarge => "what it makes is larger than 1 MiB",
            Self::TooDeep => "what it makes is nested too deeply",
            Self::Mjml => "what it makes is not MJML",
            Self::Html => "what it makes is not HTML",
            Self::Language => "it uses something that the template language does not have",
        }
    }
}

/// A mail, or a value, that could not be made. It names the place in the template and never what the contact's data is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderError {
    /// Which part.
    pub part: Part,
    /// Which line of it, counted from 1, where that is known.
    pub line: Option<usize>,
    /// What went wrong.
    pub problem: RenderProblem,
    /// The code of the template where it went wrong, as its author wrote it.
    pub code_there: Option<String>,
}

impl RenderError {
    pub(super) const fn new(part: Part, problem: RenderProblem) -> Self {
        Self { part, line: None, problem, code_there: None }
    }

    /// The error of the template engine, of which only what its author wrote is kept: its message may hold values.
    pub(super) fn of(part: Part, error: &minijinja::Error) -> Self {
        #[expect(clippy::wildcard_enum_match_arm, reason = "the enum is not exhaustive; what is left is about values")]
        let problem = match error.kind() {
            ErrorKind::UndefinedError => RenderProblem::Undefined,
            ErrorKind::OutOfFuel => RenderProblem::Fuel,
            ErrorKind::WriteFailure => RenderProblem::TooLarge,
            ErrorKind::SyntaxError
            | ErrorKind::TemplateNotFound
            | ErrorKind::UnknownFilter
            | ErrorKind::UnknownTest
            | ErrorKind::UnknownFunction
            | ErrorKind::UnknownMethod
            | ErrorKind::BadInclude => RenderProblem::Language,
            _ if error.detail().is_some_and(|detail| detail.contains("recursion limit")) => RenderProblem::Recursion,
            _ => RenderProblem::Value,
        };
        let code_there = error.range().and_then(|range| Some(error.template_source()?.get(range)?.to_owned()));
        Self { part, line: error.line(), problem, code_there }
    }

    /// The code that a failed run carries: `template_undefined`, `template_fuel`, ...
    pub const fn code(&self) -> &'static str {
        self.problem.code()
    }
}

impl fmt::Display for RenderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "template {}", self.part.as_str())?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        if let Some(code) = &self.code_there {
            write!(f, ", at `{code}`")?;
        }
        write!(f, ": {}", self.problem.sentence())
    }
}

impl std::error::Error for RenderError {}
