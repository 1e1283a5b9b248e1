//! The triggers that time pulls as types, for the schema.

use schemars::JsonSchema;
use serde::Deserialize;

use super::shape::Duration;

/// A date of the contact that comes round.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are read by the schema only")]
pub(super) struct Milestone {
    /// The path of the attribute that has the date.
    attribute: String,
    /// Each year, or once.
    every: Every,
    /// Added to the date.
    offset: Option<Duration>,
    /// The local time of day.
    #[schemars(regex(pattern = r"^\d{2}:\d{2}$"))]
    at: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Every {
    Year,
    Once,
}

/// Nothing of some kinds has happened for so long.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are read by the schema only")]
pub(super) struct Inactivity {
    /// For how long.
    r#for: Duration,
    /// What would have been activity: `opened`, `clicked`, or names of events.
    #[schemars(extend("minItems" = 1, "maxItems" = 20))]
    without: Vec<String>,
}

/// A time that comes for everybody in a segment: once (`at`), or again and again (`cron`).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
#[expect(dead_code, reason = "the fields are read by the schema only")]
pub(super) enum Schedule {
    /// Once.
    At {
        /// The segment that is meant.
        segment: String,
        /// RFC 3339, or a date-time without offset, which is read in the zone.
        at: String,
        /// The IANA zone whose clock counts.
        zone: Option<String>,
    },
    /// Again and again.
    Cron {
        /// The segment that is meant.
        segment: String,
        /// Five fields: minute, hour, day of the month, month, day of the week.
        cron: String,
        /// The IANA zone whose clock counts.
        zone: Option<String>,
    },
}
