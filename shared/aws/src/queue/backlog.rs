//! Whether anything lies in queues that others write to and read.

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName;

/// What a message may do in a queue: lie there, be worked on, wait for its time.
const PLACES: [QueueAttributeName; 3] = [
    QueueAttributeName::ApproximateNumberOfMessages,
    QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
    QueueAttributeName::ApproximateNumberOfMessagesDelayed,
];

/// Queues that are looked at, and of which nothing is taken.
#[derive(Debug, Clone)]
pub struct Backlog {
    client: Client,
    urls: Vec<String>,
}

impl Backlog {
    /// The queues at these URLs.
    pub fn new(config: &SdkConfig, urls: impl IntoIterator<Item = String>) -> Self {
        Self { client: Client::new(config), urls: urls.into_iter().collect() }
    }

    /// Whether all of them said that nothing is in them. What does not answer, or leaves out a number, is not empty.
    pub async fn is_empty(&self) -> bool {
        for url in &self.urls {
            let asked = self.client.get_queue_attributes().queue_url(url).set_attribute_names(Some(PLACES.to_vec()));
            let Ok(said) = asked.send().await else { return false };
            let none = |place| said.attributes().and_then(|all| all.get(place)).is_some_and(|count| count == "0");
            if !PLACES.iter().all(none) {
                return false;
            }
        }
        true
    }
}
