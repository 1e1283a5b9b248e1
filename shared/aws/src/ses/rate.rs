//! How fast mail may go out: a share of the account's rate, counted by the second over all processes, with room kept for
//! what cannot wait.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_sdk_sesv2::Client;
use carepath_engine::version::Class;
use jiff::{SignedDuration, Timestamp};

use crate::DynamoStore;

/// How much of the account's rate is used, in hundredths: what SES counts by the second is not cut where ours is.
const SHARE: u64 = 90;
/// How much of that is marketing's, in hundredths: the rest is free for care at any time.
const MARKETING: u64 = 80;
/// How many mails a process takes at a time, at most: those it does not send are lost to that second.
const MOST_TAKEN: u64 = 10;
/// How long the account's rate is believed.
const FRESH: SignedDuration = SignedDuration::from_mins(5);
/// What is believed of an account that could not be asked: what SES gives everybody.
const LEAST: u64 = 1;
/// What is left of the rate when SES was too busy, and what comes back with each minute after it, in hundredths.
const HALF: u64 = 2;
const EASED: u64 = 10;
const LEAST_EASED: u64 = 5;
/// When a store is asked again that failed.
const STORE_AGAIN: Duration = Duration::from_secs(1);

/// The rate, as one process knows it.
#[derive(Debug)]
pub(super) struct Rate {
    client: Client,
    store: DynamoStore,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// What the account may send in a second, and when it said so.
    account: Option<(u64, Timestamp)>,
    /// What was taken and not used: of which second, how many.
    left: (i64, u64),
    /// How many were turned away since one was let through.
    turned_away: u64,
    /// Hundredths of the rate that are used while SES is busy, and since when.
    eased: (u64, Timestamp),
}

impl Rate {
    pub(super) fn new(client: Client, store: DynamoStore) -> Self {
        let state = State { account: None, left: (0, 0), turned_away: 0, eased: (100, Timestamp::UNIX_EPOCH) };
        Self { client, store, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets one mail of a class through, or says when to ask again.
    pub(super) async fn permit(&self, class: Class, now: Timestamp) -> Result<(), Timestamp> {
        let second = now.as_second();
        if self.state().use_one(second) {
            return Ok(());
        }
        let account = self.of_account(now).await;
        let most = most(account, self.state().eased(now), class);
        let count = (most / MOST_TAKEN).clamp(1, MOST_TAKEN);
        match self.store.take_mails(second, count, most, account).await {
            Ok(true) => {
                let mut state = self.state();
                state.left = (second, count - 1);
                state.turned_away = 0;
                Ok(())
            }
            Ok(false) => Err(self.state().turn_away(second, most)),
            Err(error) => {
                tracing::warn!(%error, "the rate could not be counted");
                Err(now + STORE_AGAIN)
            }
        }
    }

    /// SES was too busy: it is asked less for a while.
    pub(super) fn throttled(&self) {
        let now = Timestamp::now();
        let mut state = self.state();
        state.left = (0, 0);
        state.eased = ((state.eased(now) / HALF).max(LEAST_EASED), now);
    }

    async fn of_account(&self, now: Timestamp) -> u64 {
        let known = self.state().account;
        if let Some((rate, at)) = known
            && now.duration_since(at) < FRESH
        {
            return rate;
        }
        let said = self.client.get_account().send().await;
        let rate = if let Ok(account) = said {
            account.send_quota().map_or(LEAST, |quota| whole(quota.max_send_rate()))
        } else {
            tracing::warn!("SES does not say how fast this account may send");
            known.map_or(LEAST, |(rate, _)| rate)
        };
        self.state().account = Some((rate, now));
        rate
    }
}

impl State {
    fn use_one(&mut self, second: i64) -> bool {
        let (of, left) = &mut self.left;
        let has = *of == second && *left > 0;
        *left -= u64::from(has);
        has
    }

    /// When somebody comes again for whom there is no room in a second: after those who were turned away before.
    fn turn_away(&mut self, second: i64, most: u64) -> Timestamp {
        let behind = self.turned_away / most.max(1);
        self.turned_away += 1;
        let wait = i64::try_from(behind).unwrap_or(i64::MAX).saturating_add(1);
        Timestamp::from_second(second.saturating_add(wait)).unwrap_or(Timestamp::MAX)
    }

    /// How many hundredths of the rate are used.
    fn eased(&self, now: Timestamp) -> u64 {
        let (then, at) = self.eased;
        let minutes = u64::try_from(now.duration_since(at).as_mins()).unwrap_or_default();
        then.saturating_add(minutes.saturating_mul(EASED)).min(100)
    }
}

/// How many mails of a class may go out in a second, over all processes.
const fn most(account: u64, eased: u64, class: Class) -> u64 {
    let all = account.saturating_mul(SHARE).saturating_mul(eased) / 10_000;
    let of_class = match class {
        Class::Care | Class::Operational => all,
        Class::Marketing => all.saturating_mul(MARKETING) / 100,
    };
    if of_class == 0 { 1 } else { of_class }
}

/// Whole mails of a rate that SES gives as a number with a point.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is cut to whole mails, and not below one"
)]
fn whole(rate: f64) -> u64 {
    rate.clamp(1.0, 1_000_000.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marketing_leaves_room_for_care_and_nobody_is_left_without_any() {
        assert_eq!(most(100, 100, Class::Care), 90);
        assert_eq!(most(100, 100, Class::Operational), 90);
        assert_eq!(most(100, 100, Class::Marketing), 72);
        assert_eq!(most(100, 50, Class::Care), 45);
        assert_eq!(most(1, 100, Class::Marketing), 1);
        assert_eq!(whole(0.0), 1);
        assert_eq!(whole(14.9), 14);
    }

    #[test]
    fn a_crowd_that_is_turned_away_comes_back_spread_over_seconds() {
        let mut state = State { account: None, left: (7, 1), turned_away: 0, eased: (100, Timestamp::UNIX_EPOCH) };
        assert!(state.use_one(7));
        assert!(!state.use_one(7), "it is used up");
        let back: Vec<i64> = (0..6).map(|_| state.turn_away(100, 2).as_second()).collect();
        assert_eq!(back, [101, 101, 102, 102, 103, 103]);
    }

    #[test]
    fn a_busy_service_is_asked_less_and_more_again_with_each_minute() {
        let at = |minutes: i64| Timestamp::from_second(minutes * 60).unwrap();
        let state = State { account: None, left: (0, 0), turned_away: 0, eased: (50, at(10)) };
        assert_eq!(state.eased(at(10)), 50);
        assert_eq!(state.eased(at(12)), 70);
        assert_eq!(state.eased(at(99)), 100);
    }
}
