//! Without a fault nothing is found, however far one looks: everything that can happen within the bounds is tried.
//!
//! Each search has a short bound, for every build, and a long one, for `make model` (`CAREPATH_MODEL=full`). A search that
//! meets fewer states than it did when it was written fails: it looks at less than it says.

use std::io::Write;

use stateright::{Checker, Expectation, Model};

use crate::judge::{AGAIN, END, OPENED, RACE, TIME_OUT, UNKNOWN};
use crate::state::Bounds;
use crate::system::{CALM, Memory, System, WROTE};

/// A bound, and how many states there are within it at the least.
type Bound = (System, usize);

/// Searches all that there is within a bound, and says how much that was. `comes_about` has to be seen on the way: else
/// the search does not get to where it matters.
fn search(name: &str, short: Bound, long: Bound, comes_about: &[&str]) {
    let full = std::env::var("CAREPATH_MODEL").is_ok_and(|value| value == "full");
    let (system, floor) = if full { long } else { short };
    let began = std::time::Instant::now();
    let checker = system.clone().checker().threads(2).spawn_bfs().join();
    let states = checker.unique_state_count();
    let figures = format!(
        "{name}: {states} states, {} steps, depth {}, {:.1} s; {} workers, events {:?}, at most {:?}, memory {:?}\n",
        checker.state_count(),
        checker.max_depth(),
        began.elapsed().as_secs_f32(),
        system.workers,
        system.events,
        system.bounds,
        system.memory,
    );
    std::io::stderr().write_all(figures.as_bytes()).unwrap();
    for property in system.properties() {
        match (property.expectation, checker.discovery(property.name)) {
            (Expectation::Sometimes, None) if comes_about.contains(&property.name) => {
                panic!("never: {}", property.name)
            }
            (Expectation::Sometimes, _) | (_, None) => {}
            (_, Some(path)) => panic!("not always: {}\n{:#?}", property.name, path.into_actions()),
        }
    }
    assert!(checker.is_done(), "the search was cut short");
    assert!(states >= floor, "{states} states are fewer than the {floor} that there were");
}

fn calm(events: &'static [&'static str], bounds: Bounds) -> System {
    System { bounds, events, ..WROTE }
}

/// S1, S7: two or three who are at the same work at the same moment, and one who comes back to it much later
#[test]
fn s1_whoever_races_whom_a_mail_goes_out_once_and_a_step_is_entered_once() {
    let three = System { workers: 3, ..calm(&["wrote"], Bounds { repeats: 2, ..CALM }) };
    let late = System { workers: 3, ..calm(&["wrote"], Bounds { repeats: 2, stalls: 1, ..CALM }) };
    search("races", (three, 1_200), (late, 330_000), &[END, RACE, TIME_OUT]);
}

/// S5, S6, S7, S28: a process may die at every step
#[test]
fn s5_wherever_a_worker_dies_the_sweep_brings_every_run_to_its_end() {
    let one = calm(&["wrote"], Bounds { crashes: 1, ..CALM });
    let more = calm(&["wrote"], Bounds { crashes: 2, stalls: 1, repeats: 1, ..CALM });
    search("crashes", (one, 2_500), (more, 870_000), &[END, UNKNOWN, TIME_OUT]);
}

/// S7, S8: no answer, whether the mail was taken or not, and notices of it late, twice, or never
#[test]
fn s8_a_mail_service_that_does_not_answer_leaves_nothing_unsettled_and_gets_no_mail_twice() {
    let short = calm(&["wrote"], Bounds { silences: 1, repeats: 1, ..CALM });
    let long = calm(&["wrote"], Bounds { silences: 1, repeats: 1, stalls: 1, crashes: 1, ..CALM });
    search("silence", (short, 1_700), (long, 1_080_000), &[END, RACE, UNKNOWN, TIME_OUT]);
}

