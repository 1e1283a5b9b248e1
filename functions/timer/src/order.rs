//! What the timer is told to do.

use carepath_app::ports::{Ports as _, Store as _, Work};
use carepath_app::sweep::{self, Swept};
use carepath_app::{App, UseError};
use carepath_app::{health, reconcile};
use carepath_aws::lambda::{AwsPorts, Done, Idle, tell};
use serde::Deserialize;

/// Beyond so many unknown sends, or so much parked work, a number says no more.
const ENOUGH: usize = 100;

/// An order.
#[derive(Deserialize)]
#[serde(untagged)]
enum Order {
    /// The clock's.
    Tick(Tick),
    /// A schedule's: this is due.
    Wake(Work),
}

/// An order of the clock.
#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
enum Tick {
    /// Look for what is due and was not woken.
    Sweep,
    /// Count over all runs, and begin to compare the reports with them.
    Reconcile,
}

type Timer = App<AwsPorts<Idle, Idle>>;

/// Carries an order out.
pub(crate) async fn carry_out(app: &Timer, body: &str) -> Done {
    match serde_json::from_str(body) {
        Ok(Order::Wake(work)) => wake(app, &work).await,
        Ok(Order::Tick(Tick::Sweep)) => swept(app).await.into(),
        Ok(Order::Tick(Tick::Reconcile)) => reconciled(app).await.into(),
        Err(_) => Done::Poison("unreadable"),
    }
}

async fn wake(app: &Timer, work: &Work) -> Done {
    if app.ports.queue().post(work).await { Done::Yes } else { Done::Again }
}

async fn swept(app: &Timer) -> Result<(), UseError> {
    let Swept { lag_seconds, all, .. } = sweep::sweep(app).await?;
    tell(&[("sweep_lag_seconds", lag_seconds)], "Seconds");
    if all {
        let unknown = app.store().unknown(ENOUGH, None).await?.items.len();
        let parked = app.store().parked(ENOUGH, None).await?.items.len();
        tell(&[("unknown_open", unknown as u64), ("work_parked", parked as u64)], "Count");
    }
    Ok(())
}

async fn reconciled(app: &Timer) -> Result<(), UseError> {
    match reconcile::begin(app, None, false).await {
        // Somebody began it in the same moment.
        Ok(_) | Err(UseError::Busy) => {}
        Err(error) => return Err(error),
    }
    let counted = health::count(app).await?;
    tell(&[("runs_live", counted.live), ("runs_without_wakeup", counted.without_wakeup)], "Count");
    Ok(())
}
