//! Where messages go that nobody can read, with the reason.

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::MessageAttributeValue;

/// The queue of messages that nobody can read.
#[derive(Debug, Clone)]
pub struct DeadLetters {
    client: Client,
    url: String,
}

impl DeadLetters {
    /// The queue at a URL.
    pub fn new(config: &SdkConfig, url: impl Into<String>) -> Self {
        Self { client: Client::new(config), url: url.into() }
    }

    /// Lays a message down with the code of what is wrong with it, and says whether it is there.
    pub async fn bury(&self, body: &str, code: &str) -> bool {
        let Ok(reason) = MessageAttributeValue::builder().data_type("String").string_value(code).build() else {
            return false;
        };
        let sent = self.client.send_message().queue_url(&self.url).message_body(body);
        sent.message_attributes("reason", reason).send().await.is_ok()
    }
}
