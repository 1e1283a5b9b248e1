//! What is due: the sparse index that is timer, outbox and repair in one.

use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use carepath_app::ports::{Due, StoreError};
use carepath_engine::ids::{RunId, WorkflowId};
use jiff::Timestamp;

use super::DynamoStore;
use super::error::store_error;
use super::items::{Item, get, text};
use super::keys::{self, DUE_INDEX, attr};

/// A range of more hours than this is found by scanning the index: it is sparse, and the hours would mostly be empty.
const MAX_HOURS: i64 = 2_000;

impl DynamoStore {
    pub(super) async fn read_due(
        &self,
        from: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Due>, StoreError> {
        let (first, last) = (keys::hour(from), keys::hour(until));
        let tables = [self.inner.tables.runs.as_str(), self.inner.tables.contacts.as_str()];
        let mut found = Vec::new();
        if last - first > MAX_HOURS {
            for table in tables {
                self.scan_due(table, from, until, &mut found).await?;
            }
        } else {
            for hour in first..=last {
                for table in tables {
                    for shard in 0..self.inner.shards {
                        let partition = keys::due_partition(hour, shard);
                        self.query_due(table, &partition, from, until, limit, &mut found).await?;
                    }
                }
                if found.len() >= limit {
                    break;
                }
            }
        }
        found.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.work.cmp(&b.work)));
        found.truncate(limit);
        Ok(found)
    }

    async fn query_due(
        &self,
        table: &str,
        partition: &str,
        from: Timestamp,
        until: Timestamp,
        limit: usize,
        found: &mut Vec<Due>,
    ) -> Result<(), StoreError> {
        let answer = self
            .inner
            .client
            .query()
            .table_name(table)
            .index_name(DUE_INDEX)
            .key_condition_expression("dpk = :p AND dsk BETWEEN :a AND :b")
            .expression_attribute_values(":p", text(partition))
            .expression_attribute_values(":a", text(keys::due_time(from)))
            // `~` sorts behind everything that may stand behind the time.
            .expression_attribute_values(":b", text(format!("{}~", keys::due_time(until))))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        let output = answer.map_err(|error| store_error("due", &error))?;
        self.inner.meter.read("due", &output.consumed_capacity().into_iter().collect::<Vec<_>>());
        found.extend(output.items().iter().filter_map(entry));
        Ok(())
    }

    async fn scan_due(
        &self,
        table: &str,
        from: Timestamp,
        until: Timestamp,
        found: &mut Vec<Due>,
    ) -> Result<(), StoreError> {
        let mut start = None;
        loop {
            let request = self.inner.client.scan().table_name(table).index_name(DUE_INDEX);
            let answer = request.set_exclusive_start_key(start).send().await;
            let output = answer.map_err(|error| store_error("due (scan)", &error))?;
            self.inner.meter.read("due (scan)", &[]);
            let parked = |item: &Item| get(item, attr::DUE_PK).is_some_and(|partition| partition.starts_with("P#"));
            let entries = output.items().iter().filter(|item| !parked(item)).filter_map(entry);
            found.extend(entries.filter(|due| from <= due.at && due.at <= until));
            start = output.last_evaluated_key;
            if start.is_none() {
                return Ok(());
            }
        }
    }

    pub(super) async fn read_parked(&self, workflow: &WorkflowId, limit: usize) -> Result<Vec<RunId>, StoreError> {
        let answer = self
            .inner
            .client
            .query()
            .table_name(&self.inner.tables.runs)
            .index_name(DUE_INDEX)
            .key_condition_expression("dpk = :p")
            .expression_attribute_values(":p", text(keys::parked_partition(workflow)))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        let output = answer.map_err(|error| store_error("parked runs", &error))?;
        self.inner.meter.read("parked runs", &output.consumed_capacity().into_iter().collect::<Vec<_>>());
        Ok(output.items().iter().filter_map(|item| get(item, attr::SK)?.parse().ok()).collect())
    }
}

fn entry(item: &Item) -> Option<Due> {
    let at = keys::parse_due(get(item, attr::DUE_SK)?)?;
    let work = keys::work(get(item, attr::PK)?, get(item, attr::SK)?)?;
    Some(Due { at, work })
}
