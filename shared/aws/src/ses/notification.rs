//! Event notifications of SES, raw or wrapped by SNS.
//!
//! They hold the recipient, the headers and the link that was followed, so nothing of their text goes into an error.

use std::collections::BTreeMap;

use carepath_engine::advance::{Engagement, EngagementKind, Reader};
use carepath_engine::ids::RunId;
use jiff::Timestamp;
use serde::Deserialize;

use super::machine;

/// Why a notification cannot be acted on. Trying again does not mend it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotificationError {
    /// It is not what SES writes.
    #[error("the notification is not the JSON of an SES event")]
    Unreadable,
    /// It says that something happened, and not what.
    #[error("the notification lacks `{0}`")]
    Missing(&'static str),
    /// It carries our tags, and one is none that we have set.
    #[error("the tag `{0}` of the notification is none that Carepath sets")]
    BadTag(&'static str),
}

impl NotificationError {
    /// A stable name of what is wrong.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Missing(_) => "missing_field",
            Self::BadTag(_) => "bad_tag",
        }
    }
}

/// The envelope of SNS.
#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "Type")]
    kind: Option<String>,
    #[serde(rename = "Message")]
    message: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    #[serde(alias = "notificationType")]
    event_type: Option<String>,
    mail: Option<Mail>,
    bounce: Option<Detail>,
    complaint: Option<Detail>,
    delivery: Option<Detail>,
    open: Option<Detail>,
    click: Option<Detail>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mail {
    timestamp: Option<Timestamp>,
    message_id: Option<String>,
    #[serde(default)]
    tags: BTreeMap<String, Vec<String>>,
}

/// What any kind of event says about itself. Each kind has some of the fields.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    timestamp: Option<Timestamp>,
    user_agent: Option<String>,
    is_bot_event: Option<String>,
    bounce_type: Option<String>,
    link_tags: Option<BTreeMap<String, Vec<String>>>,
}

impl Detail {
    fn reader(&self) -> Reader {
        machine::reader(self.is_bot_event.as_deref(), self.user_agent.as_deref())
    }

    fn link(&self) -> String {
        let name = self.link_tags.as_ref().and_then(|tags| tags.get("name")?.first());
        name.cloned().unwrap_or_default()
    }
}

/// Reads a notification: the run whose mail it is about, and what became of the mail.
///
/// `None` for what changes no run: mails without our tags, delays, subscriptions, kinds that SES may add, and the
/// messages of SNS about itself.
///
/// # Errors
/// Where it is not an SES event, or says too little to act on.
pub fn parse(bytes: &[u8]) -> Result<Option<(RunId, Engagement)>, NotificationError> {
    let unreadable = |_| NotificationError::Unreadable;
    let envelope: Envelope = serde_json::from_slice(bytes).map_err(unreadable)?;
    let wire: Wire = match (envelope.kind.as_deref(), &envelope.message) {
        (Some("Notification"), Some(message)) => serde_json::from_str(message).map_err(unreadable)?,
        (Some(_), _) => return Ok(None),
        (None, _) => serde_json::from_slice(bytes).map_err(unreadable)?,
    };
    told(&wire)
}

/// Reads what SES told one after the other, with or without anything between. What cannot be read is the last of it.
///
/// # Errors
/// As [`parse`], of each.
pub(super) fn parse_all(bytes: &[u8]) -> impl Iterator<Item = Result<Option<(RunId, Engagement)>, NotificationError>> {
    let all = serde_json::Deserializer::from_slice(bytes).into_iter::<Wire>();
    all.map(|wire| told(&wire.map_err(|_| NotificationError::Unreadable)?))
}

