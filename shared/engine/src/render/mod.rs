//! Mail rendering: a template and a contact give a subject, HTML, plain text, and the links by their names.
//!
//! Code is run first and markup is looked at afterwards: a value of a contact becomes text of the template language's
//! making before MJML sees it, and is never run as code itself. Nothing of a contact shows in an error or a `Debug`.

mod error;
mod facts;
mod fill;
mod language;
mod markup;
mod scan;
mod shape;
mod source;
mod table;
mod template;

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use jiff::tz::TimeZone;

pub use error::{Part, RenderError, RenderProblem};
pub(crate) use facts::used_in;
pub use facts::{TemplateFacts, Variable};
pub use fill::{fill, used};
pub use source::{TemplateFault, TemplateSource, parse};
pub use table::FAULTS;
pub use template::Template;

use crate::contact::{Attributes, Contact};

/// The most that one part, or the finished HTML, may come to, in bytes.
pub const MAX_OUTPUT: usize = 1 << 20;
/// The most that one part of a template may come to, in bytes.
pub const MAX_SOURCE: usize = 256 << 10;

/// What a mail is made from.
#[derive(Debug, Clone, Copy)]
pub struct RenderScope<'a> {
    /// `contact`: `id`, `email`, `zone`, `locale`, `attributes`, `topics`.
    pub contact: &'a Contact,
    /// `entry`: what started the run.
    pub entry: &'a Attributes,
    /// `saved`: what webhooks answered, by name.
    pub saved: &'a Attributes,
    /// The zone that dates are written in.
    pub tz: &'a TimeZone,
    /// `now`, in RFC 3339.
    pub now: Timestamp,
    /// `unsubscribe_url`, where there is one.
    pub unsubscribe_url: Option<&'a str>,
    /// `links`: addresses of the installation by name, such as the page of preferences.
    pub links: &'a BTreeMap<String, String>,
}

/// A finished mail.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// The subject, on one line.
    pub subject: String,
    /// The HTML.
    pub html: String,
    /// The plain text.
    pub text: String,
    /// The links of the HTML, in order.
    pub links: Vec<NamedLink>,
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mail([redacted])")
    }
}

/// A link of a mail.
#[derive(Clone, PartialEq, Eq)]
pub struct NamedLink {
    /// What its author called it; `""` for a link without a name.
    pub name: String,
    /// Where it leads.
    pub url: String,
}

impl fmt::Debug for NamedLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NamedLink").field("name", &self.name).field("url", &"[redacted]").finish()
    }
}
