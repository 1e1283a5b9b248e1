//! Reports by counting the runs themselves: exact at every moment, without a write anywhere, at the price of a look through
//! all runs for each. One machine has its reports so, and what is kept elsewhere is compared with it.

use std::collections::BTreeMap;

use carepath_engine::Run;
use carepath_engine::ids::{RunId, WorkflowId};
use carepath_engine::report::{Cell, Stay, Tally, What, stays};
use carepath_engine::run::Place;
use jiff::Timestamp;

use crate::ports::{
    Activity, Page, Period, Position, Reports, Retry, StayRecord, StepState, Store, StoreError, Visitor, Wanted,
};

/// How many runs are read for a page.
const PAGE: usize = 1_000;

/// Counts the runs of a store.
#[derive(Debug, Clone, Copy)]
pub struct Recount<S>(S);

impl<S: Store> Recount<S> {
    /// Over the runs of a store.
    pub const fn new(store: S) -> Self {
        Self(store)
    }
}

/// Does something with each of the runs that are wanted.
///
/// # Errors
/// Where the store fails.
pub(crate) async fn each<S: Store>(
    store: &S,
    wanted: Wanted<'_>,
    mut what: impl FnMut(&Run) + Send,
) -> Result<(), StoreError> {
    let mut cursor: Option<String> = None;
    loop {
        let page = store.runs_that(wanted, PAGE, cursor.as_deref()).await?;
        page.items.iter().for_each(&mut what);
        match page.next {
            Some(next) => cursor = Some(next),
            None => return Ok(()),
        }
    }
}

/// Everything that the runs of a workflow come to, hours too, and how many they are.
///
/// # Errors
/// Where the store fails.
pub async fn whole<S: Store>(store: &S, workflow: &WorkflowId) -> Result<(Tally, u64), StoreError> {
    let (mut tally, mut runs) = (Tally::default(), 0);
    each(store, Wanted { workflow: Some(workflow), live: false }, |run| {
        tally.add_run(run, 1);
        runs += 1;
    })
    .await?;
    Ok((tally, runs))
}

/// Of all numbers those of a time, without their hours.
pub fn within(all: &Tally, version: Option<u32>, period: Option<Period>) -> Tally {
    let mut found = Tally::default();
    for (cell, count) in all.iter().filter(|(cell, _)| version.is_none_or(|version| cell.version == version)) {
        let wanted = match (period, cell.hour) {
            (None, hour) => hour.is_none(),
            (Some(_), None) => cell.counter.what == What::Waiting,
            (Some(period), Some(hour)) => period.contains(hour),
        };
        if wanted {
            found.add_to(Cell { hour: None, ..cell.clone() }, count);
        }
    }
    found
}

/// The stay of a run in a step.
fn visitor(run: &Run, at: &Position) -> Option<Visitor> {
    let here = |stay: &&Stay<'_>| stay.version == at.version && stay.place == Place::Step(at.step);
    stays(run).iter().find(here).map(|stay| Visitor { run: run.id.clone(), stay: StayRecord::of(stay) })
}

/// Where a page begins: with which page of the store, and behind how many of those found on it.
fn begin(cursor: Option<&str>) -> Result<(Option<String>, usize), StoreError> {
    let Some(cursor) = cursor else { return Ok((None, 0)) };
    let parts = cursor.split_once('.').and_then(|(skip, page)| Some((skip.parse().ok()?, page)));
    let refused = StoreError { what: "list who is in a step", retry: Retry::Never, source: None };
    let (skip, page) = parts.ok_or(refused)?;
    Ok(((!page.is_empty()).then(|| page.to_owned()), skip))
}

impl<S: Store> Reports for Recount<S> {
    async fn report(
        &self,
        workflow: &WorkflowId,
        version: Option<u32>,
        period: Option<Period>,
    ) -> Result<Tally, StoreError> {
        let mut found = Tally::default();
        each(&self.0, Wanted { workflow: Some(workflow), live: false }, |run| {
            found.add(&within(&Tally::of(run), version, period), 1);
        })
        .await?;
        Ok(found)
    }

    async fn in_step(
        &self,
        at: &Position,
        state: StepState,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page<Visitor>, StoreError> {
        let (mut page, mut skip) = begin(cursor)?;
        let wanted = Wanted { workflow: Some(&at.workflow), live: state == StepState::Waiting };
        let mut items = Vec::new();
        loop {
            let read = self.0.runs_that(wanted, PAGE, page.as_deref()).await?;
            let found = read.items.iter().filter_map(|run| visitor(run, at)).filter(|visitor| visitor.stay.is(state));
            for (seen, visitor) in found.enumerate().skip(skip) {
                if items.len() == limit {
                    let next = format!("{seen}.{}", page.as_deref().unwrap_or_default());
                    return Ok(Page { items, next: Some(next) });
                }
                items.push(visitor);
            }
            skip = 0;
            match read.next {
                Some(next) => page = Some(next),
                None => return Ok(Page { items, next: None }),
            }
        }
    }

    async fn activity(
        &self,
        workflows: &[WorkflowId],
        period: Period,
    ) -> Result<BTreeMap<WorkflowId, Activity>, StoreError> {
        let mut found: BTreeMap<&WorkflowId, Tally> =
            workflows.iter().map(|workflow| (workflow, Tally::default())).collect();
        each(&self.0, Wanted { workflow: None, live: false }, |run| {
            if let Some(tally) = found.get_mut(&run.workflow) {
                tally.add(&within(&Tally::of(run), None, Some(period)), 1);
            }
        })
        .await?;
        Ok(found.into_iter().map(|(workflow, tally)| (workflow.clone(), Activity::of(&tally))).collect())
    }

    async fn kept(&self, _: &WorkflowId) -> Result<Option<Tally>, StoreError> {
        Ok(None)
    }

    async fn mend(&self, _: &WorkflowId, _: &Tally) -> Result<(), StoreError> {
        Ok(())
    }

    async fn recorded(&self, _: &[(Position, RunId)]) -> Result<Option<Vec<Option<StayRecord>>>, StoreError> {
        Ok(None)
    }

    async fn restore(&self, _: &[(Position, RunId, StayRecord)]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn tidy(&self, _: &WorkflowId, _: Timestamp) -> Result<usize, StoreError> {
        Ok(0)
    }
}
