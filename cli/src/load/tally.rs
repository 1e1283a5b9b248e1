//! What the receiving end has seen.

use std::time::{Duration, Instant};

use super::journey::{Mail, opens};

/// What came to one contact.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Received {
    welcome: u8,
    getting_started: u8,
    reminder: u8,
}

/// What came to all.
#[derive(Debug)]
pub(super) struct Tally {
    received: Vec<Received>,
    complete: usize,
    /// Mails of this journey, repeats included.
    pub(super) mails: u64,
    /// When something last came.
    pub(super) moved: Instant,
    /// From the moment a contact's event was sent to its welcome in the mailbox.
    pub(super) to_welcome: Vec<Duration>,
    /// From the moment an open was told to the second mail in the mailbox.
    pub(super) to_second: Vec<Duration>,
    /// How long each batch took to be answered.
    pub(super) batches: Vec<Duration>,
}

impl Received {
    const fn add(&mut self, mail: Mail) {
        let count = match mail {
            Mail::Welcome => &mut self.welcome,
            Mail::GettingStarted => &mut self.getting_started,
            Mail::Reminder => &mut self.reminder,
        };
        *count = count.saturating_add(1);
    }

    /// The welcome, and a second mail, whichever it is.
    const fn complete(self) -> bool {
        self.welcome > 0 && (self.getting_started > 0 || self.reminder > 0)
    }

    fn repeats(self) -> u64 {
        [self.welcome, self.getting_started, self.reminder].iter().map(|n| u64::from(n.saturating_sub(1))).sum()
    }

    fn right(self, n: u32) -> bool {
        let second = if opens(n) { (1, 0) } else { (0, 1) };
        self.welcome == 1 && (self.getting_started, self.reminder) == second
    }
}

impl Tally {
    /// Nothing yet, for so many contacts.
    pub(super) fn new(contacts: u32) -> Self {
        Self {
            received: vec![Received::default(); contacts as usize],
            complete: 0,
            mails: 0,
            moved: Instant::now(),
            to_welcome: Vec::new(),
            to_second: Vec::new(),
            batches: Vec::new(),
        }
    }

    /// Counts a mail of the nth contact.
    pub(super) fn add(&mut self, n: u32, mail: Mail) {
        let Some(received) = self.received.get_mut(n as usize) else { return };
        let before = received.complete();
        received.add(mail);
        self.complete += usize::from(received.complete() && !before);
        self.mails += 1;
        self.moved = Instant::now();
    }

    /// Contacts that have a welcome and a second mail.
    pub(super) const fn complete(&self) -> usize {
        self.complete
    }

    /// Whether every contact has.
    pub(super) fn all_complete(&self) -> bool {
        self.complete == self.received.len()
    }

    /// Mails that came to a contact that had the very same before.
    pub(super) fn duplicates(&self) -> u64 {
        self.received.iter().map(|received| received.repeats()).sum()
    }

    /// Contacts that did not get exactly their mails, once.
    pub(super) fn wrong_mails(&self) -> u64 {
        (0..).zip(&self.received).filter(|(n, received)| !received.right(*n)).count() as u64
    }
}

/// The figure below which so many of a hundred lie; zero where there is none.
pub(super) fn percentile(figures: &mut [Duration], percent: usize) -> Duration {
    figures.sort_unstable();
    let place = (figures.len() * percent).div_ceil(100).saturating_sub(1);
    figures.get(place).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeat_a_loss_and_the_wrong_mail_are_all_seen() {
        let mut tally = Tally::new(3);
        for n in 0..3 {
            tally.add(n, Mail::Welcome);
        }
        assert_eq!((tally.complete(), tally.wrong_mails()), (0, 3));
        tally.add(0, Mail::GettingStarted);
        tally.add(1, Mail::Reminder);
        tally.add(2, Mail::Reminder);
        assert!(tally.all_complete());
        assert_eq!((tally.duplicates(), tally.wrong_mails()), (0, 1));
        tally.add(1, Mail::Reminder);
        assert_eq!((tally.duplicates(), tally.wrong_mails(), tally.mails), (1, 2, 7));
    }

    #[test]
    fn a_percentile_is_one_of_the_figures() {
        let mut figures: Vec<_> = (1..=10).rev().map(Duration::from_secs).collect();
        assert_eq!(percentile(&mut figures, 50).as_secs(), 5);
        assert_eq!(percentile(&mut figures, 99).as_secs(), 10);
        assert_eq!(percentile(&mut [], 50), Duration::ZERO);
    }
}
