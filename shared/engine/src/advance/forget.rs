//! Deletion: what came from a contact goes out of its runs (S26).

use super::walk::Walk;
use super::{Decision, Fault, Stale};
use crate::phi::Phi;
use crate::run::{Outcome, Run};

/// Takes out of the run what came from its contact, and ends it where it is under way. That there was a run, which way
/// it went and when, stays: its number stays taken, so that no later run has its id.
pub(super) fn delete(mut walk: Walk<'_>) -> Result<Decision, Fault> {
    let nobody = walk.run.id.contact();
    let ended = walk.run.is_ended();
    if ended && walk.run.contact.as_str() == nobody.as_str() {
        return Ok(Decision::Ignore(Stale::Known));
    }
    if let Ok(nobody) = nobody.as_str().parse() {
        walk.run.contact = nobody;
    }
    forget(&mut walk.run);
    if ended { Ok(walk.finish()) } else { walk.end(Outcome::Deleted, Vec::new()) }
}

fn forget(run: &mut Run) {
    run.key = None;
    run.entry.payload = Phi::default();
    run.saved = Phi::default();
    run.heard.clear();
    run.taken.clear();
    for message in run.messages.values_mut() {
        message.to = None;
    }
    for visit in &mut run.visits {
        visit.explanation.clear();
    }
}
