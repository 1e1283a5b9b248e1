//! Tests on what happened to a contact before.

use super::Condition;
use super::compare::Found;
use super::eval::{Scope, eval};
use crate::calendar;
use crate::contact::Fact;
use crate::event::{Event, Source};
use crate::ids::{EventId, Name};

/// What of the history counts.
pub(super) struct Did<'a> {
    pub(super) event: &'a Name,
    pub(super) filter: Option<&'a Condition>,
    pub(super) within: Option<&'a jiff::Span>,
    pub(super) at_least: u32,
}

impl Did<'_> {
    /// How the test comes out. What was found is how often it happened, as far as that is counted.
    pub(super) fn found(&self, scope: &Scope<'_>) -> Found {
        let facts = scope.contact.facts.get(self.event).map_or(&[][..], Vec::as_slice);
        let lately = |at| self.within.is_none_or(|span| calendar::add(at, span, scope.tz) >= scope.now);
        let counts = |fact: &&Fact| lately(fact.at) && self.passes(fact, scope);
        let count = facts.iter().filter(counts).take(usize::try_from(self.at_least).unwrap_or(usize::MAX)).count();
        let enough = u32::try_from(count).is_ok_and(|count| count >= self.at_least);
        Found::new(count, enough, "history")
    }

    fn passes(&self, fact: &Fact, scope: &Scope<'_>) -> bool {
        let Some(filter) = self.filter else { return true };
        let Ok(id) = fact.event.parse::<EventId>() else { return false };
        let event = Event {
            id,
            contact: None,
            source: Source::Api,
            name: self.event.clone(),
            at: fact.at,
            received_at: fact.at,
            properties: fact.properties.clone(),
            hops: 0,
        };
        eval(filter, &Scope { event: Some(&event), ..*scope }, &mut Vec::new())
    }
}
