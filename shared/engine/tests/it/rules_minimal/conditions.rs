//! W007 and W008: conditions that never hold when they are asked.

use serde_json::{Value, json};

use super::{Row, branch, day, row, steps};

pub(super) fn rows() -> Vec<Row> {
    let n = |op: &str, value: i64| json!({ "attribute": "n", op: value });
    let cases = |first: Value, second: Value| {
        steps(json!({ "a": { "branch": {
            "cases": [{ "when": first, "next": "end" }, { "when": second, "next": "end" }], "next": "end"
        } } }))
    };
    let paths = |first: Value, second: Value| {
        steps(json!({ "a": { "wait_for": { "paths": [first, second], "timeout": "1d", "next": "end" } } }))
    };
    let broad = json!({ "event": "x", "next": "end" });
    let narrow = json!({ "event": "x", "where": { "event": "p", "eq": 1 }, "next": "end" });
    let entered = |entry: Value, body: Value| {
        let mut document = steps(body);
        document["entry"] = entry;
        document
    };
    let older = |when: Value| entered(json!({ "api": true, "filter": n("gte", 50) }), json!({ "a": branch(when) }));
    let north = |place: &str| {
        let entry = json!({ "event": "x", "where": { "event": "place", "eq": "north" } });
        entered(entry, json!({ "w": day("a"), "a": branch(json!({ "entry": "place", "eq": place })) }))
    };
    let filtered = |filter: Value| entered(json!({ "api": true, "filter": filter }), json!({ "a": day("end") }));
    let case = "/steps/a/branch/cases/0/when";
    vec![
        row(
            "W007",
            "/steps/a/branch/cases/1",
            "a",
            cases(n("gte", 50), n("gte", 60)),
            cases(n("gte", 60), n("gte", 50)),
        ),
        row("W007", "/steps/a/wait_for/paths/1", "a", paths(broad.clone(), narrow.clone()), paths(narrow, broad)),
        row("W008", case, "a", older(n("lt", 50)), older(n("lte", 50))),
        // What a run started with stays, whatever time passes.
        row("W008", case, "a", north("south"), north("north")),
        row(
            "W008",
            case,
            "a",
            steps(json!({ "a": branch(json!({ "all": [n("gt", 5), n("lt", 3)] })) })),
            steps(json!({ "a": branch(json!({ "all": [n("gt", 3), n("lt", 5)] })) })),
        ),
        row(
            "W008",
            "/entry/filter",
            "",
            filtered(json!({ "all": [{ "segment": "vip" }, { "not": { "segment": "vip" } }] })),
            filtered(json!({ "any": [{ "segment": "vip" }, { "not": { "segment": "vip" } }] })),
        )
        .of_no_step(),
    ]
}
