//! The clock, the queue and the sweep together, over duties that only take notes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use carepath_app::ports::{Clock, Due, Queue as _, StoreError, Work};
use carepath_engine::ids::RunId;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::clock::{DevClock, Mode};
use super::duties::{Duties, Unheard};
use super::queue::DevQueue;
use super::sweep::{self, Watermark};

/// Notes what is asked for and when; the first look at a run may fail.
#[derive(Clone)]
pub(super) struct Notes {
    clock: DevClock,
    stored: Arc<Mutex<Vec<Due>>>,
    pub(super) done: Arc<Mutex<Vec<(Timestamp, Work)>>>,
    pub(super) heard: Arc<Mutex<Vec<Value>>>,
    /// How much is being done, and the most that ever was.
    at_once: Arc<(AtomicUsize, AtomicUsize)>,
}

impl Notes {
    pub(super) fn new(clock: &DevClock) -> Self {
        let (stored, done, heard) = (Arc::default(), Arc::default(), Arc::default());
        Self { clock: clock.clone(), stored, done, heard, at_once: Arc::default() }
    }

    /// The most that was done at a time.
    pub(super) fn most_at_once(&self) -> usize {
        self.at_once.1.load(Ordering::SeqCst)
    }

    /// Does what the queue has, four things at a time.
    fn work_off(&self, queue: &DevQueue) {
        let worker = self.clone();
        tokio::spawn(queue.clone().work(4, move |work| {
            let worker = worker.clone();
            async move { worker.handle(work).await }
        }));
    }

    fn store(&self, at: Timestamp, work: &Work) {
        self.stored.lock().unwrap().push(Due { at, work: work.clone() });
    }
}

impl Duties for Notes {
    async fn handle(&self, work: Work) -> bool {
        let now = self.at_once.0.fetch_add(1, Ordering::SeqCst) + 1;
        self.at_once.1.fetch_max(now, Ordering::SeqCst);
        tokio::task::yield_now().await;
        self.at_once.0.fetch_sub(1, Ordering::SeqCst);
        self.stored.lock().unwrap().retain(|due| due.work != work);
        self.done.lock().unwrap().push((self.clock.now(), work));
        true
    }

    async fn recover(&self, run: RunId) -> bool {
        self.handle(Work::Run { run }).await
    }

    async fn hear(&self, notification: &Value) -> Result<(), Unheard> {
        self.heard.lock().unwrap().push(notification.clone());
        Ok(())
    }

    async fn due(&self, from: Timestamp, until: Timestamp, limit: usize) -> Result<Vec<Due>, StoreError> {
        let mut found = self.stored.lock().unwrap().clone();
        found.retain(|due| (from..=until).contains(&due.at));
        found.sort_by_key(|due| due.at);
        found.truncate(limit);
        Ok(found)
    }

    async fn held(&self) -> Result<Vec<Work>, StoreError> {
        Ok(Vec::new())
    }

    async fn swept(&self, _at: Timestamp, _floor: Option<Timestamp>) {}

    async fn figures(&self) -> Value {
        json!({ "sent": 1 })
    }
}

fn run(nth: usize) -> Work {
    let name = format!(
        "run_aaaaaaaaaaaaaaaaaaaa_{}",
        "abcdefghijklmnopqrstuvwxyz".chars().nth(nth).unwrap().to_string().repeat(20)
    );
    Work::Run { run: name.parse().unwrap() }
}

fn hours(from: Timestamp, hours: i64) -> Timestamp {
    from + SignedDuration::from_hours(hours)
}

