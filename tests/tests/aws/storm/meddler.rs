//! Who meddles with messages and schedules: they come twice, late, too early, or never.

use carepath_tests::dice::Dice;
use serde_json::{Value, json};

use super::post::Post;
use crate::installation::Installation;

/// What was done to what lay around.
#[derive(Debug, Default)]
pub(crate) struct Meddled {
    repeated: usize,
    held_back: usize,
    lost: usize,
    fired_again: usize,
    schedules_lost: usize,
}

impl Meddled {
    /// Does one thing.
    pub(crate) async fn meddle(&mut self, on: &Installation, post: &Post, dice: &mut Dice) {
        match dice.below(8) {
            0..=2 => self.repeat_work(on, post, dice).await,
            3 => self.hold_back(on, ["work", "timers", "engagement"][at_most(dice, 3)], dice).await,
            4 => self.lose(on, ["work", "timers"][at_most(dice, 2)]).await,
            5 | 6 => self.fire_again(on, dice).await,
            _ => self.lose_schedule(on, dice).await,
        }
    }

    /// The message that tells of a run is there once more, now or in a while.
    async fn repeat_work(&mut self, on: &Installation, post: &Post, dice: &mut Dice) {
        let mails = post.mails();
        for _ in 0..5.min(mails.len()) {
            let run = &mails[at_most(dice, mails.len())].run;
            let body = json!({ "do": "run", "run": run }).to_string();
            on.cloud.leave_for_later(on.text("/queue_urls/work"), &body, dice.below(4)).await;
            self.repeated += 1;
        }
    }

    /// What lies in a queue comes late, and another one like it comes as well.
    async fn hold_back(&mut self, on: &Installation, queue: &str, dice: &mut Dice) {
        let url = on.text(&format!("/queue_urls/{queue}"));
        for message in on.cloud.hold(url, Some(1 + dice.below(4))).await {
            let body = message["Body"].as_str().unwrap();
            on.cloud.leave_for_later(url, body, dice.below(4)).await;
            self.held_back += 1;
        }
    }

    /// What lies in a queue is gone. What the mail service tells is left: nothing else knows it.
    async fn lose(&mut self, on: &Installation, queue: &str) {
        let url = on.text(&format!("/queue_urls/{queue}"));
        for message in on.cloud.hold(url, None).await {
            on.cloud.remove(url, &message).await;
            self.lost += 1;
        }
    }

    /// A schedule fires before its time, and again at it.
    async fn fire_again(&mut self, on: &Installation, dice: &mut Dice) {
        let Some((group, name)) = some_schedule(on, dice).await else { return };
        if let Some(input) = on.cloud.input_of(&group, &name).await {
            on.cloud.leave_for_later(on.text("/queue_urls/timers"), &input, dice.below(15)).await;
            self.fired_again += 1;
        }
    }

    async fn lose_schedule(&mut self, on: &Installation, dice: &mut Dice) {
        let Some((group, name)) = some_schedule(on, dice).await else { return };
        self.schedules_lost += usize::from(on.cloud.lose(&group, &name).await);
    }

    /// What it did, in a line.
    pub(crate) fn told(&self) -> String {
        let Self { repeated, held_back, lost, fired_again, schedules_lost } = self;
        format!(
            "{repeated} messages repeated, {held_back} held back and doubled, {lost} lost; {fired_again} schedules fired \
             again, {schedules_lost} lost"
        )
    }

    /// Whether each of the things happened.
    pub(crate) fn all(&self) -> bool {
        self.repeated > 0 && self.fired_again > 0 && self.schedules_lost > 0
    }
}

async fn some_schedule(on: &Installation, dice: &mut Dice) -> Option<(String, String)> {
    let group = on.text("/schedule_group").to_owned();
    let mut names = on.cloud.schedules(&group).await;
    if names.is_empty() {
        return None;
    }
    let name = names.swap_remove(at_most(dice, names.len()));
    Some((group, name))
}

fn at_most(dice: &mut Dice, end: usize) -> usize {
    usize::try_from(dice.below(end as u64)).unwrap()
}

/// What the mail service tells of a mail, in its form.
pub(crate) fn event(kind: &str, mail: &super::post::Received) -> Value {
    let now = jiff::Timestamp::now();
    let detail = match kind {
        "Open" => json!({ "userAgent": "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0)", "ipAddress": "192.0.2.1" }),
        "Click" => json!({
            "userAgent": "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0)", "ipAddress": "192.0.2.1",
            "link": "https://portal.example.org", "linkTags": { "name": ["confirm"] },
        }),
        "Delivery" => json!({ "recipients": [mail.to] }),
        _ => json!({}),
    };
    let mut told = json!({
        "eventType": kind,
        "mail": {
            "timestamp": now, "messageId": mail.message_id, "source": "clinic@example.org",
            "destination": [mail.to], "sendingAccountId": "000000000000",
            "headers": [{ "name": "Subject", "value": "x" }], "headersTruncated": false,
            "tags": { "run": [mail.run], "step": [mail.step], "attempt": [mail.attempt] },
        },
    });
    told[kind.to_lowercase()] = detail;
    told[kind.to_lowercase()]["timestamp"] = json!(now);
    told
}
