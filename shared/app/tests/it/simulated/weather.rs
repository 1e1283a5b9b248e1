//! What happens to an installation from outside: storms of the mail service, a store that turns everything away, calls
//! that go wrong more or less often, and what the mail service tells of the mails that it took; and how it looks in the end.

use std::collections::BTreeMap;

use carepath_engine::advance::{Answer, Engagement, EngagementKind, Reader};
use carepath_engine::ids::RunId;
use jiff::{SignedDuration, Timestamp};

use super::client::Action;
use super::history::History;
use crate::world::mail_id;

/// Until when it storms.
#[derive(Debug, Default)]
pub(super) struct Weather {
    mail_until: Option<Timestamp>,
    store_until: Option<Timestamp>,
}

/// What the mail service tells of a mail: whether of a machine, in how many of a hundred cases, and after how many
/// seconds at most.
const TOLD: [(EngagementKind, bool, u64, u64); 9] = [
    (EngagementKind::Sent, false, 70, 5),
    (EngagementKind::Delivered, false, 60, 60),
    (EngagementKind::Opened, true, 30, 60),
    (EngagementKind::Opened, false, 40, 30),
    (EngagementKind::Opened, false, 30, 400_000),
    (EngagementKind::Clicked { link: String::new() }, false, 20, 90_000),
    (EngagementKind::Bounced { permanent: true }, false, 4, 3_600),
    (EngagementKind::Bounced { permanent: false }, false, 4, 3_600),
    (EngagementKind::Complained, false, 3, 90_000),
];

impl History {
    /// Storms come and go, and so do faults. None comes when clients have nothing more to do: a history ends.
    pub(super) fn change_weather(&mut self) {
        let now = self.now();
        self.end_storms(now);
        if !self.plan.is_empty() {
            match self.dice.below(800) {
                0 | 1 => self.storm_of_the_mail_service(now),
                2 => self.storm_of_the_store(now),
                _ => {}
            }
        }
        if self.dice.below(200) == 0 {
            let one_in = self.dice.one_of(&[0, 5, 20, 100]);
            self.faults.set_one_in(one_in);
        }
    }

    /// As time passes somebody may look at the list of unknown sends, and into the records of the mail service.
    pub(super) fn look_at_unknown(&mut self, now: Timestamp) {
        let unknown = self.ports.store.content().runs.values().filter(|run| run.unknown_sends() > 0).count();
        if unknown > 0 && self.dice.percent(15) {
            let nth = self.dice.place(unknown);
            self.plan.insert(0, (now, Action::Settle { nth }));
        }
    }

    fn end_storms(&mut self, now: Timestamp) {
        if self.weather.mail_until.is_some_and(|until| until <= now || self.dice.percent(1)) {
            self.weather.mail_until = None;
            self.ports.mailer.answer_always(None);
        }
        if self.weather.store_until.is_some_and(|until| until <= now || self.dice.percent(3)) {
            self.weather.store_until = None;
            self.faults.set_store_is_down(false);
        }
    }

    fn storm_of_the_mail_service(&mut self, now: Timestamp) {
        let until = now + SignedDuration::from_secs(self.dice.one_of(&[2, 60, 3_600]));
        let answer = match self.dice.below(8) {
            0 => Answer::Refused("bad_address".into()),
            1 => Answer::Unknown,
            _ => Answer::Throttled { until },
        };
        self.note(|| format!("the mail service answers {answer:?} until {until}"));
        self.weather.mail_until = Some(until);
        self.ports.mailer.answer_always(Some(answer));
    }

    fn storm_of_the_store(&mut self, now: Timestamp) {
        let until = now + SignedDuration::from_secs(self.dice.one_of(&[1, 40, 600]));
        self.note(|| format!("the store turns everything away until {until}"));
        self.weather.store_until = Some(until);
        self.faults.set_store_is_down(true);
    }

    /// What the mail service will tell of the mails that it has taken since the last look: late, twice, or never.
    pub(super) fn hear_of_mails(&mut self) {
        if self.ports.mailer.count() == self.noticed {
            return;
        }
        let (now, taken) = (self.now(), self.ports.mailer.taken());
        for (nth, attempt) in taken.iter().enumerate().skip(self.noticed) {
            self.note(|| format!("mail {nth} is taken: {attempt:?}"));
            for (kind, machine, percent, most) in TOLD {
                if !self.dice.percent(percent) {
                    continue;
                }
                let after = i64::try_from(self.dice.below(most * 1_000)).unwrap_or_default();
                let at = now + SignedDuration::from_millis(after);
                let late = self.dice.one_of(&[0, 0, 1, 3, 40, 100_000]);
                let (step, attempt_nr, message) = (attempt.step, attempt.attempt, mail_id(nth));
                let told = Engagement { step, attempt: attempt_nr, message, kind, at, by: Reader::of(machine) };
                self.notices.push((at + SignedDuration::from_secs(late), attempt.run.clone(), told));
            }
        }
        self.noticed = taken.len();
        self.mails = self.by_place();
    }

    /// How many mails were taken for each step of each run, wherever the run was moved since.
    fn by_place(&self) -> BTreeMap<(RunId, u16), usize> {
        let content = self.ports.store.content();
        let mut mails = BTreeMap::new();
        for ((run, tag), taken) in self.ports.mailer.by_visit() {
            let place = content.runs.get(&run).and_then(|run| run.tagged(tag)).unwrap_or(tag);
            *mails.entry((run, place)).or_default() += taken;
        }
        mails
    }

    /// What became of each run.
    pub(super) fn note_outcome(&mut self) {
        let content = self.ports.store.content().clone();
        for run in content.runs.values() {
            self.note(|| format!("{} of {} {}: {:?}", run.id, run.workflow, run.version, run.state));
            for visit in &run.visits {
                let why: Vec<_> = visit.explanation.iter().map(|why| &*why.test).collect();
                self.note(|| format!("    {} {:?} {:?} {why:?}", visit.at, visit.place, visit.edge));
            }
            for (step, mail) in &run.messages {
                let (attempt, reason) = (mail.attempt, mail.reason.as_deref().unwrap_or_default());
                self.note(|| format!("    {} mail of {step}, attempt {attempt}: {:?} {reason}", mail.at, mail.state));
            }
        }
    }
}
