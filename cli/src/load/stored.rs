//! Contacts that are there before a journey begins, and take no part in it.

use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde_json::json;

use super::Load;
use crate::failure::Failure;
use crate::output;

/// Contacts of a batch: the most that one takes.
const BATCH: u32 = 500;

/// Stores contacts of the kind that the journey has.
pub(super) async fn store(load: &Load, contacts: u32) -> Result<(), Failure> {
    let bar = output::progress(contacts.into(), "contacts stored beforehand");
    let firsts = (0..contacts).step_by(BATCH as usize);
    let batches = stream::iter(firsts).map(|first| {
        let numbers = first..first.saturating_add(BATCH).min(contacts);
        let stored = u64::from(numbers.end - numbers.start);
        let entries: Vec<_> = numbers
            .map(|n| {
                let id = format!("stored-{}-{n}", load.tag);
                json!({ "contact": { "email": format!("{id}@load.invalid"), "id": id, "attributes": { "first_name": "Alex" } } })
            })
            .collect();
        let bar = &bar;
        async move {
            let answer = load.client.post("/v1/batch", &json!({ "entries": entries })).await?;
            bar.inc(stored);
            Ok(answer)
        }
    });
    let answers = batches.buffer_unordered(load.batches).try_for_each(|_| std::future::ready(Ok(())));
    answers.await.map_err(|error| Failure::api("could not store the contacts", error))?;
    bar.finish_and_clear();
    Ok(())
}
