//! Events of contacts.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::{ReturnConsumedCapacity, TransactWriteItem, Update};
use carepath_app::ports::{Commit, Kept, KeptEvent, Page, StoreError};
use carepath_engine::contact::{Contact, NotAdmitted};
use carepath_engine::event::Event;
use carepath_engine::ids::ContactKey;

use super::commit::{self, Guarded, Written};
use super::contacts::BAD_CURSOR;
use super::error::{self, Cause, never};
use super::items::Item;
use super::{Inner, items, keys, runs};

/// An update of nothing would make an item of a key alone.
const IS_THERE: &str = "attribute_exists(pk)";

pub(super) async fn with_contact(
    store: &Inner,
    key: &ContactKey,
    event: &str,
) -> Result<(Option<Contact>, Option<Event>), StoreError> {
    const WHAT: &str = "read a contact and an event";
    let pk = key.as_str();
    let wanted = vec![items::key(pk, keys::CONTACT), items::key(pk, &keys::event(event))];
    let found = runs::batch_get(store, WHAT, HashMap::from([(store.contacts.clone(), wanted)])).await?;
    let (mut contact, mut event) = (None, None);
    for item in &found {
        if items::string(item, "sk") == Some(keys::CONTACT) {
            contact = Some(items::read_contact(WHAT, item)?);
        } else {
            event = Some(items::payload(WHAT, item)?.0);
        }
    }
    Ok((contact, event))
}

pub(super) async fn keep(store: &Inner, key: &ContactKey, name: &str, event: &Event) -> Result<Kept, StoreError> {
    const WHAT: &str = "keep an event";
    let writer = uuid::Uuid::new_v4().to_string();
    let item = items::event(WHAT, key, name, event, (&writer, store.options.shards))?;
    let guarded = Guarded { table: &store.contacts, item, expect: 0 };
    match commit::put_one(store, WHAT, guarded, &writer).await? {
        Commit::Applied | Commit::AlreadyApplied => Ok(Kept::New),
        Commit::LostRace => Ok(Kept::Duplicate),
    }
}

pub(super) async fn done(
    store: &Inner,
    key: &ContactKey,
    name: &str,
    not_admitted: &[NotAdmitted],
) -> Result<bool, StoreError> {
    const WHAT: &str = "mark an event as done";
    let values = if not_admitted.is_empty() {
        None
    } else {
        let text = serde_json::to_string(not_admitted)
            .map_err(|_| never(WHAT, Cause::Refused("the value cannot be written as JSON")))?;
        Some(Item::from([(":na".to_owned(), items::text(text))]))
    };
    let changes = if values.is_some() { "SET na = :na REMOVE dpk, dsk, fc" } else { "REMOVE dpk, dsk, fc" };
    let key = items::key(key.as_str(), &keys::event(name));
    if let Some(together) = &store.together {
        let update = Update::builder()
            .table_name(&store.contacts)
            .set_key(Some(key.clone()))
            .update_expression(changes)
            .condition_expression(IS_THERE)
            .set_expression_attribute_values(values.clone())
            .build()
            .map_err(|_| never(WHAT, Cause::Refused("an update could not be built")))?;
        let action = TransactWriteItem::builder().update(update).build();
        match together.write(WHAT, vec![action], "").await {
            Some(Written::Answer(commit)) => return Ok(commit == Commit::Applied),
            Some(Written::Failed(_)) | None => {}
        }
    }
    let answer = store
        .client
        .update_item()
        .table_name(&store.contacts)
        .set_key(Some(key))
        .update_expression(changes)
        .condition_expression(IS_THERE)
        .set_expression_attribute_values(values)
        .return_consumed_capacity(ReturnConsumedCapacity::Total)
        .send()
        .await;
    match answer {
        Ok(done) => {
            store.usage.write(WHAT, done.consumed_capacity());
            Ok(true)
        }
        Err(failure) => {
            store.usage.write(WHAT, None);
            let gone =
                failure.as_service_error().is_some_and(|said| commit::is(said, "ConditionalCheckFailedException"));
            // Doing it again does no harm, so doubt is no matter here.
            if gone { Ok(false) } else { Err(error::read(WHAT, &failure)) }
        }
    }
}

pub(super) async fn forget(store: &Inner, key: &ContactKey, name: &str) -> Result<(), StoreError> {
    const WHAT: &str = "delete an event";
    let event = items::key(key.as_str(), &keys::event(name));
    let delete = store.client.delete_item().table_name(&store.contacts).set_key(Some(event));
    let answer = delete.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await;
    // Deleting again does no harm, so doubt is no matter here.
    let done = answer.map_err(|failure| error::read(WHAT, &failure))?;
    store.usage.write(WHAT, done.consumed_capacity());
    Ok(())
}

/// Events are keyed by name, so that each is kept once; their order in time is made here, over all of one contact's.
pub(super) async fn of(
    store: &Inner,
    key: &ContactKey,
    limit: usize,
    cursor: Option<&str>,
) -> Result<Page<KeptEvent>, StoreError> {
    const WHAT: &str = "list the events of a contact";
    let after = match cursor {
        None => None,
        Some(cursor) => {
            let (nanos, name) = cursor.split_once('-').ok_or_else(|| never(WHAT, BAD_CURSOR))?;
            let nanos: i128 = nanos.parse().map_err(|_| never(WHAT, BAD_CURSOR))?;
            Some((Reverse(nanos), name.to_owned()))
        }
    };
    let found = runs::query_all(store, WHAT, &store.contacts, key.as_str(), Some(keys::EVENT)).await?;
    let mut events = BTreeMap::new();
    for item in &found {
        let (event, _) = items::payload::<Event>(WHAT, item)?;
        let not_admitted = match items::string(item, "na") {
            Some(text) => serde_json::from_str(text)
                .map_err(|_| never(WHAT, Cause::Item("what it says of admissions has another form")))?,
            None => Vec::new(),
        };
        let name = items::string(item, "sk").and_then(|sk| sk.strip_prefix(keys::EVENT)).unwrap_or_default();
        let place = (Reverse(event.received_at.as_nanosecond()), name.to_owned());
        events.insert(place, KeptEvent { event, not_admitted });
    }
    let mut rest = events.into_iter().filter(|(place, _)| after.as_ref().is_none_or(|after| place > after)).peekable();
    let mut page = Page { items: Vec::new(), next: None };
    let mut last = None;
    while page.items.len() < limit
        && let Some((place, event)) = rest.next()
    {
        page.items.push(event);
        last = Some(place);
    }
    if rest.peek().is_some() {
        page.next = last.map(|(Reverse(nanos), name)| format!("{nanos}-{name}"));
    }
    Ok(page)
}
