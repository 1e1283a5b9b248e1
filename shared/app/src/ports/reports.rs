//! The port of what runs come to together.

use std::collections::BTreeMap;
use std::future::Future;

use carepath_engine::ids::{RunId, WorkflowId};
use carepath_engine::report::{Stay, Tally, Way, What, hour_of};
use carepath_engine::run::{FirstSeen, MessageState, Place};
use carepath_engine::version::StepIndex;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Page, StoreError};

/// A time of whole hours, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// The first hour, counted from 1970.
    pub from: i64,
    /// The first hour that is outside again.
    pub to: i64,
}

impl Period {
    /// The hours that `from` until `to` (excluded) touches.
    pub fn touched(from: Timestamp, to: Timestamp) -> Self {
        let whole = to.as_nanosecond().rem_euclid(3_600_000_000_000) == 0;
        Self { from: hour_of(from), to: hour_of(to) + i64::from(!whole) }
    }

    /// The hours from `from` on, with the one that `now` is in.
    pub fn until(from: Timestamp, now: Timestamp) -> Self {
        Self { from: hour_of(from), to: hour_of(now) + 1 }
    }

    /// Whether an hour is in it.
    pub const fn contains(&self, hour: i64) -> bool {
        self.from <= hour && hour < self.to
    }
}

/// A step of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The workflow.
    pub workflow: WorkflowId,
    /// The version.
    pub version: u32,
    /// The step.
    pub step: StepIndex,
}

/// Which of those who were in a step are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepState {
    /// All of them.
    Entered,
    /// Those who are there now.
    Waiting,
    /// Those who went on.
    MovedOn,
    /// Those whose run ended there.
    Ended,
    /// Those whose mail was sent.
    Sent,
    /// Those whose mail was left out.
    Skipped,
    /// Those whose mail was refused, or could not be made.
    Failed,
    /// Those of whose mail nobody knows whether it was sent.
    Unknown,
    /// Those whose mail reached the mailbox.
    Delivered,
    /// Those whose mail bounced.
    Bounced,
    /// Those who called it spam.
    Complained,
    /// Those who unsubscribed by it.
    Unsubscribed,
    /// Those who opened it; machines do not count.
    Opened,
    /// Those who clicked in it; machines do not count.
    Clicked,
}

impl StepState {
    /// All of them, by the names that the API has for them.
    pub const ALL: [(&str, Self); 14] = [
        ("entered", Self::Entered),
        ("waiting", Self::Waiting),
        ("moved_on", Self::MovedOn),
        ("ended", Self::Ended),
        ("sent", Self::Sent),
        ("skipped", Self::Skipped),
        ("failed", Self::Failed),
        ("unknown", Self::Unknown),
        ("delivered", Self::Delivered),
        ("bounced", Self::Bounced),
        ("complained", Self::Complained),
        ("unsubscribed", Self::Unsubscribed),
        ("opened", Self::Opened),
        ("clicked", Self::Clicked),
    ];
}

/// Somebody who is in a step, or was. It names nobody but the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visitor {
    /// The run.
    pub run: RunId,
    /// Its stay in the step.
    pub stay: StayRecord,
}

/// What is told of one stay of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StayRecord {
    /// Since when.
    #[serde(rename = "a")]
    pub entered: Timestamp,
    /// Until when; `None` while the run is there.
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    pub left: Option<Timestamp>,
    /// Why the run ended there, if it did.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    /// What became of its mail.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<MailRecord>,
}

/// What became of the mail of a stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailRecord {
    /// Where it stands.
    #[serde(rename = "s")]
    pub state: MessageState,
    /// Since when.
    #[serde(rename = "a")]
    pub at: Timestamp,
    /// Why it was not sent.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it reached the mailbox.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub delivered: Option<Timestamp>,
    /// When it bounced.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub bounced: Option<Timestamp>,
    /// When it was called spam.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub complained: Option<Timestamp>,
    /// When its reader unsubscribed by it.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub unsubscribed: Option<Timestamp>,
    /// When it was first opened.
    #[serde(rename = "o", default, skip_serializing_if = "FirstSeen::is_empty")]
    pub opened: FirstSeen,
    /// When any of its links was first clicked.
    #[serde(rename = "t", default, skip_serializing_if = "FirstSeen::is_empty")]
    pub clicked: FirstSeen,
}

