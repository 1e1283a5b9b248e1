//! What is done when the storm is over, and what is counted then.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use super::meddler::event;
use super::{Storm, killer, step_number};
use crate::installation::{mail, steps};

impl Storm<'_> {
    /// Waits until everything is over, and settles meanwhile what nobody knows, as an operator does who can read the mail
    /// service's book.
    pub(super) async fn calm(&mut self) {
        let begun = Instant::now();
        let (mut open, mut said) = (self.people.clone(), 0);
        loop {
            self.received();
            self.settle_unknowns().await;
            let mut still = Vec::new();
            for id in &open {
                let runs = self.get(&format!("/v1/contacts/{id}/runs")).await;
                let run = &runs["items"][0];
                if run["status"] != "ended" && (self.scale.to_the_end || !self.is_left_behind(run)) {
                    still.push((id.clone(), runs));
                }
            }
            if still.is_empty() {
                return;
            }
            assert!(begun.elapsed() < self.scale.patience, "stuck: {still:?}");
            open = still.into_iter().map(|(id, _)| id).collect();
            if begun.elapsed().as_secs() / 60 >= said {
                said += 1;
                println!(
                    "chaos: {} of {} runs are not over: {:?}",
                    open.len(),
                    self.people.len(),
                    &open[..open.len().min(5)]
                );
            }
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    }

    /// Whether a run waits for word of a mail that its process had not handed over when it was killed.
    fn is_left_behind(&self, run: &Value) -> bool {
        let Some(at) = run["visits"].as_array().and_then(|visits| visits.last()) else { return false };
        let (Some(id), Some(step)) = (run["id"].as_str(), at["step"].as_str()) else { return false };
        let document = &self.documents[run["workflow"].as_str().unwrap()];
        let nobody_has_it = self
            .post
            .mails()
            .iter()
            .all(|mail| mail.run != id || Some(&mail.step) != step_number(document, step).as_ref());
        at["message"]["state"] == "claimed" && nobody_has_it && self.post.in_hand().is_empty()
    }

    /// By the event of a mail that was accepted, and by hand where none was.
    async fn settle_unknowns(&mut self) {
        let listed = self.get("/v1/unknown-sends?limit=1000").await;
        for unknown in listed["items"].as_array().unwrap() {
            let (run, step) = (unknown["run"].as_str().unwrap(), unknown["step"].as_str().unwrap());
            let number = step_number(&self.documents[unknown["workflow"].as_str().unwrap()], step).unwrap();
            let (attempt, mails) = (unknown["attempt"].to_string(), self.post.mails());
            let accepted =
                mails.iter().find(|mail| (&*mail.run, &mail.step, &mail.attempt) == (run, &number, &attempt));
            println!("chaos: unknown: {run} at {step} since {}, accepted: {}", unknown["since"], accepted.is_some());
            if let Some(mail) = accepted {
                self.on.cloud.publish(self.on.text("/topic_arn"), &event("Send", mail)).await;
                self.settled_by_events += 1;
            } else {
                let said = json!({ "sent": false, "attempt": unknown["attempt"] });
                let (status, answer) = self.insist(Method::POST, &format!("/v1/runs/{run}/settle"), Some(&said)).await;
                assert_eq!(status, 200, "{answer}");
                self.settled_by_hand += 1;
            }
        }
        if listed["items"][0].is_object() {
            tokio::time::sleep(Duration::from_secs(3)).await;
        }
    }

    /// How many mails of each step of each run were accepted: one (S7).
    fn received(&self) -> BTreeMap<(String, String), usize> {
        let mut received: BTreeMap<(String, String), usize> = BTreeMap::new();
        for mail in self.post.mails() {
            *received.entry((mail.run, mail.step)).or_default() += 1;
        }
        let twice: Vec<_> = received.iter().filter(|(_, count)| **count > 1).collect();
        assert_eq!(twice, [], "sent twice");
        received
    }

    /// Each contact has exactly the mails of the way that its run took, once; everything is over, and the reports know it.
    pub(super) async fn check(&self) {
        let received = self.received();
        let mut behind: BTreeMap<String, usize> = BTreeMap::new();
        for mail in self.on.cloud.mails().await {
            *behind.entry(mail["To"][0].as_str().unwrap().to_owned()).or_default() += 1;
        }
        for id in &self.people {
            let runs = self.get(&format!("/v1/contacts/{id}/runs")).await;
            assert_eq!(runs["items"].as_array().map(Vec::len), Some(1), "{id}: {runs}");
            let run = &runs["items"][0];
            let document = &self.documents[run["workflow"].as_str().unwrap()];
            let of_run = received.keys().filter(|(of, _)| run["id"] == **of);
            let sent: BTreeSet<String> = of_run.map(|(_, step)| step.clone()).collect();
            let mut went: Vec<&str> =
                steps(run).into_iter().filter(|step| document["steps"][*step]["send"].is_object()).collect();
            if run["status"] == "ended" {
                assert_eq!((&run["ended"], went.len()), (&json!("completed"), 2), "{run}");
            } else {
                assert!(!self.scale.to_the_end && mail(run, went.pop().unwrap())["state"] == "claimed", "{run}");
            }
            let expected: BTreeSet<String> = went.iter().filter_map(|step| step_number(document, step)).collect();
            assert_eq!(sent, expected, "{run}");
            let there = behind.get(&format!("{id}@example.org")).copied().unwrap_or_default();
            assert_eq!(there, expected.len(), "what lies with the mail service: {run}");
        }
        assert_eq!(self.get("/v1/parked").await["items"], json!([]));
        self.check_reports().await;
        self.check_health().await;
    }

    /// S22: the reports come to what was accepted, and a proof of them finds no difference.
    async fn check_reports(&self) {
        for (id, letter) in [("storm-onboarding", "o"), ("storm-appointment", "a")] {
            let people = self.people.iter().filter(|person| person.starts_with(letter)).count();
            let accepted = self.post.mails().iter().filter(|mail| super::person(mail).starts_with(letter)).count();
            let begun = Instant::now();
            let report = loop {
                let report = self.get(&format!("/v1/workflows/{id}/report?version=1")).await;
                let over = report["totals"]["active"] == 0 || !self.scale.to_the_end;
                let sent = report["steps"].as_array().unwrap().iter().filter_map(|step| step["sent"].as_u64());
                if report["totals"]["entered"] == people && over && sent.sum::<u64>() == accepted as u64 {
                    break report;
                }
                assert!(begun.elapsed() < Duration::from_mins(2), "the report is not what happened: {report}");
                tokio::time::sleep(Duration::from_secs(1)).await;
            };
            let (status, begun) =
                self.insist(Method::POST, "/v1/reports/reconcile", Some(&json!({ "workflow": id }))).await;
            assert_eq!(status, 202, "{begun}; {report}");
        }
        for id in self.documents.keys() {
            let begun = Instant::now();
            let proof = loop {
                let proof = self.get(&format!("/v1/reports/reconcile?workflow={id}")).await;
                if proof["finished_at"].is_string() {
                    break proof;
                }
                assert!(begun.elapsed() < Duration::from_mins(4), "the proof does not come to its end: {proof}");
                tokio::time::sleep(Duration::from_secs(1)).await;
            };
            for found in proof["found"].as_array().unwrap() {
                let wrong = (&found["differences"], &found["unlawful"], &found["stays"]);
                assert_eq!(wrong, (&json!([]), &json!([]), &json!(0)), "{proof}");
            }
        }
    }

    /// S5, S9: the count over all runs finds none that would wait for ever, and nobody has seen a mail that went out twice.
    async fn check_health(&self) {
        let log = || String::from_utf8_lossy(&std::fs::read(self.on.text("/log")).unwrap()).into_owned();
        let known = log().len();
        self.on.cloud.leave(self.on.text("/queue_urls/timers"), r#"{"do":"reconcile"}"#).await;
        let begun = Instant::now();
        let counted = loop {
            let log = log();
            let counted = numbers(&log[known.min(log.len())..], "runs_without_wakeup");
            if !counted.is_empty() {
                break counted;
            }
            assert!(begun.elapsed() < Duration::from_secs(90), "nobody counts");
            tokio::time::sleep(Duration::from_millis(500)).await;
        };
        assert!(counted.iter().all(|count| *count == 0), "runs_without_wakeup: {counted:?}");
        assert_eq!(numbers(&log(), "duplicate_send").iter().sum::<u64>(), 0, "duplicate_send");
    }

    /// Says what was done and seen.
    pub(super) async fn say(&self) {
        let mut dead = BTreeMap::new();
        for queue in ["work", "timers", "engagement", "projector"] {
            dead.insert(queue, self.on.cloud.count(self.on.text(&format!("/dead_letter_urls/{queue}"))).await);
        }
        let mails = self.post.mails();
        let unanswered = mails.iter().filter(|mail| !mail.answered).count();
        let (turned_away, dropped) = self.post.not_taken();
        println!(
            "chaos: killed in mid-batch: {:?}; {}; {} contacts, {} mails accepted ({unanswered} without an answer), \
             {turned_away} turned away, {dropped} let fall; unknown: {} settled by events, {} by hand; dead letters: {dead:?}; 0 twice, 0 lost, 0 stuck",
            killer::cut_off(self.on),
            self.meddled.told(),
            self.people.len(),
            mails.len(),
            self.settled_by_events,
            self.settled_by_hand,
        );
    }
}

/// The numbers of one name in the lines that functions wrote.
fn numbers(log: &str, name: &str) -> Vec<u64> {
    let lines = log.lines().filter(|line| line.starts_with('{') && line.contains(name));
    lines.filter_map(|line| serde_json::from_str::<Value>(line).ok()?[name].as_u64()).collect()
}
