//! The API's Lambda: the router of `carepath dev`, behind an API Gateway HTTP API.

use std::sync::Arc;

use carepath_aws::DynamoStore;
use carepath_aws::lambda::{self, AwsPorts, Settings};

#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    lambda::log()?;
    let settings = Settings::load().await;
    let app = lambda::open(AwsPorts::idle(DynamoStore::in_aws(&settings.aws), settings.queue()?)).await?;
    lambda_http::run(carepath_api::for_people_too(carepath_api::router(Arc::new(app)))).await
}
