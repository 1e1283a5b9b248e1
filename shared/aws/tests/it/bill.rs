//! What a contact's way through a workflow takes of AWS: each part of it is done as the function does it that does it
//! deployed, and all that is asked of others is counted. Prices are in one place here, and docs/OPERATIONS.md has the same.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::sync::atomic::Ordering;

use carepath_app::documents::Expect;
use carepath_app::ingest::{NewEvent, ingest};
use carepath_app::ports::{Attempt, Store};
use carepath_app::{App, change, engage, segments, settings, templates, workflows};
use carepath_engine::Contact;
use carepath_engine::advance::{Engagement, EngagementKind, Reader};
use carepath_engine::ids::ContactId;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::journey::{published, yaml};
use crate::world::{World, open, settle};

/// From here on a wait has a schedule.
const LONGEST_DELAY: SignedDuration = SignedDuration::from_mins(15);

/// What a way takes, in whole numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Taken {
    /// Steps that were visited.
    visits: u64,
    /// Requests to the API.
    asked: u64,
    /// Messages in the queue of work, those that the timer leaves there among them.
    work: u64,
    /// One-time schedules. Each brings a message to the queue of the timer.
    schedules: u64,
    /// Mails: calls of SES.
    mails: u64,
    /// What SES tells of them. Each goes over the topic into the queue of engagement.
    told: u64,
    /// Read units of the tables.
    reads: u64,
    /// Write units of the tables.
    writes: u64,
}

impl Taken {
    /// Requests to SQS, where no message travels with another: each is sent, taken and deleted.
    fn queue_requests(self) -> u64 {
        3 * (self.work + self.schedules + self.told)
    }

    /// Invocations, where no message travels with another. Those of the projector are a hundred changes each, and left out.
    fn invocations(self) -> u64 {
        self.asked + self.work + self.schedules + self.told
    }

    /// Requests to SQS for a thousand such ways, where messages travel ten together, as they do under load. What others than
    /// we send, the topic and the schedules, they send one by one.
    fn queue_requests_together(self) -> u64 {
        let sent = 100 * self.work + 1_000 * (self.schedules + self.told);
        sent + 200 * (self.work + self.schedules + self.told)
    }

    /// Invocations for a thousand such ways, where messages travel ten together, and what comes in is told by the hundred.
    fn invocations_together(self) -> u64 {
        10 * self.asked + 100 * (self.work + self.schedules + self.told)
    }

    fn plus(self, other: Self) -> Self {
        Self {
            visits: self.visits + other.visits,
            asked: self.asked + other.asked,
            work: self.work + other.work,
            schedules: self.schedules + other.schedules,
            mails: self.mails + other.mails,
            told: self.told + other.told,
            reads: self.reads + other.reads,
            writes: self.writes + other.writes,
        }
    }
}

/// Does something as a function that decides and sends nothing, or as the one that acts.
async fn done<T>(app: &App<World>, acts: bool, what: impl Future<Output = T>) -> T {
    app.ports.hand().inside.store(!acts, Ordering::Relaxed);
    what.await
}

/// Units of all requests so far, but for the looks at the configuration: they go by the clock, which is turned here.
fn units(app: &App<World>) -> (f64, f64) {
    let used = app.store().usage().by_operation;
    let counted = used.iter().filter(|(name, _)| **name != "read the revision of the configuration");
    counted.fold((0.0, 0.0), |(reads, writes), (_, of)| (reads + of.read_units, writes + of.write_units))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "units of whole items, and asserted to be")]
fn whole(units: f64) -> u64 {
    assert!((units - units.round()).abs() < f64::EPSILON, "{units} units");
    units.round() as u64
}

/// Lets a contact go the whole way, and reacts once: `kind` to the mail of that number.
async fn go(app: &App<World>, name: &str, event: (&str, Value), reacts: Option<(usize, EngagementKind)>) -> Taken {
    let hand = app.ports.hand();
    hand.tells_later.store(true, Ordering::Relaxed);
    hand.work.lock().unwrap().clear();
    hand.left.lock().unwrap().clear();
    hand.mails.lock().unwrap().clear();
    let before = units(app);
    let mut taken = Taken { asked: 2, ..Taken::default() };
    let id: ContactId = name.parse().unwrap();
    Box::pin(done(app, false, begin(app, &id, event))).await;
    loop {
        done(app, true, settle(app)).await;
        let mails: Vec<Attempt> = hand.mails.lock().unwrap().iter().map(|(attempt, _)| attempt.clone()).collect();
        for (nth, mail) in mails.iter().enumerate().skip(usize::try_from(taken.mails).unwrap()) {
            let reaction = reacts.as_ref().filter(|(to, _)| *to == nth).map(|(_, kind)| kind.clone());
            for kind in [EngagementKind::Sent, EngagementKind::Delivered].into_iter().chain(reaction) {
                done(app, false, tell(app, mail, kind)).await;
                taken.told += 1;
            }
        }
        if mails.len() as u64 > taken.mails {
            taken.mails = mails.len() as u64;
            continue;
        }
        // Nothing more is to be done now. The way goes on when the next thing is due that somebody waits for.
        let next = hand.work.lock().unwrap().first().map(|(at, _)| *at);
        let Some(next) = next else { break };
        let ahead = next.duration_since(app.now());
        *hand.ahead.lock().unwrap() += ahead;
    }
    let left = hand.left.lock().unwrap().clone();
    taken.schedules = left.iter().filter(|wait| **wait > LONGEST_DELAY).count() as u64;
    // What a schedule brings to the timer, the timer leaves in the queue of work.
    taken.work = left.len() as u64;
    let after = units(app);
    (taken.reads, taken.writes) = (whole(after.0 - before.0), whole(after.1 - before.1));
    // The look at the end is the test's own, and not counted.
    let runs = app.store().runs_of(&app.key_of(&id)).await.unwrap();
    assert!(matches!(runs.as_slice(), [run] if run.is_ended()), "{runs:?}");
    taken.visits = runs[0].visits.len() as u64;
    taken
}

