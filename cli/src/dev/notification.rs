//! What somebody does with a mail, told as SES tells it: the built-in mailbox goes the way that the real service goes.

use serde::Deserialize;
use serde_json::{Value, json};

use jiff::Timestamp;

use super::mailbox::{Action, Mail};

/// The program that a person reads mail with, where nobody says another.
const READER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Thunderbird/140.0";

/// Who does it, and to what.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Actor {
    /// The name of the link that is followed.
    #[serde(default)]
    pub(crate) link: Option<String>,
    /// The program it is done with.
    #[serde(default)]
    pub(crate) user_agent: Option<String>,
    /// Where it comes from.
    #[serde(default)]
    pub(crate) ip: Option<String>,
    /// Whether the service calls it a machine; where it is not said, program and address have to tell.
    #[serde(default)]
    pub(crate) machine: Option<bool>,
}

/// The notification of an action. `url` is where a followed link leads.
pub(crate) fn notification(mail: &Mail, action: Action, actor: &Actor, url: &str, at: Timestamp) -> Value {
    let mut told = json!({
        "eventType": event_type(action),
        "mail": {
            "timestamp": mail.at,
            "messageId": mail.id,
            "source": mail.from,
            "sendingAccountId": "000000000000",
            "destination": [mail.to],
            "headersTruncated": false,
            "headers": [],
            "commonHeaders": { "from": [mail.from], "to": [mail.to], "messageId": mail.id },
            "tags": mail.tags.iter().map(|(name, value)| ((*name).to_owned(), json!([value]))).collect::<serde_json::Map<_, _>>(),
        },
    });
    let (field, detail) = match action {
        Action::Open => ("open", visit(actor, at)),
        Action::Click => {
            let mut click = visit(actor, at);
            click["link"] = json!(url);
            if let Some(name) = actor.link.as_deref().filter(|name| !name.is_empty()) {
                click["linkTags"] = json!({ "name": [name] });
            }
            ("click", click)
        }
        Action::Bounce => {
            let back = json!({ "emailAddress": mail.to, "action": "failed", "status": "5.1.1" });
            let kind = json!({ "bounceType": "Permanent", "bounceSubType": "General", "bouncedRecipients": [back],
                "timestamp": at, "feedbackId": format!("{}-bounce", mail.id) });
            ("bounce", kind)
        }
        Action::Complain => {
            let complaint = json!({ "complainedRecipients": [{ "emailAddress": mail.to }], "timestamp": at,
                "feedbackId": format!("{}-complaint", mail.id), "complaintFeedbackType": "abuse" });
            ("complaint", complaint)
        }
    };
    told[field] = detail;
    told
}

const fn event_type(action: Action) -> &'static str {
    match action {
        Action::Open => "Open",
        Action::Click => "Click",
        Action::Bounce => "Bounce",
        Action::Complain => "Complaint",
    }
}

fn visit(actor: &Actor, at: Timestamp) -> Value {
    let mut visit = json!({
        "timestamp": at,
        "ipAddress": actor.ip.as_deref().unwrap_or("127.0.0.1"),
        "userAgent": actor.user_agent.as_deref().unwrap_or(READER),
    });
    // Somebody who names a program wants to see what is made of it.
    let machine = actor.machine.or_else(|| actor.user_agent.is_none().then_some(false));
    if let Some(machine) = machine {
        visit["isBotEvent"] = json!(if machine { "Likely" } else { "Unlikely" });
    }
    visit
}
