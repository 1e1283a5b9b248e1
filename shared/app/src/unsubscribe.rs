//! Unsubscribing: the links that mails carry, and what their readers answer by them.
//!
//! Whoever holds a mail holds its link, so a link tells nothing but topics, and can do nothing but change answers to them.

use std::collections::{BTreeMap, BTreeSet};

use carepath_engine::advance::{Engagement, EngagementKind, Reader};
use carepath_engine::compile::WayOut;
use carepath_engine::contact::{Attributes, Subscription};
use carepath_engine::ids::{EventId, Name, TopicId};
use carepath_engine::unsubscribe::UnsubscribeToken;
use carepath_engine::version::{Class, StepIndex, Version};
use carepath_engine::{Contact, Run};
use serde_json::json;

use crate::App;
use crate::catalog::{Account, Published};
use crate::change::{self, Read};
use crate::drive;
use crate::engage::engage;
use crate::error::UseError;
use crate::ingest::{self, NewEvent};
use crate::ports::{Ports, Store};

/// What the reader of a mail asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// No more mails like this one: what a mail program asks for in the name of its user (RFC 8058).
    OneClick,
    /// No more mails about anything.
    Nothing,
    /// Mails about these topics.
    Topics {
        /// The topics that the reader has seen: to no other was anything said.
        shown: BTreeSet<TopicId>,
        /// Those of them that mails are wanted about.
        wanted: BTreeSet<TopicId>,
    },
}

/// A topic, as the page that a link leads to shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Which.
    pub topic: TopicId,
    /// Whether the contact has said yes to it.
    pub subscribed: bool,
}

/// Where the reader of a mail can unsubscribe. `None` as long as nobody has said at which address the public finds this
/// installation.
pub(crate) fn url<P: Ports>(
    app: &App<P>,
    account: &Account,
    run: &Run,
    version: &Version,
    step: StepIndex,
) -> Option<String> {
    let Some(base) = base_url(app, account) else {
        app.no_base_url.call_once(|| {
            tracing::warn!(
                "the settings have no `base_url`: mails carry no link for unsubscribing, and marketing fails"
            );
        });
        return None;
    };
    // Care does not ask for a subscription, so its topic is none that an answer would change anything about.
    let topic = version.topic.clone().filter(|_| version.class != Class::Care);
    let token = UnsubscribeToken { run: run.id.clone(), step, topic };
    Some(format!("{base}/u/{}", token.seal(&app.secret)))
}

/// Where the link leads that people do not see, where mails have one: to a page that says so, and knows nobody. No token is a dash.
pub(crate) fn hidden_url<P: Ports>(app: &App<P>, account: &Account) -> Option<String> {
    base_url(app, account).filter(|_| account.hidden_link).map(|base| format!("{base}/u/{HIDDEN}"))
}

/// What stands in the place of a token there.
pub const HIDDEN: &str = "-";

fn base_url<'a, P: Ports>(app: &'a App<P>, account: &'a Account) -> Option<&'a str> {
    account.base_url.as_deref().or(app.base_url.as_deref())
}

/// What rules have to know of the account.
pub(crate) fn way_out<P: Ports>(app: &App<P>, account: &Account) -> WayOut {
    match (base_url(app, account), account.links.contains_key("unsubscribe")) {
        (Some(_), _) => WayOut::Given,
        (None, true) => WayOut::OwnPage,
        (None, false) => WayOut::Missing,
    }
}

/// The topics that there are to choose from, and what the contact has said to each. Those of somebody who is gone are as
/// those of somebody who never said anything.
///
/// # Errors
/// What the store cannot do.
pub async fn choices<P: Ports>(app: &App<P>, token: &UnsubscribeToken) -> Result<Vec<Choice>, UseError> {
    let reader = reader(app, token).await?;
    let answer = |topic: &TopicId| reader.as_ref().and_then(|(contact, _)| contact.topics.get(topic).copied());
    let offered = offered(&*app.published().await?, token).into_iter();
    Ok(offered.map(|topic| Choice { subscribed: answer(&topic) == Some(Subscription::Subscribed), topic }).collect())
}

