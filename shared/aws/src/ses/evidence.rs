//! What is known of an attempt of which nobody heard: whether SES told of it by its second way, and whether by both ways it
//! has told all that there was to tell.

use std::time::Duration;

use carepath_app::ports::{Doubt, Evidence};
use carepath_engine::run::later;
use jiff::{SignedDuration, Timestamp};

use super::archive::{Archive, Seen};
use crate::DynamoStore;
use crate::queue::Backlog;

/// How much younger than the attempt something has to be that shows that a way has caught up with it: events of about one
/// time do not come in their order.
const MARGIN: SignedDuration = SignedDuration::from_mins(15);
/// How long what comes by the second way lies in Firehose before it can be read, and a while for writing it.
const BUFFERED: SignedDuration = SignedDuration::from_mins(6);
/// How long an attempt may be ago of which the archive still has everything: it forgets after two weeks.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24 * 10);
/// How long the whole question may take: an invocation has other things to do.
const PATIENCE: Duration = Duration::from_secs(15);

/// The two ways by which SES tells what became of a mail.
#[derive(Debug)]
pub struct Paths {
    store: DynamoStore,
    queues: Backlog,
    archive: Archive,
    patience: Duration,
}

impl Paths {
    /// The first goes by queues to whoever acts on it, and writes down in the store how far that is; the second by Firehose
    /// into the archive.
    pub fn new(store: DynamoStore, queues: Backlog, archive: Archive) -> Self {
        Self { store, queues, archive, patience: PATIENCE }
    }

    /// The same, with less patience.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// What is known of an attempt. Whatever cannot be asked, or does not answer in time, leaves nothing known.
    pub(super) async fn evidence(&self, doubt: &Doubt) -> Evidence {
        let settled = later(doubt.deadline, MARGIN);
        let forgotten = doubt.now.duration_since(doubt.deadline) > REMEMBERED;
        // So early neither way can have caught up, and the first mostly tells by itself: a storm of such questions costs nothing.
        if forgotten || doubt.now < later(settled, BUFFERED) {
            return Evidence::None;
        }
        tokio::time::timeout(self.patience, Box::pin(self.look(doubt, settled))).await.unwrap_or_else(|_| {
            tracing::warn!("what SES told could not be read in time");
            Evidence::None
        })
    }

    async fn look(&self, doubt: &Doubt, settled: Timestamp) -> Evidence {
        let Seen { accepted, refused, youngest, whole } = self.archive.look(doubt).await;
        if refused {
            return Evidence::Refused;
        }
        if let Some(id) = accepted {
            // What else became of the mail comes by the first way, with its time.
            return Evidence::Accepted { id, delivered: false };
        }
        let second = whole && youngest.is_some_and(|at| at > settled);
        if second && self.first_caught_up(settled).await { Evidence::Silent } else { Evidence::None }
    }

    /// Whether what SES told up to a time was acted on: something younger was, and nothing waits or lies aside.
    async fn first_caught_up(&self, settled: Timestamp) -> bool {
        let heard = self.store.heard().await.unwrap_or_else(|error| {
            tracing::warn!(%error, "how far SES was heard could not be read");
            None
        });
        heard.is_some_and(|at| at > settled) && self.queues.is_empty().await
    }
}
