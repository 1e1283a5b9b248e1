//! What the stream of the table of runs carries: each change of a run, with the item before and after it.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use carepath_app::project::{Moved, Sequence};
use carepath_engine::run::Run;
use jiff::Timestamp;
use serde::Deserialize;

use super::items::{self, Item};

/// What an event of the stream carries. Fields that nothing here asks for are passed over.
#[derive(Debug, Deserialize)]
pub struct StreamEvent {
    /// The changes, of one shard, in order.
    #[serde(rename = "Records", default)]
    records: Vec<Wire>,
    /// The shard: Lambda says it only where the event source has a tumbling window.
    #[serde(rename = "shardId", default)]
    shard: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Wire {
    dynamodb: Change,
}

#[derive(Debug, Deserialize)]
struct Change {
    #[serde(rename = "SequenceNumber")]
    sequence: String,
    /// Seconds since 1970; parts of them behind the point.
    #[serde(rename = "ApproximateCreationDateTime", default)]
    created: f64,
    #[serde(rename = "OldImage", default)]
    old: Option<HashMap<String, Attribute>>,
    #[serde(rename = "NewImage", default)]
    new: Option<HashMap<String, Attribute>>,
}

/// An attribute as the stream writes it. A run's item has texts and numbers, and its payload where that is packed.
#[derive(Debug, Deserialize)]
struct Attribute {
    #[serde(rename = "S", default)]
    text: Option<String>,
    #[serde(rename = "N", default)]
    number: Option<String>,
    #[serde(rename = "B", default)]
    bytes: Option<String>,
}

/// The changes of an event as far as they can be read.
#[derive(Debug)]
pub struct Changes {
    /// Those before the first that cannot.
    pub readable: Vec<Moved>,
    /// The number of the first of all.
    pub first: Option<String>,
    /// The number of the first that cannot be read.
    pub unreadable: Option<String>,
}

impl StreamEvent {
    /// The shard, where the event says it.
    pub fn shard(&self) -> Option<&str> {
        self.shard.as_deref()
    }

    /// What it carries.
    pub fn changes(self) -> Changes {
        let first = self.records.first().map(|record| record.dynamodb.sequence.clone());
        let mut readable = Vec::with_capacity(self.records.len());
        for Wire { dynamodb: change } in self.records {
            let number = change.sequence.clone();
            match moved(change) {
                Some(moved) => readable.push(moved),
                None => return Changes { readable, first, unreadable: Some(number) },
            }
        }
        Changes { readable, first, unreadable: None }
    }
}

fn moved(change: Change) -> Option<Moved> {
    let sequence = Sequence::parse(&change.sequence)?;
    #[expect(clippy::cast_possible_truncation, reason = "seconds are meant, and a cast ends at the last of them")]
    let at = Timestamp::from_second(change.created as i64).ok()?;
    let (before, after) = (run(change.old)?, run(change.new)?);
    Some(Moved { sequence, at, before, after })
}

/// The run of an image. `None` where it cannot be read.
#[expect(clippy::option_option, reason = "an image that is missing is fine, one that cannot be read is not")]
fn run(image: Option<HashMap<String, Attribute>>) -> Option<Option<Run>> {
    let Some(image) = image else { return Some(None) };
    let value = |attribute: Attribute| match attribute {
        Attribute { text: Some(text), .. } => Some(AttributeValue::S(text)),
        Attribute { number: Some(number), .. } => Some(AttributeValue::N(number)),
        Attribute { bytes: Some(bytes), .. } => Some(AttributeValue::B(Blob::new(STANDARD.decode(bytes).ok()?))),
        Attribute { text: None, number: None, bytes: None } => None,
    };
    let item: Item = image.into_iter().filter_map(|(name, attribute)| Some((name, value(attribute)?))).collect();
    items::read_run("read a change of a run", &item).ok().map(Some)
}
