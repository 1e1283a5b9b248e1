//! The projector's Lambda.

use carepath_aws::DynamoStore;
use carepath_aws::dynamo::Projected;
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    // Others than this project write whole requests at their lower levels (S24).
    let lines = Targets::new().with_default(LevelFilter::WARN).with_target("carepath", LevelFilter::INFO);
    let json = tracing_subscriber::fmt::layer().json().with_writer(std::io::stderr);
    tracing_subscriber::registry().with(json).with(lines).try_init()?;
    let one_shard = std::env::var("CAREPATH_ONE_STREAM_SHARD").is_ok_and(|value| value == "true");
    let reports = Projected::beside(&DynamoStore::from_env().await);
    let reports = &reports;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        carepath_projector::handle(reports, one_shard, &event.payload).await
    }))
    .await
}
