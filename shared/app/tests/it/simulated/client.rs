//! What clients do to an installation, as the dice fall.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::fmt;

use carepath_app::change::{change_contact, delete_contact};
use carepath_app::documents::Expect;
use carepath_app::ingest::{NewEvent, ingest};
use carepath_app::migrate::Order;
use carepath_app::ports::Attempt;
use carepath_app::{App, UseError, admit, migrate, unknown, work, workflows};
use carepath_engine::ids::{ContactId, RunId};
use carepath_engine::run::State;
use carepath_engine::{Contact, Phi};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::documents;
use crate::world::{Content, Dice, MemoryPorts};

/// A contact. Its own id does not print, and a history is to be read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Who(u64);

impl Who {
    pub(super) fn id(self) -> ContactId {
        format!("{self:?}").parse().unwrap()
    }
}

impl fmt::Debug for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{}", self.0)
    }
}

/// What a client sees when it begins.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    /// The runs.
    pub(super) runs: Vec<RunId>,
    /// Those with a send of which nobody knows, and whether the mail service took it.
    pub(super) unknown: Vec<(Attempt, bool)>,
}

impl Seen {
    /// `taken` are the attempts that the mail service took. What is not among them may still come, but where nobody is at
    /// anything.
    pub(super) fn of(content: &Content, taken: &[Attempt], idle: bool) -> Self {
        let unknown = content.runs.values().filter(|run| run.unknown_sends() > 0).filter_map(|run| {
            let (step, attempt) = match &run.state {
                State::Unknown { step, attempt, .. } => (*step, *attempt),
                State::Ended { open: Some(open), .. } => (open.step, open.attempt),
                State::Ended { open: None, .. }
                | State::Ready { .. }
                | State::Claimed { .. }
                | State::Calling { .. }
                | State::Waiting { .. }
                | State::Paused { .. } => return None,
            };
            let attempt = Attempt { run: run.id.clone(), step: run.tag(step), attempt };
            let sent = taken.contains(&attempt);
            (sent || idle).then_some((attempt, sent))
        });
        Self { runs: content.runs.keys().cloned().collect(), unknown: unknown.collect() }
    }
}

/// What an acknowledged action was answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Did {
    It,
    /// It was known already.
    Nothing,
    Began(RunId),
    Ended(RunId),
}

/// One thing that a client does, and repeats until it is acknowledged.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Action {
    /// A contact with an address, or with another attribute than it had.
    Register {
        who: Who,
    },
    /// An event, which happened a while ago.
    Tell {
        who: Who,
        name: &'static str,
        id: String,
        appointment: u64,
        ago: SignedDuration,
    },
    /// An attribute becomes true.
    Set {
        who: Who,
        attribute: &'static str,
    },
    Enroll {
        who: Who,
        workflow: &'static str,
        request: String,
    },
    Delete {
        who: Who,
    },
    /// Cancels the nth of the runs that there are by then.
    Cancel {
        nth: usize,
    },
    Pause {
        workflow: &'static str,
    },
    Resume {
        workflow: &'static str,
    },
    /// Somebody looks into the mail service's own records and tells of the nth of the unknown sends what became of it.
    Settle {
        nth: usize,
    },
    /// Another version of the journey.
    Publish {
        days: u64,
    },
    /// All live runs of the journey move to the version that is published.
    Migrate,
    /// A date that comes in some days.
    Plan {
        who: Who,
        days: i64,
    },
}

/// What is done in a history, and when. At the end everything that was paused goes on.
pub(super) fn plan(dice: &mut Dice, start: Timestamp) -> Vec<(Timestamp, Action)> {
    let people = 1 + dice.below(3);
    // Of some an event is the first thing that anybody tells.
    let known: Vec<_> = (0..people).filter(|_| dice.percent(90)).map(Who).collect();
    let mut plan: Vec<_> = known.into_iter().map(|who| (start, Action::Register { who })).collect();
    let mut at = start;
    for nth in 0..3 + dice.below(12) {
        // Much at once, and then nothing for hours or days.
        let most = dice.one_of(&[1, 1, 1, 60, 3_600, 86_400, 200_000]);
        at += SignedDuration::from_secs(i64::try_from(dice.below(most)).unwrap());
        let who = Who(dice.below(people));
        plan.push((at, action(dice, who, nth)));
        if dice.percent(25) {
            // The same again, by another client or by one that got no answer.
            let last = plan.last().cloned().unwrap().1;
            plan.push((at + SignedDuration::from_secs(i64::try_from(dice.below(200)).unwrap()), last));
        }
    }
    at += SignedDuration::from_hours(i64::try_from(dice.below(100)).unwrap());
    plan.extend(documents::ALL.into_iter().map(|workflow| (at, Action::Resume { workflow })));
    plan.sort_by_key(|(at, _)| *at);
    plan
}

