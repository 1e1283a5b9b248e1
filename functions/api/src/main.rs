//! The API's Lambda: the router of `carepath dev`, behind an API Gateway HTTP API.

use std::sync::Arc;

use carepath_api::lambda::{self, LambdaPorts};
use carepath_app::{App, catalog};
use carepath_aws::DynamoStore;

#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    lambda::log()?;
    let store = DynamoStore::from_env().await;
    let mut app = App::open(LambdaPorts::new(store.clone())).await?;
    app.lag = catalog::LOOK * 2;
    store.set_secret(app.secret.clone());
    lambda_http::run(carepath_api::router(Arc::new(app))).await
}