async fn begin(app: &App<World>, id: &ContactId, (name, properties): (&str, Value)) {
    let made = change::change_contact(app, id, |_, now| {
        let mut contact = Contact::new(id.clone(), now);
        contact.email = Some("ann@example.org".to_owned().into());
        contact.attributes.0.insert("email_ok".to_owned(), json!(true));
        Ok(contact)
    });
    made.await.unwrap();
    let properties = properties.as_object().unwrap().clone();
    let event = NewEvent { name: name.parse().unwrap(), id: Some("one".parse().unwrap()), at: None, properties };
    ingest(app, id, event).await.unwrap();
}

async fn tell(app: &App<World>, mail: &Attempt, kind: EngagementKind) {
    let (step, attempt, message) = (mail.step, mail.attempt, format!("mail-{}", mail.step));
    let told = Engagement { step, attempt, message, kind, at: app.now(), by: Reader::Person };
    engage::engage(app, &mail.run, &told).await.unwrap();
}

macro_rules! documents {
    ($app:expr, $folder:literal, $module:ident, $($id:literal),+) => {
        $({
            let text = include_str!(concat!("../../../../examples/", $folder, "/", stringify!($module), "/", $id, ".yaml"));
            $module::put($app, &$id.parse().unwrap(), yaml(text), Expect::Any).await.unwrap();
        })+
    };
}

/// The examples that are priced, published.
async fn examples() -> App<World> {
    let app = open().await;
    let schema = json!({
        "first_name": { "type": "string", "class": "identifier" }, "email_ok": { "type": "boolean", "class": "public" },
        "deceased": { "type": "boolean", "class": "sensitive" }, "onboarding": { "type": "string", "class": "public" },
        "appointment_confirmed": { "type": "boolean", "class": "phi" },
    });
    settings::put_schema(&app, serde_json::from_value(schema).unwrap(), Expect::Any).await.unwrap();
    documents!(&app, "new-member-onboarding", segments, "engaged-members", "onboarding-call");
    documents!(&app, "new-member-onboarding", templates, "welcome", "getting-started", "reminder");
    documents!(&app, "appointment-reminder", segments, "deceased", "needs-a-call");
    documents!(&app, "appointment-reminder", templates, "appointment-confirmation", "appointment-reminder");
    for text in [
        include_str!("../../../../examples/new-member-onboarding/workflow.yaml"),
        include_str!("../../../../examples/appointment-reminder/workflow.yaml"),
    ] {
        let document = yaml(text);
        let id = document["id"].as_str().unwrap().parse().unwrap();
        workflows::put(&app, &id, document, Expect::Any).await.unwrap();
        workflows::publish(&app, &id, Expect::Any).await.unwrap();
    }
    // Frozen things are read once a process: the first contacts would pay for all others.
    Box::pin(go(&app, "first", ("member_joined", json!({})), None)).await;
    Box::pin(go(&app, "second", booked(&app), None)).await;
    app
}

fn booked(app: &App<World>) -> (&'static str, Value) {
    let at = (app.now() + SignedDuration::from_hours(24 * 7)).to_string();
    ("appointment_booked", json!({ "appointment_id": "A-1", "appointment_at": at }))
}

/// The figures of the examples, as exact numbers.
#[tokio::test]
async fn a_way_through_the_examples_takes_exactly_this() {
    let app = Box::pin(examples()).await;
    let joined = ("member_joined", json!({}));
    let opened = Box::pin(go(&app, "ann", joined.clone(), Some((0, EngagementKind::Opened)))).await;
    let unopened = Box::pin(go(&app, "ben", joined, None)).await;
    let click = EngagementKind::Clicked { link: "confirm".to_owned() };
    let confirmed = Box::pin(go(&app, "cho", booked(&app), Some((1, click)))).await;
    assert_eq!(opened, Taken { visits: 7, asked: 2, work: 4, schedules: 2, mails: 2, told: 5, reads: 19, writes: 24 });
    assert_eq!(
        unopened,
        Taken { visits: 7, asked: 2, work: 5, schedules: 4, mails: 2, told: 4, reads: 17, writes: 24 }
    );
    assert_eq!(
        confirmed,
        Taken { visits: 7, asked: 2, work: 6, schedules: 5, mails: 2, told: 5, reads: 21, writes: 23 }
    );
    for (what, it) in
        [("onboarding, opened", opened), ("onboarding, not opened", unopened), ("appointment, confirmed", confirmed)]
    {
        let Taken { mails, told, work, schedules, reads, writes, .. } = it;
        says(&format!("| {what} | {mails} | {told} | {work} | {schedules} | {reads} | {writes} |"));
    }
}

