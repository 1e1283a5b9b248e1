//! New members, told of in batches.

use reqwest::RequestBuilder;
use serde_json::{Value, json};

/// People with an address and the event that lets them into the onboarding.
pub(crate) fn batch(people: &[String]) -> Value {
    let entries = people.iter().flat_map(|id| {
        let contact = json!({ "contact": { "id": id, "email": format!("{id}@example.org") } });
        let event = json!({ "event": { "contact": id, "name": "member_joined", "id": format!("joined-{id}") } });
        [contact, event]
    });
    json!({ "entries": entries.collect::<Vec<_>>() })
}

/// Sends a batch of people, and says whose event was acknowledged.
pub(crate) async fn acknowledged(request: RequestBuilder, people: Vec<String>) -> Vec<String> {
    let Ok(response) = request.json(&batch(&people)).send().await else { return Vec::new() };
    let Ok(answer) = response.json::<Value>().await else { return Vec::new() };
    let results = answer["results"].as_array().unwrap();
    assert_eq!(results.len(), 2 * people.len());
    let taken = |nth: usize| results[2 * nth]["status"].as_u64() < Some(300) && results[2 * nth + 1]["status"] == 202;
    people.into_iter().enumerate().filter(|(nth, _)| taken(*nth)).map(|(_, id)| id).collect()
}
