//! Without a fault nothing is found, however far one looks.

use std::io::Write;

use stateright::{Checker, Model};

use crate::state::Bounds;
use crate::system::System;

/// Nothing goes wrong but that two workers are at it.
pub(crate) const CALM: Bounds = Bounds { crashes: 0, repeats: 0, silences: 0, refusals: 0, opens: 0 };

/// Searches all that there is, and says how much that was.
fn search(name: &str, system: System, comes_about: &[&str]) {
    let began = std::time::Instant::now();
    let checker = system.clone().checker().threads(2).spawn_bfs().join();
    let figures = format!(
        "{name}: {} states, {} steps, depth {}, {:.1} s; {} workers, {:?}\n",
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth(),
        began.elapsed().as_secs_f32(),
        system.workers,
        system.bounds,
    );
    std::io::stderr().write_all(figures.as_bytes()).unwrap();
    assert!(checker.is_done(), "the search was cut short");
    for property in system.properties() {
        let discovery = checker.discovery(property.name);
        match property.expectation {
            stateright::Expectation::Sometimes => {
                let wanted = comes_about.contains(&property.name);
                assert!(!wanted || discovery.is_some(), "never: {}", property.name);
            }
            _ => {
                if let Some(path) = discovery {
                    panic!("not always: {}\n{:#?}", property.name, path.into_actions());
                }
            }
        }
    }
}

const ALL: [&str; 5] = [
    "it comes to its end",
    "two workers race",
    "a send is unknown",
    "a wait is ended by what it waits for",
    "a wait runs out",
];

#[test]
fn probe() {
    let bounds = Bounds { crashes: 1, opens: 1, silences: 1, ..CALM };
    search("probe", System { workers: 2, bounds, events: &["wrote"], fault: None }, &ALL);
}
