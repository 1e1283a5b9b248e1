//! Templates, compiled once a version and rendered as often as needed.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use minijinja::{Environment, ErrorKind};

use super::error::{Part, RenderError, RenderProblem};
use super::facts::{self, TemplateFacts, placeholder, placeholders};
use super::language::{self, CONTACT_FIELDS, FUNCTIONS, ROOTS};
use super::scan::{self, PieceKind, Token};
use super::shape::{self, Shape, Shapes, Written};
use super::source::{TemplateFault, TemplateSource};
use super::{MAX_OUTPUT, MAX_SOURCE, Mail, RenderScope, markup};
use crate::advance::HIDDEN_LINK;
use crate::ids::TemplateId;
use crate::version::Class;

/// A template that can be rendered: having one is the proof that its code and its markup are sound.
pub struct Template {
    id: TemplateId,
    class: Class,
    language: Environment<'static>,
    is_mjml: bool,
    facts: TemplateFacts,
    can_be_marked: bool,
    shapes: Shapes,
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Template").field("id", &self.id).field("class", &self.class).finish_non_exhaustive()
    }
}

impl Template {
    /// Compiles a template.
    ///
    /// # Errors
    /// All faults at once: `T002` not exactly one of `mjml` and `html`, `T003` code that cannot be read, `T004` markup
    /// that cannot be read, `T005` something that the language does not have, `T006` the name of a link, `T007` a part
    /// that is too large or nested too deeply.
    pub fn compile(source: &TemplateSource) -> Result<Self, Vec<TemplateFault>> {
        let mut faults = Vec::new();
        let (body, is_mjml) = match (&source.mjml, &source.html) {
            (Some(mjml), _) => (mjml.as_str(), true),
            (None, html) => (html.as_deref().unwrap_or_default(), false),
        };
        if source.mjml.is_some() == source.html.is_some() {
            faults.push(TemplateFault::new("", "T002", "give the body as `mjml` or as `html`, exactly one of them"));
        }
        let body_pointer = if is_mjml { "/mjml" } else { "/html" };
        let mut language = language::environment();
        let mut facts = TemplateFacts::default();
        let parts = [
            (Part::Subject, "/subject", Some(source.subject.as_str())),
            (Part::Preheader, "/preheader", source.preheader.as_deref()),
            (Part::Body, body_pointer, Some(body)),
            (Part::Text, "/text", source.text.as_deref()),
        ];
        for (part, pointer, code) in parts {
            let Some(code) = code else { continue };
            if code.len() > MAX_SOURCE {
                faults.push(TemplateFault::new(pointer, "T007", "is larger than 256 KiB"));
                continue;
            }
            match language.add_template_owned(part.as_str(), code.to_owned()) {
                Ok(()) => check_words(&language, part, pointer, code, &mut faults),
                Err(error) => faults.push(TemplateFault::new(pointer, "T003", syntax_message(&error))),
            }
            facts.add_part(part, code);
        }
        if body.len() <= MAX_SOURCE {
            check_markup(body, is_mjml, body_pointer, &mut facts, &mut faults);
        }
        if let Some(text) = source.text.as_deref().filter(|text| text.len() <= MAX_SOURCE) {
            facts.add_addresses(&markup::bare_addresses(&marked(text)), text);
        }
        if faults.is_empty() {
            let can_be_marked = shape::can_be_marked(body);
            let (id, class, shapes) = (source.id.clone(), source.class, Shapes::default());
            return Ok(Self { id, class, language, is_mjml, facts, can_be_marked, shapes });
        }
        Err(faults)
    }

    /// Its id.
    pub const fn id(&self) -> &TemplateId {
        &self.id
    }

    /// What kind of mail it is.
    pub const fn class(&self) -> Class {
        self.class
    }

    /// What it uses and links to.
    pub const fn facts(&self) -> &TemplateFacts {
        &self.facts
    }