#[tokio::test]
async fn moving_the_clock_does_what_falls_due_on_the_way_in_order_and_at_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let clock = DevClock::open(folder.path(), Mode::Manual).unwrap();
    let (queue, notes, start) = (DevQueue::new(clock.clone()), Notes::new(&clock), clock.now());
    notes.work_off(&queue);
    queue.leave(run(2), hours(start, 30));
    queue.leave(run(0), hours(start, 1));
    queue.leave(run(0), hours(start, 1));
    queue.leave(run(3), hours(start, 90));
    // Left in the store by an earlier process: the queue has to find it between what it knows.
    notes.store(hours(start, 2), &run(1));
    sweep::travel(&notes, &queue, &clock, hours(start, 72)).await.unwrap();
    let done = notes.done.lock().unwrap().clone();
    assert_eq!(done, [(hours(start, 1), run(0)), (hours(start, 2), run(1)), (hours(start, 30), run(2))]);
    assert_eq!(clock.now(), hours(start, 72));
    assert_eq!(queue.depth().later, 1);
}

#[tokio::test]
async fn work_that_panics_or_fails_is_put_back_and_nothing_is_settled_before_it_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let clock = DevClock::open(folder.path(), Mode::Manual).unwrap();
    let queue = DevQueue::retrying(clock.clone(), Duration::ZERO);
    let tries = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&tries);
    tokio::spawn(queue.clone().work(4, move |_| {
        let counted = Arc::clone(&counted);
        async move {
            let nth = {
                let mut tries = counted.lock().unwrap();
                *tries += 1;
                *tries
            };
            assert!(nth != 1, "the first try dies");
            nth > 2
        }
    }));
    queue.leave(run(0), clock.now());
    queue.settled().await;
    assert_eq!(*tries.lock().unwrap(), 3);
    assert_eq!((queue.counts().work_done, queue.counts().work_failed), (1, 2));
}

#[test]
fn a_manual_clock_goes_on_where_it_stood_and_no_clock_goes_back() {
    let folder = tempfile::tempdir().unwrap();
    let later = {
        let clock = DevClock::open(folder.path(), Mode::Manual).unwrap();
        let later = hours(clock.now(), 72);
        clock.move_to(later).unwrap();
        clock.move_to(hours(later, -5)).unwrap();
        assert_eq!(clock.now(), later);
        later
    };
    assert_eq!(DevClock::open(folder.path(), Mode::Manual).unwrap().now(), later);
    let real = DevClock::open(folder.path(), Mode::Real).unwrap();
    assert!(real.now() >= later && real.now() < hours(later, 1));
    real.move_to(hours(later, 10)).unwrap();
    assert!(DevClock::open(folder.path(), Mode::Real).unwrap().now() >= hours(later, 10));
}

#[tokio::test]
async fn what_a_dead_process_may_have_been_sending_is_settled_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let clock = DevClock::open(folder.path(), Mode::Manual).unwrap();
    let notes = Notes::new(&clock);
    notes.store(clock.now() + SignedDuration::from_mins(15), &run(0));
    notes.store(hours(clock.now(), 1), &run(1));
    sweep::recover(&notes, Timestamp::UNIX_EPOCH, clock.now()).await;
    assert_eq!(notes.done.lock().unwrap().iter().map(|(_, work)| work.clone()).collect::<Vec<_>>(), [run(0)]);
}

/// S5: the watermark stays behind what is not done, and well behind the clock.
#[test]
fn the_watermark_never_passes_what_is_not_done() {
    let folder = tempfile::tempdir().unwrap();
    let mut mark = Watermark::open(folder.path());
    let start: Timestamp = "2026-11-24T00:00:00Z".parse().unwrap();
    for nth in 0..=5 {
        mark.swept(hours(start, nth), None);
    }
    assert_eq!(mark.from(), start);
    mark.swept(hours(start, 6), Some(hours(start, 1)));
    mark.swept(hours(start, 7), Some(hours(start, 1)));
    assert_eq!(mark.from(), hours(start, 1));
    assert_eq!(Watermark::open(folder.path()).from(), hours(start, 1));
}

