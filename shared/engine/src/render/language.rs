//! The template language: what templates may say, what they see, and how far they may go.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use minijinja::value::{Object, ObjectRepr};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value};
use serde_json::Value as Json;

use super::error::{Part, RenderError};
use super::shape::{self, Written};
use super::{MAX_OUTPUT, RenderScope};
use crate::calendar;
use crate::contact::{Attributes, Contact, Subscription};

/// Instructions that one part may take: a list of some thousand items, a loop in a loop over a few hundred.
const FUEL: u64 = 250_000;
/// How deeply code may be nested; a call of a macro counts several times.
const RECURSION: usize = 100;

/// What templates may name, with what is below `contact`.
pub(super) const ROOTS: &[&str] = &["contact", "entry", "saved", "unsubscribe_url", "links", "now"];
pub(super) const CONTACT_FIELDS: &[&str] = &["id", "email", "zone", "locale", "attributes", "topics"];
pub(super) const FUNCTIONS: &[&str] = &["range", "dict", "loop"];

/// The name under which the zone stands in the scope. With spaces in it, no template can say it.
const ZONE: &str = "zone of the reader";
/// The name under which values are put aside.
const ASIDE: &str = "values put aside";

/// The language. Only the part called `body` is HTML.
pub(super) fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|name| if name == "body" { AutoEscape::Html } else { AutoEscape::None });
    environment.set_formatter(format);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(RECURSION);
    // Errors then say where they are. They also hold the scope: `RenderError::of` leaves all of that behind.
    environment.set_debug(true);
    // Whatever a contact's data is, it is text and never markup.
    environment.remove_filter("safe");
    // Shows everything in scope.
    environment.remove_global("debug");
    // Values that grow from one round of a loop to the next grow without a bound that fuel would see.
    environment.remove_global("namespace");
    environment.add_filter("date", date);
    environment.add_filter("urlencode", urlencode);
    environment
}

/// The space that has no width: it says where a word may be broken.
const NO_WIDTH: char = '\u{200b}';

/// Writes a value; in HTML, so that it is nothing but text, or a mark in its place where values are being put aside.
fn format(out: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    let Some(text) = value.as_str().filter(|_| matches!(state.auto_escape(), AutoEscape::Html) && !value.is_safe())
    else {
        return minijinja::escape_formatter(out, state, value);
    };
    let escaped = shape::escape(text);
    // What is empty may make its element disappear, and texts are made without the space that has no width, which a value
    // would bring back: such a mail has a shape of its own.
    let seen = text.chars().any(|c| !c.is_whitespace() && !c.is_control()) && !text.contains(NO_WIDTH);
    let aside = state.lookup(ASIDE).filter(|_| seen).and_then(|aside| aside.downcast_object::<Aside>());
    let Some(aside) = aside else { return out.write_str(&escaped).map_err(Error::from) };
    let mark = aside
        .put(Written { escaped, plain: text.to_owned() })
        .ok_or_else(|| Error::new(ErrorKind::WriteFailure, "the values of the mail are too large"))?;
    out.write_str(&mark).map_err(Error::from)
}

/// Values that were put aside while a part was filled.
#[derive(Debug, Default)]
struct Aside(Mutex<(Vec<Written>, usize)>);

impl Object for Aside {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }
}

impl Aside {
    /// Takes a value and gives its mark, until they are too many.
    fn put(&self, value: Written) -> Option<String> {
        let mut aside = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        aside.1 += value.escaped.len();
        if aside.1 > MAX_OUTPUT {
            return None;
        }
        aside.0.push(value);
        Some(shape::mark(aside.0.len() - 1))
    }

    fn take(&self) -> Vec<Written> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).0)
    }
}

/// `{{ entry.appointment_at | date("%A %-d %B, %H:%M") }}`: a date in the contact's zone.
fn date(state: &State, value: &Value, pattern: Option<&str>) -> Result<String, Error> {
    if value.is_undefined() {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    let refused = || Error::new(ErrorKind::InvalidOperation, "not a date, or not a pattern for one");
    let zone = state.lookup(ZONE).and_then(|zone| zone.downcast_object::<Reader>()).ok_or_else(refused)?;
    let at = value.as_str().and_then(|text| calendar::parse_text(text, &zone.0)).ok_or_else(refused)?;
    let local = at.to_zoned_datetime(zone.0.clone());
    strtime::format(pattern.unwrap_or("%Y-%m-%d"), &local).map_err(|_| refused())
}

/// `{{ entry.page | urlencode }}`: text that stays one piece of a URL.
fn urlencode(value: &Value) -> Result<String, Error> {
    if value.is_undefined() {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    let mut url = String::new();
    for byte in value.to_string().bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            url.push('%');
            url.extend([byte >> 4, byte & 15].map(|half| char::from(b"0123456789ABCDEF"[usize::from(half)])));
        }
    }
    Ok(url)
}