fn told(wire: &Wire) -> Result<Option<(RunId, Engagement)>, NotificationError> {
    let event = wire.event_type.as_deref().ok_or(NotificationError::Missing("eventType"))?;
    let Some(found) = what_happened(event, wire)? else { return Ok(None) };
    let mail = wire.mail.as_ref().ok_or(NotificationError::Missing("mail"))?;
    let Some(run) = tag(mail, "run") else { return Ok(None) };
    let run = run.parse().map_err(|_| NotificationError::BadTag("run"))?;
    let message = mail.message_id.clone().ok_or(NotificationError::Missing("mail.messageId"))?;
    let at = found.at.or(mail.timestamp).ok_or(NotificationError::Missing("mail.timestamp"))?;
    let (step, attempt) = (number(mail, "step")?, number(mail, "attempt")?);
    Ok(Some((run, Engagement { step, attempt, message, kind: found.kind, at, by: found.by })))
}

struct Happened {
    kind: EngagementKind,
    /// Where the event does not say when, it is as old as its mail.
    at: Option<Timestamp>,
    by: Reader,
}

fn what_happened(event: &str, wire: &Wire) -> Result<Option<Happened>, NotificationError> {
    let plain = |kind| Happened { kind, at: None, by: Reader::Unsaid };
    let detail = |detail: &Option<Detail>, name, kind: &dyn Fn(&Detail) -> EngagementKind| {
        let detail = detail.as_ref().ok_or(NotificationError::Missing(name))?;
        Ok(Happened { kind: kind(detail), at: detail.timestamp, by: Reader::Unsaid })
    };
    let touched = |by: &Option<Detail>, name, kind: &dyn Fn(&Detail) -> EngagementKind| {
        let reader = by.as_ref().map_or(Reader::Unsaid, Detail::reader);
        detail(by, name, kind).map(|happened| Happened { by: reader, ..happened })
    };
    Ok(Some(match event {
        "Send" => plain(EngagementKind::Sent),
        // A template that SES could not fill was never sent either.
        "Reject" | "Rendering Failure" => plain(EngagementKind::Rejected),
        "Delivery" => detail(&wire.delivery, "delivery", &|_| EngagementKind::Delivered)?,
        "Bounce" => detail(&wire.bounce, "bounce", &|bounce| EngagementKind::Bounced {
            permanent: bounce.bounce_type.as_deref() == Some("Permanent"),
        })?,
        "Complaint" => detail(&wire.complaint, "complaint", &|_| EngagementKind::Complained)?,
        "Open" => touched(&wire.open, "open", &|_| EngagementKind::Opened)?,
        "Click" => touched(&wire.click, "click", &|click| EngagementKind::Clicked { link: click.link() })?,
        _ => return Ok(None),
    }))
}

fn tag<'a>(mail: &'a Mail, name: &str) -> Option<&'a str> {
    mail.tags.get(name)?.first().map(String::as_str)
}

