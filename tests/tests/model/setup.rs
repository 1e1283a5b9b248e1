//! The installation that the model runs: its workflows and its one contact.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use carepath_app::documents::Expect;
use carepath_app::ports::{Document, DocumentId, DocumentKind, Store};
use carepath_app::{App, segments, templates, workflows};
use carepath_engine::ids::ContactId;
use carepath_engine::{Contact, Phi, Run, Version};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::ports::Scripted;

thread_local! {
    /// The documents. Each thread has its own, so that no thread ever waits for another one's lock.
    pub(crate) static CONFIGURATION: RefCell<BTreeMap<DocumentId, Document>> = const { RefCell::new(BTreeMap::new()) };
    static APP: OnceCell<App<Scripted>> = const { OnceCell::new() };
}

pub(crate) fn start() -> Timestamp {
    "2026-11-24T12:00:00Z".parse().unwrap()
}

pub(crate) fn pat() -> ContactId {
    "pat".parse().unwrap()
}

pub(crate) fn contact() -> Contact {
    let mut contact = Contact::new(pat(), start());
    contact.email = Some(Phi("pat@example.org".to_owned()));
    contact.attributes.0.insert("plan".to_owned(), json!("gold"));
    contact.revision = 1;
    contact
}

/// The installation of this thread.
pub(crate) fn with_app<T>(act: impl FnOnce(&App<Scripted>) -> T) -> T {
    APP.with(|app| act(app.get_or_init(|| at_once(open()))))
}

/// Nothing of the configuration ever waits.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match Box::pin(future).as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("the configuration waits for something"),
    }
}

async fn open() -> App<Scripted> {
    let secret = DocumentId { kind: DocumentKind::Settings, id: "secret".to_owned() };
    Scripted.put_document(&secret, &json!({ "bytes": vec![7; 32] }), 0).await.unwrap();
    let app = App::open(Scripted).await.unwrap();
    for id in ["welcome", "more"] {
        let template =
            json!({ "id": id, "subject": "Hello", "class": "care", "html": "<html><body><p>Hello</p></body></html>" });
        templates::put(&app, &id.parse().unwrap(), template, Expect::Any).await.unwrap();
    }
    for id in ["readers", "others"] {
        segments::put(&app, &id.parse().unwrap(), json!({ "id": id }), Expect::Any).await.unwrap();
    }
    for document in [letter(), onboarding(), circle(), insistent()] {
        let id = document["id"].as_str().unwrap().parse().unwrap();
        workflows::put(&app, &id, document, Expect::Any).await.unwrap();
        workflows::publish(&app, &id, Expect::Any).await.unwrap();
    }
    app
}

/// A mail, a wait for it to be opened, and an end.
fn letter() -> Value {
    json!({
        "id": "letter", "class": "care", "entry": { "event": "wrote" },
        "steps": {
            "welcome": { "send": { "template": "welcome" }, "next": "read" },
            "read": { "wait_for": {
                "paths": [{ "when": { "opened": "welcome" }, "next": "reader" }, { "event": "called", "next": "end" }],
                "timeout": "1h", "next": "end"
            } },
            "reader": { "segment": { "add": ["readers"] }, "next": "end" }
        }
    })
}

/// The same, and what it comes to: a branch, a segment, a second mail.
fn onboarding() -> Value {
    json!({
        "id": "onboarding", "class": "care", "entry": { "event": "joined" }, "exit": [{ "event": "left" }],
        "steps": {
            "welcome": { "send": { "template": "welcome", "on_failure": "other" }, "next": "read" },
            "read": { "wait_for": {
                "paths": [{ "when": { "opened": "welcome" }, "next": "which" }, { "event": "called", "next": "end" }],
                "timeout": "1h", "next": "other"
            } },
            "which": { "branch": {
                "cases": [{ "when": { "attribute": "plan", "eq": "gold" }, "next": "more" }], "next": "other"
            } },
            "more": { "send": { "template": "more" }, "next": "reader" },
            "reader": { "segment": { "add": ["readers"] }, "next": "end" },
            "other": { "segment": { "add": ["others"] }, "next": "end" }
        }
    })
}

/// A mail that is sent again where nobody knows whether it was.
fn insistent() -> Value {
    json!({
        "id": "insistent", "class": "care", "entry": { "event": "urged" },
        "steps": { "welcome": { "send": { "template": "welcome", "on_unknown": "resend" }, "next": "end" } }
    })
}

/// A workflow that comes round to its beginning.
fn circle() -> Value {
    json!({
        "id": "circle", "class": "care", "entry": { "event": "began" },
        "steps": {
            "welcome": { "send": { "template": "welcome" }, "next": "pause" },
            "pause": { "wait_for": {
                "paths": [{ "event": "called", "next": "end" }], "timeout": "1h", "next": "welcome"
            } }
        }
    })
}

/// The version that a run is pinned to.
pub(crate) fn published(app: &App<Scripted>, run: &Run) -> Option<Arc<Version>> {
    at_once(app.published()).ok()?.workflows.get(&run.workflow).map(|live| Arc::clone(&live.version))
}
