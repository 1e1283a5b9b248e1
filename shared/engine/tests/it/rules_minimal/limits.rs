//! W014 and W016: caps and windows.

use serde_json::{Value, json};

use super::{Row, day, row, send, steps};

pub(super) fn rows() -> Vec<Row> {
    let capped = |cap: Value, between: Value| {
        let mut document = steps(json!({ "a": send("b"), "b": between, "c": send("end") }));
        document["send_policy"] = json!({ "cap": cap });
        document
    };
    let week = || json!({ "max": 1, "per": "7d" });
    let long = |span: &str| json!({ "wait": { "for": span }, "next": "c" });
    let window = |window: &str, days: Value| {
        let mut document = steps(json!({ "a": day("end") }));
        document["send_policy"] = json!({ "window": window, "days": days });
        document
    };
    let all = || json!(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]);
    vec![
        row("W014", "/send_policy/cap", "", capped(week(), long("6d 23h")), capped(week(), long("7d"))).of_no_step(),
        // One a day are seven a week, but not two on one day.
        row(
            "W014",
            "/send_policy/cap",
            "",
            capped(json!({ "max": 1, "per": "1d" }), long("23h")),
            capped(json!({ "max": 1, "per": "1d" }), day("c")),
        )
        .of_no_step(),
        row("W016", "/send_policy/window", "", window("09:00-10:59", all()), window("09:00-11:00", all())).of_no_step(),
        // Clocks that jump over the hour from two leave one hour of three.
        row("W016", "/send_policy/window", "", window("02:00-04:30", all()), window("05:00-07:00", all())).of_no_step(),
        // No clock is changed on a Wednesday.
        row(
            "W016",
            "/send_policy/window",
            "",
            window("02:00-04:00", json!(["sun"])),
            window("02:00-04:00", json!(["wed"])),
        )
        .of_no_step(),
    ]
}
