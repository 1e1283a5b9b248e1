//! Numbers that are other ones at each run of the tests, unless somebody asks for those of an earlier one.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

/// A generator.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// One that nobody has thrown before.
    pub fn fresh() -> Self {
        Self::seeded(RandomState::new().build_hasher().finish())
    }

    /// The one that comes of a number.
    pub fn seeded(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number from 0 on that is less than `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % end
    }

    /// Another generator.
    #[must_use]
    pub fn split(&mut self) -> Self {
        Self(self.below(u64::MAX >> 17) << 16 | 1)
    }
}