impl StayRecord {
    /// What a stay tells.
    pub fn of(stay: &Stay<'_>) -> Self {
        let (left, ended) = match stay.way {
            Way::Here => (None, None),
            Way::On(_, at) => (Some(at), None),
            Way::Ended(reason, at) => (Some(at), Some(reason.to_owned())),
        };
        let mail = stay.mail.map(|mail| {
            let first = |by: fn(&FirstSeen) -> Option<Timestamp>| mail.clicked.values().filter_map(by).min();
            MailRecord {
                state: mail.state,
                at: mail.at,
                reason: mail.reason.as_ref().map(ToString::to_string),
                delivered: mail.delivered,
                bounced: mail.bounced,
                complained: mail.complained,
                unsubscribed: mail.unsubscribed,
                opened: mail.opened,
                clicked: FirstSeen {
                    human: first(|seen| seen.human),
                    machine: first(|seen| seen.machine),
                    corrected: first(|seen| seen.corrected),
                    ..FirstSeen::default()
                },
            }
        });
        Self { entered: stay.at, left, ended, mail }
    }

    /// Whether it is one of those who are asked for.
    pub fn is(&self, state: StepState) -> bool {
        let mail = |holds: &dyn Fn(&MailRecord) -> bool| self.mail.as_ref().is_some_and(holds);
        match state {
            StepState::Entered => true,
            StepState::Waiting => self.left.is_none(),
            StepState::MovedOn => self.left.is_some() && self.ended.is_none(),
            StepState::Ended => self.ended.is_some(),
            StepState::Sent => mail(&|mail| mail.state == MessageState::Sent),
            StepState::Skipped => mail(&|mail| mail.state == MessageState::Skipped),
            StepState::Failed => mail(&|mail| mail.state == MessageState::Failed),
            StepState::Unknown => mail(&|mail| mail.state == MessageState::Unknown),
            StepState::Delivered => mail(&|mail| mail.delivered.is_some()),
            StepState::Bounced => mail(&|mail| mail.bounced.is_some()),
            StepState::Complained => mail(&|mail| mail.complained.is_some()),
            StepState::Unsubscribed => mail(&|mail| mail.unsubscribed.is_some()),
            StepState::Opened => mail(&|mail| mail.opened.human.is_some()),
            StepState::Clicked => mail(&|mail| mail.clicked.human.is_some()),
        }
    }
}

/// How busy a workflow is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Activity {
    /// Runs that have not ended.
    pub live: i64,
    /// Runs that began in the period.
    pub entered: i64,
    /// Runs that ended in it.
    pub ended: i64,
}

impl Activity {
    /// What the numbers of a period, with those of now, come to.
    pub fn of(tally: &Tally) -> Self {
        let mut activity = Self::default();
        for (cell, count) in tally.iter() {
            let what = &cell.counter.what;
            if *what == What::Waiting {
                activity.live += count;
            } else if *what == What::Entered && cell.counter.place == Place::Entry {
                activity.entered += count;
            } else if matches!(what, What::Ended(_)) {
                activity.ended += count;
            }
        }
        activity
    }
}

/// What runs come to together (S22), however it is come by: counted when asked, or kept beside the runs. What is kept may lag
/// behind them by moments.
pub trait Reports: Send + Sync + 'static {
    /// What the runs of a workflow come to in one version or in all: over all time, or in a period, with those that are waiting
    /// now in either case. The cells of the answer have no hour.
    fn report(
        &self,
        workflow: &WorkflowId,
        version: Option<u32>,
        period: Option<Period>,
    ) -> impl Future<Output = Result<Tally, StoreError>> + Send;

    /// Who is in a step, or was, in an order of no meaning; at most `limit`. A page may be empty and not be the last.
    fn in_step(
        &self,
        at: &Position,
        state: StepState,
        limit: usize,
        cursor: Option<&str>,
    ) -> impl Future<Output = Result<Page<Visitor>, StoreError>> + Send;

    /// How busy workflows are, in a period and now.
    fn activity(
        &self,
        workflows: &[WorkflowId],
        period: Period,
    ) -> impl Future<Output = Result<BTreeMap<WorkflowId, Activity>, StoreError>> + Send;

    /// Everything that is kept of a workflow's numbers, hours too; `None` where none are kept, since runs are counted when
    /// somebody asks.
    fn kept(&self, workflow: &WorkflowId) -> impl Future<Output = Result<Option<Tally>, StoreError>> + Send;

    /// Adds to what is kept. In doubt it may be done or not: whoever compares again finds out.
    fn mend(&self, workflow: &WorkflowId, by: &Tally) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The records of stays; `None` where none are kept. The answer has one for each that is asked for, in their order.
    fn recorded(
        &self,
        stays: &[(Position, RunId)],
    ) -> impl Future<Output = Result<Option<Vec<Option<StayRecord>>>, StoreError>> + Send;

    /// Writes records of stays over whatever is kept of them.
    fn restore(&self, stays: &[(Position, RunId, StayRecord)]) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Draws together what is kept apart only while something is added to it. Says how much of that there was.
    fn tidy(&self, workflow: &WorkflowId, now: Timestamp) -> impl Future<Output = Result<usize, StoreError>> + Send;
}
