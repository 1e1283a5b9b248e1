//! An installation in memory, and a client of it.

#[path = "../../../../../cli/src/dev/database.rs"]
mod database;
mod shape;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use carepath_api::router;
use carepath_app::keys::{self, Role};
use carepath_app::ports::{Clock, Doubt, Evidence, HookAnswer, HookCall, Hooks, Mailer, Outgoing, Ports, Queue, Work};
use carepath_app::recount::Recount;
use carepath_app::{App, work};
use carepath_aws::dynamo::{DynamoStore, Options};
use carepath_engine::Phi;
use carepath_engine::advance::Answer;
use http::{Request, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tower::ServiceExt as _;

#[derive(Debug, Clone)]
pub(crate) struct Local {
    store: DynamoStore,
    mailer: Arc<Sent>,
    queue: Arc<Waiting>,
    clock: Arc<Hands>,
    reports: Recount<DynamoStore>,
}

/// The mails that were sent, and whether the mail service takes them without a word.
#[derive(Debug, Default)]
pub(crate) struct Sent(Mutex<Vec<Outgoing>>, AtomicBool, Mutex<Vec<HookCall>>);

#[derive(Debug, Default)]
pub(crate) struct Waiting(Mutex<Vec<(Timestamp, Work)>>);

#[derive(Debug)]
pub(crate) struct Hands(Mutex<Timestamp>);

impl Ports for Local {
    type Store = DynamoStore;
    type Mailer = Sent;
    type Hooks = Sent;
    type Queue = Waiting;
    type Clock = Hands;
    type Reports = Recount<DynamoStore>;
    fn store(&self) -> &DynamoStore {
        &self.store
    }
    fn mailer(&self) -> &Sent {
        &self.mailer
    }
    fn hooks(&self) -> &Sent {
        &self.mailer
    }
    fn queue(&self) -> &Waiting {
        &self.queue
    }
    fn clock(&self) -> &Hands {
        &self.clock
    }
    fn reports(&self) -> &Recount<DynamoStore> {
        &self.reports
    }
}

impl Mailer for Sent {
    async fn send(&self, mail: &Outgoing) -> Answer {
        let mut sent = self.0.lock().unwrap();
        sent.push(mail.clone());
        if self.1.load(Ordering::SeqCst) {
            return Answer::Unknown;
        }
        Answer::Accepted { id: format!("m-{}", sent.len()), delivered: true }
    }
    async fn evidence(&self, _: &Doubt) -> Evidence {
        Evidence::None
    }
}

impl Hooks for Sent {
    /// Keeps what was told, and answers with the same.
    async fn call(&self, call: &HookCall) -> HookAnswer {
        self.2.lock().unwrap().push(call.clone());
        let body = call.body.clone().into_bytes();
        HookAnswer::Answered { status: 200, retry_after: None, body: Phi(body), cut: false }
    }
}

impl Queue for Waiting {
    async fn push(&self, work: Work, at: Timestamp) {
        self.0.lock().unwrap().push((at, work));
    }
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// What the database does instead of answering.
#[derive(Debug, Clone)]
pub(crate) enum Mishap {
    /// It answers with an error: a status, and the name and the text of it.
    Error(u16, &'static str, &'static str),
    /// It takes the process down.
    Panic(&'static str),
}

pub(crate) struct World {
    pub(crate) app: Arc<App<Local>>,
    pub(crate) mishap: Arc<Mutex<Option<Mishap>>>,
    pub(crate) admin: String,
    /// What writes past the application.
    behind: Behind,
    pub(crate) router: Router,
}

/// A way into the database: a target and a body to a status.
type Behind = Box<dyn Fn(&str, &Value) -> u16>;

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) kind: String,
    pub(crate) tag: String,
    pub(crate) headers: String,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// `pointer rule` of each error.
    pub(crate) fn faults(&self) -> Vec<String> {
        let json = self.json();
        let errors = json["errors"].as_array().cloned().unwrap_or_default();
        let text = |error: &Value, field: &str| error[field].as_str().unwrap_or_default().to_owned();
        errors.iter().map(|error| format!("{} {}", text(error, "pointer"), text(error, "rule"))).collect()
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        let database = Arc::new(database::open(None, database::Durability::Normal).unwrap());
        let behind = {
            let database = Arc::clone(&database);
            move |target: &str, body: &Value| {
                database::prepare(&database, target, body.to_string().as_bytes(), true)().0
            }
        };
        let mishap: Arc<Mutex<Option<Mishap>>> = Arc::default();
        let mishaps = Arc::clone(&mishap);
        let store = DynamoStore::in_process(
            move |target, body| {
                let mishap = mishaps.lock().unwrap().clone();
                match mishap {
                    None => database::prepare(&database, target, body, true)(),
                    Some(Mishap::Error(status, name, text)) => {
                        (status, json!({ "__type": name, "message": text }).to_string().into_bytes())
                    }
                    Some(Mishap::Panic(text)) => panic!("{text}"),
                }
            },
            &Options { prefix: "t-".to_owned(), shards: 1, packs: true, together: false },
        );
        store.create_tables().await.unwrap();
        let ports = Local {
            store: store.clone(),
            reports: Recount::new(store.clone()),
            mailer: Arc::default(),
            queue: Arc::default(),
            clock: Arc::new(Hands(Mutex::new("2026-03-02T10:00:00Z".parse().unwrap()))),
        };
        let app = Arc::new(App::open(ports).await.unwrap());
        store.set_secret(app.secret.clone());
        let admin = keys::create(&app, "tests", [Role::Admin].into()).await.unwrap().secret;
        Self { router: router(Arc::clone(&app)), app, mishap, admin, behind: Box::new(behind) }
    }

    pub(crate) async fn key(&self, role: Role) -> String {
        keys::create(&self.app, role.name(), [role].into()).await.unwrap().secret
    }

    pub(crate) async fn raw(&self, request: Request<Body>) -> Reply {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let headers = format!("{:?}", response.headers());
        let header = |name| {
            let value = response.headers().get(name);
            value.and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
        };
        let (kind, tag) = (header(header::CONTENT_TYPE), header(header::ETAG));
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let reply = Reply { status, kind, tag, headers, text: String::from_utf8(bytes.to_vec()).unwrap() };
        shape::check(&method, &path, &reply);
        reply
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> http::request::Builder {
        Request::builder().method(method).uri(path).header("authorization", format!("Bearer {}", self.admin))
    }

    pub(crate) async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Reply {
        self.call_with(method, path, body, &[]).await
    }

    pub(crate) async fn call_with(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Reply {
        let mut request = self.request(method, path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = match body {
            None => request.body(Body::empty()),
            Some(body) => request.header("content-type", "application/json").body(Body::from(body.to_string())),
        };
        self.raw(request.unwrap()).await
    }

    /// A request with these very bytes.
    pub(crate) async fn send(&self, method: &str, path: &str, kind: Option<&str>, bytes: impl Into<Vec<u8>>) -> Reply {
        let mut request = self.request(method, path);
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        self.raw(request.body(Body::from(bytes.into())).unwrap()).await
    }

    /// Everything that can be read, by address.
    pub(crate) async fn all(&self) -> Vec<(&'static str, String)> {
        let mut all = Vec::new();
        for path in [
            "/v1/workflows/welcome",
            "/v1/workflows/welcome/versions",
            "/v1/workflows",
            "/v1/templates",
            "/v1/segments",
            "/v1/segments/calls/members",
            "/v1/schema",
            "/v1/settings",
            "/v1/keys",
            "/v1/contacts/p-1",
            "/v1/contacts/p-1/runs",
            "/v1/contacts/p-1/timeline",
        ] {
            all.push((path, self.call("GET", path, None).await.text));
        }
        all
    }

    /// One of everything: a workflow, a template, a segment, a contact, an event and a run.
    pub(crate) async fn furnished() -> Self {
        let world = Self::new().await;
        world.publish_welcome().await;
        world.ok("PUT", "/v1/segments/calls", json!({ "name": "Calls" })).await;
        world.ok("PUT", "/v1/contacts/p-1", json!({ "email": "a@example.org" })).await;
        world.ok("POST", "/v1/segments/calls/members", json!({ "add": ["p-1"] })).await;
        world.ok("POST", "/v1/contacts/p-1/events", json!({ "name": "joined", "id": "e-1" })).await;
        world.settle(SignedDuration::ZERO).await;
        world
    }

    pub(crate) fn calls(&self) -> Vec<HookCall> {
        self.app.ports.mailer.2.lock().unwrap().clone()
    }

    /// [`Self::call`], which has to go well.
    pub(crate) async fn ok(&self, method: &str, path: &str, body: Value) -> Value {
        let body = (!body.is_null()).then_some(body);
        let reply = self.call(method, path, body).await;
        assert!(reply.status.is_success(), "{method} {path}: {} {}", reply.status, reply.text);
        reply.json()
    }

    /// Turns the clock to a time.
    pub(crate) fn turn(&self, to: Timestamp) -> Timestamp {
        *self.app.ports.clock.0.lock().unwrap() = to;
        to
    }

    /// Does all work that is due, and moves the clock on.
    pub(crate) async fn settle(&self, forward: SignedDuration) {
        let until = {
            let mut now = self.app.ports.clock.0.lock().unwrap();
            *now = now.checked_add(forward).unwrap();
            *now
        };
        for _ in 0..1_000 {
            let next = {
                let mut queue = self.app.ports.queue.0.lock().unwrap();
                let place = queue.iter().position(|(at, _)| *at <= until);
                place.map(|place| queue.remove(place).1)
            };
            let Some(next) = next else { return };
            work::handle(&self.app, &next).await.unwrap();
        }
        panic!("work makes work without end");
    }

    /// Changes an item of a table past the application.
    pub(crate) fn tamper(&self, table: &str, (pk, sk): (&str, &str), update: &str, values: Value) {
        let mut request = json!({
            "TableName": format!("t-{table}"), "Key": { "pk": { "S": pk }, "sk": { "S": sk } }, "UpdateExpression": update,
        });
        if !values.is_null() {
            request["ExpressionAttributeValues"] = values;
        }
        assert_eq!((self.behind)("DynamoDB_20120810.UpdateItem", &request), 200, "{update}");
    }

    /// Whether the mail service takes mails from now on without a word.
    pub(crate) fn silence(&self, silent: bool) {
        self.app.ports.mailer.1.store(silent, Ordering::SeqCst);
    }

    pub(crate) fn mails(&self) -> Vec<Outgoing> {
        self.app.ports.mailer.0.lock().unwrap().clone()
    }

    /// [`Self::call`], which has to be refused with this code.
    pub(crate) async fn refused(&self, method: &str, path: &str, body: Option<Value>, code: &str) -> Reply {
        let reply = self.call(method, path, body).await;
        assert_eq!(reply.code(), code, "{method} {path}: {} {}", reply.status, reply.text);
        reply
    }

    /// A published workflow that sends one mail on an event.
    pub(crate) async fn publish_welcome(&self) {
        self.ok("PUT", "/v1/templates/welcome", welcome()).await;
        self.ok("PUT", "/v1/workflows/welcome", workflow()).await;
        self.ok("POST", "/v1/workflows/welcome/publish", Value::Null).await;
    }
}

pub(crate) fn welcome() -> Value {
    json!({ "subject": "Welcome", "class": "care", "html": "<p>Good to see you.</p>" })
}

pub(crate) fn workflow() -> Value {
    json!({
        "name": "Welcome",
        "class": "care",
        "entry": { "event": "joined", "reentry": { "mode": "after_exit" } },
        "start": "greet",
        "steps": {
            "greet": { "send": { "template": "welcome" }, "next": "rest" },
            "rest": { "wait": { "for": "3d" }, "next": "end" },
        },
    })
}