fn action(dice: &mut Dice, who: Who, nth: u64) -> Action {
    let workflow = dice.one_of(&documents::ALL);
    match dice.below(28) {
        0..13 => {
            let name = dice.one_of(&[
                "joined",
                "joined",
                "joined",
                "booked",
                "booked",
                "cancelled",
                "confirmed",
                "forked",
                "offered",
                "offered",
            ]);
            let ago = dice.one_of(&[0, 0, 0, 5, 600, 90_000]);
            let appointment = dice.below(2);
            Action::Tell { who, name, id: format!("e{nth}"), appointment, ago: SignedDuration::from_secs(ago) }
        }
        13..16 => Action::Set { who, attribute: dice.one_of(&["first", "first", "second", "done", "other"]) },
        16 => Action::Register { who },
        17 => Action::Enroll { who, workflow, request: format!("r{nth}") },
        18 => Action::Delete { who },
        19 => Action::Cancel { nth: dice.place(8) },
        20 => Action::Pause { workflow: dice.one_of(&["journey", "visit", workflow]) },
        21 => Action::Pause { workflow: "journey" },
        22 => Action::Resume { workflow },
        23 | 24 => Action::Migrate,
        25 => Action::Plan { who, days: dice.one_of(&[2, 3, 10]) },
        _ => Action::Publish { days: 1 + dice.below(4) },
    }
}

impl Action {
    /// Does it.
    pub(super) async fn act(self, app: &App<MemoryPorts>, seen: Seen) -> Result<Did, UseError> {
        match self {
            Self::Register { who } => {
                let address = Phi(format!("{who:?}@example.org"));
                let edit = |contact: &mut Contact| {
                    contact.email = Some(address.clone());
                    set(contact, "plan", json!("gold"));
                };
                change(app, who, &edit).await?;
            }
            Self::Tell { who, name, id, appointment, ago } => {
                let properties = [("appointment".to_owned(), json!(appointment))].into_iter().collect();
                let (id, name) = (Some(id.parse().unwrap()), name.parse().unwrap());
                let new = NewEvent { name, id, at: Some(app.now() - ago), properties };
                let ingested = ingest(app, &who.id(), new).await?;
                return Ok(if ingested.duplicate { Did::Nothing } else { Did::It });
            }
            Self::Set { who, attribute } => change(app, who, &|contact| set(contact, attribute, json!(true))).await?,
            Self::Enroll { who, workflow, request } => {
                let workflow = workflow.parse().unwrap();
                let enrolled =
                    admit::enroll(app, &workflow, &who.id(), serde_json::Map::new(), None, Some(request)).await?;
                return Ok(enrolled.run.map_or(Did::Nothing, Did::Began));
            }
            Self::Delete { who } => delete_contact(app, &who.id()).await?,
            Self::Cancel { nth } => {
                if let Some(run) = seen.runs.get(nth % seen.runs.len().max(1)) {
                    work::cancel(app, run).await?;
                    return Ok(Did::Ended(run.clone()));
                }
            }
            Self::Settle { nth } => {
                if let Some((of, sent)) = seen.unknown.get(nth % seen.unknown.len().max(1)) {
                    unknown::settle(app, &of.run, Some(of.attempt), *sent, "pat").await?;
                }
            }
            Self::Pause { workflow } => drop(workflows::pause(app, &workflow.parse().unwrap(), Expect::Any).await?),
            Self::Resume { workflow } => {
                let id = workflow.parse().unwrap();
                workflows::unpause(app, &id, Expect::Any).await?;
                work::resume(app, &id).await?;
            }
            Self::Publish { days } => {
                let id = "journey".parse().unwrap();
                workflows::put(app, &id, documents::journey(days), Expect::Any).await?;
                workflows::publish(app, &id, Expect::Any).await?;
            }
            Self::Migrate => migrate_all(app).await?,
            Self::Plan { who, days } => {
                let date = (app.now() + SignedDuration::from_hours(24 * days)).strftime("%Y-%m-%d").to_string();
                change(app, who, &|contact| set(contact, "due", json!(date))).await?;
            }
        }
        Ok(Did::It)
    }
}

/// Moves runs page by page, as whoever asks does. All versions have the same steps, so every run has a place.
async fn migrate_all(app: &App<MemoryPorts>) -> Result<(), UseError> {
    let id = "journey".parse().unwrap();
    let mut cursor = None;
    loop {
        let order = Order { apply: true, cursor, ..Order::default() };
        let answer = migrate::migrate(app, &id, order, "pat").await?;
        let stuck: Vec<_> = answer.steps.iter().filter(|(_, at)| !at.cannot.is_empty()).collect();
        assert!(stuck.is_empty(), "S3: runs cannot move: {stuck:?}");
        cursor = answer.next;
        if cursor.is_none() {
            return Ok(());
        }
    }
}

/// Changes a contact, or makes it.
async fn change(app: &App<MemoryPorts>, who: Who, edit: &(dyn Fn(&mut Contact) + Sync)) -> Result<(), UseError> {
    let id = who.id();
    let changed = change_contact(app, &id, |before, now| {
        let mut contact = before.cloned().unwrap_or_else(|| Contact::new(id.clone(), now));
        edit(&mut contact);
        Ok(contact)
    });
    changed.await.map(drop)
}

fn set(contact: &mut Contact, attribute: &str, value: Value) {
    contact.attributes.0.insert(attribute.to_owned(), value);
}
