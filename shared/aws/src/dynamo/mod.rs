//! The state of an installation on `DynamoDB`.
//!
//! Each run is one item, and each decision about it is one conditional write over the revision that it was decided on.
//! Every write carries a token drawn for that one commit: whoever finds it in the item knows that the write before,
//! whose answer was lost, was theirs.

mod commit;
mod config;
mod contacts;
mod due;
mod error;
mod events;
mod heard;
mod items;
mod keys;
mod pack;
mod parked;
mod rate;
mod reports;
mod runs;
mod stream;
mod tables;
mod tasks;
mod together;
mod usage;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region, StalledStreamProtectionConfig, retry::RetryConfig};
use carepath_app::ports::{
    Change, Commit, Document, DocumentId, DocumentKind, Due, Health, Kept, KeptEvent, Pace, Page, Parked, Store,
    StoreError, Task, Wanted, Work,
};
use carepath_engine::contact::{Contact, NotAdmitted, Suppression};
use carepath_engine::event::Event;
use carepath_engine::ids::{ContactKey, RunId, Secret, SegmentId, WorkflowId};
use carepath_engine::run::Run;
use jiff::Timestamp;

pub use error::Cause;
pub use reports::Projected;
pub use stream::{Changes, StreamEvent};
pub use usage::{OperationUsage, Usage};

use crate::in_process::InProcess;

/// How a store is laid out. An installation keeps its shards for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// What the tables' names start with.
    pub prefix: String,
    /// Partitions an hour of the index of due things: 1 on one machine, 16 in AWS.
    pub shards: u32,
    /// Whether payloads are packed where that makes a write cheaper: where writes are paid for by the kilobyte.
    pub packs: bool,
    /// Whether requests that are ready at the same time go as one: where a request costs more than its units.
    pub together: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { prefix: "carepath-".to_owned(), shards: 1, packs: true, together: false }
    }
}

/// The store on `DynamoDB`. Clones share the client, the secret and the counts.
#[derive(Debug, Clone)]
pub struct DynamoStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    client: Client,
    contacts: String,
    runs: String,
    config: String,
    reports: String,
    options: Options,
    secret: OnceLock<Secret>,
    usage: Arc<usage::Counter>,
    /// Where requests are shared.
    together: Option<together::Together>,
}

impl DynamoStore {
    /// The store over a client.
    pub fn new(client: Client, options: Options) -> Self {
        let table = |name: &str| format!("{}{name}", options.prefix);
        let usage = Arc::<usage::Counter>::default();
        Self(Arc::new(Inner {
            together: options.together.then(|| together::Together::new(&client, &usage)),
            client,
            contacts: table("contacts"),
            runs: table("runs"),
            config: table("config"),
            reports: table("reports"),
            secret: OnceLock::new(),
            usage,
            options,
        }))
    }

    /// The store over a function of this process that answers `DynamoDB`'s requests: from (`X-Amz-Target`, body) to
    /// (status, body).
    pub fn in_process(
        handler: impl Fn(&str, &[u8]) -> (u16, Vec<u8>) + Send + Sync + 'static,
        options: &Options,
    ) -> Self {
        Self::over(InProcess::new(handler), options)
    }