fn number<T: std::str::FromStr>(mail: &Mail, name: &'static str) -> Result<T, NotificationError> {
    let text = tag(mail, name).ok_or(NotificationError::BadTag(name))?;
    text.parse().map_err(|_| NotificationError::BadTag(name))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const RUN: &str = "run_aaaaaaaaaaaaaaaaaaaa_bbbbbbbbbbbbbbbbbbbb";

    fn event(kind: &str, name: &str, detail: Value) -> Value {
        let mut event = json!({
            "eventType": kind,
            "mail": {
                "timestamp": "2026-11-24T10:00:00.000Z", "messageId": "m-1", "destination": ["canary@example.org"],
                "tags": {"run": [RUN], "step": ["3"], "attempt": ["1"], "ses:source-ip": ["192.0.2.1"]}
            }
        });
        event[name] = detail;
        event
    }

    fn read(event: &Value) -> Result<Option<(RunId, Engagement)>, NotificationError> {
        let raw = parse(event.to_string().as_bytes());
        let wrapped = json!({"Type": "Notification", "MessageId": "x", "Message": event.to_string()});
        assert_eq!(parse(wrapped.to_string().as_bytes()), raw, "the envelope changes nothing");
        raw
    }

    #[test]
    fn every_kind_of_event_is_put_into_the_engines_words() {
        let later = "2026-11-24T10:05:00Z";
        let at = json!({"timestamp": later});
        let link = |tags: Value| json!({"timestamp": later, "link": "https://example.org", "linkTags": tags});
        let clicked = |link: &str| EngagementKind::Clicked { link: link.to_owned() };
        let bounce = |kind: &str| json!({"timestamp": later, "bounceType": kind});
        let first = "2026-11-24T10:00:00Z";
        let table = [
            ("Send", "send", json!({}), EngagementKind::Sent, first),
            ("Reject", "reject", json!({"reason": "Bad content"}), EngagementKind::Rejected, first),
            ("Rendering Failure", "failure", json!({"errorMessage": "x"}), EngagementKind::Rejected, first),
            ("Delivery", "delivery", at.clone(), EngagementKind::Delivered, later),
            ("Bounce", "bounce", bounce("Permanent"), EngagementKind::Bounced { permanent: true }, later),
            ("Bounce", "bounce", bounce("Transient"), EngagementKind::Bounced { permanent: false }, later),
            ("Bounce", "bounce", bounce("Undetermined"), EngagementKind::Bounced { permanent: false }, later),
            ("Complaint", "complaint", at.clone(), EngagementKind::Complained, later),
            ("Open", "open", at, EngagementKind::Opened, later),
            ("Click", "click", link(json!({"name": ["book"]})), clicked("book"), later),
            ("Click", "click", link(json!({})), clicked(""), later),
            ("Click", "click", link(Value::Null), clicked(""), later),
        ];
        for (event_type, name, detail, kind, at) in table {
            let (run, engagement) = read(&event(event_type, name, detail)).unwrap().unwrap();
            assert_eq!(run.as_str(), RUN);
            let at = at.parse().unwrap();
            let expected = Engagement { step: 3, attempt: 1, message: "m-1".into(), kind, at, by: Reader::Unsaid };
            assert_eq!(engagement, expected, "{event_type}");
        }
    }

    /// S20: people, not machines.
    #[test]
    fn an_open_that_ses_takes_for_a_machines_is_one() {
        for (flag, by) in [("Likely", Reader::Machine), ("Unlikely", Reader::Person)] {
            let open = json!({"timestamp": "2026-11-24T10:05:00Z", "userAgent": "Mail/1.0", "isBotEvent": flag});
            assert_eq!(read(&event("Open", "open", open)).unwrap().unwrap().1.by, by);
        }
    }

    #[test]
    fn what_changes_no_run_is_passed_over() {
        for kind in ["DeliveryDelay", "Subscription", "Something New"] {
            assert_eq!(read(&event(kind, "x", json!({}))), Ok(None), "{kind}");
        }
        let mut foreign = event("Send", "send", json!({}));
        foreign["mail"]["tags"] = json!({"campaign": ["x"]});
        assert_eq!(read(&foreign), Ok(None));
        let about_itself = json!({"Type": "SubscriptionConfirmation", "Message": "You have chosen to subscribe"});
        assert_eq!(parse(about_itself.to_string().as_bytes()), Ok(None));
    }

    /// S24: a notification that cannot be read is not quoted.
    #[test]
    fn an_error_says_what_is_wrong_and_nothing_of_the_payload() {
        assert_eq!(parse(b"canary@example.org"), Err(NotificationError::Unreadable));
        assert_eq!(parse(b"{}"), Err(NotificationError::Missing("eventType")));
        assert_eq!(read(&event("Open", "x", json!({}))), Err(NotificationError::Missing("open")));
        for (tag, value) in [("run", "canary"), ("step", "-1"), ("attempt", "one")] {
            let mut event = event("Send", "send", json!({}));
            event["mail"]["tags"][tag] = json!([value]);
            assert_eq!(read(&event), Err(NotificationError::BadTag(tag)));
        }
        let mut event = event("Send", "send", json!({}));
        event["mail"]["timestamp"] = json!("canary");
        assert_eq!(read(&event), Err(NotificationError::Unreadable));
        assert!(!NotificationError::BadTag("run").to_string().contains("canary"));
    }
}