/// Holds the documentation to a line.
fn says(line: &str) {
    let documented = include_str!("../../../../docs/OPERATIONS.md");
    assert!(documented.contains(line), "docs/OPERATIONS.md does not say: {line}");
}

/// A row of the bill: what, how much of it, and dollars for a million.
type Row = (&'static str, u64, f64);

/// The bill for 1,000 contacts of the benchmark, of which half open their mail, at list prices of us-east-1: where no message
/// travels with another, and where ten do.
fn bill(of_two: Taken, together: bool) -> Vec<Row> {
    // Two contacts were counted.
    let thousand = |count: u64| count * 500;
    let (requests, invocations) = if together {
        (of_two.queue_requests_together() / 2, of_two.invocations_together() / 2)
    } else {
        (thousand(of_two.queue_requests()), thousand(of_two.invocations()))
    };
    vec![
        ("SES: mails", thousand(of_two.mails), 100.0),
        ("DynamoDB: write units of contacts, events and runs", thousand(of_two.writes), 0.625),
        ("DynamoDB: write units of reports", 6_580, 0.625),
        ("DynamoDB: read units", thousand(of_two.reads), 0.125),
        ("SQS: requests, no message with another", requests, 0.40),
        ("SNS: what SES tells", thousand(of_two.told), 0.50),
        ("Scheduler: one-time schedules", thousand(of_two.schedules), 1.00),
        ("Lambda: invocations, no message with another", invocations, 0.20),
    ]
}

/// Dollars for a million units that are held ready for as long as it takes to use them, where seven tenths are used: an hour of
/// one unit a second is 0.00065 for writes and 0.00013 for reads.
fn held_ready(rows: &[Row]) -> Vec<Row> {
    let units = |hour: f64| hour / 3_600.0 * 1e6 / 0.7;
    let price = |what: &str, on_demand| match what {
        "DynamoDB: read units" => units(0.000_13),
        _ if what.starts_with("DynamoDB") => units(0.000_65),
        _ => on_demand,
    };
    rows.iter().map(|(what, count, on_demand)| (*what, *count, price(what, *on_demand))).collect()
}

/// `20,000`, as people write it.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap()).collect();
    groups.join(",")
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn dollars(count: u64, per_million: f64) -> f64 {
    count as f64 * per_million / 1e6
}

/// The figures of the benchmark's journey, the price that they come to, and that the documentation says the same.
#[tokio::test]
async fn the_documented_costs_are_those_of_the_benchmark() {
    let app = Box::pin(published()).await;
    let enrolled = ("member_enrolled", json!({}));
    let opened = Box::pin(go(&app, "ann", enrolled.clone(), Some((0, EngagementKind::Opened)))).await;
    let unopened = Box::pin(go(&app, "ben", enrolled, None)).await;
    assert_eq!(opened, Taken { visits: 8, asked: 2, work: 4, schedules: 0, mails: 2, told: 5, reads: 19, writes: 24 });
    assert_eq!(
        unopened,
        Taken { visits: 6, asked: 2, work: 3, schedules: 0, mails: 2, told: 4, reads: 15, writes: 16 }
    );
    let both = opened.plus(unopened);
    let rows = bill(both, false);
    let visits = both.visits * 500;
    let of_million = |rows: &[Row], part: &str| {
        let rows = rows.iter().filter(|(what, ..)| what.starts_with(part));
        rows.map(|(_, count, price)| dollars(*count, *price)).sum::<f64>() * 1e6
            / f64::from(u32::try_from(visits).unwrap())
    };
    let mut lines: Vec<String> = rows
        .iter()
        .map(|(what, count, price)| {
            format!("| {what}, at {price} a million | {} | {:.4} |", grouped(*count), dollars(*count, *price))
        })
        .collect();
    let without_mail = |rows: &[Row]| of_million(rows, "") - of_million(rows, "SES");
    lines.push(format!(
        "Without SES that is ${:.2} for a million visits, ${:.2} of it DynamoDB.",
        without_mail(&rows),
        of_million(&rows, "DynamoDB")
    ));
    lines.push(format!(
        "Where messages travel ten together, as they do under load, it is ${:.2}.",
        without_mail(&bill(both, true))
    ));
    lines.push(format!(
        "DynamoDB is ${:.2} then, and all of it ${:.2}, or ${:.2} where messages travel ten together.",
        of_million(&held_ready(&rows), "DynamoDB"),
        without_mail(&held_ready(&rows)),
        without_mail(&held_ready(&bill(both, true)))
    ));
    for line in lines {
        says(&line);
    }
}
