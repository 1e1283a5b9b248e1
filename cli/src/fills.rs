//! How far a segment has been filled, for whoever waits for it.

use std::io::IsTerminal;
use std::time::Duration;

use serde_json::Value;

use crate::client::{Client, segment};
use crate::failure::Failure;
use crate::output;

const LOOK: Duration = Duration::from_millis(200);

/// Watches the segments that were just put being filled, on a terminal; elsewhere it says where that can be seen. Who stops
/// watching stops nothing.
pub(crate) async fn watch(client: &Client, segments: &[&str]) -> Result<(), Failure> {
    for id in segments {
        let path = format!("/v1/segments/{}", segment(id));
        let mut bar = None;
        while let Some(done) = filling(client, &path).await? {
            if !std::io::stderr().is_terminal() {
                output::note(&format!("segment {id} is being filled; GET {path} says how far"));
                break;
            }
            let bar = bar.get_or_insert_with(|| output::spinner(&format!("filling segment {id}")));
            bar.set_position(done);
            tokio::time::sleep(LOOK).await;
        }
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
    }
    Ok(())
}

/// How many contacts a fill has done; nothing where there is none, or it is over.
async fn filling(client: &Client, path: &str) -> Result<Option<u64>, Failure> {
    let found = client.find(path).await.map_err(|error| Failure::api("could not read a segment", error))?;
    let fill = found.as_ref().and_then(|found| found.get("fill"));
    let open = fill.filter(|fill| fill.get("state").and_then(Value::as_str) == Some("filling"));
    Ok(open.map(|fill| fill.get("contacts_done").and_then(Value::as_u64).unwrap_or_default()))
}
