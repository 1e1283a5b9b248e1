//! The shapes that are stored. `sv` is the shape's version; `d` is the value as JSON text, packed where that makes a write
//! cheaper; beside it stands only what conditions and indexes need.

use std::borrow::Cow;
use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use carepath_app::ports::StoreError;
use carepath_engine::contact::Contact;
use carepath_engine::event::Event;
use carepath_engine::ids::{ContactKey, Secret};
use carepath_engine::run::{MessageState, Run, State};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{Cause, never};
use super::{keys, pack};

pub(super) type Item = HashMap<String, AttributeValue>;

/// The version of the shapes.
const SHAPE: &str = "1";
/// The same with a payload that is packed.
const PACKED: &str = "2";
/// `DynamoDB` takes 400 KiB; the rest is room for keys and numbers.
pub(super) const MOST_BYTES: usize = 350 * 1024;

pub(super) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(super) fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub(super) fn key(pk: &str, sk: &str) -> Item {
    Item::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))])
}

/// An item with its payload, at a revision, by a writer.
pub(super) fn item<T: Serialize>(
    what: &'static str,
    (pk, sk): (&str, &str),
    payload: &T,
    revision: u64,
    writer: &str,
) -> Result<Item, StoreError> {
    let payload = serde_json::to_string(payload)
        .map_err(|_| never(what, Cause::Refused("the value cannot be written as JSON")))?;
    if payload.len() > MOST_BYTES {
        return Err(never(what, Cause::Refused("the item is over 350 KiB: make its payload or document smaller")));
    }
    let mut item = key(pk, sk);
    item.insert("sv".to_owned(), AttributeValue::N(SHAPE.to_owned()));
    item.insert("v".to_owned(), number(revision));
    item.insert("w".to_owned(), text(writer));
    item.insert("d".to_owned(), text(payload));
    Ok(item)
}

/// Packs the payload of an item that is ready to be written, where that makes the write cheaper.
pub(super) fn packed(mut item: Item) -> Item {
    let Some(AttributeValue::S(payload)) = item.remove("d") else { return item };
    let payload = pack::pack(payload, pack::size(&item) + 1);
    if matches!(payload, AttributeValue::B(_)) {
        item.insert("sv".to_owned(), AttributeValue::N(PACKED.to_owned()));
    }
    item.insert("d".to_owned(), payload);
    item
}

pub(super) fn index(item: &mut Item, (dpk, dsk): (String, String)) {
    item.insert("dpk".to_owned(), text(dpk));
    item.insert("dsk".to_owned(), text(dsk));
}

/// A run, as it will be after this commit.
pub(super) fn run(what: &'static str, run: &Run, writer: &str, shards: u32) -> Result<Item, StoreError> {
    let contact = run.id.contact();
    let (pk, sk) = (contact.as_str(), run.id.as_str());
    let mut item = item(what, (pk, sk), run, run.revision + 1, writer)?;
    item.insert("st".to_owned(), text(state(&run.state)));
    let unknown = run.unknown_sends() as u64;
    if unknown > 0 {
        let since = run.messages.values().filter(|mail| mail.state == MessageState::Unknown).map(|mail| mail.at).min();
        item.insert("un".to_owned(), number(unknown));
        item.insert("upk".to_owned(), text(keys::UNKNOWN));
        item.insert("usk".to_owned(), text(keys::moment(since.map_or(0, keys::millis), sk)));
    }
    if let Some(step) = run.state.step() {
        item.insert("cur".to_owned(), number(u64::from(step)));
    }
    if let State::Paused { since, .. } = &run.state {
        index(&mut item, (keys::paused(&run.workflow), keys::moment(keys::millis(*since), sk)));
    } else if let Some(place) = run.state.place() {
        index(&mut item, keys::due(pk, sk, place, shards));
    }
    Ok(item)
}

/// The state of a run that is over.
pub(super) const ENDED: &str = "ended";

const fn state(state: &State) -> &'static str {
    match state {
        State::Ready { .. } => "ready",
        State::Claimed { .. } => "claimed",
        State::Unknown { .. } => "unknown",
        State::Calling { .. } => "calling",
        State::Waiting { .. } => "waiting",
        State::Paused { .. } => "paused",
        State::Ended { .. } => ENDED,
    }
}

/// A contact, as it will be after this commit.
pub(super) fn contact(
    what: &'static str,
    key: &ContactKey,
    contact: &Contact,
    writer: &str,
    (secret, shards): (Option<&Secret>, u32),
) -> Result<Item, StoreError> {
    let pk = key.as_str();
    let mut item = item(what, (pk, keys::CONTACT), contact, contact.revision + 1, writer)?;
    let address = match &contact.email {
        Some(address) => {
            let secret = secret.ok_or_else(|| never(what, NO_SECRET))?;
            keys::email(secret, address.expose())
        }
        None => keys::no_email(pk, shards),
    };
    item.insert("epk".to_owned(), text(address));
    if let Some(due) = contact.due() {
        index(&mut item, keys::due(pk, keys::CONTACT, due, shards));
    }
    Ok(item)
}

pub(super) const NO_SECRET: Cause = Cause::Refused("the store has no secret yet: give it with `set_secret`");

/// An event that nothing has followed from yet.
pub(super) fn event(
    what: &'static str,
    key: &ContactKey,
    name: &str,
    event: &Event,
    (writer, shards): (&str, u32),
) -> Result<Item, StoreError> {
    let sk = keys::event(name);
    let mut item = item(what, (key.as_str(), &sk), event, 1, writer)?;
    index(&mut item, keys::due(key.as_str(), &sk, event.received_at, shards));
    Ok(item)
}

pub(super) fn string<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

pub(super) fn revision(item: &Item) -> Option<u64> {
    item.get("v")?.as_n().ok()?.parse().ok()
}

/// A number that is left out where it is 0.
pub(super) fn count(item: &Item, name: &str) -> u64 {
    item.get(name).and_then(|count| count.as_n().ok()?.parse().ok()).unwrap_or_default()
}

/// The payload of an item and its revision.
pub(super) fn payload<T: DeserializeOwned>(what: &'static str, item: &Item) -> Result<(T, u64), StoreError> {
    let shape = item.get("sv").and_then(|shape| shape.as_n().ok()).map_or("0", String::as_str);
    if shape != SHAPE && shape != PACKED {
        return Err(never(what, Cause::Shape(shape.to_owned())));
    }
    let revision = revision(item).ok_or_else(|| never(what, Cause::Item("it has no revision")))?;
    let packed = item.get("d").and_then(|payload| payload.as_b().ok());
    let text = match packed {
        Some(packed) => pack::unpack(packed.as_ref()).map(Cow::Owned),
        None => string(item, "d").map(Cow::Borrowed),
    };
    let text = text.ok_or_else(|| never(what, Cause::Item("it has no payload")))?;
    // The parser's message would quote the payload.
    let value = serde_json::from_str(&text).map_err(|_| never(what, Cause::Item("its payload has another form")))?;
    Ok((value, revision))
}

pub(super) fn read_contact(what: &'static str, item: &Item) -> Result<Contact, StoreError> {
    let (mut contact, revision) = payload::<Contact>(what, item)?;
    contact.revision = revision;
    Ok(contact)
}

pub(super) fn read_run(what: &'static str, item: &Item) -> Result<Run, StoreError> {
    let (mut run, revision) = payload::<Run>(what, item)?;
    run.revision = revision;
    Ok(run)
}
