//! The second way by which SES tells: Firehose writes all of it into a bucket, one JSON a line, under the hour in which it
//! came. It is read when somebody asks what became of an attempt, and never otherwise.
//!
//! What lies there names recipients: nothing of it goes into a log (S24).

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use carepath_app::ports::{Attempt, Doubt};
use carepath_engine::advance::EngagementKind;
use carepath_engine::run::{CLAIM_TIME, later};
use futures_util::StreamExt as _;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Semaphore;

use super::notification;

/// What all keys begin with; then come year, month, day and hour, in UTC.
const PREFIX: &str = "events/";
/// How much is read from the attempt on: the last look at an unknown send is a day after it, and a little late.
const SPAN: SignedDuration = SignedDuration::from_hours(26);
/// An object lies under the hour of the first event in it, so that one of the hour before may hold what came at the
/// attempt's.
const BEFORE: SignedDuration = SignedDuration::from_hours(-1);
/// How many objects are read for one attempt, at most. A day without much mail has three hundred.
const MOST_OBJECTS: usize = 5_000;
/// How large one may be. Firehose writes five megabytes, and more where it has to catch up.
const LARGEST: usize = 64 << 20;
/// How many are read at the same time, whoever asks: together they take up memory.
const AT_ONCE: usize = 4;

/// The bucket.
#[derive(Debug)]
pub struct Archive {
    client: Client,
    bucket: String,
    room: Semaphore,
}

/// What the archive has of an attempt.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The id under which SES took the mail.
    pub(super) accepted: Option<String>,
    /// SES took it, and then would not send it.
    pub(super) refused: bool,
    /// How old the youngest event is of all that were read.
    pub(super) youngest: Option<Timestamp>,
    /// Whether everything was read that lies there of the time after the attempt.
    pub(super) whole: bool,
}

/// Why something was not read, without a word of what is in it.
#[derive(Debug, Clone, Copy, thiserror::Error)]
enum Unread {
    #[error("the list of objects did not come")]
    List,
    #[error("there are too many objects, or one is too large")]
    TooMuch,
    #[error("an object did not come whole")]
    Object,
    #[error("an object is not what Firehose writes: {0}")]
    Content(&'static str),
}

impl Archive {
    /// The archive in a bucket.
    pub fn new(config: &SdkConfig, bucket: impl Into<String>) -> Self {
        // What stands in for all of AWS at one address has no address for each bucket.
        let at_one_address = config.endpoint_url().is_some();
        let ours = aws_sdk_s3::config::Builder::from(config).force_path_style(at_one_address);
        let client = Client::from_conf(ours.build());
        Self { client, bucket: bucket.into(), room: Semaphore::new(AT_ONCE) }
    }

    /// Reads what came after an attempt, and what of it is about the attempt.
    pub(super) async fn look(&self, doubt: &Doubt) -> Seen {
        let begun = later(doubt.deadline, -CLAIM_TIME);
        let until = later(begun, SPAN).min(doubt.now);
        let keys = match self.keys(&hour(later(begun, BEFORE)), &hour(until)).await {
            Ok(keys) => keys,
            Err(error) => {
                tracing::warn!(%error, "the archive of SES's events");
                return Seen::default();
            }
        };
        let objects = keys.into_iter().map(|(key, size)| self.object(key, size, doubt));
        let mut objects = futures_util::stream::iter(objects).buffer_unordered(AT_ONCE);
        let mut all = Seen { whole: true, ..Seen::default() };
        while let Some(object) = objects.next().await {
            match object {
                Ok(seen) => all.add(seen),
                Err(error) => {
                    tracing::warn!(%error, "the archive of SES's events");
                    all.whole = false;
                }
            }
        }
        all
    }

    /// The objects of all hours from one to another, with their sizes. The order of keys is that of time.
    async fn keys(&self, from: &str, until: &str) -> Result<Vec<(String, usize)>, Unread> {
        let mut keys = Vec::new();
        let mut more: Option<String> = None;
        loop {
            let list = self.client.list_objects_v2().bucket(&self.bucket).prefix(PREFIX).start_after(from);
            let page = list.set_continuation_token(more.take()).send().await.map_err(|_| Unread::List)?;
            for object in page.contents() {
                let key = object.key().ok_or(Unread::List)?;
                if key > until && !key.starts_with(until) {
                    return Ok(keys);
                }
                let size = object.size().and_then(|size| usize::try_from(size).ok()).ok_or(Unread::List)?;
                if keys.len() == MOST_OBJECTS || size > LARGEST {
                    return Err(Unread::TooMuch);
                }
                keys.push((key.to_owned(), size));
            }
            match (page.is_truncated(), page.next_continuation_token()) {
                (Some(true), Some(token)) => more = Some(token.to_owned()),
                (Some(true), None) | (None, _) => return Err(Unread::List),
                (Some(false), _) => return Ok(keys),
            }
        }
    }

    async fn object(&self, key: String, size: usize, doubt: &Doubt) -> Result<Seen, Unread> {
        let _room = self.room.acquire().await.map_err(|_| Unread::Object)?;
        let object = self.client.get_object().bucket(&self.bucket).key(key).send().await.map_err(|_| Unread::Object)?;
        let bytes = object.body.collect().await.map_err(|_| Unread::Object)?.into_bytes();
        if bytes.len() != size {
            return Err(Unread::Object);
        }
        seen(&bytes, doubt)
    }
}

/// What an object has of an attempt.
fn seen(bytes: &[u8], doubt: &Doubt) -> Result<Seen, Unread> {
    let mut seen = Seen { whole: true, ..Seen::default() };
    for event in notification::parse_all(bytes) {
        let event = event.map_err(|error| Unread::Content(error.code()))?;
        let Some((run, told)) = event else { continue };
        // One that says that it is yet to happen says nothing of how far SES is.
        if told.at <= doubt.now {
            seen.youngest = seen.youngest.max(Some(told.at));
        }
        let about = Attempt { run, step: told.step, attempt: told.attempt };
        if about != doubt.attempt {
            continue;
        }
        match told.kind {
            EngagementKind::Rejected => seen.refused = true,
            // Whatever happened to a mail, it was sent.
            EngagementKind::Sent
            | EngagementKind::Delivered
            | EngagementKind::Opened
            | EngagementKind::Clicked { .. }
            | EngagementKind::Bounced { .. }
            | EngagementKind::Complained
            | EngagementKind::Unsubscribed => seen.accepted = Some(told.message),
        }
    }
    Ok(seen)
}

impl Seen {
    fn add(&mut self, other: Self) {
        self.accepted = self.accepted.take().or(other.accepted);
        self.refused |= other.refused;
        self.youngest = self.youngest.max(other.youngest);
        self.whole &= other.whole;
    }
}

/// What the keys of an hour begin with.
fn hour(at: Timestamp) -> String {
    format!("{PREFIX}{}/", at.strftime("%Y/%m/%d/%H"))
}
