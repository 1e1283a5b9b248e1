//! The use cases, wired to this machine.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::Arc;

use carepath_app::keys::{self, Role};
use carepath_app::ports::{Due, Store, StoreError, Work};
use carepath_app::{App, engage, park, sweep, work};
use carepath_aws::ses;
use carepath_engine::ids::RunId;
use jiff::Timestamp;
use serde_json::{Value, json};
use tracing::Level;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::duties::{Duties, Unheard};
use super::ports::DevPorts;
use super::process::{Args, DevError, Premises};
use crate::failure::Failure;

/// Runs the whole system until it is told to stop.
pub(crate) async fn run(args: &Args) -> Result<ExitCode, Failure> {
    // Whatever RUST_LOG asks for: the SDK and the HTTP server write whole requests at their lower levels (S24).
    let silent = filter_fn(|line| carepath_aws::lambda::is_logged(line, Level::TRACE));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    tracing_subscriber::registry().with(lines).with(filter()).with(silent).init();
    match Box::pin(serve(args)).await {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) => Err(Failure::Dev(error.into())),
    }
}

fn filter() -> tracing_subscriber::EnvFilter {
    tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn,carepath=info"))
}

async fn serve(args: &Args) -> Result<(), DevError> {
    let premises = Premises::open(args).await?;
    let mut app = App::open(premises.ports.clone()).await?;
    app.base_url = Some(premises.url()?);
    let app = Arc::new(app);
    app.store().set_secret(app.secret.clone());
    keys::adopt(&app, "carepath dev", BTreeSet::from([Role::Admin]), &premises.api_key).await?;
    let api = carepath_api::router(Arc::clone(&app));
    premises.serve(Local(app), api, args.seed).await
}

/// Publishes the examples and lets a few contacts in.
pub(super) async fn seed(url: String, key: String) {
    match Box::pin(crate::seed::seed(&url, &key)).await {
        Ok(seeded) => {
            tracing::info!(documents = seeded.documents, contacts = seeded.contacts, "the examples are in");
        }
        Err(failure) => {
            failure.report();
        }
    }
}

/// The use cases over the ports of this machine.
#[derive(Clone)]
struct Local(Arc<App<DevPorts>>);

impl Duties for Local {
    async fn handle(&self, work: Work) -> bool {
        match Box::pin(park::handle(&self.0, &work)).await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "work failed, and is tried again");
                false
            }
        }
    }

    async fn recover(&self, run: RunId) -> bool {
        Box::pin(work::recover(&self.0, &run)).await.is_ok()
    }

    async fn hear(&self, notification: &Value) -> Result<(), Unheard> {
        let bytes = serde_json::to_vec(notification).map_err(|_| Unheard::Unreadable)?;
        match ses::parse(&bytes).map_err(|_| Unheard::Unreadable)? {
            Some((run, engagement)) => {
                Box::pin(engage::engage(&self.0, &run, &engagement)).await.map_err(|_| Unheard::NotNow)
            }
            None => Ok(()),
        }
    }

    async fn due(&self, from: Timestamp, until: Timestamp, limit: usize) -> Result<Vec<Due>, StoreError> {
        self.0.store().due(from, until, limit).await
    }

    async fn held(&self) -> Result<Vec<Work>, StoreError> {
        work::held(&self.0).await
    }

    async fn swept(&self, at: Timestamp, floor: Option<Timestamp>) {
        if let Err(error) = sweep::note(&self.0, at, floor).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "nobody can see that it was swept");
        }
    }

    async fn figures(&self) -> Value {
        let counters = self.0.counters.read();
        // Counted over the table, and not from what this process remembers: another one may have left it so.
        let health = self.0.store().health().await.ok();
        json!({
            "duplicate_send": counters.duplicate_send,
            "work_parked": health.map(|health| health.parked),
            "unknown_open": health.map(|health| health.unknown),
            "runs_without_wakeup": health.map(|health| health.without_wakeup),
            "runs_live": health.map(|health| health.live),
            "counters": counters,
            "dynamodb": self.0.store().usage().by_operation,
        })
    }
}
