//! Stored shapes: a thing as JSON in one attribute, and beside it only what keys, conditions and indexes need.
//!
//! Each item says which version of its shape it has, so that a later build can read what an earlier one wrote.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use carepath_app::ports::{Document, StoreError};
use carepath_engine::contact::Contact;
use carepath_engine::event::Event;
use carepath_engine::ids::{ContactKey, Secret};
use carepath_engine::run::{Run, State};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::damaged;
use super::keys::{self, attr};

pub(super) type Item = HashMap<String, AttributeValue>;

/// The version of all stored shapes.
const SHAPE: &str = "1";
/// The largest thing that is stored, in bytes: DynamoDB takes 400 KiB an item, keys included.
const MAX_DATA: usize = 350 << 10;

pub(super) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(super) fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub(super) fn key(pk: &str, sk: &str) -> Item {
    HashMap::from([(attr::PK.to_owned(), text(pk)), (attr::SK.to_owned(), text(sk))])
}

pub(super) fn get<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    match item.get(name)? {
        AttributeValue::S(text) | AttributeValue::N(text) => Some(text),
        _ => None,
    }
}

pub(super) fn revision(item: &Item) -> u64 {
    get(item, attr::REVISION).and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn stored(pk: &str, sk: &str, data: &impl Serialize, what: &'static str) -> Result<Item, StoreError> {
    let data = serde_json::to_string(data).map_err(|_| damaged(what, "it does not serialise"))?;
    if data.len() > MAX_DATA {
        return Err(damaged(what, "it is larger than 350 KiB"));
    }
    let mut item = key(pk, sk);
    item.insert(attr::SHAPE.to_owned(), AttributeValue::N(SHAPE.to_owned()));
    item.insert(attr::DATA.to_owned(), text(data));
    Ok(item)
}

fn read<T: DeserializeOwned>(item: &Item, what: &'static str) -> Result<T, StoreError> {
    if get(item, attr::SHAPE) != Some(SHAPE) {
        return Err(damaged(what, "it was written in a shape that this version does not know"));
    }
    let data = get(item, attr::DATA).ok_or_else(|| damaged(what, "its data is missing"))?;
    serde_json::from_str(data).map_err(|_| damaged(what, "its data cannot be read"))
}

fn put_due(item: &mut Item, pk: &str, sk: &str, due: Timestamp, shards: u32) {
    let partition = keys::due_partition(keys::hour(due), keys::shard(pk, shards));
    item.insert(attr::DUE_PK.to_owned(), text(partition));
    item.insert(attr::DUE_SK.to_owned(), text(keys::due_sort(due, sk)));
}

/// A run as the revision after the one it was decided on.
pub(super) fn run(run: &Run, shards: u32) -> Result<Item, StoreError> {
    let (contact, id) = (run.id.contact(), run.id.as_str());
    let mut item = stored(contact.as_str(), id, run, "write a run")?;
    item.insert(attr::REVISION.to_owned(), number(run.revision + 1));
    if let State::Parked { since, .. } = &run.state {
        item.insert(attr::DUE_PK.to_owned(), text(keys::parked_partition(&run.workflow)));
        item.insert(attr::DUE_SK.to_owned(), text(keys::due_sort(*since, id)));
    } else if let Some(due) = run.state.due() {
        put_due(&mut item, contact.as_str(), id, due, shards);
    }
    Ok(item)
}

pub(super) fn read_run(item: &Item) -> Result<Run, StoreError> {
    let mut run: Run = read(item, "read a run")?;
    run.revision = revision(item);
    Ok(run)
}

/// A contact as the revision after the one it was decided on.
pub(super) fn contact(
    key: &ContactKey,
    contact: &Contact,
    secret: Option<&Secret>,
    shards: u32,
) -> Result<Item, StoreError> {
    let mut item = stored(key.as_str(), keys::CONTACT, contact, "write a contact")?;
    item.insert(attr::REVISION.to_owned(), number(contact.revision + 1));
    if let (Some(email), Some(secret)) = (&contact.email, secret) {
        item.insert(attr::EMAIL.to_owned(), text(email_key(email.expose(), secret)));
    }
    if !contact.pending.is_empty() {
        put_due(&mut item, key.as_str(), keys::CONTACT, contact.updated_at, shards);
    }
    Ok(item)
}

pub(super) fn read_contact(item: &Item) -> Result<Contact, StoreError> {
    let mut contact: Contact = read(item, "read a contact")?;
    contact.revision = revision(item);
    Ok(contact)
}

/// An address as it stands in the index: hashed, so that no key says who somebody is (S24).
pub(super) fn email_key(email: &str, secret: &Secret) -> String {
    secret.opaque("email", &[&email.trim().to_lowercase()])
}

pub(super) fn event(contact: &ContactKey, name: &str, event: &Event, shards: u32) -> Result<Item, StoreError> {
    let sort = keys::event(name);
    let mut item = stored(contact.as_str(), &sort, event, "write an event")?;
    put_due(&mut item, contact.as_str(), &sort, event.received_at, shards);
    Ok(item)
}

pub(super) fn read_event(item: &Item) -> Result<Event, StoreError> {
    read(item, "read an event")
}

pub(super) fn document(pk: &str, id: &str, body: &serde_json::Value, expect: u64) -> Result<Item, StoreError> {
    let mut item = stored(pk, id, body, "write a document")?;
    item.insert(attr::REVISION.to_owned(), number(expect + 1));
    Ok(item)
}

pub(super) fn read_document(item: &Item) -> Result<Document, StoreError> {
    let body = read(item, "read a document")?;
    let id = get(item, attr::SK).unwrap_or_default().to_owned();
    Ok(Document { id, revision: revision(item), body })
}
