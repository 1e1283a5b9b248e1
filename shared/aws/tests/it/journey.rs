//! What the benchmark journey costs: the real use cases over the real store, counted request by request.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use carepath_app::documents::Expect;
use carepath_app::ingest::{NewEvent, ingest};
use carepath_app::ports::{
    Attempt, Clock, Evidence, HookAnswer, HookCall, Hooks, Mailer, Outgoing, Ports, Queue, Store, Work,
};
use carepath_app::{App, change, engage, segments, settings, templates, work, workflows};
use carepath_aws::DynamoStore;
use carepath_engine::Contact;
use carepath_engine::advance::{Answer, Engagement, EngagementKind};
use carepath_engine::ids::ContactId;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::store::{now, sound};

/// The world around the store: a clock that is turned by hand, work that is done when asked, mail that is taken.
#[derive(Clone)]
struct World(Arc<Inner>);

struct Inner {
    store: DynamoStore,
    hand: Hand,
}

#[derive(Default)]
struct Hand {
    ahead: Mutex<SignedDuration>,
    work: Mutex<BTreeSet<(Timestamp, Work)>>,
    mails: Mutex<Vec<(Attempt, String)>>,
}

impl Ports for World {
    type Store = DynamoStore;
    type Mailer = Hand;
    type Hooks = Hand;
    type Queue = Hand;
    type Clock = Hand;

    fn store(&self) -> &DynamoStore {
        &self.0.store
    }

    fn mailer(&self) -> &Hand {
        &self.0.hand
    }

    fn hooks(&self) -> &Hand {
        &self.0.hand
    }

    fn queue(&self) -> &Hand {
        &self.0.hand
    }

    fn clock(&self) -> &Hand {
        &self.0.hand
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        now() + *self.ahead.lock().unwrap()
    }
}

impl Hooks for Hand {
    async fn call(&self, _: &HookCall) -> HookAnswer {
        unreachable!("the journey calls nobody")
    }
}

impl Queue for Hand {
    async fn push(&self, work: Work, at: Timestamp) {
        self.work.lock().unwrap().insert((at, work));
    }
}

impl Mailer for Hand {
    async fn send(&self, mail: &Outgoing) -> Answer {
        let id = format!("mail-{}", mail.attempt.step);
        self.mails.lock().unwrap().push((mail.attempt.clone(), mail.subject.clone()));
        Answer::Accepted { id, delivered: true }
    }

    async fn evidence(&self, _: &Attempt) -> Evidence {
        Evidence::None
    }
}

fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

macro_rules! journey {
    ($file:literal) => {
        yaml(include_str!(concat!("../../../../tests/bench/journey/", $file)))
    };
}

async fn published() -> App<World> {
    let app = App::open(World(Arc::new(Inner { store: sound().await, hand: Hand::default() }))).await.unwrap();
    let schema = serde_json::from_value(journey!("schema.yaml")["attributes"].clone()).unwrap();
    settings::put_schema(&app, schema, Expect::Any).await.unwrap();
    let segment = journey!("segments/benchmark-started.yaml");
    segments::put(&app, &"benchmark-started".parse().unwrap(), segment, Expect::Any).await.unwrap();
    let mails = [
        ("benchmark-welcome", journey!("templates/benchmark-welcome.yaml")),
        ("benchmark-getting-started", journey!("templates/benchmark-getting-started.yaml")),
        ("benchmark-reminder", journey!("templates/benchmark-reminder.yaml")),
    ];
    for (id, template) in mails {
        templates::put(&app, &id.parse().unwrap(), template, Expect::Any).await.unwrap();
    }
    let id = "benchmark-journey".parse().unwrap();
    workflows::put(&app, &id, journey!("workflow.yaml"), Expect::Any).await.unwrap();
    workflows::publish(&app, &id, Expect::Any).await.unwrap();
    // Frozen things are read once a process: the first contact would pay for all others.
    walk(&app, "the first", true).await;
    walk(&app, "the second", false).await;
    app
}

