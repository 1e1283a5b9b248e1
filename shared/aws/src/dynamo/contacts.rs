//! Contacts, their events and the members of segments.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use carepath_app::ports::{Commit, Kept, Page, StoreError};
use carepath_engine::contact::{Contact, Suppression};
use carepath_engine::event::Event;
use carepath_engine::ids::{ContactKey, SegmentId};

use super::commit::{self, Guarded};
use super::error::{self, Cause, never};
use super::{Inner, items, keys, runs};

const BAD_CURSOR: Cause = Cause::Refused("the cursor is none that a page gave out");

pub(super) async fn contact(store: &Inner, key: &ContactKey) -> Result<Option<Contact>, StoreError> {
    const WHAT: &str = "read a contact";
    let found = commit::get(store, WHAT, &store.contacts, (key.as_str(), keys::CONTACT)).await?;
    found.map(|item| items::read_contact(WHAT, &item)).transpose()
}

pub(super) async fn contact_and_event(
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

pub(super) async fn keep_event(store: &Inner, key: &ContactKey, name: &str, event: &Event) -> Result<Kept, StoreError> {
    const WHAT: &str = "keep an event";
    let writer = uuid::Uuid::new_v4().to_string();
    let item = items::event(WHAT, key, name, event, (&writer, store.options.shards))?;
    let guarded = Guarded { table: &store.contacts, item, expect: 0 };
    match commit::put_one(store, WHAT, guarded, &writer).await? {
        Commit::Applied | Commit::AlreadyApplied => Ok(Kept::New),
        Commit::LostRace => Ok(Kept::Duplicate),
    }
}

pub(super) async fn event_done(store: &Inner, key: &ContactKey, name: &str) -> Result<bool, StoreError> {
    const WHAT: &str = "mark an event as done";
    let answer = store
        .client
        .update_item()
        .table_name(&store.contacts)
        .set_key(Some(items::key(key.as_str(), &keys::event(name))))
        .update_expression("REMOVE dpk, dsk, fpk, fsk, fc")
        // An update of nothing would make an item of a key alone.
        .condition_expression("attribute_exists(pk)")
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

pub(super) async fn drop_event(store: &Inner, key: &ContactKey, name: &str) -> Result<(), StoreError> {
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
pub(super) async fn events_of(
    store: &Inner,
    key: &ContactKey,
    limit: usize,
    cursor: Option<&str>,
) -> Result<Page<Event>, StoreError> {
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
        let name = items::string(item, "sk").and_then(|sk| sk.strip_prefix(keys::EVENT)).unwrap_or_default();
        events.insert((Reverse(event.received_at.as_nanosecond()), name.to_owned()), event);
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

pub(super) async fn members(
    store: &Inner,
    segment: &SegmentId,
    limit: usize,
    cursor: Option<&str>,
) -> Result<Page<ContactKey>, StoreError> {
    const WHAT: &str = "list the members of a segment";
    let pk = keys::segment(segment);
    let start = match cursor {
        None => None,
        Some(cursor) => {
            let key: ContactKey = cursor.parse().map_err(|_| never(WHAT, BAD_CURSOR))?;
            Some(items::key(&pk, key.as_str()))
        }
    };
    let answer = store
        .client
        .query()
        .table_name(&store.contacts)
        .key_condition_expression("pk = :pk")
        .expression_attribute_values(":pk", items::text(&pk))
        .set_exclusive_start_key(start)
        .limit(i32::try_from(limit).unwrap_or(i32::MAX).max(1))
        .return_consumed_capacity(ReturnConsumedCapacity::Total)
        .send()
        .await
        .map_err(|failure| error::read(WHAT, &failure))?;
    store.usage.read(WHAT, answer.consumed_capacity());
    let next = answer.last_evaluated_key().and_then(|key| items::string(key, "sk")).map(str::to_owned);
    let keys = answer.items().iter().filter_map(|item| items::string(item, "sk")?.parse().ok()).collect();
    Ok(Page { items: keys, next })
}

pub(super) async fn by_email(store: &Inner, email: &str, limit: usize) -> Result<Vec<Contact>, StoreError> {
    const WHAT: &str = "find contacts by address";
    let secret = store.secret.get().ok_or_else(|| never(WHAT, items::NO_SECRET))?;
    let answer = store
        .client
        .query()
        .table_name(&store.contacts)
        .index_name("email")
        .key_condition_expression("epk = :epk")
        .expression_attribute_values(":epk", items::text(keys::email(secret, email)))
        .limit(i32::try_from(limit).unwrap_or(i32::MAX).max(1))
        .return_consumed_capacity(ReturnConsumedCapacity::Total)
        .send()
        .await
        .map_err(|failure| error::read(WHAT, &failure))?;
    store.usage.read(WHAT, answer.consumed_capacity());
    let keys: Vec<ContactKey> =
        answer.items().iter().filter_map(|item| items::string(item, "pk")?.parse().ok()).collect();
    let mut found = contacts(store, WHAT, &keys).await?;
    // The index may lag behind a change of address.
    let wanted = email.to_lowercase();
    found.retain(|contact| contact.email.as_ref().is_some_and(|has| has.expose().to_lowercase() == wanted));
    Ok(found)
}

pub(super) async fn contacts(
    store: &Inner,
    what: &'static str,
    keys: &[ContactKey],
) -> Result<Vec<Contact>, StoreError> {
    contacts_and_suppressed(store, what, keys, &[]).await.map(|(contacts, _)| contacts)
}

pub(super) async fn contacts_and_suppressed(
    store: &Inner,
    what: &'static str,
    keys: &[ContactKey],
    names: &[String],
) -> Result<(Vec<Contact>, BTreeMap<String, Suppression>), StoreError> {
    let keyed: BTreeSet<_> = keys.iter().map(|key| (key.as_str().to_owned(), keys::CONTACT)).collect();
    let named: BTreeSet<_> = names.iter().map(|name| (keys::suppressed(name), keys::SUPPRESSED)).collect();
    let distinct: Vec<_> = keyed.into_iter().chain(named).collect();
    let (mut found, mut suppressed) = (HashMap::new(), BTreeMap::new());
    for some in distinct.chunks(runs::MOST_KEYS) {
        let wanted = some.iter().map(|(pk, sk)| items::key(pk, sk)).collect();
        for item in runs::batch_get(store, what, HashMap::from([(store.contacts.clone(), wanted)])).await? {
            let pk = items::string(&item, "pk").unwrap_or_default();
            match keys::from_suppressed(pk) {
                Some(name) => drop(suppressed.insert(name.to_owned(), items::payload(what, &item)?.0)),
                None => drop(found.insert(pk.to_owned(), items::read_contact(what, &item)?)),
            }
        }
    }
    Ok((keys.iter().filter_map(|key| found.get(key.as_str()).cloned()).collect(), suppressed))
}

/// Takes away all that is stored of a contact but its runs.
pub(super) async fn erase(store: &Inner, key: &ContactKey, segments: &[SegmentId]) -> Result<(), StoreError> {
    const WHAT: &str = "erase a contact";
    let pk = key.as_str();
    let found = runs::query_all(store, WHAT, &store.contacts, pk, Some(keys::EVENT)).await?;
    let mut gone: Vec<_> = found.iter().filter_map(|item| Some(items::key(pk, items::string(item, "sk")?))).collect();
    gone.extend(segments.iter().map(|segment| items::key(&keys::segment(segment), pk)));
    // The contact itself goes last: until then a repeat knows from it what is left to do.
    gone.push(items::key(pk, keys::CONTACT));
    for item in gone {
        let delete = store.client.delete_item().table_name(&store.contacts).set_key(Some(item));
        let answer = delete.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await;
        // Deleting again does no harm, so doubt is no matter here.
        let done = answer.map_err(|failure| error::read(WHAT, &failure))?;
        store.usage.write(WHAT, done.consumed_capacity());
    }
    Ok(())
}
