//! Where a Lambda finds what it works with: its environment.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use jiff::SignedDuration;

use crate::DynamoStore;
use crate::queue::{Backlog, DeadLetters, ScheduleSettings, Schedules, SqsQueue};
use crate::ses::{Archive, Paths};

/// From how long a wait on it has a schedule.
const LONGEST_DELAY: &str = "CAREPATH_LONGEST_DELAY_SECONDS";

/// A setting that is not there, or says nothing that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable {0} is missing or has a value that is none of its own: see docs/OPERATIONS.md")]
pub struct MissingSetting(pub &'static str);

/// The settings, and what the SDK needs to reach AWS.
#[derive(Debug, Clone)]
pub struct Settings {
    /// For the SDK's clients.
    pub aws: SdkConfig,
}

impl Settings {
    /// Reads the environment.
    pub async fn load() -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(2))
            .operation_attempt_timeout(Duration::from_secs(3))
            .build();
        let aws = aws_config::defaults(BehaviorVersion::v2026_01_12()).timeout_config(timeouts).load().await;
        Self { aws }
    }

    /// For a server that stands in for all of AWS, that is asked once and is given so long to answer.
    pub fn at(url: &str, patience: Duration) -> Self {
        let credentials = Credentials::new("stands-in", "stands-in", None, None, "carepath");
        let aws = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(url)
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(patience).build());
        Self { aws: aws.build() }
    }

    /// The queue that work is left in: at `CAREPATH_WORK_QUEUE_URL`, and with `CAREPATH_TIMERS=scheduler` in schedules of the
    /// group `CAREPATH_SCHEDULE_GROUP`, that the role `CAREPATH_SCHEDULE_ROLE_ARN` carries to `CAREPATH_TIMER_QUEUE_ARN`. A wait of
    /// more than 900 seconds has a schedule, or of more than `CAREPATH_LONGEST_DELAY_SECONDS`.
    ///
    /// # Errors
    /// Where one of them is missing.
    pub fn queue(&self) -> Result<SqsQueue, MissingSetting> {
        let schedules = match setting("CAREPATH_TIMERS")?.as_str() {
            "due" => None,
            "scheduler" => Some(Schedules::new(
                &self.aws,
                ScheduleSettings {
                    group: setting("CAREPATH_SCHEDULE_GROUP")?,
                    role: setting("CAREPATH_SCHEDULE_ROLE_ARN")?,
                    target: setting("CAREPATH_TIMER_QUEUE_ARN")?,
                },
            )),
            _ => return Err(MissingSetting("CAREPATH_TIMERS")),
        };
        let queue = SqsQueue::new(&self.aws, setting("CAREPATH_WORK_QUEUE_URL")?, schedules);
        Ok(match std::env::var(LONGEST_DELAY) {
            Ok(seconds) => {
                let seconds: u32 = seconds.parse().map_err(|_| MissingSetting(LONGEST_DELAY))?;
                queue.delaying_at_most(SignedDuration::from_secs(seconds.into()))
            }
            Err(_) => queue,
        })
    }

    /// Where messages go that nobody can read: `CAREPATH_DEAD_LETTER_URL`.
    ///
    /// # Errors
    /// Where it is missing.
    pub fn dead_letters(&self) -> Result<DeadLetters, MissingSetting> {
        Ok(DeadLetters::new(&self.aws, setting("CAREPATH_DEAD_LETTER_URL")?))
    }

    /// The two ways by which SES tells: the bucket `CAREPATH_MAIL_EVENTS_BUCKET` has all of it, and what is still to be acted on lies
    /// in the queues `CAREPATH_ENGAGEMENT_QUEUE_URL` and `CAREPATH_ENGAGEMENT_DEAD_LETTER_URL`.
    ///
    /// # Errors
    /// Where one of them is missing.
    pub fn paths(&self, store: DynamoStore) -> Result<Paths, MissingSetting> {
        let queues = [setting("CAREPATH_ENGAGEMENT_QUEUE_URL")?, setting("CAREPATH_ENGAGEMENT_DEAD_LETTER_URL")?];
        let archive = Archive::new(&self.aws, setting("CAREPATH_MAIL_EVENTS_BUCKET")?);
        Ok(Paths::new(store, Backlog::new(&self.aws, queues), archive))
    }

    /// What the names of SES's configuration sets begin with: `CAREPATH_CONFIGURATION_SET_PREFIX`.
    ///
    /// # Errors
    /// Where it is missing.
    pub fn configuration_sets(&self) -> Result<String, MissingSetting> {
        setting("CAREPATH_CONFIGURATION_SET_PREFIX")
    }
}

fn setting(name: &'static str) -> Result<String, MissingSetting> {
    std::env::var(name).ok().filter(|value| !value.is_empty()).ok_or(MissingSetting(name))
}