/// Does what is due, until nothing is.
async fn settle(app: &App<World>) {
    loop {
        let next = app.ports.0.hand.work.lock().unwrap().pop_first();
        match next {
            Some((at, work)) if at <= app.now() => work::handle(app, &work).await.unwrap(),
            Some(later) => {
                app.ports.0.hand.work.lock().unwrap().insert(later);
                return;
            }
            None => return,
        }
    }
}

/// Lets a contact go the whole way.
async fn walk(app: &App<World>, name: &str, opens: bool) {
    let hand = &app.ports.0.hand;
    hand.mails.lock().unwrap().clear();
    let id: ContactId = name.parse().unwrap();
    let made = change::change_contact(app, &id, |_, now| {
        let mut contact = Contact::new(id.clone(), now);
        contact.email = Some("ann@example.org".to_owned().into());
        Ok(contact)
    });
    made.await.unwrap();
    let event = NewEvent {
        name: "member_enrolled".parse().unwrap(),
        id: Some("enrolment".parse().unwrap()),
        at: None,
        properties: serde_json::Map::new(),
    };
    ingest(app, &id, event).await.unwrap();
    settle(app).await;
    if opens {
        let (attempt, _) = hand.mails.lock().unwrap()[0].clone();
        let opened = Engagement {
            step: attempt.step,
            attempt: attempt.attempt,
            message: format!("mail-{}", attempt.step),
            kind: EngagementKind::Opened,
            at: app.now(),
            machine: false,
        };
        engage::engage(app, &attempt.run, &opened).await.unwrap();
    } else {
        *hand.ahead.lock().unwrap() += SignedDuration::from_secs(12);
    }
    settle(app).await;
    let second = if opens { "Getting started" } else { "Your portal is ready for you" };
    let mails: Vec<String> = hand.mails.lock().unwrap().iter().map(|(_, subject)| subject.clone()).collect();
    assert_eq!(mails, ["Welcome to Harbor Health", second]);
    let runs = app.store().runs_of(&app.key_of(&id)).await.unwrap();
    assert!(matches!(runs.as_slice(), [run] if run.is_ended() && run.visits.len() == if opens { 8 } else { 6 }));
}

/// Requests, read units and write units of one contact's way, by operation.
async fn cost(app: &App<World>, name: &str, opens: bool) -> BTreeMap<&'static str, (u64, f64, f64)> {
    let before = app.store().usage().by_operation;
    walk(app, name, opens).await;
    let mut cost = BTreeMap::new();
    for (operation, after) in app.store().usage().by_operation {
        let was = before.get(operation).copied().unwrap_or_default();
        let requests = after.requests - was.requests;
        if requests > 0 {
            let units = (after.read_units - was.read_units, after.write_units - was.write_units);
            cost.insert(operation, (requests, units.0, units.1));
        }
    }
    // The look at the end of the walk is the test's own.
    if let Some(own) = cost.get_mut("read the runs of a contact") {
        own.0 -= 1;
        own.1 -= 1.0;
    }
    // One look a second of the clock, which is turned here, and not one for each run.
    cost.remove("read the revision of the configuration");
    cost
}

#[tokio::test]
async fn a_run_of_the_benchmark_costs_exactly_this() {
    let app = published().await;
    let opener = cost(&app, "ann", true).await;
    let other = cost(&app, "ben", false).await;
    let expected = |commits, runs| {
        BTreeMap::from([
            // The contact, and the conditional writes of its run: its admission with the claim of the welcome; the
            // record of that and the wait; the open or the time-out with the claim of the second mail; the record of
            // that and all that follows from it.
            ("commit a change", commits),
            ("keep an event", (1, 0.0, 2.0)),
            ("mark an event as done", (1, 0.0, 2.0)),
            ("read a contact", (1, 1.0, 0.0)),
            ("read a contact and an event", (1, 2.0, 0.0)),
            // Whether the address that the contact gets takes mail.
            ("read contacts", (1, 1.0, 0.0)),
            ("read a run", runs),
            ("read the runs of a contact", (1, 1.0, 0.0)),
        ])
    };
    assert_eq!(opener, expected((5, 0.0, 20.0), (1, 2.0, 0.0)));
    assert_eq!(other, expected((5, 0.0, 12.0), (2, 4.0, 0.0)));
}
