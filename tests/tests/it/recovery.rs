//! What a person does about a send of which nobody knows, and about work that no trial can do.

use serde_json::json;

use crate::support::dev::{Dev, START};
use crate::support::home::Home;
use crate::support::smtp::Silent;
use crate::support::story::{text, visit};

#[tokio::test]
async fn s8_an_unknown_send_is_listed_and_settled_from_the_command_line() {
    let server = Silent::listen();
    let dev = Dev::with(Home::new(), &["--smtp", &server.url]);
    dev.to(START).await;
    dev.example("new-member-onboarding");
    for who in ["ann", "bob"] {
        dev.person(who).await;
        dev.post(&format!("/v1/contacts/{who}/events"), json!({ "name": "member_joined" })).await;
        server.has_a_mail();
    }
    let dev = Dev::with(dev.kill(), &["--smtp", &server.url]);
    dev.advance("20m").await;

    let all = dev.command(&["unknown", "list", "--json"]).json();
    assert_eq!(all.as_array().map(Vec::len), Some(2), "{all}");
    let (ann, bob) = (dev.run("ann").await, dev.run("bob").await);
    let listed = dev.command(&["unknown", "list"]);
    for run in [&ann, &bob] {
        assert!(listed.stdout.contains(text(run, "id")), "{}", listed.stdout);
    }
    assert!(listed.stdout.contains("treat_as_sent at 2040-01-03T15:"), "{}", listed.stdout);

    let settled = dev.command(&["unknown", "settle", text(&ann, "id"), "--sent"]);
    assert_eq!(settled.code, Some(0), "{settled:?}");
    let ann = dev.run("ann").await;
    assert_eq!((text(&ann, "current"), text(&visit(&ann, "welcome")["message"], "state")), ("read", "sent"));
    let again = dev.command(&["unknown", "settle", text(&ann, "id"), "--sent"]);
    assert_eq!((again.code, again.stderr.contains("no such send of which nobody knows")), (Some(1), true), "{again:?}");
    assert_eq!(server.mails(), 2);

    // Bob's was never sent, and whoever says so has it sent once more.
    let settled = dev.command(&["unknown", "settle", text(&bob, "id"), "--not-sent"]);
    assert_eq!(settled.code, Some(0), "{settled:?}");
    server.has_a_mail();
    assert_eq!(server.mails(), 3);
    let told = dev.command(&["run", text(&bob, "id")]).stdout;
    assert!(told.contains("`settled by hand` does not hold: found not_sent"), "{told}");
}

#[tokio::test]
async fn nothing_unknown_and_nothing_parked_is_said_so_and_a_slip_is_explained() {
    let dev = Dev::start().await;
    for (args, said) in [(["unknown", "list"], "No send is unknown."), (["parked", "list"], "Nothing is parked.")] {
        let answer = dev.command(&args);
        assert_eq!((answer.code, answer.stdout.trim()), (Some(0), said), "{answer:?}");
    }
    let none = dev.command(&["parked", "redrive", "--all"]);
    assert_eq!((none.code, none.stdout.starts_with("0 done again")), (Some(1), true), "{none:?}");
    let slip = dev.command(&["parked", "redrive", "ann"]);
    assert_eq!((slip.code, slip.stderr.contains("/ids/0")), (Some(1), true), "{slip:?}");
    for usage in [
        &["parked", "redrive"][..],
        &["unknown", "settle", "run_x"],
        &["unknown", "settle", "run_x", "--sent", "--not-sent"],
    ] {
        assert_eq!(dev.command(usage).code, Some(2), "{usage:?}");
    }
    let metrics = dev.get("/_dev/metrics").await;
    assert_eq!((&metrics["work_parked"], &metrics["unknown_open"]), (&json!(0), &json!(0)));
}
