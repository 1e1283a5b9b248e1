//! The send policy.

use super::cursor::{At, Fields};
use super::faults::Faults;
use super::scalar::Sign;
use crate::version::{Cap, OnCapped, OnClosed, SendPolicy};

/// Reads `send_policy`. What has faults is left at its default.
pub(crate) fn read(workflow: &mut Fields<'_>, faults: &mut Faults) -> SendPolicy {
    let mut policy = SendPolicy::default();
    let Some(mut fields) = workflow
        .take("send_policy")
        .and_then(|at| at.fields(faults, "an object such as `{ window: \"08:00-20:00\" }`"))
    else {
        return policy;
    };
    policy.window = fields.take("window").and_then(|at| at.window(faults));
    policy.days = fields.take("days").and_then(|at| at.days(faults)).unwrap_or_default();
    policy.zone = fields.take("zone").and_then(|at| at.zone(faults));
    policy.on_closed = fields
        .take("on_closed")
        .and_then(|at| {
            at.choice(faults, &[("defer", OnClosed::Defer), ("skip", OnClosed::Skip), ("exit", OnClosed::Exit)])
        })
        .unwrap_or_default();
    policy.cap = fields.take("cap").and_then(|at| cap(&at, faults));
    fields.finish(faults);
    policy
}

fn cap(at: &At<'_>, faults: &mut Faults) -> Option<Cap> {
    let mut fields = at.fields(faults, "an object such as `{ max: 3, per: 7d }`")?;
    let max = fields.need(faults, "max", "the most mails").and_then(|at| at.whole(faults, 1, 1_000));
    let per = fields.need(faults, "per", "in how long").and_then(|at| at.span(faults, Sign::Positive));
    let on_capped = fields.take("on_capped").map_or(Some(OnCapped::Skip), |at| {
        at.choice(faults, &[("skip", OnCapped::Skip), ("defer", OnCapped::Defer), ("exit", OnCapped::Exit)])
    });
    fields.finish(faults);
    Some(Cap { max: max?, per: per?, on_capped: on_capped? })
}
