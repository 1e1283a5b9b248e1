//! Reports as they are kept beside the runs: numbers under a guard, and one record a stay.
//!
//! | pk | sk | what |
//! | --- | --- | --- |
//! | `C#` workflow | `T#` version `#` shard | the numbers of all time that the stream's shard has added |
//! | `C#` workflow | `H#` hour `#` version `#` shard | the numbers of an hour |
//! | `L#` workflow `#` version `#` step | run id | what is known of a stay |
//!
//! A row of numbers has an attribute for each, under the counter's name, and `sq`: the last change of the shard that is in it.
//! Shards come and go; what a shard that is gone has added is drawn together in the row whose shard is `-`.

mod numbers;
mod records;

use std::collections::BTreeMap;
use std::sync::Arc;

use carepath_app::ports::{Activity, Page, Period, Position, Reports, StayRecord, StepState, StoreError, Visitor};
use carepath_app::project::{Projection, Row, Sequence};
use carepath_app::recount::within;
use carepath_engine::ids::{RunId, WorkflowId};
use carepath_engine::report::Tally;
use jiff::Timestamp;
use tokio::task::JoinSet;

use super::{DynamoStore, Inner};

/// How many workflows are asked about at a time.
const AT_ONCE: usize = 16;

/// Reports that are kept by the projector, over the client of a store.
#[derive(Debug, Clone)]
pub struct Projected(Arc<Inner>);

impl Projected {
    /// Those beside the runs of a store.
    pub fn beside(store: &DynamoStore) -> Self {
        Self(Arc::clone(&store.0))
    }
}

impl Reports for Projected {
    async fn report(
        &self,
        workflow: &WorkflowId,
        version: Option<u32>,
        period: Option<Period>,
    ) -> Result<Tally, StoreError> {
        let mut found = numbers::of_all_time(&self.0, workflow, version).await?;
        if let Some(period) = period {
            found.add(&numbers::of_hours(&self.0, workflow, period).await?, 1);
        }
        Ok(within(&found, version, period))
    }

    async fn in_step(
        &self,
        at: &Position,
        state: StepState,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page<Visitor>, StoreError> {
        records::in_step(&self.0, at, state, limit, cursor).await
    }

    async fn activity(
        &self,
        workflows: &[WorkflowId],
        period: Period,
    ) -> Result<BTreeMap<WorkflowId, Activity>, StoreError> {
        let mut found = BTreeMap::new();
        for some in workflows.chunks(AT_ONCE) {
            let mut asked = JoinSet::new();
            for workflow in some {
                let (own, workflow) = (self.clone(), workflow.clone());
                asked.spawn(async move {
                    let tally = own.report(&workflow, None, Some(period)).await;
                    (workflow, tally)
                });
            }
            while let Some(answer) = asked.join_next().await {
                let (workflow, tally) = answer.map_err(|_| numbers::gone())?;
                found.insert(workflow, Activity::of(&tally?));
            }
        }
        Ok(found)
    }

    async fn kept(&self, workflow: &WorkflowId) -> Result<Option<Tally>, StoreError> {
        numbers::all(&self.0, workflow).await.map(Some)
    }

    async fn mend(&self, workflow: &WorkflowId, by: &Tally) -> Result<(), StoreError> {
        numbers::mend(&self.0, workflow, by).await
    }

    async fn recorded(&self, stays: &[(Position, RunId)]) -> Result<Option<Vec<Option<StayRecord>>>, StoreError> {
        records::get(&self.0, stays).await.map(Some)
    }

    async fn restore(&self, stays: &[(Position, RunId, StayRecord)]) -> Result<(), StoreError> {
        records::put(&self.0, stays).await
    }

    async fn tidy(&self, workflow: &WorkflowId, now: Timestamp) -> Result<usize, StoreError> {
        numbers::tidy(&self.0, workflow, now).await
    }
}

impl Projection for Projected {
    async fn count(
        &self,
        row: &Row,
        shard: &str,
        changes: &[(Sequence, Tally)],
        at: Timestamp,
    ) -> Result<(), StoreError> {
        numbers::count(&self.0, row, shard, changes, at).await
    }

    async fn record(&self, stays: &[(Position, RunId, StayRecord)]) -> Result<(), StoreError> {
        records::put(&self.0, stays).await
    }
}