#[tokio::test]
async fn what_is_recalled_is_not_delivered_and_may_be_left_again() {
    let folder = tempfile::tempdir().unwrap();
    let clock = DevClock::open(folder.path(), Mode::Manual).unwrap();
    let (queue, start) = (DevQueue::new(clock.clone()), clock.now());
    queue.leave(run(0), hours(start, 1));
    queue.leave(run(0), hours(start, 3));
    queue.leave(run(1), hours(start, 2));
    queue.recall(&run(0));
    assert_eq!((queue.next_at(), queue.depth().later), (Some(hours(start, 2)), 1));
    queue.leave(run(0), hours(start, 1));
    assert_eq!((queue.next_at(), queue.depth().later), (Some(hours(start, 1)), 2));
    assert!(queue.move_clock_when_idle(hours(start, 4)).unwrap());
    assert_eq!((queue.next_at(), queue.depth().later, queue.depth().ready), (None, 0, 2));
}

/// After a start the queue knows nothing of what is due much later: the store alone does.
#[tokio::test]
async fn more_than_a_page_of_things_at_one_moment_are_all_done_at_it() {
    let folder = tempfile::tempdir().unwrap();
    let clock = DevClock::open(folder.path(), Mode::Manual).unwrap();
    let (queue, notes, start) = (DevQueue::new(clock.clone()), Notes::new(&clock), clock.now());
    notes.work_off(&queue);
    let letters: Vec<char> = ('a'..='z').collect();
    for nth in 0..2_500_usize {
        let name: String = (0..20).map(|place| letters[nth / 26_usize.pow(place % 4) % 26]).collect();
        let run = format!("run_aaaaaaaaaaaaaaaaaaaa_{name}").parse().unwrap();
        notes.store(hours(start, 2), &Work::Run { run });
    }
    sweep::travel(&notes, &queue, &clock, hours(start, 3)).await.unwrap();
    let done = notes.done.lock().unwrap();
    assert_eq!(done.len(), 2_500);
    assert!(done.iter().all(|(at, _)| *at == hours(start, 2)));
}

/// What many write to one contact would lose races against itself: it is done one after the other, and other contacts do not
/// wait for it.
#[tokio::test]
async fn what_concerns_one_contact_is_done_in_turn() {
    let folder = tempfile::tempdir().unwrap();
    let clock = DevClock::open(folder.path(), Mode::Manual).unwrap();
    let queue = DevQueue::new(clock.clone());
    let contact = |name: &str| -> carepath_engine::ids::ContactKey { format!("ct_{name}").parse().unwrap() };
    let (busy, quiet) = (contact("aaaaaaaaaaaaaaaaaaaa"), contact("bbbbbbbbbbbbbbbbbbbb"));
    let at_once = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
    let order = Arc::new(Mutex::new(Vec::new()));
    let (seen, kept, slow) = (Arc::clone(&at_once), Arc::clone(&order), busy.clone());
    tokio::spawn(queue.clone().work(8, move |work| {
        let (seen, kept, slow) = (Arc::clone(&seen), Arc::clone(&kept), slow.clone());
        async move {
            let Work::Event { contact, event } = work else { return true };
            if contact == slow {
                let now = seen.0.fetch_add(1, Ordering::SeqCst) + 1;
                seen.1.fetch_max(now, Ordering::SeqCst);
                for _ in 0..20 {
                    tokio::task::yield_now().await;
                }
                seen.0.fetch_sub(1, Ordering::SeqCst);
            }
            kept.lock().unwrap().push(event);
            true
        }
    }));
    for nth in 0..20 {
        queue.leave(Work::Event { contact: busy.clone(), event: format!("{nth:02}") }, clock.now());
    }
    queue.leave(Work::Event { contact: quiet, event: "other".into() }, clock.now());
    assert!(queue.depth().ready == 21);
    queue.settled().await;
    let order = order.lock().unwrap().clone();
    assert_eq!(at_once.1.load(Ordering::SeqCst), 1, "two were at one contact");
    assert!(order.iter().position(|event| event == "other") < Some(5), "others waited: {order:?}");
    let own: Vec<_> = order.into_iter().filter(|event| event != "other").collect();
    assert!(own.is_sorted() && own.len() == 20, "{own:?}");
    assert_eq!((queue.depth().ready, queue.depth().busy), (0, 0));
}
