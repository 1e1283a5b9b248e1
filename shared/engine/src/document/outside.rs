//! The steps that others hear of: events that a workflow tells, and webhooks.

use serde_json::Value;

use super::cursor::{At, Fields};
use super::faults::quote;
use super::kinds::templates;
use super::steps::Reading;
use crate::contact::Attributes;
use crate::event::RESERVED;
use crate::ids::Name;
use crate::version::StepKind;

/// The longest address of a webhook.
const MOST_URL: usize = 2_048;

pub(crate) fn emit(at: &At<'_>, step: &mut Fields<'_>, reading: &mut Reading<'_, '_>) -> Option<StepKind> {
    let next = reading.next(step);
    let mut fields = at.fields(reading.faults, "an object with `event`, such as `{ event: no_answer }`")?;
    let event =
        fields.need(reading.faults, "event", "the name of the event to tell").and_then(|name| own_name(&name, reading));
    let properties = fields.take("properties").map_or(Some(Attributes::new()), |properties| {
        let Value::Object(said) = properties.value else {
            properties.wrong(reading.faults, "an object of what the event says");
            return None;
        };
        templates(&properties, reading).then(|| said.clone())
    });
    fields.finish_with(reading.faults, |key| (key == "next").then_some("Write it beside `emit`."));
    Some(StepKind::Emit { event: event?, properties: properties?, next })
}

/// The name of an event that a workflow may tell: as written, and not one of Carepath's own.
fn own_name(at: &At<'_>, reading: &mut Reading<'_, '_>) -> Option<Name> {
    let name: Name = at.id(reading.faults, "the name of an event")?;
    if has_template(name.as_str()) {
        let message = "The name of an event is the same for everybody: a template in it would show contact data in lists and \
                       reports. Write the name out, and put the value into `properties`.";
        reading.faults.error("W011", &*at.pointer, message);
        return None;
    }
    if name.as_str().starts_with(RESERVED) {
        at.bad(
            reading.faults,
            format!("Events whose names begin with `{RESERVED}` are told by Carepath itself; use another name."),
        );
        return None;
    }
    Some(name)
}

pub(crate) fn webhook(at: &At<'_>, step: &mut Fields<'_>, reading: &mut Reading<'_, '_>) -> Option<StepKind> {
    let next = reading.next(step);
    let mut fields = at.fields(reading.faults, "an object with `url`")?;
    let url = fields
        .need(reading.faults, "url", "the address to call, such as `https://example.org/hooks/risk`")
        .and_then(|url| address(&url, reading));
    let body =
        fields.take("body").map_or(Some(None), |body| templates(&body, reading).then(|| Some(body.value.clone())));
    let save_as = fields.take("save_as").map_or(Some(None), |name| saved_name(&name, reading).map(Some));
    let on_failure = fields.take("on_failure").map(|edge| reading.edge(&edge));
    fields.finish_with(reading.faults, |key| (key == "next").then_some("Write it beside `webhook`."));
    Some(StepKind::Webhook { url: url?, body: body?, save_as: save_as?, next, on_failure })
}

/// A name that templates and paths can say.
fn saved_name(at: &At<'_>, reading: &mut Reading<'_, '_>) -> Option<Name> {
    let text = at.text(reading.faults, "the name to keep the answer under")?;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let fits = text.len() <= 63 && text.chars().all(plain) && !text.starts_with(|c: char| c.is_ascii_digit());
    if !fits || text.is_empty() {
        let wanted = "lower-case letters, digits and `_`, 63 at most and no digit first";
        at.bad(reading.faults, format!("{} is not a name to save under: use {wanted}.", quote(text)));
        return None;
    }
    text.parse().ok()
}

fn has_template(text: &str) -> bool {
    ["{{", "{%", "{#"].iter().any(|open| text.contains(open))
}

/// The address of a webhook. Nothing of a contact can be in it: it is the same for everybody.
fn address(at: &At<'_>, reading: &mut Reading<'_, '_>) -> Option<String> {
    let text = at.text(reading.faults, "the address to call")?;
    if has_template(text) {
        let message = "The address of a webhook is the same for everybody: a template in it would show contact data in the logs \
                       of whatever is on the way. Write the address out, and put the value into `body`.";
        reading.faults.error("W011", &*at.pointer, message);
        return None;
    }
    if let Err(problem) = check_address(text) {
        at.bad(reading.faults, format!("Nobody can be called at {}: {problem}.", quote(&without_user(text))));
        return None;
    }
    Some(text.to_owned())
}

/// An address for a message: whatever stands before an `@` may be a password.
fn without_user(text: &str) -> String {
    match text.rsplit_once('@') {
        Some((_, rest)) => format!("…@{rest}"),
        None => text.to_owned(),
    }
}

fn check_address(text: &str) -> Result<(), &'static str> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err("it has to begin with `https://`");
    };
    if text.len() > MOST_URL {
        return Err("it has more than 2,048 characters");
    }
    if text.contains('#') || !text.bytes().all(|byte| byte.is_ascii_graphic() && !br#""<>\^`{|}"#.contains(&byte)) {
        return Err("it has characters that no address has; write them as `%` and two digits");
    }
    let authority = rest.split(['/', '?']).next().unwrap_or(rest);
    if authority.contains('@') {
        return Err(
            "there is a user name or a password in it, which would be published with the document; the call is signed \
                    instead",
        );
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        Some(_) | None => (authority, None),
    };
    let in_brackets = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let named = !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    if !named && in_brackets.is_none_or(|host| host.parse::<std::net::Ipv6Addr>().is_err()) {
        return Err("there is no host in it");
    }
    if port.is_some_and(|port| port.parse::<u16>().map_or(true, |port| port == 0)) {
        return Err("its port is none");
    }
    let this_machine = ["localhost", "127.0.0.1", "[::1]"].contains(&host);
    match scheme {
        "https" => Ok(()),
        "http" if this_machine => Ok(()),
        "http" => Err("what is sent has to be encrypted: write `https://` (http is for this machine only)"),
        _ => Err("it has to begin with `https://`"),
    }
}
