//! The mail of a send step, ready to go out.

use std::collections::BTreeMap;

use carepath_engine::calendar;
use carepath_engine::render::{RenderScope, Template};
use carepath_engine::{Contact, Run, Version};
use jiff::Timestamp;

use crate::catalog::Account;
use crate::ports::{Attempt, Link, Outgoing};

/// Makes the mail, or says as a code why it cannot be made.
pub(crate) fn make(
    template: &Template,
    run: &Run,
    version: &Version,
    contact: &Contact,
    account: &Account,
    now: Timestamp,
    attempt: Attempt,
) -> Result<Outgoing, &'static str> {
    let zone = calendar::zone_of(contact.zone.as_deref(), version.policy.zone.as_ref(), &account.zone);
    let scope = RenderScope {
        contact,
        entry: run.entry.payload.expose(),
        tz: &zone.tz,
        now,
        unsubscribe_url: account.links.get("unsubscribe").map(String::as_str),
        links: &account.links,
    };
    let to = contact.email.as_ref().ok_or("no_address")?.expose().clone();
    let mail = template.render(&scope).map_err(|error| {
        tracing::warn!(run = %run.id, workflow = %run.workflow, problem = %error, "template");
        "template"
    })?;
    Ok(Outgoing {
        to,
        from: account.sender.clone(),
        subject: mail.subject,
        html: mail.html,
        text: mail.text,
        headers: BTreeMap::new(),
        links: mail.links.into_iter().map(|link| Link { name: link.name, url: link.url }).collect(),
        attempt,
    })
}
