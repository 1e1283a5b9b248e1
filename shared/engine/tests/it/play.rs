//! A run that is played by hand: inputs and the clock are what a test says, and [`advance`] is the real one.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::collections::{BTreeMap, BTreeSet};

use carepath_engine::advance::{
    Alarm, Answer, Begin, Decision, Emitted, Engagement, EngagementKind, Input, Moment, Reader, Stale, advance, begin,
};
use carepath_engine::contact::Attributes;
use carepath_engine::event::{Event, Source};
use carepath_engine::history::Tracked;
use carepath_engine::ids::Secret;
use carepath_engine::run::{Outcome, State};
use carepath_engine::{Contact, Phi, Run, Version, compile};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde_json::{Value, json};

static ZONE: TimeZone = TimeZone::UTC;

pub(crate) fn start() -> Timestamp {
    "2026-11-24T12:00:00Z".parse().unwrap()
}

pub(crate) fn after(seconds: i64) -> Timestamp {
    start() + SignedDuration::from_secs(seconds)
}

pub(crate) fn version(document: &Value) -> Version {
    numbered(document, 1)
}

pub(crate) fn numbered(document: &Value, number: u32) -> Version {
    let pins = ["welcome", "more"].map(|id| (id.parse().unwrap(), 1));
    compile::reload(document, number, &BTreeMap::from(pins)).unwrap()
}

pub(crate) fn onboarding() -> Version {
    version(&json!({
        "id": "onboarding", "class": "care", "entry": { "event": "joined" },
        "exit": [{ "event": "left" }], "goal": { "event": "activated" },
        "steps": {
            "welcome": { "send": { "template": "welcome" }, "next": "read" },
            "read": { "wait_for": {
                "paths": [{ "when": { "opened": "welcome" }, "next": "more" }, { "event": "called", "next": "end" }],
                "timeout": "1h", "next": "end" } },
            "more": { "send": { "template": "more" }, "next": "end" }
        }
    }))
}

pub(crate) fn contact() -> Contact {
    let mut contact = Contact::new("pat".parse().unwrap(), start());
    contact.email = Some(Phi("pat@example.org".to_owned()));
    contact
}

pub(crate) fn secret() -> Secret {
    Secret::new([7; 32])
}

#[derive(Clone)]
pub(crate) struct Play {
    pub(crate) version: Version,
    pub(crate) contact: Contact,
    pub(crate) run: Run,
    pub(crate) alarms: Vec<Alarm>,
    pub(crate) events: Vec<Emitted>,
    pub(crate) paused: bool,
}

impl Play {
    pub(crate) fn new(version: Version) -> Self {
        let run = begun(&version, false);
        Self { version, contact: contact(), run, alarms: Vec::new(), events: Vec::new(), paused: false }
    }

    pub(crate) fn decide(&self, input: &Input, now: Timestamp) -> Decision {
        advance(&self.run, input, moment(&self.version, &self.contact, now, self.paused)).unwrap()
    }

    /// Applies an input, and says why nothing changed where nothing did.
    pub(crate) fn take(&mut self, input: &Input, now: Timestamp) -> Option<Stale> {
        match self.decide(input, now) {
            Decision::Ignore(stale) => Some(stale),
            Decision::Move(transition) => {
                self.run = transition.run;
                self.alarms.extend(transition.alarms);
                self.events.extend(transition.events);
                if let Some(contact) = transition.contact {
                    self.contact = contact;
                }
                None
            }
        }
    }

    pub(crate) fn at(&self) -> Option<&str> {
        self.run.state.step().map(|step| self.version.step(step).unwrap().id.as_str())
    }

    pub(crate) fn outcome(&self) -> Option<&Outcome> {
        if let State::Ended { outcome, .. } = &self.run.state { Some(outcome) } else { None }
    }
}

/// The first run of the contact in a version, whose workflow may be paused.
pub(crate) fn begun(version: &Version, paused: bool) -> Run {
    let contact = contact();
    begin(first(version), moment(version, &contact, start(), paused)).unwrap().run
}

/// What the contact's first run in a version begins with.
pub(crate) fn first(version: &Version) -> Begin {
    let key = secret().contact_key(&contact().id);
    Begin {
        id: secret().run_id(&key, &version.workflow, None, 1),
        key: None,
        number: 1,
        cause: "cause".to_owned(),
        payload: Attributes::new(),
        why: Vec::new(),
        lineage: Vec::new(),
        hops: 0,
        start: None,
    }
}

pub(crate) fn moment<'a>(version: &'a Version, contact: &'a Contact, now: Timestamp, paused: bool) -> Moment<'a> {
    Moment { now, version, contact, account_zone: &ZONE, paused, tracked: Tracked::nothing() }
}

/// The contact changed, and said nothing about topics.
pub(crate) fn changed() -> Input {
    Input::Changed { topics: BTreeSet::new() }
}

pub(crate) fn answered(step: u16, attempt: u32, answer: Answer) -> Input {
    Input::Answered { step, attempt, answer }
}

pub(crate) fn accepted(id: &str) -> Answer {
    Answer::Accepted { id: id.to_owned(), delivered: false }
}

pub(crate) fn engaged(step: u16, kind: EngagementKind, at: Timestamp, machine: bool) -> Input {
    Input::Engaged(Engagement { step, attempt: 1, message: "m1".to_owned(), kind, at, by: Reader::of(machine) })
}

pub(crate) fn event(id: &str, name: &str, at: Timestamp) -> Input {
    Input::Heard(Event {
        contact: None,
        id: id.parse().unwrap(),
        source: Source::Api,
        name: name.parse().unwrap(),
        at,
        received_at: at,
        properties: Phi::default(),
        hops: 0,
    })
}

pub(crate) fn sent() -> Play {
    let mut play = Play::new(onboarding());
    assert_eq!(play.take(&Input::Claim, start()), None);
    assert_eq!(play.take(&answered(0, 1, accepted("m1")), after(1)), None);
    assert_eq!(play.at(), Some("read"));
    play
}

/// Word of a first attempt under another id of the mail service.
pub(crate) fn told(step: u16, message: &str, kind: EngagementKind, at: Timestamp) -> Engagement {
    Engagement { step, attempt: 1, message: message.to_owned(), kind, at, by: Reader::Person }
}
