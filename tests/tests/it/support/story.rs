//! The words that stories are told in.

use serde_json::{Value, json};

use super::dev::Dev;

/// The text of a field.
pub(crate) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("{name} is no text in {value}"))
}

/// The names of the steps that a run has visited, in order, without coming in and going out.
pub(crate) fn steps(run: &Value) -> Vec<&str> {
    let visits = run["visits"].as_array().unwrap();
    visits.iter().map(|visit| text(visit, "step")).filter(|step| !["entry", "end"].contains(step)).collect()
}

/// The visit of a step.
pub(crate) fn visit<'a>(run: &'a Value, step: &str) -> &'a Value {
    let visits = run["visits"].as_array().unwrap();
    visits.iter().find(|visit| visit["step"] == step).unwrap_or_else(|| panic!("{step} was not visited: {run}"))
}

/// A workflow that `event` starts.
pub(crate) fn workflow(id: &str, event: &str, steps: impl Into<Value>) -> Value {
    json!({ "id": id, "name": id, "class": "operational", "entry": { "event": event }, "steps": steps.into() })
}

/// Steps that say hello and are over.
pub(crate) fn hello() -> Value {
    json!({ "hello": { "send": { "template": "note" } } })
}

impl Dev {
    /// Brings an example to the system as its users do.
    pub(crate) fn example(&self, name: &str) {
        let said = self.command(&["publish", &format!("examples/{name}"), "--yes"]);
        assert_eq!(said.code, Some(0), "{said:?}");
    }

    /// A mail that can be sent in any workflow that is not marketing.
    pub(crate) async fn note(&self, id: &str) {
        let html = r#"<p>Hello.</p><p><a href="https://portal.example.org/go" name="go">Go on</a></p>"#;
        let template = json!({ "id": id, "class": "operational", "subject": id, "html": html });
        self.put(&format!("/v1/templates/{id}"), template).await;
    }

    /// Writes a draft and publishes it; the number of the version.
    pub(crate) async fn publish(&self, workflow: Value) -> u64 {
        let path = format!("/v1/workflows/{}", text(&workflow, "id"));
        self.put(&path, workflow).await;
        self.post(&format!("{path}/publish"), json!({})).await["version"].as_u64().unwrap()
    }

    /// Somebody in Chicago with an address of their own.
    pub(crate) async fn person(&self, id: &str) {
        let fields = json!({ "email": format!("{id}@example.org"), "zone": "America/Chicago" });
        self.put(&format!("/v1/contacts/{id}"), fields).await;
    }

    /// Tells an event and waits until it has been acted on; the answer.
    pub(crate) async fn tell(&self, contact: &str, event: Value) -> Value {
        let answer = self.post(&format!("/v1/contacts/{contact}/events"), event).await;
        self.settle().await;
        answer
    }

    /// Tells an event that is nothing but its name.
    pub(crate) async fn happens(&self, contact: &str, name: &str) {
        self.tell(contact, json!({ "name": name })).await;
    }

    /// The runs of a contact, oldest first.
    pub(crate) async fn runs(&self, contact: &str) -> Vec<Value> {
        self.get(&format!("/v1/contacts/{contact}/runs")).await["items"].as_array().unwrap().clone()
    }

    /// The one run of a contact.
    pub(crate) async fn run(&self, contact: &str) -> Value {
        let mut runs = self.runs(contact).await;
        assert_eq!(runs.len(), 1, "{contact} has one run: {runs:?}");
        runs.remove(0)
    }

    /// The mails to a contact, oldest first.
    pub(crate) async fn mails(&self, contact: &str) -> Vec<Value> {
        let found = self.get(&format!("/_dev/mailbox?to={contact}@example.org&limit=1000")).await;
        let mut mails = found.as_array().unwrap().clone();
        mails.reverse();
        mails
    }

    /// The subjects of the mails to a contact, oldest first.
    pub(crate) async fn subjects(&self, contact: &str) -> Vec<String> {
        self.mails(contact).await.iter().map(|mail| text(mail, "subject").to_owned()).collect()
    }

    /// The newest mail to a contact.
    pub(crate) async fn newest(&self, contact: &str) -> Value {
        self.mails(contact).await.pop().unwrap()
    }

    /// Does something with the newest mail of a contact and waits for what follows.
    pub(crate) async fn with_newest(&self, contact: &str, what: &str, how: Value) {
        let mail = self.newest(contact).await;
        self.post(&format!("/_dev/mailbox/{}/{what}", text(&mail, "id")), how).await;
        self.settle().await;
    }

    /// A person opens the newest mail.
    pub(crate) async fn opens(&self, contact: &str) {
        self.with_newest(contact, "open", json!({})).await;
    }

    /// A person follows a link of the newest mail.
    pub(crate) async fn clicks(&self, contact: &str, link: &str) {
        self.with_newest(contact, "click", json!({ "link": link })).await;
    }

    /// The ids of the members of a segment.
    pub(crate) async fn members(&self, segment: &str) -> Vec<String> {
        let found = self.get(&format!("/v1/segments/{segment}/members?limit=1000")).await;
        found["items"].as_array().unwrap().iter().map(|contact| text(contact, "id").to_owned()).collect()
    }
}
