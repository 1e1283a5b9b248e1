//! The store on DynamoDB: three tables, conditional writes, and one index that says what is due.

mod commit;
mod config;
mod due;
mod error;
mod items;
mod keys;
mod read;
mod store;
mod tables;
mod usage;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, StalledStreamProtectionConfig};
use carepath_app::ports::StoreError;
use carepath_engine::ids::Secret;

pub use usage::{OperationUsage, Usage};

use crate::in_process;

/// Names of the tables.
#[derive(Debug, Clone)]
struct Tables {
    contacts: String,
    runs: String,
    config: String,
}

/// How an installation is laid out.
#[derive(Debug, Clone)]
pub struct Options {
    /// What the names of the tables start with.
    pub prefix: String,
    /// Into how many partitions an hour of the `due` index is cut: 1 on one machine, 16 on AWS, where a partition takes
    /// 1,000 writes a second.
    pub shards: u32,
}

/// The store on DynamoDB.
#[derive(Debug, Clone)]
pub struct DynamoStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    client: Client,
    tables: Tables,
    shards: u32,
    secret: OnceLock<Secret>,
    meter: usage::Meter,
}

impl DynamoStore {
    /// A store whose requests are answered by `handler`, in this process: it gets the `X-Amz-Target` and the body of a
    /// request and gives a status and a body.
    pub fn in_process(
        handler: impl Fn(&str, &[u8]) -> (u16, Vec<u8>) + Send + Sync + 'static,
        options: &Options,
    ) -> Self {
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(Credentials::new("local", "local", None, None, "carepath"))
            .endpoint_url("http://in-process.invalid")
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .http_client(in_process::client(Arc::new(handler)))
            .build();
        Self::new(Client::from_conf(config), options)
    }

    /// A store on AWS, with credentials, region and endpoint from the environment, and tables whose names start with
    /// `CAREPATH_TABLE_PREFIX` (default `carepath-`).
    pub async fn from_env() -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(2))
            .operation_attempt_timeout(Duration::from_secs(3))
            .build();
        let shared =
            aws_config::defaults(BehaviorVersion::v2026_01_12()).timeout_config(timeouts).load().await;
        let prefix = std::env::var("CAREPATH_TABLE_PREFIX").unwrap_or_else(|_| "carepath-".to_owned());
        Self::new(Client::new(&shared), &Options { prefix, shards: 16 })
    }

    fn new(client: Client, options: &Options) -> Self {
        let name = |table: &str| format!("{}{table}", options.prefix);
        let tables = Tables { contacts: name("contacts"), runs: name("runs"), config: name("config") };
        let inner = Inner {
            client,
            tables,
            shards: options.shards,
            secret: OnceLock::new(),
            meter: usage::Meter::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Gives the store the account's secret, under which addresses are hashed for their index. It is itself kept in the
    /// store, so it comes after opening; contacts written before it are not found by their address.
    pub fn set_secret(&self, secret: Secret) {
        // A second call has the same secret: there is one an account.
        let _ = self.inner.secret.set(secret);
    }

    /// Makes the tables that are not there yet.
    ///
    /// # Errors
    /// Where `DynamoDB` refuses or cannot be reached.
    pub async fn create_tables(&self) -> Result<(), StoreError> {
        tables::create(&self.inner.client, &self.inner.tables).await
    }

    /// What was asked of `DynamoDB` since this store was made.
    pub fn usage(&self) -> Usage {
        self.inner.meter.usage()
    }
}
