//! Where work is left in AWS: for now and the next quarter of an hour in SQS, for later in schedules.
//!
//! Both are hints. What is lost here is found by the sweep (S5), so a failure is logged and no more.

mod backlog;
mod dead;
mod post;
mod schedules;

use aws_config::SdkConfig;
use carepath_app::ports::{Queue, Work};
use jiff::{SignedDuration, Timestamp};

pub use backlog::Backlog;
pub use dead::DeadLetters;
pub use schedules::{ScheduleSettings, Schedules};

use post::Post;

/// The longest delay of a message.
const LONGEST_DELAY: SignedDuration = SignedDuration::from_mins(15);

/// Where work is left. Its clones are the same queue.
#[derive(Debug, Clone)]
pub struct SqsQueue {
    post: Post,
    /// `None`: what is due later than a message can wait is left to the sweep.
    schedules: Option<Schedules>,
    longest_delay: SignedDuration,
}

impl SqsQueue {
    /// The queue at a URL, and what is due later in schedules, where there are any.
    pub fn new(config: &SdkConfig, url: impl Into<String>, schedules: Option<Schedules>) -> Self {
        Self { post: Post::new(config, url.into()), schedules, longest_delay: LONGEST_DELAY }
    }

    /// The same, where runs that are due later than this have schedules: at most what a message can wait.
    #[must_use]
    pub fn delaying_at_most(mut self, longest: SignedDuration) -> Self {
        self.longest_delay = longest.min(LONGEST_DELAY);
        self
    }

    /// Leaves work to be done now, and says whether the queue has it.
    pub async fn post(&self, work: &Work) -> bool {
        self.post.send(work, 0).await
    }
}

impl Queue for SqsQueue {
    async fn push(&self, work: Work, at: Timestamp) {
        let wait = at.duration_since(Timestamp::now());
        // What has no schedule waits as a message for as long as one can, and only what is later still is left to the sweep.
        let longest = if schedules::may_wake(&work) { self.longest_delay } else { LONGEST_DELAY };
        if wait <= longest {
            self.post.send(&work, seconds(wait)).await;
        } else if let Some(schedules) = &self.schedules {
            Box::pin(schedules.wake(&work, at)).await;
        }
    }
}

/// Whole seconds, never too early.
fn seconds(wait: SignedDuration) -> i32 {
    let whole = wait.as_secs() + i64::from(wait.subsec_nanos() > 0);
    i32::try_from(whole.max(0)).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_rounded_up_so_that_nothing_comes_before_its_time() {
        assert_eq!(seconds(SignedDuration::from_secs(-5)), 0);
        assert_eq!(seconds(SignedDuration::ZERO), 0);
        assert_eq!(seconds(SignedDuration::from_millis(1)), 1);
        assert_eq!(seconds(SignedDuration::from_millis(2_001)), 3);
        assert_eq!(seconds(LONGEST_DELAY), 900);
    }
}
