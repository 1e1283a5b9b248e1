//! A queue as bad as queues are allowed to be, for tests: it delivers twice, late, and sometimes not at all.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What becomes of a piece of work that is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is delivered once.
    Once,
    /// It is delivered now, and once more after a while, whether it has been done or not.
    Twice(Duration),
    /// It is delivered late.
    Late(Duration),
    /// It is not delivered. The sweep finds it.
    Never,
}

/// Draws fates, always the same ones for a seed.
#[derive(Debug)]
pub(super) struct Unreliable(Mutex<u64>);

impl Unreliable {
    pub(super) fn new(seed: u64) -> Self {
        // The generator stands still at 0.
        Self(Mutex::new(seed | 1))
    }

    /// The next fate.
    pub(super) fn fate(&self) -> Fate {
        let drawn = self.draw();
        let pause = Duration::from_millis(drawn >> 32 & 0x1ff);
        match drawn % 20 {
            0..=3 => Fate::Twice(pause),
            4..=7 => Fate::Late(pause),
            8 => Fate::Never,
            _ => Fate::Once,
        }
    }

    /// Xorshift, as Marsaglia has it (2003).
    fn draw(&self) -> u64 {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fate_is_drawn_and_a_seed_draws_the_same_again() {
        let (one, other) = (Unreliable::new(7), Unreliable::new(7));
        let fates: Vec<Fate> = (0..200).map(|_| one.fate()).collect();
        assert!(fates.iter().all(|fate| *fate == other.fate()));
        let of = |wanted: fn(&Fate) -> bool| fates.iter().filter(|fate| wanted(fate)).count();
        assert!(of(|fate| matches!(fate, Fate::Twice(_))) > 10);
        assert!(of(|fate| matches!(fate, Fate::Late(_))) > 10);
        assert!(of(|fate| matches!(fate, Fate::Never)) > 2);
        assert!(of(|fate| matches!(fate, Fate::Once)) > 50);
    }
}
