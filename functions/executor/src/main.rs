//! The Lambda that does the work: it acts on events and changes, moves runs, sends their mails and calls their webhooks.

use carepath_app::park;
use carepath_aws::DynamoStore;
use carepath_aws::hooks::{HttpHooks, Reach};
use carepath_aws::lambda::{self, AwsPorts, Batch, Done, Message, Meter, Settings, work_through};
use carepath_aws::ses::SesMailer;
use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    lambda::log()?;
    let settings = Settings::load().await;
    let (queue, dead, meter) = (settings.queue()?, settings.dead_letters()?, Meter::default());
    let store = DynamoStore::in_aws(&settings.aws);
    let mailer = SesMailer::new(&settings.aws, settings.configuration_sets()?, store.clone())
        .with_paths(settings.paths(store.clone())?);
    let app = lambda::open(AwsPorts::new(store, queue, mailer, HttpHooks::new(Reach::Public)?)).await?;
    let handler = async |event: LambdaEvent<Batch>| {
        app.ports.ends_at(event.context.deadline().try_into()?);
        let done =
            work_through(event.payload, &dead, async |message: Message| match serde_json::from_str(&message.body) {
                Ok(work) => park::handle(&app, &work).await.into(),
                Err(_) => Done::Poison("unreadable"),
            });
        let failures = done.await;
        meter.look(&app.counters);
        Ok::<_, Error>(failures)
    };
    lambda_runtime::run(service_fn(handler)).await
}
