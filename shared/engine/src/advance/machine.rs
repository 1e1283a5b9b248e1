//! Clicks that nobody vouches for, by all that is known of their mail: people are not that fast, and do not see every link
//! (S20). What was taken for a person's is corrected when it turns out to have been a machine's; what the run did because of it
//! stays done.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::run::{Message, later};

/// The name of the link that people do not see. Templates may not use it.
pub const HIDDEN_LINK: &str = "carepath-hidden";

/// So soon after a mail is delivered nobody has read it.
const HASTE: SignedDuration = SignedDuration::from_secs(2);
/// Nobody follows this many links of a mail …
const LINKS: usize = 3;
/// … in so short a time.
const BURST: SignedDuration = SignedDuration::from_secs(2);
/// Who follows the hidden link has followed others up to so long before,
const BEFORE_HIDDEN: SignedDuration = SignedDuration::from_secs(10);
/// and goes on for so long.
const AFTER_HIDDEN: SignedDuration = SignedDuration::from_secs(60);
/// So long a scan may take: who comes later is somebody else.
pub(super) const SCAN: SignedDuration = AFTER_HIDDEN;

/// Corrects the clicks of a mail that were taken for a person's.
pub(super) fn correct(message: &mut Message) {
    // A mailer that delivers by itself says nothing of when the mail was there to be read.
    let delivered = message.delivered.filter(|at| *at != message.at);
    let hidden = message.clicked.get(HIDDEN_LINK).and_then(|seen| seen.machine);
    let bursts = bursts(message);
    let hasty = |at| delivered.is_some_and(|delivered| at < later(delivered, HASTE));
    let lured =
        |at| hidden.is_some_and(|hidden| hidden <= later(at, BEFORE_HIDDEN) && at <= later(hidden, AFTER_HIDDEN));
    for seen in message.clicked.values_mut() {
        // Whoever came next is looked at in turn.
        while let Some(at) = seen.human.filter(|_| seen.unsure)
            && (hasty(at) || lured(at) || bursts.contains(&at))
        {
            seen.correct();
        }
    }
}

/// When links were followed one right after the other. Those that are known to have been a machine's count along.
fn bursts(message: &Message) -> BTreeSet<Timestamp> {
    let links = message.clicked.values();
    let mut times: Vec<_> = links.filter_map(|seen| seen.human.filter(|_| seen.unsure).or(seen.machine)).collect();
    times.sort_unstable();
    let bursts = times.windows(LINKS).filter(|some| some[LINKS - 1] <= later(some[0], BURST));
    bursts.flatten().copied().collect()
}
