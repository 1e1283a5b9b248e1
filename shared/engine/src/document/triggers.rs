//! The triggers that time pulls.

use super::cursor::{At, Fields};
use super::faults::Faults;
use super::scalar::Sign;
use crate::calendar::Cron;
use crate::contact::{CLICKED, OPENED};
use crate::ids::Name;
use crate::version::{Every, Inactivity, Milestone, Schedule, Trigger, When};

const MAX_KINDS: usize = 20;

pub(super) fn milestone(at: &At<'_>, faults: &mut Faults) -> Option<Trigger> {
    let mut fields = at.fields(faults, "an object such as `{ attribute: birth_date, every: year }`")?;
    let attribute = fields
        .need(faults, "attribute", "the attribute that has the date")
        .and_then(|at| at.path(faults, "the path of a date attribute"));
    let every = fields
        .need(faults, "every", "`every: year`, or `every: once`")
        .and_then(|at| at.choice(faults, &[("year", Every::Year), ("once", Every::Once)]));
    let offset = fields.take("offset").map_or(Some(jiff::Span::new()), |at| at.span(faults, Sign::Any));
    let time = fields.take("at").map_or(Some(None), |at| at.time(faults).map(Some));
    fields.finish(faults);
    Some(Trigger::Milestone(Milestone { attribute: attribute?, every: every?, offset: offset?, at: time? }))
}

pub(super) fn inactivity(at: &At<'_>, faults: &mut Faults) -> Option<Trigger> {
    let mut fields = at.fields(faults, "an object such as `{ for: 90d, without: [opened, clicked] }`")?;
    let span = fields
        .need(faults, "for", "for how long nothing has happened, such as `for: 90d`")
        .and_then(|at| at.span(faults, Sign::Positive));
    let without = fields
        .need(faults, "without", "what would have been activity: `opened`, `clicked`, or names of events")
        .and_then(|at| kinds(&at, faults));
    fields.finish(faults);
    Some(Trigger::Inactivity(Inactivity { span: span?, without: without? }))
}

fn kinds(at: &At<'_>, faults: &mut Faults) -> Option<Vec<Name>> {
    let items = at.items(faults, "a list of `opened`, `clicked` and names of events")?;
    if items.len() > MAX_KINDS {
        faults.error("D006", &*at.pointer, format!("At most {MAX_KINDS} kinds of activity can be named; name fewer."));
        return None;
    }
    let count = items.len();
    let named = items.iter().filter_map(|item| {
        let name: Name = item.id(faults, "the name of an event")?;
        match name.as_str() {
            "opened" => OPENED.parse().ok(),
            "clicked" => CLICKED.parse().ok(),
            _ => Some(name),
        }
    });
    let named: Vec<Name> = named.collect();
    (named.len() == count).then_some(named)
}

pub(super) fn schedule(at: &At<'_>, faults: &mut Faults) -> Option<Trigger> {
    let mut fields = at.fields(faults, "an object such as `{ segment: members, at: 2027-03-01T09:00 }`")?;
    let segment =
        fields.need(faults, "segment", "the segment that is meant").and_then(|at| at.id(faults, "the id of a segment"));
    let when = when(&mut fields, faults);
    let zone = fields.take("zone").map_or(Some(None), |at| at.zone(faults).map(Some));
    fields.finish(faults);
    Some(Trigger::Schedule(Schedule { segment: segment?, when: when?, zone: zone? }))
}

fn when(fields: &mut Fields<'_>, faults: &mut Faults) -> Option<When> {
    let kind = fields.exactly_one(faults, &["at", "cron"], "`schedule`")?;
    let at = fields.take(kind)?;
    if kind == "at" {
        return at.moment(faults).map(When::At);
    }
    let text = at.text(faults, "a cron expression such as `0 9 * * mon`")?;
    match Cron::parse(text) {
        Ok(_) => Some(When::Cron(text.to_owned())),
        Err(problem) => {
            let problem = problem.to_string();
            at.bad(faults, format!("This is no cron expression that works: {problem}."));
            None
        }
    }
}
