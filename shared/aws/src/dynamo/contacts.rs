//! Contacts and the members of segments.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use carepath_app::ports::{Page, StoreError};
use carepath_engine::contact::{Contact, Suppression};
use carepath_engine::ids::{ContactKey, SegmentId};

use super::error::{self, Cause, never};
use super::{Inner, commit, items, keys, runs};

pub(super) const BAD_CURSOR: Cause = Cause::Refused("the cursor is none that a page gave out");

pub(super) async fn contact(store: &Inner, key: &ContactKey) -> Result<Option<Contact>, StoreError> {
    const WHAT: &str = "read a contact";
    let found = commit::get(store, WHAT, &store.contacts, (key.as_str(), keys::CONTACT)).await?;
    found.map(|item| items::read_contact(WHAT, &item)).transpose()
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

/// Counted, not kept: a count that is kept beside the members would be one more thing to be wrong.
pub(super) async fn count_members(store: &Inner, segment: &SegmentId) -> Result<u64, StoreError> {
    runs::count(store, "count the members of a segment", (&store.contacts, None), ("pk", &keys::segment(segment))).await
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
