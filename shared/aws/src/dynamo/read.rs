//! Reading contacts, runs, events and members, and keeping events.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{KeysAndAttributes, ReturnConsumedCapacity};
use carepath_app::ports::{Kept, Page, Retry, StoreError};
use carepath_engine::contact::Contact;
use carepath_engine::event::Event;
use carepath_engine::ids::{ContactKey, RunId, SegmentId};
use carepath_engine::run::Run;

use super::DynamoStore;
use super::error::{damaged, store_error};
use super::items::{self, Item, get, text};
use super::keys::{self, EMAIL_INDEX, attr};

/// DynamoDB takes so many keys in one batch.
const BATCH: usize = 100;

impl DynamoStore {
    pub(super) async fn get_item(
        &self,
        operation: &'static str,
        table: &str,
        key: Item,
    ) -> Result<Option<Item>, StoreError> {
        let answer = self
            .inner
            .client
            .get_item()
            .table_name(table)
            .set_key(Some(key))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        let output = answer.map_err(|error| store_error(operation, &error))?;
        self.inner.meter.read(operation, &output.consumed_capacity().into_iter().collect::<Vec<_>>());
        Ok(output.item)
    }

    /// Several items in one request, by table.
    async fn batch(
        &self,
        operation: &'static str,
        wanted: Vec<(&str, Vec<Item>)>,
    ) -> Result<HashMap<String, Vec<Item>>, StoreError> {
        let mut request =
            self.inner.client.batch_get_item().return_consumed_capacity(ReturnConsumedCapacity::Total);
        for (table, keys) in wanted {
            let keys = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
            request = request.request_items(table, keys.map_err(|_| damaged(operation, "a batch without keys"))?);
        }
        let output = request.send().await.map_err(|error| store_error(operation, &error))?;
        self.inner.meter.read(operation, &output.consumed_capacity().iter().collect::<Vec<_>>());
        if output.unprocessed_keys().is_some_and(|keys| !keys.is_empty()) {
            // DynamoDB gives back what it had no capacity for.
            return Err(StoreError { what: operation, retry: Retry::After(None), source: None });
        }
        Ok(output.responses.unwrap_or_default())
    }

    /// All items of a query, page after page.
    async fn query(
        &self,
        operation: &'static str,
        table: &str,
        partition: &str,
        prefix: &str,
    ) -> Result<Vec<Item>, StoreError> {
        let (mut found, mut start) = (Vec::new(), None);
        loop {
            let answer = self
                .inner
                .client
                .query()
                .table_name(table)
                .key_condition_expression("pk = :p AND begins_with(sk, :s)")
                .expression_attribute_values(":p", text(partition))
                .expression_attribute_values(":s", text(prefix))
                .consistent_read(true)
                .set_exclusive_start_key(start)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await;
            let output = answer.map_err(|error| store_error(operation, &error))?;
            self.inner.meter.read(operation, &output.consumed_capacity().into_iter().collect::<Vec<_>>());
            found.extend(output.items.unwrap_or_default());
            start = output.last_evaluated_key;
            if start.is_none() {
                return Ok(found);
            }
        }
    }

    pub(super) async fn read_contact(&self, key: &ContactKey) -> Result<Option<Contact>, StoreError> {
        let item = self
            .get_item("contact", &self.inner.tables.contacts, items::key(key.as_str(), keys::CONTACT))
            .await?;
        item.as_ref().map(items::read_contact).transpose()
    }

    pub(super) async fn read_contact_and_event(
        &self,
        key: &ContactKey,
        event: &str,
    ) -> Result<(Option<Contact>, Option<Event>), StoreError> {
        let table = self.inner.tables.contacts.as_str();
        let wanted =
            vec![items::key(key.as_str(), keys::CONTACT), items::key(key.as_str(), &keys::event(event))];
        let mut answer = self.batch("contact and event", vec![(table, wanted)]).await?;
        let (mut contact, mut found) = (None, None);
        for item in answer.remove(table).unwrap_or_default() {
            if get(&item, attr::SK) == Some(keys::CONTACT) {
                contact = Some(items::read_contact(&item)?);
            } else {
                found = Some(items::read_event(&item)?);
            }
        }
        Ok((contact, found))
    }

    pub(super) async fn read_run_and_contact(
        &self,
        id: &RunId,
    ) -> Result<(Option<Run>, Option<Contact>), StoreError> {
        let contact = id.contact();
        let (runs, contacts) = (self.inner.tables.runs.as_str(), self.inner.tables.contacts.as_str());
        let wanted = vec![
            (runs, vec![items::key(contact.as_str(), id.as_str())]),
            (contacts, vec![items::key(contact.as_str(), keys::CONTACT)]),
        ];
        let answer = self.batch("run and contact", wanted).await?;
        let first = |table: &str| answer.get(table).and_then(|items| items.first());
        Ok((first(runs).map(items::read_run).transpose()?, first(contacts).map(items::read_contact).transpose()?))
    }

    pub(super) async fn read_runs(&self, key: &ContactKey) -> Result<Vec<Run>, StoreError> {
        let found = self.query("runs of a contact", &self.inner.tables.runs, key.as_str(), "run_").await?;
        let mut runs = found.iter().map(items::read_run).collect::<Result<Vec<_>, _>>()?;
        runs.sort_by_key(|run| run.entry.at);
        Ok(runs)
    }