/// Whose clock dates are written for.
#[derive(Debug)]
struct Reader(TimeZone);

impl Object for Reader {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }
}

/// What templates see.
pub(super) fn context(scope: &RenderScope<'_>) -> Value {
    let mut root: BTreeMap<String, Value> = BTreeMap::new();
    root.insert("contact".to_owned(), contact(scope.contact));
    root.insert("entry".to_owned(), object(scope.entry));
    root.insert("saved".to_owned(), object(scope.saved));
    root.insert("now".to_owned(), Value::from(scope.now.to_string()));
    root.insert("links".to_owned(), texts(scope.links.iter().map(|(name, url)| (name.as_str(), Some(url.as_str())))));
    root.insert(ZONE.to_owned(), Value::from_object(Reader(scope.tz.clone())));
    if let Some(url) = scope.unsubscribe_url {
        root.insert("unsubscribe_url".to_owned(), Value::from(url));
    }
    Value::from_pairs(root)
}

fn contact(contact: &Contact) -> Value {
    let topics = contact.topics.iter().map(|(topic, answer)| {
        let answer = match answer {
            Subscription::Subscribed => "subscribed",
            Subscription::Unsubscribed => "unsubscribed",
        };
        (topic.as_str(), Some(answer))
    });
    let mut fields: BTreeMap<String, Value> = BTreeMap::new();
    let texts_of_contact = [
        ("id", Some(contact.id.as_str())),
        ("email", contact.email.as_ref().map(|email| email.expose().as_str())),
        ("zone", contact.zone.as_deref()),
        ("locale", contact.locale.as_deref()),
    ];
    for (name, text) in texts_of_contact {
        if let Some(text) = text {
            fields.insert(name.to_owned(), Value::from(text));
        }
    }
    fields.insert("attributes".to_owned(), object(contact.attributes.expose()));
    fields.insert("topics".to_owned(), texts(topics));
    Value::from_pairs(fields)
}

fn texts<'a>(texts: impl Iterator<Item = (&'a str, Option<&'a str>)>) -> Value {
    Value::from_pairs(texts.filter_map(|(name, text)| Some((name, text?))))
}

/// `null` counts as missing, here as in conditions.
fn object(fields: &Attributes) -> Value {
    let there = fields.iter().filter(|(_, value)| !value.is_null());
    Value::from_pairs(there.map(|(name, value)| (name.as_str(), value_of(value))))
}

fn value_of(json: &Json) -> Value {
    match json {
        Json::Null => Value::from(()),
        Json::Bool(truth) => Value::from(*truth),
        Json::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(whole), ..) => Value::from(whole),
            (None, Some(whole), _) => Value::from(whole),
            (None, None, float) => Value::from(float),
        },
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => items.iter().map(value_of).collect::<Vec<_>>().into(),
        Json::Object(fields) => object(fields),
    }
}

/// Fills the body with marks in place of its values, and gives the values too.
pub(super) fn run_marked(
    environment: &Environment<'_>,
    context: &Value,
) -> Result<(String, Vec<Written>), RenderError> {
    let aside = Arc::new(Aside::default());
    let pairs = [(ASIDE, Value::from_dyn_object(Arc::clone(&aside)))];
    let context = minijinja::value::merge_maps([Value::from_pairs(pairs), context.clone()]);
    let body = run(environment, Part::Body, &context)?;
    Ok((body, aside.take()))
}

/// Fills one part, up to [`MAX_OUTPUT`].
pub(super) fn run(environment: &Environment<'_>, part: Part, context: &Value) -> Result<String, RenderError> {
    let failed = |error: Error| RenderError::of(part, &error);
    let template = environment.get_template(part.as_str()).map_err(failed)?;
    let mut output = Limited(Vec::new());
    template.render_captured_to(context.clone(), &mut output).map_err(failed)?;
    Ok(String::from_utf8_lossy(&output.0).into_owned())
}

/// Takes what a template writes until that is too much.
struct Limited(Vec<u8>);

impl io::Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_OUTPUT {
            return Err(io::Error::other("too large"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