    /// The store over what answers `DynamoDB`'s requests in this process.
    pub fn over(connector: InProcess, options: &Options) -> Self {
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::from_static("us-east-1"))
            // Nobody looks at a signature here, and making one takes as long as the engine's decision.
            .allow_no_auth()
            .endpoint_url("http://in-process.invalid")
            .http_client(connector)
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .retry_config(RetryConfig::standard())
            .build();
        Self::new(Client::from_conf(config), options.clone())
    }

    /// The store in AWS. Its tables' names begin with `CAREPATH_TABLE_PREFIX` (`carepath-` where it is missing).
    pub fn in_aws(config: &SdkConfig) -> Self {
        let prefix = std::env::var("CAREPATH_TABLE_PREFIX").unwrap_or_else(|_| "carepath-".to_owned());
        Self::new(Client::new(config), Options { prefix, shards: 16, packs: true, together: false })
    }

    /// Gives the store the account's secret, under which it keeps addresses in its index. It is loaded through the
    /// store itself, so it comes after opening; the first one stays.
    pub fn set_secret(&self, secret: Secret) {
        // A second secret would hide every address kept under the first.
        let _ = self.0.secret.set(secret);
    }

    /// Makes the tables that are not there.
    ///
    /// # Errors
    /// Where `DynamoDB` refuses one.
    pub async fn create_tables(&self) -> Result<(), StoreError> {
        tables::create(&self.0).await
    }

    /// Takes `count` of the `most` mails that may go out in a second, counted from 1970 over all processes, or says that
    /// not so many are left. `account` is what the whole account may send in a second, which is kept beside the count.
    ///
    /// # Errors
    /// Where `DynamoDB` fails: they may be taken then, and nothing more is lost by it than a moment.
    pub async fn take_mails(&self, second: i64, count: u64, most: u64, account: u64) -> Result<bool, StoreError> {
        rate::take(&self.0, second, count, (most, account)).await
    }

    /// Writes down that what the mail service tells was acted on up to `at`, where nothing younger stands there.
    ///
    /// # Errors
    /// Where `DynamoDB` fails: it may be written down then, and it is true.
    pub async fn note_heard(&self, at: Timestamp) -> Result<(), StoreError> {
        heard::note(&self.0, at).await
    }

    /// How old the youngest is of what the mail service told and was acted on.
    ///
    /// # Errors
    /// Where `DynamoDB` fails.
    pub async fn heard(&self) -> Result<Option<Timestamp>, StoreError> {
        heard::heard(&self.0).await
    }

    /// Requests and capacity units since the store was opened.
    pub fn usage(&self) -> Usage {
        self.0.usage.snapshot()
    }
}

impl Store for DynamoStore {
    async fn contact(&self, key: &ContactKey) -> Result<Option<Contact>, StoreError> {
        contacts::contact(&self.0, key).await
    }

    async fn contact_and_event(
        &self,
        key: &ContactKey,
        event: &str,
    ) -> Result<(Option<Contact>, Option<Event>), StoreError> {
        events::with_contact(&self.0, key, event).await
    }

    async fn run_and_contact(&self, id: &RunId) -> Result<(Option<Run>, Option<Contact>), StoreError> {
        runs::run_and_contact(&self.0, id).await
    }

    async fn runs_of(&self, key: &ContactKey) -> Result<Vec<Run>, StoreError> {
        runs::runs_of(&self.0, key).await
    }

    async fn commit(&self, change: &Change) -> Result<Commit, StoreError> {
        Box::pin(commit::commit(&self.0, change)).await
    }

    async fn keep_event(&self, key: &ContactKey, name: &str, event: &Event) -> Result<Kept, StoreError> {
        events::keep(&self.0, key, name, event).await
    }

    async fn event_done(&self, key: &ContactKey, name: &str, why_not: &[NotAdmitted]) -> Result<bool, StoreError> {
        events::done(&self.0, key, name, why_not).await
    }

    async fn drop_event(&self, key: &ContactKey, name: &str) -> Result<(), StoreError> {
        events::forget(&self.0, key, name).await
    }