    pub(super) async fn put_event(
        &self,
        key: &ContactKey,
        name: &str,
        event: &Event,
    ) -> Result<Kept, StoreError> {
        let operation = "keep an event";
        let answer = self
            .inner
            .client
            .put_item()
            .table_name(&self.inner.tables.contacts)
            .set_item(Some(items::event(key, name, event, self.inner.shards)?))
            .condition_expression("attribute_not_exists(pk)")
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match answer {
            Ok(output) => {
                self.inner.meter.write(operation, &output.consumed_capacity().into_iter().collect::<Vec<_>>());
                Ok(Kept::New)
            }
            Err(error) => {
                self.inner.meter.write(operation, &[]);
                match error.as_service_error() {
                    Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(Kept::Duplicate),
                    _ => Err(store_error(operation, &error)),
                }
            }
        }
    }

    pub(super) async fn finish_event(&self, key: &ContactKey, name: &str) -> Result<(), StoreError> {
        let operation = "finish an event";
        let answer = self
            .inner
            .client
            .update_item()
            .table_name(&self.inner.tables.contacts)
            .set_key(Some(items::key(key.as_str(), &keys::event(name))))
            .update_expression("REMOVE dpk, dsk")
            // An event whose contact was deleted meanwhile must not come back as an empty item.
            .condition_expression("attribute_exists(pk)")
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match answer {
            Ok(output) => {
                self.inner.meter.write(operation, &output.consumed_capacity().into_iter().collect::<Vec<_>>());
                Ok(())
            }
            Err(error)
                if error.as_service_error().is_some_and(|error| error.is_conditional_check_failed_exception()) =>
            {
                Ok(())
            }
            Err(error) => Err(store_error(operation, &error)),
        }
    }

    pub(super) async fn read_events(
        &self,
        key: &ContactKey,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page<Event>, StoreError> {
        let found = self.query("events of a contact", &self.inner.tables.contacts, key.as_str(), keys::EVENT).await?;
        let mut events = found.iter().map(items::read_event).collect::<Result<Vec<_>, _>>()?;
        events.sort_by(|a, b| b.received_at.cmp(&a.received_at).then_with(|| b.id.cmp(&a.id)));
        let start = cursor.and_then(|cursor| cursor.parse().ok()).unwrap_or(0_usize).min(events.len());
        let end = start.saturating_add(limit).min(events.len());
        let next = (end < events.len()).then(|| end.to_string());
        Ok(Page { items: events.drain(start..end).collect(), next })
    }

    pub(super) async fn read_members(
        &self,
        segment: &SegmentId,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page<ContactKey>, StoreError> {
        let operation = "members of a segment";
        let partition = keys::members(segment);
        let start = cursor.map(|cursor| items::key(&partition, cursor));
        let answer = self
            .inner
            .client
            .query()
            .table_name(&self.inner.tables.contacts)
            .key_condition_expression("pk = :p")
            .expression_attribute_values(":p", text(&partition))
            .set_exclusive_start_key(start)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        let output = answer.map_err(|error| store_error(operation, &error))?;
        self.inner.meter.read(operation, &output.consumed_capacity().into_iter().collect::<Vec<_>>());
        let next = output.last_evaluated_key().and_then(|key| get(key, attr::SK)).map(str::to_owned);
        let items = output.items().iter().filter_map(|item| get(item, attr::SK)?.parse().ok()).collect();
        Ok(Page { items, next })
    }

    pub(super) async fn read_by_email(&self, email: &str, limit: usize) -> Result<Vec<Contact>, StoreError> {
        let operation = "contacts by address";
        let Some(secret) = self.inner.secret.get() else {
            return Err(damaged(operation, "the account's secret is not set"));
        };
        let answer = self
            .inner
            .client
            .query()
            .table_name(&self.inner.tables.contacts)
            .index_name(EMAIL_INDEX)
            .key_condition_expression("epk = :e")
            .expression_attribute_values(":e", text(items::email_key(email, secret)))
            .limit(i32::try_from(limit.min(BATCH)).unwrap_or(i32::MAX))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        let output = answer.map_err(|error| store_error(operation, &error))?;
        self.inner.meter.read(operation, &output.consumed_capacity().into_iter().collect::<Vec<_>>());
        let found: Vec<ContactKey> =
            output.items().iter().filter_map(|item| get(item, attr::PK)?.parse().ok()).collect();
        self.read_contacts(&found).await
    }

    pub(super) async fn read_contacts(&self, wanted: &[ContactKey]) -> Result<Vec<Contact>, StoreError> {
        let table = self.inner.tables.contacts.as_str();
        let mut found = HashMap::with_capacity(wanted.len());
        for some in wanted.chunks(BATCH) {
            let keys = some.iter().map(|key| items::key(key.as_str(), keys::CONTACT)).collect();
            let mut answer = self.batch("contacts", vec![(table, keys)]).await?;
            for item in answer.remove(table).unwrap_or_default() {
                let pk = get(&item, attr::PK).unwrap_or_default().to_owned();
                found.insert(pk, items::read_contact(&item)?);
            }
        }
        Ok(wanted.iter().filter_map(|key| found.remove(key.as_str())).collect())
    }

    /// Takes away all that is stored of a contact but its runs.
    pub(super) async fn erase_contact(&self, key: &ContactKey, segments: &[SegmentId]) -> Result<(), StoreError> {
        let operation = "delete a contact";
        let mut gone = vec![];
        for item in self.query(operation, &self.inner.tables.contacts, key.as_str(), keys::EVENT).await? {
            gone.push(items::key(key.as_str(), get(&item, attr::SK).unwrap_or_default()));
        }
        gone.extend(segments.iter().map(|segment| items::key(&keys::members(segment), key.as_str())));
        // The contact itself goes last: until then a repeat finds what is left to do.
        gone.push(items::key(key.as_str(), keys::CONTACT));
        for key in gone {
            let request = self.inner.client.delete_item().table_name(&self.inner.tables.contacts).set_key(Some(key));
            request.send().await.map_err(|error| store_error(operation, &error))?;
            self.inner.meter.write(operation, &[]);
        }
        Ok(())
    }
}