/// Does what the reader of a mail asks for; `true` where that changes anything. The topics are changed as any other
/// caller changes them, so that what waits for a mail finds the new answer when it is claimed (S11), and an event says
/// when it was and by which mail.
///
/// # Errors
/// What the store cannot do; asking again does no harm.
pub async fn act<P: Ports>(app: &App<P>, token: &UnsubscribeToken, wish: &Wish) -> Result<bool, UseError> {
    // To somebody who is gone no mail goes any more.
    let Some((contact, run)) = reader(app, token).await? else { return Ok(false) };
    let published = app.published().await?;
    let news = news(&published, token, wish, &contact);
    if news.is_empty() {
        return Ok(false);
    }
    // The event comes first: should this process die in between, asking again finds the topics as they were, and the
    // event under the same id.
    record(app, token, &contact, run.as_ref(), &news).await?;
    if leaves(&news) {
        told_by(app, token, run.as_ref()).await?;
    }
    let id = contact.id.clone();
    let read = Read { contact: Some(contact), address: None };
    let changed = change::change_known(app, &id, Some(read), |before, _| {
        let mut contact = before.cloned().ok_or(UseError::NotFound { what: "contact" })?;
        let news = self::news(&published, token, wish, &contact);
        contact.topics.extend(news);
        Ok(contact)
    });
    match changed.await {
        Ok(_) => Ok(true),
        Err(UseError::NotFound { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The contact that got the mail, and the run that sent it. `None` where the contact is gone, even if somebody else has
/// come under the same id since (S26).
async fn reader<P: Ports>(app: &App<P>, token: &UnsubscribeToken) -> Result<Option<(Contact, Option<Run>)>, UseError> {
    let (run, contact) = app.store().run_and_contact(&token.run).await?;
    let Some(contact) = contact else { return Ok(None) };
    Ok(run.as_ref().is_none_or(|run| run.contact == contact.id).then_some((contact, run)))
}

/// The topics that an answer changes something about: those of the mail and of all published workflows that are not care.
fn offered(published: &Published, token: &UnsubscribeToken) -> BTreeSet<TopicId> {
    of_class(published, |class| class != Class::Care).chain(token.topic.clone()).collect()
}

fn of_class(published: &Published, fits: impl Fn(Class) -> bool) -> impl Iterator<Item = TopicId> {
    let versions = published.workflows.values().map(|live| &live.version);
    versions.filter(move |version| fits(version.class)).filter_map(|version| version.topic.clone())
}

/// The answers that a wish comes to, without those that the contact has given already.
fn news(
    published: &Published,
    token: &UnsubscribeToken,
    wish: &Wish,
    contact: &Contact,
) -> BTreeMap<TopicId, Subscription> {
    let no = |topic: TopicId| (topic, Subscription::Unsubscribed);
    let mut answers: BTreeMap<TopicId, Subscription> = match wish {
        Wish::OneClick => match &token.topic {
            Some(topic) => [no(topic.clone())].into(),
            None => of_class(published, |class| class == Class::Marketing).map(no).collect(),
        },
        Wish::Nothing => offered(published, token).into_iter().chain(contact.topics.keys().cloned()).map(no).collect(),
        Wish::Topics { shown, wanted } => {
            let answer = |topic: TopicId| {
                let yes = wanted.contains(&topic);
                (topic, if yes { Subscription::Subscribed } else { Subscription::Unsubscribed })
            };
            offered(published, token).into_iter().filter(|topic| shown.contains(topic)).map(answer).collect()
        }
    };
    answers.retain(|topic, answer| contact.topics.get(topic) != Some(answer));
    answers
}

fn leaves(news: &BTreeMap<TopicId, Subscription>) -> bool {
    news.values().any(|answer| *answer == Subscription::Unsubscribed)
}

/// Notes on the mail that its reader unsubscribed by it: reports count that by the step that sent it (S22).
async fn told_by<P: Ports>(app: &App<P>, token: &UnsubscribeToken, run: Option<&Run>) -> Result<(), UseError> {
    let Some(message) = run.and_then(|run| run.messages.get(&run.tagged(token.step)?)) else { return Ok(()) };
    let told = Engagement {
        step: token.step,
        attempt: message.attempt,
        message: message.ids.first().cloned().unwrap_or_default(),
        kind: EngagementKind::Unsubscribed,
        at: app.now(),
        by: Reader::Person,
    };
    engage(app, &token.run, &told).await
}

/// Keeps in the contact's timeline what was answered, when and by which mail.
async fn record<P: Ports>(
    app: &App<P>,
    token: &UnsubscribeToken,
    contact: &Contact,
    run: Option<&Run>,
    news: &BTreeMap<TopicId, Subscription>,
) -> Result<(), UseError> {
    const CORRUPT: UseError = UseError::Corrupt { what: "event" };
    let name = if leaves(news) { "carepath.unsubscribed" } else { "carepath.subscribed" };
    let name: Name = name.parse().map_err(|_| CORRUPT)?;
    // The same answer to the same mail and the same state of the contact is the same event.
    let (step, revision) = (token.step.to_string(), contact.revision.to_string());
    let told = json!(news).to_string();
    let id = app.secret.opaque("unsubscribed", &[token.run.as_str(), &step, &revision, &told]);
    let id: EventId = format!("unsubscribed-{id}").parse().map_err(|_| CORRUPT)?;
    let mut properties =
        Attributes::from_iter([("run".to_owned(), json!(token.run)), ("topics".to_owned(), json!(news))]);
    if let Some(run) = run {
        properties.insert("workflow".to_owned(), json!(run.workflow));
        let version = drive::version_of(app, run).await?;
        let step = run.tagged(token.step).and_then(|step| run.step_id(step, &version));
        properties.insert("step".to_owned(), json!(step));
    }
    let event = NewEvent { name, id: Some(id), at: None, properties };
    ingest::ingest(app, &contact.id, event).await.map(drop)
}
