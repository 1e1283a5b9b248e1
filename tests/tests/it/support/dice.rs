//! Numbers that are other ones at each run of the tests.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

/// A generator.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    /// One that nobody has thrown before.
    pub(crate) fn fresh() -> Self {
        Self(RandomState::new().build_hasher().finish() | 1)
    }

    /// A number from 0 on that is less than `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % end
    }

    /// Another generator.
    pub(crate) fn split(&mut self) -> Self {
        Self(self.below(u64::MAX >> 17) << 16 | 1)
    }
}
