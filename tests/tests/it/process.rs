//! Starting and stopping: what is in the way is named, and what was kept is found again.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::dev::Dev;
use crate::support::home::{Home, carepath};
use crate::support::story::{hello, text, workflow};

fn refused(args: &[&str], code: i32, words: &[&str]) {
    let said = carepath(&[&["dev"], args].concat());
    assert_eq!(said.code, Some(code), "{said:?}");
    for word in words {
        assert!(said.stderr.contains(word), "{word:?} is not in {said:?}");
    }
    assert_eq!(said.stdout, "", "it does not say that it serves");
}

#[tokio::test]
async fn a_taken_port_and_a_taken_folder_are_named_with_what_to_do() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let other = Home::new();
    refused(&["--port", &port, "--data", other.data().to_str().unwrap()], 3, &[&port, "--port"]);

    let dev = Dev::start().await;
    let data = dev.home.data();
    let before = std::fs::read_to_string(data.join("dev.json")).unwrap();
    refused(&["--port", "0", "--data", data.to_str().unwrap()], 3, &["in use", data.to_str().unwrap(), "--data"]);
    assert_eq!(std::fs::read_to_string(data.join("dev.json")).unwrap(), before, "it is still the first one's");
    assert_eq!(dev.get("/healthz").await["status"], "ok");
}

#[test]
fn what_the_command_line_and_the_folder_have_wrong_is_said() {
    let home = Home::new();
    let file = home.path().join("file");
    std::fs::write(&file, "no folder").unwrap();
    let file = file.to_str().unwrap();
    refused(&["--port", "0", "--data", file], 3, &["data folder", file]);
    refused(&["--clock", "sideways"], 2, &["sideways", "real", "manual"]);
    refused(&["--port", "99999"], 2, &["99999"]);
    let data = home.data();
    refused(
        &["--port", "0", "--data", data.to_str().unwrap(), "--smtp", "nonsense"],
        3,
        &["--smtp", "smtp://host:port"],
    );
    for (name, word) in [("clock.json", "clock.json"), ("mailbox.sqlite", "mailbox"), ("data.sqlite", "database")] {
        let broken = Home::new();
        std::fs::create_dir(broken.data()).unwrap();
        std::fs::write(broken.data().join(name), "broken").unwrap();
        refused(&["--port", "0", "--data", broken.data().to_str().unwrap()], 3, &[word]);
    }
}

#[tokio::test]
async fn what_is_in_the_folder_is_for_its_owner_alone_and_says_where_everything_is() {
    let dev = Dev::start().await;
    let mode = |path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(dev.home.data()), 0o700);
    for name in ["dev.json", "api-key", "clock.json"] {
        assert_eq!(mode(dev.home.data().join(name)), 0o600, "{name}");
    }
    let told = std::fs::read_to_string(dev.home.data().join("dev.json")).unwrap();
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(text(&told, "mailbox_url"), format!("{}/mailbox", dev.url));
    let page = reqwest::get(text(&told, "mailbox_url")).await.unwrap();
    assert_eq!(
        (page.status().as_u16(), page.headers()["content-type"].to_str().unwrap()),
        (200, "text/html; charset=utf-8")
    );
    assert_eq!(dev.get("/_dev/clock").await["mode"], "manual");
}

/// S24: whatever somebody asks the log for who looks for a fault.
#[tokio::test]
async fn the_most_talkative_log_has_nothing_of_a_contact() {
    let dev = Dev::over(Home::logging("trace"));
    dev.example("new-member-onboarding");
    let contact = json!({ "email": "canary@example.org", "attributes": { "first_name": "Canary", "plan": "canary" } });
    dev.put("/v1/contacts/canary-7", contact).await;
    let event = json!({ "name": "member_joined", "properties": { "said": "canary" } });
    dev.post("/v1/contacts/canary-7/events", event).await;
    dev.settle().await;
    assert!(dev.get("/_dev/mailbox?to=canary@example.org").await.as_array().unwrap().len() == 1);
    let home = dev.stop().1;
    let log = home.log();
    assert!(log.contains("TRACE") || log.contains("DEBUG") || log.contains("INFO"), "{log}");
    let line = log.lines().find(|line| line.to_lowercase().contains("canary"));
    assert_eq!(line, None);
}

#[tokio::test]
async fn a_start_with_seed_shows_the_examples_with_people_in_them_and_a_second_one_changes_nothing() {
    let mut home = Home::new();
    for _ in 0..2 {
        let dev = Dev::with(home, &["--seed"]);
        let patience = Instant::now() + Duration::from_secs(50);
        while !dev.home.log().contains("the examples are in") {
            assert!(Instant::now() < patience, "{}", dev.home.log());
            dev.settle().await;
        }
        dev.settle().await;
        for (id, workflow) in [("story-lee", "new-member-onboarding"), ("story-maria", "appointment-reminder")] {
            assert_eq!(text(&dev.run(id).await, "workflow"), workflow);
        }
        assert_eq!(dev.mails("lee").await.len(), 1);
        home = dev.kill();
        std::fs::remove_file(home.path().join("log")).unwrap();
    }
}

/// S28: asked to stop, it stops, and the next start goes on where it was.
#[tokio::test]
async fn s28_who_is_asked_to_stop_stops_and_the_next_start_goes_on() {
    let dev = Dev::start().await;
    dev.note("note").await;
    let mut steps = hello();
    steps["day"] = json!({ "wait": { "for": "1d" }, "next": "again" });
    steps["hello"]["next"] = json!("day");
    steps["again"] = json!({ "send": { "template": "note" }, "next": "end" });
    dev.publish(workflow("two", "joined", steps)).await;
    dev.person("ann").await;
    dev.happens("ann", "joined").await;
    let key = dev.key.clone();
    let (code, home) = dev.stop();
    assert_eq!(code, Some(0));

    let dev = Dev::over(home);
    assert_eq!((dev.key.as_str(), text(&dev.get("/_dev/clock").await, "now")), (key.as_str(), "2040-01-02T15:00:00Z"));
    assert_eq!(dev.mails("ann").await.len(), 1);
    dev.advance("23h").await;
    assert_eq!(dev.mails("ann").await.len(), 1);
    dev.advance("1h").await;
    assert_eq!((dev.mails("ann").await.len(), text(&dev.run("ann").await, "ended")), (2, "completed"));
    assert!(!dev.home.log().contains("ann@example.org"), "{}", dev.home.log());
}
