//! Counters as short texts, for whoever stores them. What is written here is read for ever.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use super::{Counter, Next, Seen, What};
use crate::run::Place;

/// A text that is no counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not the name of a counter")]
pub struct BadCounter;

/// The reasons for which runs end, as [`crate::run::Outcome::reason`] names them.
const REASONS: [&str; 10] = [
    "completed",
    "exited",
    "goal",
    "revisit",
    "cancelled",
    "unsubscribed",
    "suppressed",
    "deleted",
    "failed",
    "unknown",
];

fn place(place: Place) -> Cow<'static, str> {
    match place {
        Place::Entry => Cow::Borrowed("e"),
        Place::End => Cow::Borrowed("x"),
        Place::Step(step) => Cow::Owned(step.to_string()),
    }
}

fn place_of(text: &str) -> Result<Place, BadCounter> {
    match text {
        "e" => Ok(Place::Entry),
        "x" => Ok(Place::End),
        _ => text.parse().map(Place::Step).map_err(|_| BadCounter),
    }
}

const fn seen(seen: Seen) -> &'static str {
    match seen {
        Seen::Human => "h",
        Seen::Machine => "m",
    }
}

fn seen_of(text: &str) -> Result<Seen, BadCounter> {
    match text {
        "h" => Ok(Seen::Human),
        "m" => Ok(Seen::Machine),
        _ => Err(BadCounter),
    }
}

impl fmt::Display for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&place(self.place))?;
        match &self.what {
            What::Entered => f.write_str(".n"),
            What::Arrived => f.write_str(".a"),
            What::Waiting => f.write_str(".w"),
            What::MovedOn(Next::Place(next)) => write!(f, ".g.{}", place(*next)),
            What::MovedOn(Next::Version(version)) => write!(f, ".v.{version}"),
            What::Ended(reason) => write!(f, ".x.{reason}"),
            What::Sent => f.write_str(".s"),
            What::Skipped(reason) => write!(f, ".k.{reason}"),
            What::Failed(reason) => write!(f, ".f.{reason}"),
            What::Unknown => f.write_str(".u"),
            What::Delivered => f.write_str(".d"),
            What::Bounced => f.write_str(".b"),
            What::Complained => f.write_str(".c"),
            What::Unsubscribed => f.write_str(".q"),
            What::Opened(by) => write!(f, ".o.{}", seen(*by)),
            What::Clicked(by) => write!(f, ".t.{}", seen(*by)),
            What::Link(name) => write!(f, ".l.{name}"),
        }
    }
}

impl FromStr for Counter {
    type Err = BadCounter;
    fn from_str(text: &str) -> Result<Self, BadCounter> {
        let (at, rest) = text.split_once('.').ok_or(BadCounter)?;
        let (code, of) = rest.split_once('.').map_or((rest, None), |(code, of)| (code, Some(of)));
        let what = match (code, of) {
            ("n", None) => What::Entered,
            ("a", None) => What::Arrived,
            ("w", None) => What::Waiting,
            ("g", Some(next)) => What::MovedOn(Next::Place(place_of(next)?)),
            ("v", Some(version)) => What::MovedOn(Next::Version(version.parse().map_err(|_| BadCounter)?)),
            ("x", Some(reason)) => What::Ended(REASONS.into_iter().find(|known| *known == reason).ok_or(BadCounter)?),
            ("s", None) => What::Sent,
            ("k", Some(reason)) => What::Skipped(Cow::Owned(reason.to_owned())),
            ("f", Some(reason)) => What::Failed(Cow::Owned(reason.to_owned())),
            ("u", None) => What::Unknown,
            ("d", None) => What::Delivered,
            ("b", None) => What::Bounced,
            ("c", None) => What::Complained,
            ("q", None) => What::Unsubscribed,
            ("o", Some(by)) => What::Opened(seen_of(by)?),
            ("t", Some(by)) => What::Clicked(seen_of(by)?),
            ("l", Some(name)) => What::Link(name.to_owned()),
            _ => return Err(BadCounter),
        };
        Ok(Self { place: place_of(at)?, what })
    }
}
