//! The Lambda that hears what SES tells of mails: it writes down what became of them, and moves the runs that wait for it.
//! Mails that follow are the executor's.

use carepath_app::engage::engage;
use carepath_aws::DynamoStore;
use carepath_aws::lambda::{self, AwsPorts, Batch, Done, Message, Meter, Settings, work_through};
use carepath_aws::ses::{self, Hearing};
use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    lambda::log()?;
    let settings = Settings::load().await;
    let (queue, dead, meter) = (settings.queue()?, settings.dead_letters()?, Meter::default());
    let store = DynamoStore::in_aws(&settings.aws);
    let hearing = Hearing::new(store.clone());
    let app = lambda::open(AwsPorts::idle(store, queue)).await?;
    let handler = async |event: LambdaEvent<Batch>| {
        let done =
            work_through(event.payload, &dead, async |message: Message| match ses::parse(message.body.as_bytes()) {
                Ok(Some((run, engagement))) => {
                    let engaged = engage(&app, &run, &engagement).await;
                    if engaged.is_ok() {
                        hearing.acted_on(engagement.at, app.now());
                    }
                    engaged.into()
                }
                Ok(None) => Done::Yes,
                Err(error) => Done::Poison(error.code()),
            });
        let failures = done.await;
        hearing.tell(app.now()).await;
        meter.look(&app.counters);
        Ok::<_, Error>(failures)
    };
    lambda_runtime::run(service_fn(handler)).await
}
