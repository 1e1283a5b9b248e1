//! A deployed installation, as its users have it.

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::DeflateDecoder;
use jiff::Timestamp;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::cloud::Cloud;

/// How long anything may take here. Schedules are looked at each ten seconds, and other work goes on beside.
const PATIENCE: Duration = Duration::from_secs(150);

/// The installation.
pub(crate) struct Installation {
    pub(crate) cloud: Cloud,
    /// What the deployment is made of.
    pub(crate) stack: Value,
    client: Client,
    key: String,
}

impl Installation {
    /// The one that was deployed, with a key to it.
    pub(crate) async fn find() -> Self {
        let file = std::env::var("CAREPATH_AWS_STACK").expect("CAREPATH_AWS_STACK says where the stack is described");
        let stack: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        let cloud = Cloud::at(stack["endpoint"].as_str().unwrap());
        let key = first_key(&cloud, stack["api_function"].as_str().unwrap()).await;
        Self { cloud, stack, client: Client::new(), key }
    }

    pub(crate) fn text(&self, pointer: &str) -> &str {
        self.stack.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("the stack has no {pointer}"))
    }

    /// Asks the API.
    pub(crate) async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
        let url = format!("{}{path}", self.text("/api_url").trim_end_matches('/'));
        let mut request = self.client.request(method, url).bearer_auth(&self.key);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) {
        let (status, answer) = self.ask(Method::PUT, path, Some(body)).await;
        assert!(matches!(status, 200 | 201), "PUT {path}: {status} {answer}");
    }

    pub(crate) async fn post(&self, path: &str, body: Option<&Value>) -> Value {
        let (status, answer) = self.ask(Method::POST, path, body).await;
        assert!(matches!(status, 200..=202), "POST {path}: {status} {answer}");
        answer
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, answer) = self.ask(Method::GET, path, None).await;
        assert_eq!(status, 200, "GET {path}: {answer}");
        answer
    }

    /// Tells an event of a contact.
    pub(crate) async fn tell(&self, contact: &str, name: &str, properties: Value) {
        let event = json!({ "id": format!("{contact}-{name}"), "name": name, "properties": properties });
        self.post(&format!("/v1/contacts/{contact}/events"), Some(&event)).await;
    }

    /// The run of a contact, as soon as it is so.
    pub(crate) async fn run_that(&self, contact: &str, what: &str, so: impl Fn(&Value) -> bool) -> Value {
        let begun = tokio::time::Instant::now();
        loop {
            let runs = self.get(&format!("/v1/contacts/{contact}/runs")).await;
            if let Some(run) = runs["items"].as_array().into_iter().flatten().find(|run| so(run)) {
                return run.clone();
            }
            assert!(begun.elapsed() < PATIENCE, "{contact}: not {what} in time: {runs}");
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// The run, as soon as a step's mail is out.
    pub(crate) async fn run_with_mail(&self, contact: &str, step: &str) -> Value {
        self.run_that(contact, &format!("sent `{step}`"), |run| mail(run, step)["state"] == "sent").await
    }

    /// The run, as soon as it is over.
    pub(crate) async fn run_over(&self, contact: &str) -> Value {
        self.run_that(contact, "ended", |run| run["status"] == "ended").await
    }

    /// Tells what the mail service tells of a step's mail, on its topic and in its form.
    pub(crate) async fn notify(&self, run: &Value, step: &str, kind: &str, detail: Value) {
        let known = mail(run, step);
        let number = self.step_number(run, &known["id"]).await;
        let now = Timestamp::now();
        let mut event = json!({
            "eventType": kind,
            "mail": {
                "timestamp": known["at"], "messageId": known["id"], "source": "clinic@example.org",
                "destination": ["somebody@example.org"], "sendingAccountId": "000000000000",
                "headers": [{ "name": "Subject", "value": "x" }], "headersTruncated": false,
                "tags": {
                    "run": [run["id"]], "step": [number], "attempt": [known["attempt"].to_string()],
                    "ses:configuration-set": ["carepath-operational"],
                },
            },
        });
        let mut detail = detail;
        detail["timestamp"] = json!(now);
        event[kind.to_lowercase()] = detail;
        self.cloud.publish(self.text("/topic_arn"), &event).await;
    }

    /// The number of a step in the tags of its mail. The mail service would give it back; what stands in for it keeps no
    /// tags, so it is read where the run keeps its mails.
    async fn step_number(&self, run: &Value, message: &Value) -> String {
        let id = run["id"].as_str().unwrap();
        let contact = id.split('_').nth(1).map(|contact| format!("ct_{contact}")).unwrap();
        let item = self.cloud.item(self.text("/tables/runs"), &contact, id).await;
        let kept = payload(&item);
        let of_message = |(_, kept): &(&String, &Value)| kept.to_string().contains(message.as_str().unwrap());
        let found = kept["m"].as_object().unwrap().iter().find(of_message);
        found.map(|(number, _)| number.clone()).unwrap()
    }

    /// The mails to an address, by their subjects.
    pub(crate) async fn mails_to(&self, address: &str) -> Vec<String> {
        let all = self.cloud.mails().await;
        let to = |mail: &&Value| mail["To"].as_array().is_some_and(|to| to.iter().any(|one| one == address));
        all.iter().filter(to).map(|mail| mail["Subject"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

/// What an item holds, packed or not.
fn payload(item: &Value) -> Value {
    if let Some(text) = item["d"]["S"].as_str() {
        return serde_json::from_str(text).unwrap();
    }
    let packed = STANDARD.decode(item["d"]["B"].as_str().unwrap()).unwrap();
    serde_json::from_reader(DeflateDecoder::new(packed.as_slice())).unwrap()
}

/// The mail of a step.
pub(crate) fn mail<'a>(run: &'a Value, step: &str) -> &'a Value {
    let visits = run["visits"].as_array();
    let visit = visits.into_iter().flatten().find(|visit| visit["step"] == step);
    visit.map_or(&Value::Null, |visit| &visit["message"])
}

/// The steps that a run has visited.
pub(crate) fn steps(run: &Value) -> Vec<&str> {
    run["visits"].as_array().unwrap().iter().filter_map(|visit| visit["step"].as_str()).collect()
}

/// The first key of an installation: whoever may call the function itself says who they are, as the gateway would.
async fn first_key(cloud: &Cloud, function: &str) -> String {
    let event = json!({
        "version": "2.0", "routeKey": "ANY /people/v1/{proxy+}", "rawPath": "/people/v1/keys", "rawQueryString": "",
        "headers": { "content-type": "application/json" },
        "requestContext": {
            "accountId": "000000000000", "apiId": "a", "stage": "$default", "requestId": "r", "routeKey": "$default",
            "timeEpoch": 0, "authorizer": { "jwt": { "claims": { "sub": "tests", "scope": "admin" }, "scopes": [] } },
            "http": {
                "method": "POST", "path": "/people/v1/keys", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "t"
            },
        },
        "body": json!({ "name": "stories", "roles": ["admin"] }).to_string(), "isBase64Encoded": false,
    });
    let answer = cloud.invoke(function, &event).await;
    let body = answer["body"].as_str().unwrap_or_else(|| panic!("no key was made: {answer}"));
    serde_json::from_str::<Value>(body).unwrap()["key"].as_str().unwrap().to_owned()
}

/// A document of the examples.
pub(crate) fn example(path: &str) -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(path);
    serde_saphyr::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap()
}