    async fn events_of(
        &self,
        key: &ContactKey,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page<KeptEvent>, StoreError> {
        events::of(&self.0, key, limit, cursor).await
    }

    async fn due(&self, from: Timestamp, until: Timestamp, limit: usize) -> Result<Vec<Due>, StoreError> {
        due::due(&self.0, from, until, limit).await
    }

    async fn revision(&self, work: &Work) -> Result<Option<u64>, StoreError> {
        parked::revision(&self.0, work).await
    }

    async fn pace(&self) -> Result<Option<Pace>, StoreError> {
        rate::pace(&self.0).await
    }

    async fn park(&self, work: &Work, code: &'static str, seen: u64, now: Timestamp) -> Result<Commit, StoreError> {
        parked::park(&self.0, work, code, seen, now).await
    }

    async fn parked(&self, limit: usize, cursor: Option<&str>) -> Result<Page<Parked>, StoreError> {
        parked::parked(&self.0, limit, cursor).await
    }

    async fn redrive(&self, work: &Work, now: Timestamp) -> Result<bool, StoreError> {
        parked::redrive(&self.0, work, now).await
    }

    async fn unknown(&self, limit: usize, cursor: Option<&str>) -> Result<Page<Run>, StoreError> {
        runs::unknown(&self.0, limit, cursor).await
    }

    async fn runs_that(
        &self,
        wanted: Wanted<'_>,
        looked_at: usize,
        cursor: Option<&str>,
    ) -> Result<Page<Run>, StoreError> {
        runs::that(&self.0, wanted, looked_at, cursor).await
    }

    async fn runs(&self, ids: &[RunId]) -> Result<Vec<Run>, StoreError> {
        runs::several(&self.0, ids).await
    }

    async fn health(&self) -> Result<Health, StoreError> {
        runs::health(&self.0).await
    }

    async fn paused(&self, workflow: &WorkflowId, limit: usize) -> Result<Vec<RunId>, StoreError> {
        due::paused(&self.0, workflow, limit).await
    }

    async fn members(
        &self,
        segment: &SegmentId,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page<ContactKey>, StoreError> {
        contacts::members(&self.0, segment, limit, cursor).await
    }

    async fn count_members(&self, segment: &SegmentId) -> Result<u64, StoreError> {
        contacts::count_members(&self.0, segment).await
    }

    async fn every_contact(&self, limit: usize, cursor: Option<&str>) -> Result<Page<ContactKey>, StoreError> {
        tasks::every_contact(&self.0, limit, cursor).await
    }

    async fn task(&self, name: &str) -> Result<Option<Task>, StoreError> {
        tasks::task(&self.0, name).await
    }

    async fn put_task(
        &self,
        name: &str,
        body: &serde_json::Value,
        due: Option<Timestamp>,
        expect: u64,
    ) -> Result<Commit, StoreError> {
        Box::pin(tasks::put(&self.0, name, body, (due, expect))).await
    }

    async fn contacts_by_email(&self, email: &str, limit: usize) -> Result<Vec<Contact>, StoreError> {
        contacts::by_email(&self.0, email, limit).await
    }

    async fn contacts(&self, keys: &[ContactKey]) -> Result<Vec<Contact>, StoreError> {
        contacts::contacts(&self.0, "read contacts", keys).await
    }

    async fn contacts_and_suppressed(
        &self,
        keys: &[ContactKey],
        names: &[String],
    ) -> Result<(Vec<Contact>, BTreeMap<String, Suppression>), StoreError> {
        contacts::contacts_and_suppressed(&self.0, "read contacts", keys, names).await
    }

    async fn erase_contact(&self, key: &ContactKey, segments: &[SegmentId]) -> Result<(), StoreError> {
        contacts::erase(&self.0, key, segments).await
    }

    async fn document(&self, id: &DocumentId) -> Result<Option<Document>, StoreError> {
        config::document(&self.0, id).await
    }

    async fn put_document(&self, id: &DocumentId, body: &serde_json::Value, expect: u64) -> Result<Commit, StoreError> {
        Box::pin(config::put(&self.0, id, body, expect)).await
    }

    async fn delete_document(&self, id: &DocumentId, expect: u64) -> Result<Commit, StoreError> {
        Box::pin(config::delete(&self.0, id, expect)).await
    }

    async fn documents(&self, kind: DocumentKind) -> Result<Vec<Document>, StoreError> {
        config::documents(&self.0, kind).await
    }

    async fn configuration_revision(&self) -> Result<u64, StoreError> {
        config::revision(&self.0).await
    }
}
