//! The few calls that a person with rights in the account would make, as the services take them over HTTP.

use reqwest::Client;
use serde_json::{Value, json};

/// The services, at the one address where all of them are.
#[derive(Debug, Clone)]
pub(crate) struct Cloud {
    client: Client,
    endpoint: String,
}

impl Cloud {
    pub(crate) fn at(endpoint: &str) -> Self {
        Self { client: Client::new(), endpoint: endpoint.trim_end_matches('/').to_owned() }
    }

    /// Tells which service is meant; what stands in for AWS does not look at signatures.
    fn credential(service: &str) -> String {
        format!(
            "AWS4-HMAC-SHA256 Credential=stands-in/20261124/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
        )
    }

    /// Calls a function and answers what it answered.
    pub(crate) async fn invoke(&self, function: &str, event: &Value) -> Value {
        let url = format!("{}/2015-03-31/functions/{function}/invocations", self.endpoint);
        let request = self.client.post(url).header("authorization", Self::credential("lambda")).json(event);
        request.send().await.unwrap().json().await.unwrap()
    }

    async fn sqs(&self, action: &str, body: Value) -> Value {
        let request = self
            .client
            .post(&self.endpoint)
            .header("authorization", Self::credential("sqs"))
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", format!("AmazonSQS.{action}"))
            .body(body.to_string());
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{action}: {}", answer.status());
        serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default()
    }

    /// An item of a table, by its keys; only texts in it are shown.
    pub(crate) async fn item(&self, table: &str, pk: &str, sk: &str) -> Value {
        let wanted = json!({ "TableName": table, "Key": { "pk": { "S": pk }, "sk": { "S": sk } } });
        let request = self
            .client
            .post(&self.endpoint)
            .header("authorization", Self::credential("dynamodb"))
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", "DynamoDB_20120810.GetItem")
            .body(wanted.to_string());
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        answer["Item"].clone()
    }

    /// Leaves a message in a queue.
    pub(crate) async fn leave(&self, queue: &str, body: &str) {
        self.sqs("SendMessage", json!({ "QueueUrl": queue, "MessageBody": body })).await;
    }

    /// Leaves a message in a queue, for whoever looks after so many seconds.
    pub(crate) async fn leave_for_later(&self, queue: &str, body: &str, seconds: u64) {
        self.sqs("SendMessage", json!({ "QueueUrl": queue, "MessageBody": body, "DelaySeconds": seconds })).await;
    }

    /// Messages of a queue; they stay in it for others after a while.
    pub(crate) async fn look_into(&self, queue: &str) -> Vec<Value> {
        self.hold(queue, None).await
    }

    /// Messages of a queue, which nobody else sees for so many seconds: as long as the queue says, if `None`.
    pub(crate) async fn hold(&self, queue: &str, seconds: Option<u64>) -> Vec<Value> {
        let mut wanted = json!({ "QueueUrl": queue, "MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"] });
        if let Some(seconds) = seconds {
            wanted["VisibilityTimeout"] = json!(seconds);
        }
        let found = self.sqs("ReceiveMessage", wanted).await;
        found["Messages"].as_array().cloned().unwrap_or_default()
    }

    /// Takes a message out of a queue for good.
    pub(crate) async fn remove(&self, queue: &str, message: &Value) {
        let wanted = json!({ "QueueUrl": queue, "ReceiptHandle": message["ReceiptHandle"] });
        self.sqs("DeleteMessage", wanted).await;
    }

    /// How long a message that somebody has taken is nobody else's.
    pub(crate) async fn set_visibility(&self, queue: &str, seconds: u64) {
        let attributes = json!({ "VisibilityTimeout": seconds.to_string() });
        self.sqs("SetQueueAttributes", json!({ "QueueUrl": queue, "Attributes": attributes })).await;
    }

    /// How many messages lie in a queue.
    pub(crate) async fn count(&self, queue: &str) -> u64 {
        let wanted = json!({ "QueueUrl": queue, "AttributeNames": ["ApproximateNumberOfMessages"] });
        let found = self.sqs("GetQueueAttributes", wanted).await;
        found["Attributes"]["ApproximateNumberOfMessages"].as_str().unwrap().parse().unwrap()
    }

    /// Sets a variable of a function, or takes it away. Its processes end, and new ones begin with it.
    pub(crate) async fn set_variable(&self, function: &str, name: &str, value: Option<&str>) {
        let url = format!("{}/2015-03-31/functions/{function}/configuration", self.endpoint);
        let auth = Self::credential("lambda");
        let known = self.client.get(&url).header("authorization", &auth).send().await.unwrap();
        let known: Value = known.json().await.unwrap();
        let mut variables = known["Environment"]["Variables"].as_object().cloned().unwrap();
        variables.remove(name);
        if let Some(value) = value {
            variables.insert(name.to_owned(), json!(value));
        }
        let wanted = json!({ "Environment": { "Variables": variables } });
        let answer = self.client.put(&url).header("authorization", &auth).json(&wanted).send().await.unwrap();
        assert!(answer.status().is_success(), "set a variable: {}", answer.status());
    }

    /// What a schedule will leave in its queue; nothing, if it is gone by now.
    pub(crate) async fn input_of(&self, group: &str, name: &str) -> Option<String> {
        let url = format!("{}/schedules/{name}?groupName={group}", self.endpoint);
        let request = self.client.get(url).header("authorization", Self::credential("scheduler"));
        let found: Value = request.send().await.unwrap().json().await.unwrap();
        found["Target"]["Input"].as_str().map(str::to_owned)
    }

    /// Publishes to a topic.
    pub(crate) async fn publish(&self, topic: &str, message: &Value) {
        let message = message.to_string();
        let form = [("Action", "Publish"), ("Version", "2010-03-31"), ("TopicArn", topic), ("Message", &message)];
        let body: Vec<String> = form.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let request = self
            .client
            .post(&self.endpoint)
            .header("authorization", Self::credential("sns"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.join("&"));
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "publish: {}", answer.status());
    }

    /// The names of the schedules of a group.
    pub(crate) async fn schedules(&self, group: &str) -> Vec<String> {
        let url = format!("{}/schedules?ScheduleGroup={group}&MaxResults=100", self.endpoint);
        let request = self.client.get(url).header("authorization", Self::credential("scheduler"));
        let found: Value = request.send().await.unwrap().json().await.unwrap();
        let all = found["Schedules"].as_array().cloned().unwrap_or_default();
        all.iter().filter_map(|schedule| schedule["Name"].as_str().map(str::to_owned)).collect()
    }

    /// Deletes a schedule, as if it had been lost; says whether it was still there.
    pub(crate) async fn lose(&self, group: &str, name: &str) -> bool {
        let url = format!("{}/schedules/{name}?groupName={group}", self.endpoint);
        let request = self.client.delete(url).header("authorization", Self::credential("scheduler"));
        let answer = request.send().await.unwrap();
        answer.status().is_success()
    }

    /// The mails that the mail service took, oldest first.
    pub(crate) async fn mails(&self) -> Vec<Value> {
        let answer = self.client.get(format!("{}/_ministack/ses/messages", self.endpoint)).send().await.unwrap();
        let all: Value = answer.json().await.unwrap();
        let accounts = all["messages"].as_object().cloned().unwrap_or_default();
        accounts.values().filter_map(Value::as_array).flatten().cloned().collect()
    }
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
