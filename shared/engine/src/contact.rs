//! A contact: who somebody is to the workflows, and what changes of them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::explain::Explanation;
use crate::ids::{ContactId, Name, RunId, SegmentId, TopicId, WorkflowId};
use crate::phi::Phi;

/// Attributes by name: any JSON, compared without coercion.
pub type Attributes = Map<String, Value>;

/// The name under which it is known that a contact itself opened a mail, among its [`Contact::facts`].
pub const OPENED: &str = "carepath.opened";
/// The name under which it is known that a contact itself clicked a link.
pub const CLICKED: &str = "carepath.clicked";

/// A contact as it stands. `revision` grows with every change and guards the next one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contact {
    /// The caller's id.
    pub id: ContactId,
    /// Where mail goes. A contact without one is skipped by sends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Phi<String>>,
    /// An IANA zone, checked at the edge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// A BCP 47 language tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// What is known about the contact.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub attributes: Phi<Attributes>,
    /// What the contact said about each topic. A topic that is not here was never answered.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub topics: BTreeMap<TopicId, Subscription>,
    /// The segments that the contact is in, and since when.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub segments: BTreeMap<SegmentId, Timestamp>,
    /// Why no mail may go out any more, where that is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppressed: Option<Suppression>,
    /// Mails of workflows with a cap, kept as long as the longest cap looks back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capped_mails: Vec<CappedMail>,
    /// What happened to the contact, newest first, as far as conditions and triggers ask for it: see
    /// [`crate::history::Tracked`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<Name, Vec<Fact>>,
    /// When time alone can next change what is known of the contact or start a run of it (S21).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<Review>,
    /// Changes that published workflows wait for and that have not been acted on yet (S21, S28).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<PendingChange>,
    /// The last times at which a workflow did not let the contact in, newest first, but for what events tell of
    /// themselves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_admitted: Vec<NotAdmitted>,
    /// When the contact was first stored.
    pub created_at: Timestamp,
    /// When the contact last changed.
    pub updated_at: Timestamp,
    /// 0 for a contact that is not stored yet.
    #[serde(default)]
    pub revision: u64,
}

fn is_empty(attributes: &Phi<Attributes>) -> bool {
    attributes.0.is_empty()
}

/// What a contact answered about a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Subscription {
    /// Wants to hear about it.
    Subscribed,
    /// Does not want to.
    Unsubscribed,
}

/// Why an address takes no mail any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Suppression {
    /// The address bounced for good.
    Bounced,
    /// The recipient called a mail spam.
    Complained,
}

/// Something that happened to a contact, in short.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// When.
    pub at: Timestamp,
    /// The opaque name of the event that told of it, so that none counts twice (S19).
    pub event: String,
    /// The properties of the event that somebody asks for.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub properties: Phi<Attributes>,
}

/// What has to be looked at again, though nobody changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// When.
    pub at: Timestamp,
    /// Up to when all that time does has been done.
    pub since: Timestamp,
}

/// A trigger that let nobody in, and why (S4, S23).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NotAdmitted {
    /// When.
    pub at: Timestamp,
    /// Into which workflow.
    pub workflow: WorkflowId,
    /// The version that was asked.
    pub version: u32,
    /// What asked: the kind of its trigger.
    pub trigger: String,
    /// The reason, as [`crate::advance::Refusal::code`] has it.
    pub why: String,
    /// What was compared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub explanation: Vec<Explanation>,
}

/// How many of those a contact keeps.
pub const MOST_NOT_ADMITTED: usize = 20;

/// A mail that counts against a cap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CappedMail {
    /// When it was claimed.
    pub at: Timestamp,
    /// The run that sent it.
    pub run: RunId,
    /// The step of that run.
    pub step: u16,
}

/// A change of a contact that a published workflow may start from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PendingChange {
    /// The contact's revision that brought the change: with the change itself it names the cause of a run.
    pub revision: u64,
    /// When it happened.
    pub at: Timestamp,
    /// What changed.
    pub change: Change,
    /// The steps that led to it, where a run made it: what it starts begins with them (S2).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub hops: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde asks for")]