    /// Makes a mail.
    ///
    /// # Errors
    /// [`RenderError`] where a value is missing or of the wrong kind, or the template goes beyond a limit.
    pub fn render(&self, scope: &RenderScope<'_>) -> Result<Mail, RenderError> {
        let context = language::context(scope);
        let subject = language::run(&self.language, Part::Subject, &context)?;
        let preheader = self.optional(Part::Preheader, &context)?.map(|line| markup::one_line(&line));
        let line = preheader.as_deref().unwrap_or_default();
        let (shape, values) = self.shape(&context, !line.is_empty())?;
        let filled = shape.fill(&values, line);
        let text = match self.optional(Part::Text, &context)? {
            Some(text) => markup::tidy(&text),
            None => filled.text.unwrap_or_default(),
        };
        if filled.html.len().max(text.len()) > MAX_OUTPUT {
            return Err(RenderError::new(Part::Body, RenderProblem::TooLarge));
        }
        Ok(Mail { subject: markup::one_line(&subject), html: filled.html, text, links: filled.links })
    }

    /// The shape of the mail, and what to fill it with.
    fn shape(
        &self,
        context: &minijinja::Value,
        has_preheader: bool,
    ) -> Result<(Arc<Shape>, Vec<Written>), RenderError> {
        if !self.can_be_marked {
            let body = language::run(&self.language, Part::Body, context)?;
            return Ok((self.make_shape(&body, has_preheader)?, Vec::new()));
        }
        let (body, values) = language::run_marked(&self.language, context)?;
        if let Some(known) = self.shapes.find(&body, has_preheader) {
            return Ok((known, values));
        }
        let shape = self.make_shape(&body, has_preheader)?;
        self.shapes.keep(&shape);
        Ok((shape, values))
    }

    fn make_shape(&self, body: &str, has_preheader: bool) -> Result<Arc<Shape>, RenderError> {
        if markup::too_deep(body, self.is_mjml) {
            return Err(RenderError::new(Part::Body, RenderProblem::TooDeep));
        }
        let html = if self.is_mjml { Cow::Owned(mjml_to_html(body)?) } else { Cow::Borrowed(body) };
        let wants_text = self.language.get_template(Part::Text.as_str()).is_err();
        let shape = Shape::new(body, &html, has_preheader, wants_text);
        shape.map(Arc::new).ok_or_else(|| RenderError::new(Part::Body, RenderProblem::Html))
    }

    fn optional(&self, part: Part, context: &minijinja::Value) -> Result<Option<String>, RenderError> {
        if self.language.get_template(part.as_str()).is_err() {
            return Ok(None);
        }
        language::run(&self.language, part, context).map(Some)
    }
}

/// The message of the MJML parser may show a piece of the mail, so it is dropped.
fn mjml_to_html(mjml: &str) -> Result<String, RenderError> {
    markup::mjml_to_html(mjml).map_err(|bad| RenderError {
        line: bad.at.and_then(|at| line_of(mjml, at)),
        ..RenderError::new(Part::Body, RenderProblem::Mjml)
    })
}

fn line_of(text: &str, at: usize) -> Option<usize> {
    Some(text.get(..at)?.matches('\n').count() + 1)
}

fn syntax_message(error: &minijinja::Error) -> String {
    let line = error.line().map(|line| format!("line {line}: ")).unwrap_or_default();
    let detail = error.detail().unwrap_or("the code cannot be read");
    format!("{line}{detail}")
}

