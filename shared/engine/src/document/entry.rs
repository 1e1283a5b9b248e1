//! What lets contacts in, what ends runs early, and what they are for.

use super::cursor::{At, Fields};
use super::faults::Faults;
use super::scalar::Sign;
use super::steps::Steps;
use super::triggers;
use crate::condition::parse::{self, Scope};
use crate::version::{Entry, ExitRule, Goal, Reentry, ReentryMode, Trigger};

const TRIGGERS: [&str; 7] = ["event", "attribute", "segment", "milestone", "inactivity", "schedule", "api"];
const MAX_EXITS: usize = 100;
const CLOSED: Reentry = Reentry { mode: ReentryMode::Never, min_gap: None, max_entries: None };

/// Reads `entry`. Where it has faults, the rest is checked as if only the API let contacts in.
pub(crate) fn read(workflow: &mut Fields<'_>, faults: &mut Faults) -> Entry {
    let closed = Entry { trigger: Trigger::Api, filter: None, key: None, reentry: CLOSED };
    let entry = workflow.need(faults, "entry", "what starts a run, such as `entry: { event: signed_up }`");
    let Some(mut fields) = entry.and_then(|at| at.fields(faults, "an object with a trigger, such as `{ api: true }`"))
    else {
        return closed;
    };
    let trigger = trigger(&mut fields, faults).unwrap_or(Trigger::Api);
    let filter = fields.take("filter").and_then(|at| parse::read(&at, Scope::CONTACT, faults));
    let key = fields.take("key").and_then(|at| at.path(faults, "the path of a property of the event"));
    let reentry = fields.take("reentry").and_then(|at| reentry(&at, faults)).unwrap_or(CLOSED);
    fields.finish_with(faults, |key| match key {
        "where" => Some("`where` goes with an `event` trigger; put conditions on the contact into `filter`."),
        "from" | "to" => Some("`from` and `to` go with an `attribute` trigger."),
        "on" => Some("`on` goes with a `segment` trigger."),
        _ => None,
    });
    Entry { trigger, filter, key, reentry }
}

fn trigger(fields: &mut Fields<'_>, faults: &mut Faults) -> Option<Trigger> {
    let Some(kind) = fields.exactly_one(faults, &TRIGGERS, "`entry`") else {
        // It is not clear which of them belong to the trigger that was meant.
        for name in ["where", "from", "to", "on"] {
            fields.take(name);
        }
        return None;
    };
    let at = fields.take(kind)?;
    match kind {
        "event" => {
            let name = at.id(faults, "the name of an event");
            let filter = fields
                .take("where")
                .map_or(Some(None), |filter| parse::read(&filter, Scope::TRIGGER, faults).map(Some));
            Some(Trigger::Event { name: name?, filter: filter? })
        }
        "attribute" => {
            let name = at.id(faults, "the name of an attribute");
            let from = fields.take("from").map(|from| from.value.clone());
            let to = fields.take("to").map(|to| to.value.clone());
            Some(Trigger::Attribute { name: name?, from, to })
        }
        "segment" => {
            let segment = at.id(faults, "the id of a segment");
            let entered = fields
                .need(faults, "on", "`on: enter` or `on: leave`")
                .and_then(|on| on.choice(faults, &[("enter", true), ("leave", false)]));
            Some(Trigger::Segment { segment: segment?, entered: entered? })
        }
        "api" => {
            if !at.flag(faults)? {
                at.bad(faults, "`api: false` would let nobody in; write `api: true`, or another trigger.");
            }
            Some(Trigger::Api)
        }
        "milestone" => triggers::milestone(&at, faults),
        "inactivity" => triggers::inactivity(&at, faults),
        _ => triggers::schedule(&at, faults),
    }
}

const MODES: [(&str, ReentryMode); 3] =
    [("never", ReentryMode::Never), ("after_exit", ReentryMode::AfterExit), ("always", ReentryMode::Always)];

fn reentry(at: &At<'_>, faults: &mut Faults) -> Option<Reentry> {
    if at.value.is_string() {
        return at.choice(faults, &MODES).map(|mode| Reentry { mode, ..CLOSED });
    }
    let mut fields = at.fields(faults, "`never`, `after_exit`, `always`, or an object such as `{ mode: always }`")?;
    let mode =
        fields.need(faults, "mode", "`never`, `after_exit` or `always`").and_then(|mode| mode.choice(faults, &MODES));
    let min_gap = fields.take("min_gap").and_then(|at| at.span(faults, Sign::NotNegative));
    let max_entries = fields.take("max_entries").and_then(|at| at.whole(faults, 1, 1_000_000));
    fields.finish(faults);
    Some(Reentry { mode: mode?, min_gap, max_entries })
}

/// Reads `exit`.
pub(crate) fn exits(workflow: &mut Fields<'_>, steps: &Steps, faults: &mut Faults) -> Vec<ExitRule> {
    let Some(at) = workflow.take("exit") else { return Vec::new() };
    let Some(items) = at.items(faults, "a list of rules, such as `- { event: cancelled }`") else { return Vec::new() };
    if items.len() > MAX_EXITS {
        faults.error(
            "D006",
            &*at.pointer,
            format!("A workflow has at most {MAX_EXITS} exit rules; put some together."),
        );
        return Vec::new();
    }
    items
        .iter()
        .filter_map(|item| {
            let mut fields = item.fields(faults, "a rule, such as `{ event: cancelled }`")?;
            let rule = rule(&mut fields, steps, faults, "An exit rule");
            fields.finish(faults);
            rule
        })
        .collect()
}

/// Reads `goal`.
pub(crate) fn goal(workflow: &mut Fields<'_>, steps: &Steps, faults: &mut Faults) -> Option<Goal> {
    let at = workflow.take("goal")?;
    let mut fields = at.fields(faults, "an object such as `{ event: booked, within: 30d }`")?;
    let within = fields.take("within").map_or(Some(None), |at| at.span(faults, Sign::Positive).map(Some));
    let rule = rule(&mut fields, steps, faults, "`goal`");
    fields.finish(faults);
    Some(Goal { rule: rule?, within: within? })
}

fn rule(fields: &mut Fields<'_>, steps: &Steps, faults: &mut Faults, what: &str) -> Option<ExitRule> {
    let kind = fields.exactly_one(faults, &["event", "when"], what);
    let body = kind.and_then(|kind| fields.take(kind));
    match kind {
        Some("event") => {
            let name = body.and_then(|body| body.id(faults, "the name of an event"));
            let filter = fields
                .take("where")
                .map_or(Some(None), |filter| parse::read(&filter, Scope::event(steps), faults).map(Some));
            Some(ExitRule::Event { name: name?, filter: filter? })
        }
        Some(_) => body.and_then(|body| parse::read(&body, Scope::run(steps), faults)).map(ExitRule::When),
        None => {
            fields.take("where");
            None
        }
    }
}
