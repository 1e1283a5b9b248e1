//! The API as its Lambda has it: over the same store as whoever acts, without acting itself.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use carepath_api::router;
use carepath_app::ports::{Ports as _, Store as _};
use carepath_app::{App, work};
use carepath_aws::lambda::{AwsPorts, Settings};
use carepath_aws::queue::SqsQueue;
use http::Request;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::support::World;

/// A queue that loses everything: nobody listens there.
fn broken_queue() -> SqsQueue {
    SqsQueue::new(&Settings::at("http://127.0.0.1:1", Duration::from_millis(100)).aws, "http://127.0.0.1:1/work", None)
}

async fn enroll(world: &World) -> Value {
    let ports = AwsPorts::idle(world.app.ports.store().clone(), broken_queue());
    let app = Arc::new(App::open(ports).await.unwrap());
    let request = Request::post("/v1/workflows/welcome/enroll")
        .header("authorization", format!("Bearer {}", world.admin))
        .header("content-type", "application/json")
        .body(Body::from(json!({ "contact": "p-1" }).to_string()));
    let response = router(app).oneshot(request.unwrap()).await.unwrap();
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

/// S28: what the Lambda acknowledges is found in the index by whoever can send, and sent by nobody else (S7).
#[tokio::test]
async fn what_the_lambda_begins_is_left_in_the_index_and_sent_once_by_who_can_send() {
    let world = World::new().await;
    world.publish_welcome().await;
    world.ok("PUT", "/v1/contacts/p-1", json!({ "email": "a@example.org" })).await;
    let answer = enroll(&world).await;
    assert_eq!(answer["admitted"], true, "{answer}");
    let path = format!("/v1/runs/{}", answer["run"].as_str().unwrap());
    let run = world.ok("GET", &path, Value::Null).await;
    assert_eq!((&run["status"], &run["current"]), (&json!("active"), &json!("greet")));
    assert!(world.mails().is_empty());

    let now = world.turn(Timestamp::now() + SignedDuration::from_secs(5));
    let due = world.app.store().due(now - SignedDuration::from_hours(1), now, 10).await.unwrap();
    assert_eq!(due.len(), 1);
    for _ in 0..2 {
        for due in &due {
            work::handle(&world.app, &due.work).await.unwrap();
        }
    }
    assert_eq!(world.mails().len(), 1);
    assert_eq!(world.ok("GET", &path, Value::Null).await["visits"][1]["message"]["state"], "sent");
}
