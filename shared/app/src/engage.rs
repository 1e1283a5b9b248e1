//! Engagement comes in: what the mail service tells of a mail finds its run by the mail's own tags.

use carepath_engine::Input;
use carepath_engine::advance::Engagement;
use carepath_engine::ids::RunId;

use crate::App;
use crate::drive;
use crate::error::UseError;
use crate::ports::{Ports, Store};

/// Acts on an engagement. One of a run that is gone is dropped: there is nobody left to tell.
///
/// # Errors
/// What the store cannot do; doing it again does no harm.
pub async fn engage<P: Ports>(app: &App<P>, run: &RunId, engagement: &Engagement) -> Result<(), UseError> {
    let (Some(run), Some(contact)) = app.ports.store().run_and_contact(run).await? else {
        tracing::info!(run = %run, "engagement of a run that is gone");
        return Ok(());
    };
    drive::apply(app, run, contact, Input::Engaged(engagement.clone())).await
}
