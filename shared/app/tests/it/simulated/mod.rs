//! The whole application under a scheduler of its own: the seed decides what happens, what goes wrong, and who goes on.
//! One seed is one history, on every machine.
//!
//! `make histories SEED=123` tells one history step by step; `make histories N=10000` plays so many.
#![expect(clippy::panic, clippy::print_stderr, reason = "a test that tells what it saw")]

mod client;
mod documents;
mod history;
mod laws;
mod weather;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use crate::journey::{empty, publish};
use crate::world::{Content, Flaw};
use history::{History, at_once};

/// How many histories `make test` plays.
const SEEDS: u64 = 100;
/// Among how many histories a flaw of a port has to show.
const SEEDS_OF_A_FLAW: u64 = 400;
/// How many histories that broke a law are named.
const NAMED: usize = 20;

fn asked(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// An installation with everything published and nobody in it.
fn prepared() -> Content {
    at_once(async {
        let world = empty().await;
        publish(&world, documents::all()).await;
        world.ports.store.content().clone()
    })
}

/// What is wrong with the history of a seed, and the history where it is to be told.
fn play(seed: u64, prepared: &Content, flaw: Option<Flaw>, traced: bool) -> (Option<String>, Vec<String>) {
    let mut history = History::new(seed, prepared, flaw, traced);
    let played = catch_unwind(AssertUnwindSafe(|| history.play()));
    let broken = played.unwrap_or_else(|_| Err("it panicked".to_owned())).err();
    if traced {
        history.note_outcome();
    }
    (broken, history.trace().to_vec())
}

/// Plays histories on all processors, and gives those that broke a law, by seed.
fn play_all(seeds: std::ops::Range<u64>, prepared: &Content) -> Vec<(u64, String)> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut broken: Vec<_> = std::thread::scope(|scope| {
        let parts: Vec<_> = (0..threads)
            .map(|part| {
                let seeds = seeds.clone().skip(part).step_by(threads);
                scope.spawn(move || {
                    let broken = seeds.filter_map(|seed| Some((seed, play(seed, prepared, None, false).0?)));
                    broken.take(NAMED).collect::<Vec<_>>()
                })
            })
            .collect();
        parts.into_iter().flat_map(|part| part.join().unwrap_or_else(|_| panic!("a player broke off"))).collect()
    });
    broken.sort();
    broken
}

/// Tells a history step by step.
fn tell(seed: u64, prepared: &Content) {
    let (broken, trace) = play(seed, prepared, None, true);
    for line in trace {
        eprintln!("{line}");
    }
    eprintln!("seed {seed}: {}", broken.as_deref().unwrap_or("every law holds"));
    assert_eq!(broken, None, "replay it: make histories SEED={seed}");
}

/// S1, S3, S4, S5, S6, S7, S8, S11, S16, S18, S19, S20, S21, S22, S26, S28: whatever happens, in whichever order, whatever goes wrong
/// meanwhile.
#[test]
fn s28_every_law_holds_in_every_history() {
    let prepared = prepared();
    if let Some(seed) = asked("CAREPATH_SEED") {
        return tell(seed, &prepared);
    }
    let (first, count) = (asked("CAREPATH_FIRST_SEED").unwrap_or(0), asked("CAREPATH_SEEDS").unwrap_or(SEEDS));
    let began = Instant::now();
    let broken = play_all(first..first + count, &prepared);
    for (seed, law) in broken.iter().take(NAMED) {
        eprintln!("seed {seed}: {law}\n    replay it: make histories SEED={seed}");
    }
    let seconds = began.elapsed().as_millis().max(1);
    eprintln!("{count} histories, {} a minute", u128::from(count) * 60_000 / seconds);
    assert!(broken.is_empty(), "histories broke a law: see above, and how to replay them");
}

/// A history is told twice, word for word.
#[test]
fn one_seed_is_one_history() {
    let prepared = prepared();
    for seed in 0..10 {
        let (first, second) = (play(seed, &prepared, None, true), play(seed, &prepared, None, true));
        assert!(first == second, "seed {seed} is not always the same history");
        assert!(first.1.len() > 20, "seed {seed} has {} lines", first.1.len());
    }
}

/// Laws that never break prove nothing: each way in which a port may be wrong is seen by one of them.
#[test]
fn whatever_is_wrong_with_a_port_breaks_a_law() {
    let prepared = prepared();
    for flaw in Flaw::ALL {
        let found = (0..SEEDS_OF_A_FLAW).find_map(|seed| Some((seed, play(seed, &prepared, Some(flaw), false).0?)));
        let (seed, law) = found.unwrap_or_else(|| panic!("{flaw:?} breaks no law"));
        eprintln!("{flaw:?}, seed {seed}: {law}");
        assert_eq!(play(seed, &prepared, None, false).0, None, "seed {seed} breaks a law without {flaw:?} as well");
    }
}

/// What a history is worth: all of this happens in the first few of them.
#[test]
fn histories_have_something_of_everything() {
    let prepared = prepared();
    let traces: Vec<_> = (0..50).flat_map(|seed| play(seed, &prepared, None, true).1).collect();
    let happened = [
        "dies",
        "commit: Fails",
        "commit: NoAnswer",
        "send: NoAnswer",
        "keep_event: DiesAfter",
        "the store turns everything away",
        "the mail service answers Throttled",
        "the mail service answers Unknown",
        "Settle",
        "Publish",
        "journey 2:",
        "attempt 2",
        "treated_as_sent",
        "settled by hand",
        "Some(OnFailure)",
        "Migrate",
        "of offer 1: Ended",
        "mail of 2, attempt 0: Skipped capped",
        "of silent 1: Ended",
        "of day 1: Ended",
        "outcome: Goal",
        "outcome: Exited",
        "outcome: Cancelled",
        "outcome: Deleted",
    ];
    for what in happened {
        assert!(traces.iter().any(|line| line.contains(what)), "in no history: {what}");
    }
}