const fn is_zero(hops: &u32) -> bool {
    *hops == 0
}

/// One thing that changed about a contact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Change {
    /// An attribute has another value; `None` means that it is not there.
    Attribute {
        /// Which.
        name: Name,
        /// Before.
        from: Option<Phi<Value>>,
        /// After.
        to: Option<Phi<Value>>,
    },
    /// The contact came into a segment or left it.
    Segment {
        /// Which.
        segment: SegmentId,
        /// `true` for into.
        entered: bool,
    },
    /// The contact said something else about a topic.
    Topic {
        /// Which.
        topic: TopicId,
    },
    /// Something happened that is remembered.
    Fact {
        /// What: the name of the event.
        event: Name,
    },
}

impl Contact {
    /// A contact that is not stored yet and of whom only the id is known.
    pub fn new(id: ContactId, now: Timestamp) -> Self {
        Self {
            id,
            email: None,
            zone: None,
            locale: None,
            attributes: Phi::default(),
            topics: BTreeMap::new(),
            segments: BTreeMap::new(),
            suppressed: None,
            capped_mails: Vec::new(),
            facts: BTreeMap::new(),
            review: None,
            pending: Vec::new(),
            not_admitted: Vec::new(),
            created_at: now,
            updated_at: now,
            revision: 0,
        }
    }

    /// When somebody has to look at the contact, if anybody has to.
    pub fn due(&self) -> Option<Timestamp> {
        let pending = (!self.pending.is_empty()).then_some(self.updated_at);
        pending.into_iter().chain(self.review.map(|review| review.at)).min()
    }

    /// The value at a dotted path of the attributes, such as `address.city`. A name that itself has dots wins.
    pub fn attribute(&self, path: &str) -> Option<&Value> {
        lookup(self.attributes.expose(), path)
    }

    /// What changed of attributes, facts, topics and segments from `before` to `self`, by name.
    pub fn changes_since(&self, before: Option<&Self>) -> Vec<Change> {
        let empty = Attributes::new();
        let old = before.map_or(&empty, |contact| contact.attributes.expose());
        let new = self.attributes.expose();
        let mut changes: Vec<Change> = old
            .keys()
            .chain(new.keys().filter(|name| !old.contains_key(*name)))
            .filter(|name| old.get(*name) != new.get(*name))
            .filter_map(|name| {
                Some(Change::Attribute {
                    name: name.parse().ok()?,
                    from: old.get(name).cloned().map(Phi),
                    to: new.get(name).cloned().map(Phi),
                })
            })
            .collect();
        changes.extend(self.facts.iter().filter_map(|(name, facts)| {
            let known = before.and_then(|before| before.facts.get(name)).map_or(&[][..], Vec::as_slice);
            let news =
                facts.iter().any(|fact| known.iter().all(|known| known.event != fact.event || known.at < fact.at));
            news.then(|| Change::Fact { event: name.clone() })
        }));
        let topics = |contact: &Self| contact.topics.clone();
        let (old, new) = (before.map(topics).unwrap_or_default(), &self.topics);
        let touched: BTreeSet<&TopicId> = old.keys().chain(new.keys()).collect();
        let touched = touched.into_iter().filter(|topic| old.get(*topic) != new.get(*topic));
        changes.extend(touched.map(|topic| Change::Topic { topic: topic.clone() }));
        let none = BTreeMap::new();
        let were = before.map_or(&none, |contact| &contact.segments);
        changes.extend(
            were.keys()
                .filter(|id| !self.segments.contains_key(*id))
                .map(|id| Change::Segment { segment: id.clone(), entered: false }),
        );
        changes.extend(
            self.segments
                .keys()
                .filter(|id| !were.contains_key(*id))
                .map(|id| Change::Segment { segment: id.clone(), entered: true }),
        );
        changes
    }
}

/// The value at a dotted path. A key that is written with dots itself is found before its parts are tried.
pub fn lookup<'a>(object: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    if let Some(value) = object.get(path) {
        return Some(value);
    }
    let (head, rest) = path.split_once('.')?;
    lookup(object.get(head)?.as_object()?, rest)
}
