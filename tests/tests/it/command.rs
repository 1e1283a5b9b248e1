//! The command against a running system.

use serde_json::{Value, json};

use crate::support::dev::Dev;
use crate::support::home::carepath;
use crate::support::story::text;

fn changes(report: &Value) -> Vec<&str> {
    report["plan"].as_array().unwrap().iter().map(|item| text(item, "change")).collect()
}

#[tokio::test]
async fn publishing_twice_changes_nothing_and_another_text_is_a_new_version() {
    let dev = Dev::start().await;
    let example = "examples/new-member-onboarding";
    let dry = dev.command(&["publish", example, "--dry-run", "--json"]);
    assert_eq!((dry.code, &dry.json()["applied"]), (Some(0), &json!(false)));
    // There is a schema from the beginning, an empty one.
    assert_eq!(changes(&dry.json()), ["changed", "new", "new", "new", "new", "new", "new"]);
    assert_eq!(dev.try_get("/v1/workflows/new-member-onboarding").await.status, 404, "a dry run changes nothing");

    let first = dev.command(&["publish", example, "--yes", "--json"]).json();
    assert_eq!((&first["applied"], &first["ok"]), (&json!(true), &json!(true)));
    let again = dev.command(&["publish", example, "--yes", "--json"]).json();
    assert_eq!(again["applied"], false);
    assert!(changes(&again).iter().all(|change| *change == "unchanged"), "{again}");
    assert_eq!(dev.get("/v1/workflows/new-member-onboarding").await["published"], 1);

    let source = std::fs::read_to_string(carepath_tests::root().join(example).join("workflow.yaml")).unwrap();
    let file = dev.home.path().join("workflow.yaml");
    std::fs::write(&file, source.replace("timeout: 3d", "timeout: 5d")).unwrap();
    let other = dev.command(&["publish", file.to_str().unwrap(), "--yes", "--json"]).json();
    assert_eq!(changes(&other), ["changed"]);
    assert_eq!(dev.get("/v1/workflows/new-member-onboarding").await["published"], 2);
}

#[tokio::test]
async fn what_the_server_refuses_is_answered_with_no_and_the_reasons() {
    let dev = Dev::start().await;
    let file = dev.home.path().join("workflow.json");
    let steps = json!({ "mail": { "send": { "template": "missing" }, "next": "nowhere" } });
    let faulty =
        json!({ "id": "faulty", "name": "x", "class": "operational", "entry": { "event": "x" }, "steps": steps });
    std::fs::write(&file, faulty.to_string()).unwrap();
    let said = dev.command(&["publish", file.to_str().unwrap(), "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let all = format!("{}{}", said.stdout, said.stderr);
    assert!(all.contains("W012") && all.contains("/steps/mail"), "{all}");
    assert_eq!(dev.get("/v1/workflows/faulty").await["published"], Value::Null);
    let checked = carepath(&["check", file.to_str().unwrap(), "--json"]);
    assert_eq!((checked.code, &checked.json()["ok"]), (Some(1), &json!(false)));
    assert_eq!(carepath(&["check", "examples", "--json"]).code, Some(0));
    assert_eq!(carepath(&["check", "/no/such/file"]).code, Some(3));
    assert_eq!(carepath(&["check"]).code, Some(2));
}

/// S23: the command tells what the API tells, in sentences.
#[tokio::test]
async fn a_run_is_told_in_sentences_and_as_the_api_has_it() {
    let dev = Dev::start().await;
    dev.example("new-member-onboarding");
    dev.person("ann").await;
    dev.happens("ann", "member_joined").await;
    dev.opens("ann").await;
    let run = dev.run("ann").await;
    let id = text(&run, "id");
    let told = dev.command(&["run", id]);
    assert_eq!(told.code, Some(0));
    for line in [
        "new-member-onboarding, version 1, contact ann",
        "The mail is sent, attempt 1, opened.",
        "`opened welcome` holds",
        "getting_started (send)",
        "The run has ended: completed.",
    ] {
        assert!(told.stdout.contains(line), "{line:?} is not in {}", told.stdout);
    }
    assert_eq!(dev.command(&["run", id, "--json"]).json(), run);
    let data = dev.home.data();
    let by_folder = carepath(&["run", id, "--data", data.to_str().unwrap(), "--json"]);
    assert_eq!(by_folder.json(), run, "the folder says where and with which key");

    let nobody = dev.command(&["run", "run_aaaaaaaaaaaaaaaaaaaa_bbbbbbbbbbbbbbbbbbbb"]);
    assert_eq!((nobody.code, nobody.stderr.contains("no such run")), (Some(1), true), "{nobody:?}");
    let stranger = carepath(&["run", id, "--to", &dev.url, "--key", "cp_wrong"]);
    assert_eq!((stranger.code, stranger.stderr.contains("API key")), (Some(3), true), "{stranger:?}");
    assert!(!stranger.stderr.contains("cp_wrong"), "a key is not repeated");
}