/// Checks that everything that code names is there: values, filters, tests, functions.
fn check_words(language: &Environment<'_>, part: Part, pointer: &str, code: &str, faults: &mut Vec<TemplateFault>) {
    let mut fault = |message: String| {
        let fault = TemplateFault::new(pointer, "T005", message);
        if !faults.contains(&fault) {
            faults.push(fault);
        }
    };
    if let Ok(template) = language.get_template(part.as_str()) {
        let mut unknown: Vec<String> = template.undeclared_variables(false).into_iter().collect();
        unknown.retain(|name| !ROOTS.contains(&name.as_str()) && !FUNCTIONS.contains(&name.as_str()));
        unknown.sort();
        for name in unknown {
            let known = ROOTS.join(", ");
            fault(format!("there is no `{name}`; values are found under {known}, such as `contact.attributes.{name}`"));
        }
    }
    for piece in scan::pieces(code).iter().filter(|piece| piece.kind != PieceKind::Text) {
        if piece.tokens.first() == Some(&Token::Word("autoescape")) {
            fault("`autoescape` cannot be turned off; leave the block out".to_owned());
        }
        for used in scan::uses(&piece.tokens) {
            let field = used.path.strip_prefix("contact.").map(facts::root);
            if let Some(field) = field.filter(|field| !CONTACT_FIELDS.contains(field)) {
                fault(format!(
                    "there is no `contact.{field}`; attributes are found under `contact.attributes.{field}`"
                ));
            }
        }
        let (filters, tests) = scan::helpers(&piece.tokens);
        for name in filters.into_iter().filter(|name| is_unknown(language, &format!("''|{name}"))) {
            fault(format!("there is no filter `{name}`"));
        }
        for name in tests.into_iter().filter(|name| is_unknown(language, &format!("'' is {name}"))) {
            fault(format!("there is no test `{name}`"));
        }
    }
}

/// The engine finds unknown filters and tests only when they are used, so each is used once.
fn is_unknown(language: &Environment<'_>, code: &str) -> bool {
    let tried = language.compile_expression(code).and_then(|code| code.eval(()));
    tried.is_err_and(|error| matches!(error.kind(), ErrorKind::UnknownFilter | ErrorKind::UnknownTest))
}

/// Checks markup with its code put aside: each branch and each loop stands there once, so all of them have to fit.
fn check_markup(body: &str, is_mjml: bool, pointer: &str, facts: &mut TemplateFacts, faults: &mut Vec<TemplateFault>) {
    let plain = scan::without_code(body, |_, piece| match piece.kind {
        PieceKind::Expression => "x".to_owned(),
        PieceKind::Text | PieceKind::Statement | PieceKind::Comment => String::new(),
    });
    if markup::too_deep(&plain, is_mjml) {
        faults.push(TemplateFault::new(pointer, "T007", "elements are nested too deeply"));
        return;
    }
    if is_mjml && let Err(bad) = markup::mjml_to_html(&plain) {
        let line = bad.at.and_then(|at| line_of(&plain, at)).map(|line| format!("line {line}: ")).unwrap_or_default();
        let hint = "a block of code has to hold whole elements";
        faults.push(TemplateFault::new(pointer, "T004", format!("{line}this is not MJML: {} ({hint})", bad.message)));
        return;
    }
    let marked = marked(body);
    let (Ok(anchors), Ok(addresses)) = (markup::anchors(&marked), markup::addresses(&marked)) else {
        faults.push(TemplateFault::new(pointer, "T004", "this is not HTML that links can be found in"));
        return;
    };
    for name in anchors.iter().filter_map(|anchor| anchor.name.as_deref()) {
        if !placeholders(name).is_empty() {
            let message = "the name of a link is fixed: reports and conditions go by it; put code into its address";
            faults.push(TemplateFault::new(pointer, "T006", message));
        } else if name == HIDDEN_LINK {
            let message =
                format!("the link name `{HIDDEN_LINK}` is that of the link which shows machines: choose another");
            faults.push(TemplateFault::new(pointer, "T006", message));
        } else if !is_link_name(name) {
            let message = format!("the link name `{name}` must be 1 to 64 characters of a-z, A-Z, 0-9, _ and -");
            faults.push(TemplateFault::new(pointer, "T006", message));
        }
    }
    facts.add_links(anchors, body);
    facts.add_addresses(&addresses, body);
}

/// A part with its code replaced by what it is found by again.
fn marked(source: &str) -> String {
    scan::without_code(source, |index, piece| match piece.kind {
        PieceKind::Expression | PieceKind::Statement => placeholder(index),
        PieceKind::Text | PieceKind::Comment => String::new(),
    })
}

/// What the mail service takes as the value of a tag.
fn is_link_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}