/// S8: where the author wants it sent again. Without stragglers it goes out once.
#[test]
fn s8_a_mail_that_is_sent_again_where_nobody_knows_goes_out_three_times_at_most() {
    let short = System { memory: Memory::Vouches, ..calm(&["urged"], Bounds { silences: 2, crashes: 1, ..CALM }) };
    let long =
        System { memory: Memory::Vouches, ..calm(&["urged"], Bounds { silences: 2, stalls: 1, crashes: 1, ..CALM }) };
    search("resend", (short, 9_400), (long, 1_420_000), &[END, UNKNOWN, AGAIN]);
}

/// S8: the straggler of an attempt that was declared over comes too late
#[test]
fn s8_where_the_mail_service_knows_what_became_of_a_mail_it_goes_out_once_and_is_never_unknown_for_long() {
    let short = System { memory: Memory::Remembers, ..calm(&["wrote"], Bounds { crashes: 1, silences: 1, ..CALM }) };
    let bounds = Bounds { crashes: 1, silences: 1, refusals: 1, stalls: 1, ..CALM };
    let long = System { memory: Memory::Remembers, ..calm(&["wrote"], bounds) };
    search("evidence", (short, 2_900), (long, 330_000), &[END, TIME_OUT]);
}

/// S7, S10: refusals and throttles
#[test]
fn s10_a_mail_that_was_refused_or_throttled_is_tried_again_only_where_it_was_not_taken() {
    let short = calm(&["joined"], Bounds { refusals: 2, ..CALM });
    let long = calm(&["joined"], Bounds { refusals: 2, stalls: 1, crashes: 1, ..CALM });
    search("refusals", (short, 100), (long, 200_000), &[END, TIME_OUT, AGAIN]);
}

/// S16, S17: opened before, at and after the deadline, and told before, at and after the decision
#[test]
fn s16_an_open_and_a_time_out_never_both_win_and_who_was_in_time_does() {
    let short = calm(&["wrote"], Bounds { opens: 1, repeats: 1, ..CALM });
    let long = calm(&["wrote"], Bounds { opens: 1, stalls: 1, silences: 1, ..CALM });
    search("opens", (short, 2_100), (long, 480_000), &[END, RACE, OPENED, TIME_OUT]);
}

/// S16, S17, S19: an event of the contact at any time, delivered twice
#[test]
fn s16_an_event_and_a_time_out_never_both_win_and_who_was_in_time_does() {
    let short = calm(&["wrote", "called"], Bounds { repeats: 1, ..CALM });
    let long = calm(&["wrote", "called"], Bounds { crashes: 1, ..CALM });
    search("events", (short, 9_500), (long, 600_000), &[END, RACE, OPENED, TIME_OUT]);
}

/// S6, S7, S18: an event that ends the run at any time, even while its mail is out
#[test]
fn s18_a_run_that_ends_by_an_event_ends_once_and_settles_the_mail_that_was_out() {
    let short = calm(&["joined", "left"], Bounds { repeats: 1, ..CALM });
    let long = calm(&["joined", "left"], Bounds { crashes: 1, ..CALM });
    search("exits", (short, 10_800), (long, 640_000), &[END, RACE, TIME_OUT]);
}

/// S1, S7: a whole workflow, with a branch, a segment and a second mail
#[test]
fn s1_a_whole_workflow_sends_each_of_its_mails_once() {
    let short = calm(&["joined"], Bounds { opens: 1, silences: 1, ..CALM });
    let long = calm(&["joined"], Bounds { opens: 2, silences: 1, repeats: 1, ..CALM });
    search("workflow", (short, 14_000), (long, 400_000), &[END, RACE, UNKNOWN, OPENED, TIME_OUT]);
}

/// S2: a workflow that leads back to its mail
#[test]
fn s2_a_run_that_comes_round_sends_nothing_for_a_second_time() {
    let short = calm(&["began"], Bounds { crashes: 1, ..CALM });
    let long = calm(&["began"], Bounds { crashes: 1, stalls: 1, repeats: 1, ..CALM });
    search("circle", (short, 2_500), (long, 410_000), &[END, TIME_OUT]);
}
