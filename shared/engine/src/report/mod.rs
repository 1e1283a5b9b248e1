//! What runs come to together: how many entered a step, wait there, went on or ended, and what became of its mails (S22).
//!
//! A run knows all of that about itself, so a report is a sum over runs of one pure function, [`facts`]. What a change of a
//! run adds to it is the difference of two such sums, whichever way the change went.
//!
//! The unit is the *stay*: a run in a step, in one version. Mostly a visit is one stay. A run that is moved to another
//! version while it rests at a step ends its stay there and begins another at the step that it comes to: so the law holds
//! for each version by itself, and what is counted does not depend on when somebody moves runs.

mod name;
mod stay;
mod tally;

use std::borrow::Cow;

use jiff::Timestamp;

use crate::run::{FirstSeen, Message, MessageState, Place, Run};

pub use name::BadCounter;
pub use stay::{Next, Stay, Way, stays};
pub use tally::{Broken, Cell, Law, Tally, hour_of};

/// What is counted of a place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    /// Stays that began by coming in, from another place of the version.
    Entered,
    /// Stays that began by a move from another version.
    Arrived,
    /// Runs that are here now, in whatever state.
    Waiting,
    /// Stays that ended by going on.
    MovedOn(Next),
    /// Runs that ended here, by reason.
    Ended(&'static str),
    /// Mails that the mail service took, or that count as taken.
    Sent,
    /// Mails that were not to be sent, by reason.
    Skipped(Cow<'static, str>),
    /// Mails that were refused or could not be made, by reason.
    Failed(Cow<'static, str>),
    /// Mails of which nobody knows whether they were sent.
    Unknown,
    /// Mails that reached the mailbox.
    Delivered,
    /// Mails that bounced.
    Bounced,
    /// Mails that were called spam.
    Complained,
    /// Mails by which their readers unsubscribed.
    Unsubscribed,
    /// Mails that were opened.
    Opened(Seen),
    /// Mails of which some link was clicked.
    Clicked(Seen),
    /// Mails of which a person clicked the link of this name.
    Link(String),
}

/// By whom a mail was opened or clicked (S20).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Seen {
    /// A person.
    Human,
    /// A privacy proxy, a prefetcher, a scanner.
    Machine,
}

/// What is counted, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Counter {
    /// The place in its version.
    pub place: Place,
    /// What of it.
    pub what: What,
}

/// One thing that is so of a run. Each counts as one, and none is there twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// The version.
    pub version: u32,
    /// What, and where.
    pub counter: Counter,
    /// When it happened; `None` of what is so now, and may not be so later.
    pub at: Option<Timestamp>,
}

/// All that counts of a run.
pub fn facts(run: &Run) -> Vec<Fact> {
    let mut facts = Vec::new();
    for stay in stays(run) {
        let mut add = |what, at| {
            let counter = Counter { place: stay.place, what };
            facts.push(Fact { version: stay.version, counter, at: Some(at) });
        };
        add(if stay.arrived { What::Arrived } else { What::Entered }, stay.at);
        match stay.way {
            Way::Here => {}
            Way::On(next, at) => add(What::MovedOn(next), at),
            Way::Ended(reason, at) => add(What::Ended(reason), at),
        }
        if let Some(mail) = stay.mail {
            of_mail(mail, add);
        }
    }
    // By what the run says of its state, not by what its visits come to: that both agree is the law.
    if let Some(step) = run.state.step() {
        let counter = Counter { place: Place::Step(step), what: What::Waiting };
        facts.push(Fact { version: run.version, counter, at: None });
    }
    facts
}

fn of_mail(mail: &Message, mut add: impl FnMut(What, Timestamp)) {
    let reason = || mail.reason.clone().unwrap_or(Cow::Borrowed("unknown"));
    match mail.state {
        MessageState::Sent => add(What::Sent, mail.at),
        MessageState::Skipped => add(What::Skipped(reason()), mail.at),
        MessageState::Failed => add(What::Failed(reason()), mail.at),
        MessageState::Unknown => add(What::Unknown, mail.at),
        MessageState::Claimed | MessageState::Released => {}
    }
    let told = [
        (What::Delivered, mail.delivered),
        (What::Bounced, mail.bounced),
        (What::Complained, mail.complained),
        (What::Unsubscribed, mail.unsubscribed),
        (What::Opened(Seen::Human), mail.opened.human),
        (What::Opened(Seen::Machine), mail.opened.machine),
        (What::Clicked(Seen::Human), first(mail, |seen| seen.human)),
        (What::Clicked(Seen::Machine), first(mail, |seen| seen.machine)),
    ];
    for (what, at) in told {
        if let Some(at) = at {
            add(what, at);
        }
    }
    for (link, seen) in &mail.clicked {
        if let Some(at) = seen.human {
            add(What::Link(link.clone()), at);
        }
    }
}

/// When the first link of a mail was clicked.
fn first(mail: &Message, by: impl Fn(&FirstSeen) -> Option<Timestamp>) -> Option<Timestamp> {
    mail.clicked.values().filter_map(by).min()
}
