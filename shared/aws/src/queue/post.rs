//! Messages on their way to SQS, together where they come together: a request costs the same with ten in it.

use std::sync::Arc;

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use carepath_app::ports::Work;
use tokio::sync::{mpsc, oneshot};

/// SQS's limit of a batch.
const MOST: usize = 10;
/// How many may wait for a request: whoever comes then waits for a place.
const WAITING: usize = 1_000;

/// A message, and who waits to hear whether it is there.
struct Letter {
    body: String,
    delay: i32,
    sent: oneshot::Sender<bool>,
}

/// The way to one queue. Its clones share the way.
#[derive(Debug, Clone)]
pub(super) struct Post {
    letters: mpsc::Sender<Letter>,
}

impl Post {
    pub(super) fn new(config: &SdkConfig, url: String) -> Self {
        let (letters, waiting) = mpsc::channel(WAITING);
        tokio::spawn(carry(Client::new(config), url.into(), waiting));
        Self { letters }
    }

    /// Sends a message and says whether the queue has it. It waits for the answer: a Lambda stands still as soon as
    /// nobody waits for anything.
    pub(super) async fn send(&self, work: &Work, delay: i32) -> bool {
        let Ok(body) = serde_json::to_string(work) else { return false };
        let (sent, heard) = oneshot::channel();
        self.letters.send(Letter { body, delay, sent }).await.is_ok() && heard.await.unwrap_or(false)
    }
}

/// Takes what waits, as much as a request holds, for as long as anybody may send.
async fn carry(client: Client, url: Arc<str>, mut waiting: mpsc::Receiver<Letter>) {
    let mut bag = Vec::with_capacity(MOST);
    loop {
        // What others are about to send in this very moment comes along.
        tokio::task::yield_now().await;
        if waiting.recv_many(&mut bag, MOST).await == 0 {
            return;
        }
        let letters = std::mem::take(&mut bag);
        tokio::spawn(deliver(client.clone(), Arc::clone(&url), letters));
    }
}

async fn deliver(client: Client, url: Arc<str>, letters: Vec<Letter>) {
    let refused = match request(&client, &url, &letters).await {
        Some(refused) => refused,
        None => (0..letters.len()).collect(),
    };
    if !refused.is_empty() {
        tracing::warn!(messages = refused.len(), "work could not be left in the queue; the sweep will find it");
    }
    for (place, letter) in letters.into_iter().enumerate() {
        // Nobody waits any more where the invocation is over.
        let _ = letter.sent.send(!refused.contains(&place));
    }
}

/// Sends a batch, and says which of it the queue did not take; `None` where nothing is known of any.
async fn request(client: &Client, url: &str, letters: &[Letter]) -> Option<Vec<usize>> {
    let mut batch = client.send_message_batch().queue_url(url);
    for (place, letter) in letters.iter().enumerate() {
        let entry = SendMessageBatchRequestEntry::builder()
            .id(place.to_string())
            .message_body(&letter.body)
            .delay_seconds(letter.delay)
            .build()
            .ok()?;
        batch = batch.entries(entry);
    }
    let answer = batch.send().await.ok()?;
    Some(answer.failed().iter().filter_map(|failed| failed.id().parse().ok()).collect())
}
