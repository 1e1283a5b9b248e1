//! What is counted, as `CloudWatch` reads it out of the log: its embedded metric format, one line for many numbers. No name
//! and no id is in it (S24).

use std::io::Write as _;
use std::sync::{Mutex, PoisonError};

use carepath_app::counters::{Counters, Reading};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// Where the numbers are found.
const NAMESPACE: &str = "Carepath";

/// What was counted at the last look.
#[derive(Debug, Default)]
pub struct Meter(Mutex<Reading>);

impl Meter {
    /// Writes down what was counted since the last look, where that is anything.
    pub fn look(&self, counters: &Counters) {
        let now = counters.read();
        let before = std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), now);
        let since = [
            ("admitted", now.admitted - before.admitted),
            ("visits", now.visits - before.visits),
            ("sent", now.sent - before.sent),
            ("ended", now.ended - before.ended),
            ("lost_races", now.lost_races - before.lost_races),
            ("duplicate_send", now.duplicate_send - before.duplicate_send),
            ("parked", now.parked - before.parked),
        ];
        let mut counted: Vec<_> = since.into_iter().filter(|(_, count)| *count > 0).collect();
        // That nothing was found wrong is a number too: it ends the alarm.
        if now.reconciled > before.reconciled {
            counted.push(("reconcile_done", now.reconciled - before.reconciled));
            counted.push(("reconcile_drift", now.drift - before.drift));
        }
        if !counted.is_empty() {
            tell(&counted, "Count");
        }
    }
}

/// Writes numbers down.
pub fn tell(numbers: &[(&str, u64)], unit: &str) {
    let line = line(numbers, unit, Timestamp::now());
    // Where it cannot be written there is nobody to tell.
    let _told = std::io::stdout().lock().write_all(format!("{line}\n").as_bytes());
}

fn line(numbers: &[(&str, u64)], unit: &str, now: Timestamp) -> Value {
    let metrics: Vec<Value> = numbers.iter().map(|(name, _)| json!({ "Name": name, "Unit": unit })).collect();
    let about = json!({
        "Timestamp": now.as_millisecond(),
        "CloudWatchMetrics": [{ "Namespace": NAMESPACE, "Dimensions": [[]], "Metrics": metrics }],
    });
    let mut line = Map::from_iter([("_aws".to_owned(), about)]);
    line.extend(numbers.iter().map(|(name, count)| ((*name).to_owned(), json!(count))));
    Value::Object(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_its_numbers_where_cloudwatch_looks_for_them() {
        let line = line(&[("sent", 3), ("ended", 1)], "Count", Timestamp::UNIX_EPOCH);
        let said = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(said["Namespace"], "Carepath");
        assert_eq!(said["Metrics"], json!([{"Name": "sent", "Unit": "Count"}, {"Name": "ended", "Unit": "Count"}]));
        assert_eq!((&line["sent"], &line["ended"]), (&json!(3), &json!(1)));
    }
}
