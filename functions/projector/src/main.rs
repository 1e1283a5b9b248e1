//! The projector's Lambda.

use carepath_aws::DynamoStore;
use carepath_aws::dynamo::Projected;
use carepath_aws::lambda::{self, Settings};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;

#[tokio::main]
async fn main() -> Result<(), Error> {
    lambda::log()?;
    let settings = Settings::load().await;
    let one_shard = std::env::var("CAREPATH_ONE_STREAM_SHARD").is_ok_and(|value| value == "true");
    let reports = Projected::beside(&DynamoStore::in_aws(&settings.aws));
    let handler = async |event: LambdaEvent<Value>| {
        let answer = carepath_projector::handle(&reports, one_shard, &event.payload).await;
        answer.map_err(Error::from)
    };
    lambda_runtime::run(service_fn(handler)).await
}
