//! Everything at once that may go wrong: processes killed under load, a queue that delivers twice, late and not at all, a
//! mail server that hangs up after having accepted a mail. Counted at the receiving end.
//!
//! A few kills each time the tests run; `make chaos` runs many of them.
#![expect(clippy::print_stderr, reason = "whoever runs it for long wants to see what happens")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::dev::Dev;
use crate::support::home::Home;
use crate::support::members::{acknowledged, batch};
use crate::support::post_office::{PostOffice, Received};
use crate::support::story::{steps, text};
use carepath_tests::dice::Dice;

const BATCH: usize = 10;
const WELCOME: &str = "Welcome to Harbor Health";

/// How much of it.
struct Scale {
    kills: usize,
    people_a_round: usize,
}

impl Scale {
    fn asked() -> Self {
        let number = |name: &str, otherwise| {
            std::env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number")))
        };
        Self { kills: number("CAREPATH_CHAOS_KILLS", 3), people_a_round: number("CAREPATH_CHAOS_PEOPLE", 40) }
    }
}

/// What has happened, for whoever watches.
#[derive(Debug, Default)]
struct Tally {
    kills: usize,
    settled_by_events: usize,
    settled_by_hand: usize,
}

struct Chaos {
    office: PostOffice,
    dice: Dice,
    /// Who was told of, and whose telling was acknowledged.
    people: BTreeSet<String>,
    safe: BTreeSet<String>,
    /// The mails whose opens were acknowledged.
    opened: BTreeSet<String>,
    tally: Tally,
}

/// Half of them open their first mail.
fn opens(mail: &Received) -> bool {
    mail.subject == WELCOME && mail.to.split('@').next().is_some_and(|id| id.ends_with(['0', '2', '4', '6', '8']))
}

/// What SES tells of a mail, in its own format.
fn told(kind: &str, mail: &Received, now: &str) -> Value {
    let tags = json!({ "run": [mail.run], "step": [mail.step], "attempt": [mail.attempt] });
    let mut told = json!({
        "eventType": kind,
        "mail": { "timestamp": now, "messageId": mail.message_id, "source": "carepath@localhost",
            "sendingAccountId": "000000000000", "destination": [mail.to], "headersTruncated": false, "headers": [],
            "commonHeaders": { "from": ["carepath@localhost"], "to": [mail.to], "messageId": mail.message_id }, "tags": tags },
    });
    told[kind.to_lowercase()] = match kind {
        "Open" => {
            json!({ "timestamp": now, "ipAddress": "127.0.0.1", "userAgent": "Thunderbird", "isBotEvent": "Unlikely" })
        }
        _ => json!({}),
    };
    told
}

impl Chaos {
    fn dev(&mut self, home: Home, faulty: bool) -> Dev {
        let seed = self.dice.below(1 << 40).to_string();
        let mut args = vec!["--smtp", &self.office.url];
        if faulty {
            args.extend(["--queue-faults", &seed]);
        }
        Dev::with(home, &args)
    }

    /// Sends batches and opens at once, kills the process at some moment, and notes what was acknowledged until then.
    async fn kill_under_load(&mut self, dev: Dev, people: &[String]) -> Home {
        let mut flying = JoinSet::new();
        for some in people.chunks(BATCH) {
            let request = dev.request(Method::POST, "/v1/batch");
            let some = some.to_vec();
            flying.spawn(async move { (acknowledged(request, some).await, Vec::new()) });
        }
        let now = now(&dev).await;
        for mail in self.office.mails().into_iter().filter(opens) {
            // An open that was acknowledged is told again now and then, as SES does.
            if self.opened.contains(&mail.message_id) && self.dice.below(8) > 0 {
                continue;
            }
            let request = dev.request(Method::POST, "/_dev/ses-events").json(&told("Open", &mail, &now));
            flying.spawn(async move {
                let heard = request.send().await.is_ok_and(|response| response.status().is_success());
                (Vec::new(), heard.then_some(mail.message_id).into_iter().collect())
            });
        }
        tokio::time::sleep(Duration::from_millis(20 + self.dice.below(1_200))).await;
        let home = dev.kill();
        self.tally.kills += 1;
        while let Some(done) = flying.join_next().await {
            let (safe, opened): (Vec<String>, Vec<String>) = done.unwrap();
            self.safe.extend(safe);
            self.opened.extend(opened);
        }
        home
    }

    /// Tells all opens that nobody has acknowledged yet.
    async fn tell_opens(&mut self, dev: &Dev) {
        let now = now(dev).await;
        for mail in self.office.mails().into_iter().filter(opens) {
            if self.opened.insert(mail.message_id.clone()) {
                dev.send(dev.request(Method::POST, "/_dev/ses-events").json(&told("Open", &mail, &now))).await.fine();
            }
        }
    }

