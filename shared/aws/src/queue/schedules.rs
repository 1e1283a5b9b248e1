//! One-time schedules: they wake a run long after a message could.

use aws_config::SdkConfig;
use aws_sdk_scheduler::Client;
use aws_sdk_scheduler::error::{BuildError, ProvideErrorMetadata};
use aws_sdk_scheduler::operation::create_schedule::CreateScheduleError;
use aws_sdk_scheduler::types::{ActionAfterCompletion, FlexibleTimeWindow, FlexibleTimeWindowMode, Target};
use carepath_app::ports::Work;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Where schedules are and what they wake.
#[derive(Debug, Clone)]
pub struct ScheduleSettings {
    /// The group that they are in.
    pub group: String,
    /// The role that they act in.
    pub role: String,
    /// The ARN of the queue that they leave work in.
    pub target: String,
}

/// The schedules.
#[derive(Debug, Clone)]
pub struct Schedules {
    client: Client,
    settings: ScheduleSettings,
}

impl Schedules {
    /// Schedules of a group.
    pub fn new(config: &SdkConfig, settings: ScheduleSettings) -> Self {
        Self { client: Client::new(config), settings }
    }

    /// Leaves work in the target queue at a time. The same work at the same time has one schedule, however often it is
    /// asked for, and it is gone when it has fired.
    pub(super) async fn wake(&self, work: &Work, at: Timestamp) {
        let Some(name) = name(work, at) else { return };
        let made = match self.request(&name, work, at) {
            Ok(request) => request.await,
            Err(_) => return tracing::error!("a schedule could not be described; the sweep will wake its run"),
        };
        match made {
            Err(code) if code != "ConflictException" => {
                tracing::warn!(code, "a schedule could not be made; the sweep will wake its run");
            }
            Ok(()) | Err(_) => {}
        }
    }

    fn request(
        &self,
        name: &str,
        work: &Work,
        at: Timestamp,
    ) -> Result<impl Future<Output = Result<(), String>> + use<>, BuildError> {
        let input = serde_json::to_string(work).unwrap_or_default();
        let target = Target::builder().arn(&self.settings.target).role_arn(&self.settings.role).input(input).build()?;
        let window = FlexibleTimeWindow::builder().mode(FlexibleTimeWindowMode::Off).build()?;
        let request = self
            .client
            .create_schedule()
            .name(name)
            .group_name(&self.settings.group)
            .schedule_expression(format!("at({})", when(at)))
            .schedule_expression_timezone("UTC")
            .flexible_time_window(window)
            .action_after_completion(ActionAfterCompletion::Delete)
            .target(target);
        Ok(async move {
            let said = request.send().await;
            said.map(drop).map_err(|failure| {
                let code = failure.as_service_error().and_then(CreateScheduleError::code);
                code.unwrap_or("no answer").to_owned()
            })
        })
    }
}

/// Whether work may have a schedule. Only runs do; all else that is due later is few, and can wait for the sweep.
pub(super) const fn may_wake(work: &Work) -> bool {
    matches!(work, Work::Run { .. })
}

/// A name that is the same for the same work at the same time: run ids have 45 letters, and names may have 64.
fn name(work: &Work, at: Timestamp) -> Option<String> {
    match work {
        Work::Run { run } => Some(format!("{run}-{:x}", whole(at).as_second())),
        Work::Event { .. } | Work::Contact { .. } | Work::Task { .. } | Work::Resume { .. } => None,
    }
}

/// The second that a schedule can name, and not before the time.
fn whole(at: Timestamp) -> Timestamp {
    let part = i64::from(at.subsec_nanosecond());
    if part == 0 { at } else { at.saturating_add(SignedDuration::from_nanos(1_000_000_000 - part)).unwrap_or(at) }
}

fn when(at: Timestamp) -> String {
    whole(at).to_zoned_datetime(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_has_one_name_for_one_time_and_does_not_fire_before_it() {
        let run: carepath_engine::ids::RunId = "run_aaaaaaaaaaaaaaaaaaaa_bbbbbbbbbbbbbbbbbbbb".parse().unwrap();
        let at: Timestamp = "2026-11-24T10:00:00.25Z".parse().unwrap();
        let work = Work::Run { run };
        let made = name(&work, at).unwrap();
        assert!(made.len() <= 64 && made.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)), "{made}");
        assert_eq!(name(&work, "2026-11-24T10:00:01Z".parse().unwrap()), Some(made));
        assert_eq!(when(at), "2026-11-24T10:00:01");
        assert_eq!(when("2026-11-24T10:00:00Z".parse().unwrap()), "2026-11-24T10:00:00");
    }
}
