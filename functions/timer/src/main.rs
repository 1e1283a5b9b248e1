//! The Lambda that wakes what is due: it hands what one-time schedules bring to the executor, and sweeps each minute for
//! what nothing brought.

mod order;

use carepath_aws::DynamoStore;
use carepath_aws::lambda::{self, AwsPorts, Batch, Message, Settings, work_through};
use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    lambda::log()?;
    let settings = Settings::load().await;
    let (queue, dead) = (settings.queue()?, settings.dead_letters()?);
    let app = lambda::open(AwsPorts::idle(DynamoStore::in_aws(&settings.aws), queue)).await?;
    let handler = async |event: LambdaEvent<Batch>| {
        let done =
            work_through(event.payload, &dead, async |message: Message| order::carry_out(&app, &message.body).await);
        Ok::<_, Error>(done.await)
    };
    lambda_runtime::run(service_fn(handler)).await
}
