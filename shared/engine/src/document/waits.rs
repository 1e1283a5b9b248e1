//! The steps that wait.

use jiff::Span;
use jiff::ToSpan;

use super::cursor::{At, Fields};
use super::scalar::Sign;
use super::steps::Reading;
use crate::condition::parse::{self, Scope};
use crate::version::{AlreadyTrue, Anchor, Path, PathWhen, StepKind, Target, WaitUntil};

pub(crate) fn wait(at: &At<'_>, step: &mut Fields<'_>, reading: &mut Reading<'_, '_>) -> Option<StepKind> {
    let next = reading.next(step);
    let mut fields = at.fields(reading.faults, "an object with `for` or `until`")?;
    let kind = fields.exactly_one(reading.faults, &["for", "until"], "`wait`");
    let body = kind.and_then(|kind| fields.take(kind));
    let until = match kind {
        Some("for") => body.and_then(|body| body.span(reading.faults, Sign::Positive)).map(WaitUntil::For),
        Some(_) => body.and_then(|body| date(&body, &mut fields, reading)),
        None => {
            // So that these are not called unknown where it is not clear which kind of wait was meant.
            for name in ["offset", "at", "days"] {
                fields.take(name);
            }
            None
        }
    };
    let mut late_limit = Some(24.hours());
    let mut otherwise = Target::End;
    if kind != Some("for") {
        if let Some(limit) = fields.take("late_limit") {
            late_limit = limit.span(reading.faults, Sign::NotNegative);
        }
        if let Some(edge) = fields.take("else") {
            otherwise = reading.edge(&edge);
        }
    }
    fields.finish_with(reading.faults, |key| match (kind, key) {
        (Some("for"), "offset" | "at" | "days" | "else" | "late_limit") => {
            Some("It goes with `until`; a wait `for` so long has no date that could be moved or missed.")
        }
        (_, "next") => Some("Write it beside `wait`."),
        _ => None,
    });
    Some(StepKind::Wait { until: until?, late_limit: late_limit?, next, otherwise })
}

fn date(at: &At<'_>, wait: &mut Fields<'_>, reading: &mut Reading<'_, '_>) -> Option<WaitUntil> {
    let offset = wait.take("offset").map_or(Some(Span::new()), |offset| offset.span(reading.faults, Sign::Any));
    let time = wait.take("at").map_or(Some(None), |time| time.time(reading.faults).map(Some));
    let days = wait.take("days").map_or(Some(Vec::new()), |days| days.days(reading.faults));
    let mut fields = at.fields(reading.faults, "an object with `attribute`, `entry` or `at`")?;
    let kind = fields.exactly_one(reading.faults, &["attribute", "entry", "at"], "`until`");
    let body = kind.and_then(|kind| fields.take(kind));
    let anchor = body.and_then(|body| match kind {
        Some("attribute") => body.path(reading.faults, "the path of an attribute").map(Anchor::Attribute),
        Some("entry") => body.path(reading.faults, "the path of a value that the run started with").map(Anchor::Entry),
        Some(_) | None => body.moment(reading.faults).map(Anchor::At),
    });
    fields.finish_with(reading.faults, |key| match key {
        "offset" | "days" | "else" | "late_limit" => Some("Write it beside `until`."),
        _ => None,
    });
    Some(WaitUntil::Date { anchor: anchor?, offset: offset?, at: time?, days: days? })
}

pub(crate) fn wait_for(at: &At<'_>, reading: &mut Reading<'_, '_>) -> Option<StepKind> {
    let mut fields = at.fields(reading.faults, "an object with `paths`, `timeout` and `next`")?;
    let timeout = if let Some(timeout) = fields.take("timeout") {
        timeout.span(reading.faults, Sign::Positive)
    } else {
        let message = "This waits without a `timeout`, and a contact for whom nothing happens would wait for ever. Add \
                       `timeout`, such as `timeout: 3d`, and `next`, where the run goes when it is over.";
        reading.faults.error("W006", &*at.pointer, message);
        None
    };
    let next = reading.next(&mut fields);
    let already_true = fields.take("already_true").map_or(Some(AlreadyTrue::Pass), |choice| {
        choice.choice(reading.faults, &[("pass", AlreadyTrue::Pass), ("wait", AlreadyTrue::Wait)])
    });
    let paths = fields.need(reading.faults, "paths", "a list of what it waits for");
    let items = paths.as_ref().and_then(|paths| {
        let items = paths.items(reading.faults, "a list of what it waits for")?;
        reading.count(paths, items.len()).then_some(items)
    });
    let paths = items.and_then(|items| {
        let count = items.len();
        let read: Vec<Path> = items.iter().filter_map(|item| path(item, reading)).collect();
        (read.len() == count).then_some(read)
    });
    fields.finish(reading.faults);
    Some(StepKind::WaitFor { paths: paths?, timeout: timeout?, next, already_true: already_true? })
}

fn path(at: &At<'_>, reading: &mut Reading<'_, '_>) -> Option<Path> {
    let mut fields = at.fields(reading.faults, "a path, such as `{ event: replied, next: thank }`")?;
    let next = reading.need_next(&mut fields, "where this path leads");
    let kind = fields.exactly_one(reading.faults, &["when", "event"], "A path");
    let body = kind.and_then(|kind| fields.take(kind));
    let when = match kind {
        Some("when") => {
            let scope = Scope::run(reading.steps);
            body.and_then(|body| parse::read(&body, scope, reading.faults)).map(PathWhen::Condition)
        }
        Some(_) => {
            let name = body.and_then(|body| body.id(reading.faults, "the name of an event"));
            let scope = Scope::event(reading.steps);
            let filter =
                fields.take("where").map_or(Some(None), |filter| parse::read(&filter, scope, reading.faults).map(Some));
            name.and_then(|name| Some(PathWhen::Event { name, filter: filter? }))
        }
        None => {
            fields.take("where");
            None
        }
    };
    fields.finish_with(reading.faults, |key| {
        (key == "where").then_some("`where` goes with `event`; put it into the condition of `when`.")
    });
    Some(Path { when: when?, next })
}
