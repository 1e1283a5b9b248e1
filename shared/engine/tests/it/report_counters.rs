//! Counters have names that are kept for ever.

use std::borrow::Cow;
use std::collections::BTreeSet;

use carepath_engine::report::{Counter, Next, Seen, What};
use carepath_engine::run::{Outcome, Place};

fn all() -> Vec<What> {
    let outcomes = [
        Outcome::Completed,
        Outcome::Exited("silent".into()),
        Outcome::Goal,
        Outcome::Revisit,
        Outcome::Cancelled,
        Outcome::Unsubscribed,
        Outcome::Suppressed,
        Outcome::Deleted,
        Outcome::Failed("hop_limit".into()),
    ];
    let ended = outcomes.iter().map(|outcome| What::Ended(outcome.reason()));
    let plain = [
        What::Entered,
        What::Arrived,
        What::Waiting,
        What::MovedOn(Next::Place(Place::Entry)),
        What::MovedOn(Next::Place(Place::End)),
        What::MovedOn(Next::Place(Place::Step(300))),
        What::MovedOn(Next::Version(7)),
        What::Sent,
        What::Skipped(Cow::Borrowed("no_address")),
        What::Failed(Cow::Borrowed("a.b c")),
        What::Unknown,
        What::Delivered,
        What::Bounced,
        What::Complained,
        What::Unsubscribed,
        What::Opened(Seen::Human),
        What::Opened(Seen::Machine),
        What::Clicked(Seen::Human),
        What::Clicked(Seen::Machine),
        What::Link(String::new()),
        What::Link("a.b ü".to_owned()),
    ];
    plain.into_iter().chain(ended).collect()
}

#[test]
fn every_counter_is_read_back_from_its_name() {
    let mut names = BTreeSet::new();
    for what in all() {
        for place in [Place::Entry, Place::End, Place::Step(0), Place::Step(65_535)] {
            let counter = Counter { place, what: what.clone() };
            let name = counter.to_string();
            assert_eq!(name.parse::<Counter>().as_ref(), Ok(&counter), "{name}");
            assert!(names.insert(name), "{counter:?} shares its name");
        }
    }
    for none in ["", "e", "e.", "y.n", "0.n.x", "0.x.unheard", "0.o.x", "70000.n", "sq", "pk"] {
        assert!(none.parse::<Counter>().is_err(), "{none}");
    }
}

/// What is stored under these names is read by every later release.
#[test]
fn names_stay_as_they_are() {
    let name = |place, what| Counter { place, what }.to_string();
    assert_eq!(name(Place::Entry, What::MovedOn(Next::Place(Place::Step(0)))), "e.g.0");
    assert_eq!(name(Place::Step(3), What::Entered), "3.n");
    assert_eq!(name(Place::End, What::Ended("completed")), "x.x.completed");
    assert_eq!(name(Place::Step(3), What::Clicked(Seen::Machine)), "3.t.m");
}
