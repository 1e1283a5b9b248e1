//! What the runs so far come to, as it is kept between two steps.
//!
//! It may be more than one item holds, so it lies in several, which are written before the task that refers to them. Two sets take
//! turns, so that the one that the task refers to stays whole while the other is written. Each item says by whom it was written:
//! should two workers have written into one set, nobody can take the mixture for a sum.

use carepath_engine::ids::WorkflowId;
use carepath_engine::report::{Cell, Tally};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{All, Sums};
use crate::App;
use crate::error::UseError;
use crate::ports::{Commit, Ports, Store};

/// How many numbers stand in one item at most: with their names some 80 bytes each at worst, of 400 KB that an item may have.
const CELLS: usize = 3_000;

/// Where sums are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Parts {
    /// Who wrote them.
    token: String,
    /// Which of the two sets it is.
    set: bool,
    /// How many items.
    count: usize,
    /// How many items a set ever had.
    most: usize,
}

/// Numbers of one sort of one workflow.
#[derive(Serialize, Deserialize)]
struct Portion {
    #[serde(rename = "w")]
    workflow: WorkflowId,
    /// Whether they are what was kept at first.
    #[serde(rename = "f")]
    first: bool,
    #[serde(rename = "r", default)]
    runs: u64,
    /// Version, hour, counter, number.
    #[serde(rename = "n")]
    numbers: Vec<(u32, Option<i64>, String, i64)>,
}

#[derive(Serialize, Deserialize)]
struct Part {
    token: String,
    portions: Vec<Portion>,
}

fn name(of: &str, set: bool, nth: usize) -> String {
    format!("part-of-{of}/{}/{nth}", u8::from(set))
}

fn portions(all: &All) -> Vec<Portion> {
    let mut portions = Vec::new();
    for (workflow, sums) in all {
        for (first, tally) in [(true, &sums.first), (false, &sums.counted)] {
            let numbers: Vec<_> =
                tally.iter().map(|(cell, count)| (cell.version, cell.hour, cell.counter.to_string(), count)).collect();
            // The first of them is there even where there is no number: it says that the workflow is looked at.
            let mut runs = if first { sums.runs } else { 0 };
            let mut add = |numbers| {
                let workflow = workflow.clone();
                portions.push(Portion { workflow, first, runs: std::mem::take(&mut runs), numbers });
            };
            if first && numbers.is_empty() {
                add(Vec::new());
            }
            numbers.chunks(CELLS).for_each(|some| add(some.to_vec()));
        }
    }
    portions
}

/// Writes sums into the set that nobody refers to.
pub(super) async fn save<P: Ports>(app: &App<P>, of: &str, was: &Parts, all: &All) -> Result<Parts, UseError> {
    let (token, set) = (uuid::Uuid::new_v4().to_string(), !was.set);
    let (mut items, mut room): (Vec<Vec<Portion>>, usize) = (Vec::new(), 0);
    for portion in portions(all) {
        // A workflow counts as well, for its name.
        let size = portion.numbers.len() + 4;
        if size > room {
            items.push(Vec::new());
            room = CELLS + 4;
        }
        if let Some(item) = items.last_mut() {
            item.push(portion);
        }
        room = room.saturating_sub(size);
    }
    let count = items.len();
    for (nth, portions) in items.into_iter().enumerate() {
        write(app, &name(of, set, nth), json!(Part { token: token.clone(), portions })).await?;
    }
    Ok(Parts { token, set, count, most: was.most.max(count) })
}

async fn write<P: Ports>(app: &App<P>, name: &str, body: Value) -> Result<(), UseError> {
    let revision = app.store().task(name).await?.map_or(0, |known| known.revision);
    match app.store().put_task(name, &body, None, revision).await? {
        Commit::Applied | Commit::AlreadyApplied => Ok(()),
        // Somebody else is at the same step. Whoever is second does it again.
        Commit::LostRace => Err(UseError::Busy),
    }
}

/// Reads sums. `None` where they are not those that were written together.
pub(super) async fn load<P: Ports>(app: &App<P>, of: &str, parts: &Parts) -> Result<Option<All>, UseError> {
    let mut all = All::new();
    for nth in 0..parts.count {
        let Some(found) = app.store().task(&name(of, parts.set, nth)).await? else { return Ok(None) };
        let Ok(part) = serde_json::from_value::<Part>(found.body) else { return Ok(None) };
        if part.token != parts.token {
            return Ok(None);
        }
        for portion in part.portions {
            let sums: &mut Sums = all.entry(portion.workflow).or_default();
            sums.runs += portion.runs;
            let tally: &mut Tally = if portion.first { &mut sums.first } else { &mut sums.counted };
            for (version, hour, counter, count) in portion.numbers {
                let Ok(counter) = counter.parse() else { return Ok(None) };
                tally.add_to(Cell { version, hour, counter }, count);
            }
        }
    }
    Ok(Some(all))
}

/// Empties the items, which nobody needs any more.
pub(super) async fn clear<P: Ports>(app: &App<P>, of: &str, parts: &Parts) -> Result<(), UseError> {
    for set in [false, true] {
        for nth in 0..parts.most {
            let name = name(of, set, nth);
            let known = app.store().task(&name).await?;
            if let Some(known) = known.filter(|known| !known.body.is_null()) {
                app.store().put_task(&name, &Value::Null, None, known.revision).await?;
            }
        }
    }
    Ok(())
}
