//! Tests on what happened to a contact before.

use jiff::Span;
use serde_json::Value;

use super::{Reader, Scope, test};
use crate::condition::{Condition, Subject, Test, TestKind};
use crate::contact::{CLICKED, OPENED};
use crate::document::scalar::Sign;
use crate::document::{At, Fields};
use crate::history::MOST_FILTERED;
use crate::ids::Name;

impl Reader<'_, '_> {
    pub(super) fn did(&mut self, at: &At<'_>, fields: &mut Fields<'_>) -> Option<Test> {
        let event: Option<Name> = at.id(self.faults, "the name of an event");
        let filter = match fields.take("where") {
            Some(at) => {
                let scope = Scope { event: true, ..self.scope };
                let filter = Reader { scope, faults: self.faults }.condition(&at, 1);
                let filter = filter.filter(|filter| {
                    looks_at_events_alone(filter) || {
                        at.bad(
                            self.faults,
                            "This `where` can only test what happened, with `event`; put the rest beside `did`.",
                        );
                        false
                    }
                });
                filter.map(|filter| Some(Box::new(filter)))
            }
            None => Some(None),
        };
        let within = self.within(fields);
        let at_least = fields.take("at_least").map_or(Some(1), |at| at.whole(self.faults, 1, MOST_FILTERED));
        let (event, filter, (within, said), at_least) = (event?, filter?, within.ok()?, at_least?);
        let label = format!("did {event}{said}");
        Some(test(&label, Value::from(at_least), TestKind::Did { event, filter, within, at_least }))
    }

    /// Where there is no run, any mail of any workflow is meant.
    pub(super) fn engaged_ever(&mut self, kind: &'static str, fields: &mut Fields<'_>) -> Option<Test> {
        let (within, said) = self.within(fields).ok()?;
        let event = if kind == "opened" { OPENED } else { CLICKED }.parse().ok()?;
        let kind_of = TestKind::Did { event, filter: None, within, at_least: 1 };
        Some(test(&format!("{kind} any{said}"), Value::from(1), kind_of))
    }

    /// `within`, and how labels say it; an error where it has faults.
    pub(super) fn within(&mut self, fields: &mut Fields<'_>) -> Result<(Option<Span>, String), ()> {
        let Some(at) = fields.take("within") else { return Ok((None, String::new())) };
        let said = at.value.as_str().map(|text| format!(" within {text}")).unwrap_or_default();
        at.span(self.faults, Sign::Positive).map(|span| (Some(span), said)).ok_or(())
    }
}

/// Of what happened before only the event itself is known.
fn looks_at_events_alone(condition: &Condition) -> bool {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => parts.iter().all(looks_at_events_alone),
        Condition::Not(part) => looks_at_events_alone(part),
        Condition::Test(test) => matches!(test.kind, TestKind::Value { subject: Subject::Event(_), .. }),
    }
}
