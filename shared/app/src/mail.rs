//! The mail of a send step, ready to go out.

use std::collections::BTreeMap;

use carepath_engine::advance::HIDDEN_LINK;
use carepath_engine::calendar;
use carepath_engine::render::{RenderScope, Template};
use carepath_engine::version::Class;
use carepath_engine::{Contact, Run, Version};
use jiff::Timestamp;

use crate::catalog::Account;
use crate::ports::{Attempt, Link, Outgoing};

/// What a mail is made of.
pub(crate) struct Making<'a> {
    pub(crate) template: &'a Template,
    pub(crate) run: &'a Run,
    pub(crate) version: &'a Version,
    pub(crate) contact: &'a Contact,
    pub(crate) account: &'a Account,
    /// Where its reader can unsubscribe.
    pub(crate) unsubscribe: Option<String>,
    /// Where the link leads that people do not see.
    pub(crate) hidden: Option<String>,
    pub(crate) now: Timestamp,
    pub(crate) attempt: Attempt,
}

/// Makes the mail, or says as a code why it cannot be made.
pub(crate) fn make(making: Making<'_>) -> Result<Outgoing, &'static str> {
    let Making { template, run, version, contact, account, unsubscribe, hidden, now, attempt } = making;
    let zone = calendar::zone_of(contact.zone.as_deref(), version.policy.zone.as_ref(), &account.zone);
    let scope = RenderScope {
        contact,
        entry: run.entry.payload.expose(),
        saved: run.saved.expose(),
        tz: &zone.tz,
        now,
        // Whoever has a page of their own leads readers there; mail programs still come to ours, by the headers.
        unsubscribe_url: account.links.get("unsubscribe").or(unsubscribe.as_ref()).map(String::as_str),
        links: &account.links,
    };
    let to = contact.email.as_ref().ok_or("no_address")?.expose().clone();
    let headers = headers(version.class, unsubscribe.as_deref())?;
    let mail = template.render(&scope).map_err(|error| {
        tracing::warn!(run = %run.id, workflow = %run.workflow, problem = %error, "template");
        "template"
    })?;
    Ok(Outgoing {
        to,
        from: account.sender.clone(),
        subject: mail.subject,
        html: hidden.map(|url| with_hidden(&mail.html, &url)).unwrap_or(mail.html),
        text: mail.text,
        headers,
        links: mail.links.into_iter().map(|link| Link { name: link.name, url: link.url }).collect(),
        class: version.class,
        attempt,
    })
}

/// The mail with a link that no reader sees, and no text of the mail has: who follows it is a machine (S20). The tag is how the
/// mail service tells of it.
fn with_hidden(html: &str, url: &str) -> String {
    let url = url.replace('&', "&amp;").replace('"', "%22");
    let link = format!(
        "<a href=\"{url}\" ses:tags=\"name:{HIDDEN_LINK}\" rel=\"nofollow\" tabindex=\"-1\" aria-hidden=\"true\" style=\"display:none\"></a>"
    );
    let end = html.rfind("</body>").unwrap_or(html.len());
    format!("{}{link}{}", &html[..end], &html[end..])
}

/// What lets a mail program unsubscribe its user by one click (RFC 8058). Care is not for unsubscribing from; marketing
/// without a way out is not sent.
fn headers(class: Class, unsubscribe: Option<&str>) -> Result<BTreeMap<String, String>, &'static str> {
    match (class, unsubscribe) {
        (Class::Care, _) | (Class::Operational, None) => Ok(BTreeMap::new()),
        (Class::Marketing, None) => Err("no_base_url"),
        (Class::Operational | Class::Marketing, Some(url)) => Ok(BTreeMap::from([
            ("List-Unsubscribe".to_owned(), format!("<{url}>")),
            ("List-Unsubscribe-Post".to_owned(), "List-Unsubscribe=One-Click".to_owned()),
        ])),
    }
}
