//! The wrapper that keeps contact data out of whatever is printed (S24).

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A value that says something about a contact. It serialises as itself, for the stores that may hold it, and prints
/// as `[redacted]`, so that a careless `{:?}` in a log line shows nothing.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Phi<T>(pub T);

impl<T> Phi<T> {
    /// The value itself. Calling this is the moment to think where it goes.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// The value, taken out of its wrapper.
    pub fn into_exposed(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Phi<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl<T> From<T> for Phi<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

#[cfg(test)]
mod tests {
    use super::Phi;

    #[test]
    fn what_is_wrapped_is_not_printed() {
        assert_eq!(format!("{:?}", Phi("canary@example.org")), "[redacted]");
    }
}