    /// Settles each send of which nobody knows, as an operator does who can read the mail server's book: by the event of
    /// a mail that was accepted, and by hand where none was. Says how many there were.
    async fn settle_unknowns(&mut self, dev: &Dev) -> usize {
        let listed = dev.command(&["unknown", "list", "--json"]).json();
        let listed = listed.as_array().unwrap();
        let mails = self.office.mails();
        let now = now(dev).await;
        for unknown in listed {
            let (run, attempt) = (text(unknown, "run"), unknown["attempt"].to_string());
            let step = step_number(text(unknown, "step"));
            let mail = mails.iter().find(|mail| (&*mail.run, &*mail.step, &*mail.attempt) == (run, step, &*attempt));
            if let Some(mail) = mail {
                let event = told("Send", mail, &now);
                dev.send(dev.request(Method::POST, "/_dev/ses-events").json(&event)).await.fine();
                self.tally.settled_by_events += 1;
            } else {
                dev.post(&format!("/v1/runs/{run}/settle"), json!({ "sent": false })).await;
                self.tally.settled_by_hand += 1;
            }
            eprintln!(
                "  unknown: {run} at {} since {}, accepted: {}",
                text(unknown, "step"),
                text(unknown, "since"),
                mail.is_some()
            );
        }
        listed.len()
    }
}

/// The number that a step has in the tags of its mails: its place in the document.
fn step_number(step: &str) -> &'static str {
    match step {
        "welcome" => "0",
        "getting_started" => "2",
        "remind" => "5",
        other => panic!("no mail is sent by {other}"),
    }
}

async fn now(dev: &Dev) -> String {
    text(&dev.get("/_dev/clock").await, "now").to_owned()
}

/// S1, S5, S7, S8, S28: whatever dies, comes twice, late or never, each contact gets exactly its mails.
#[tokio::test]
async fn s28_under_kills_a_faulty_queue_and_a_faulty_mail_server_each_contact_gets_its_mails_once() {
    let scale = Scale::asked();
    let mut dice = Dice::fresh();
    let office = PostOffice::listen(dice.split());
    let (people, safe, opened) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut chaos = Chaos { office, dice, people, safe, opened, tally: Tally::default() };

    let mut dev = chaos.dev(Home::new(), true);
    dev.to(crate::support::dev::START).await;
    dev.example("new-member-onboarding");
    for round in 0..scale.kills {
        let mut people: Vec<String> = (0..scale.people_a_round).map(|nth| format!("m{round}-{nth}")).collect();
        chaos.people.extend(people.iter().cloned());
        // Who got no answer sends again, at least some of them, and a few do so who had one.
        people.extend(chaos.people.difference(&chaos.safe).step_by(2).take(BATCH).cloned().collect::<Vec<_>>());
        people.extend(chaos.safe.iter().take(BATCH).cloned());
        let home = chaos.kill_under_load(dev, &people).await;
        eprintln!("kill {}: {} mails accepted so far", chaos.tally.kills, chaos.office.mails().len());
        dev = chaos.dev(home, true);
    }

    // The last process has a sound queue; what was left behind is taken up.
    let home = dev.kill();
    let dev = chaos.dev(home, false);
    let rest: Vec<String> = chaos.people.difference(&chaos.safe).cloned().collect();
    for some in rest.chunks(BATCH) {
        dev.post("/v1/batch", batch(some)).await;
    }
    dev.settle().await;
    chaos.tell_opens(&dev).await;
    // Claims of processes that died run out; what nobody knows is settled; mails that were turned away go out.
    for _ in 0..8 {
        dev.advance("20m").await;
        chaos.tell_opens(&dev).await;
        let settled = chaos.settle_unknowns(&dev).await;
        // The mail server comes to its senses now, or this would go on for ever.
        chaos.office.sober();
        dev.settle().await;
        chaos.tell_opens(&dev).await;
        if settled == 0 {
            break;
        }
    }
    dev.advance("20d").await;
    check(&chaos, &dev).await;
    eprintln!(
        "{} kills, {} contacts, {} mails accepted ({} without an answer), {} turned away; unknown: {} settled by events, {} by hand; 0 twice, 0 lost, 0 stuck",
        chaos.tally.kills,
        chaos.people.len(),
        chaos.office.mails().len(),
        chaos.office.mails().iter().filter(|mail| !mail.answered).count(),
        chaos.office.turned_away(),
        chaos.tally.settled_by_events,
        chaos.tally.settled_by_hand,
    );
}

/// Each contact has exactly the mails of the way that its run took, once, and everything is over.
async fn check(chaos: &Chaos, dev: &Dev) {
    let mut received: BTreeMap<(String, String), usize> = BTreeMap::new();
    for mail in chaos.office.mails() {
        *received.entry((mail.run, mail.step)).or_default() += 1;
    }
    let twice: Vec<_> = received.iter().filter(|(_, count)| **count > 1).collect();
    assert_eq!(twice, [], "sent twice");
    for id in &chaos.people {
        let runs = dev.runs(id).await;
        assert_eq!(runs.len(), 1, "{id}: {runs:?}");
        let run = &runs[0];
        assert_eq!(text(run, "ended"), "completed", "{run}");
        let sent: BTreeSet<&str> =
            received.keys().filter(|(of, _)| of == text(run, "id")).map(|(_, step)| &**step).collect();
        let went: Vec<&str> =
            steps(run).into_iter().filter(|step| ["welcome", "getting_started", "remind"].contains(step)).collect();
        let expected: BTreeSet<&str> = went.iter().map(|step| step_number(step)).collect();
        assert_eq!((went.len(), &sent), (2, &expected), "{run}");
    }
    let metrics = dev.get("/_dev/metrics").await;
    for none in ["duplicate_send", "unknown_open", "runs_without_wakeup", "runs_live", "work_parked"] {
        assert_eq!(metrics[none], 0, "{none}");
    }
}
