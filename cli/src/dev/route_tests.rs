//! The routes, over duties that only take notes.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode};
use carepath_app::ports::{Attempt, Clock, Link, Outgoing};
use carepath_engine::version::Class;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;

use super::clock::{DevClock, Mode};
use super::mailbox::{Letter, Mailbox, Put};
use super::queue::DevQueue;
use super::routes::{Desk, router};
use super::tests::Notes;

struct Machine {
    router: Router,
    notes: Notes,
    id: String,
    _folder: TempDir,
}

fn machine() -> Machine {
    let folder = tempfile::tempdir().unwrap();
    let clock = DevClock::open(folder.path(), Mode::Manual).unwrap();
    let mailbox = Mailbox::open(&folder.path().join("mailbox.sqlite")).unwrap();
    let mail = Outgoing {
        to: "ada@example.org".into(),
        from: "Clinic <care@clinic.example>".into(),
        subject: "Your visit".into(),
        html: "<p><a name=book href=\"https://clinic.example/book\">Book</a><script>1</script></p>".into(),
        text: "Book: https://clinic.example/book".into(),
        headers: BTreeMap::new(),
        links: vec![Link { name: "book".into(), url: "https://clinic.example/book".into() }],
        class: Class::Care,
        attempt: Attempt { run: "run_aaaaaaaaaaaaaaaaaaaa_bbbbbbbbbbbbbbbbbbbb".parse().unwrap(), step: 2, attempt: 1 },
    };
    let letter = Letter::of(&mail, clock.now()).unwrap();
    let [Put::In(id)] = &mailbox.put_all(&[letter]).unwrap()[..] else { panic!() };
    let id = id.clone();
    let notes = Notes::new(&clock);
    let queue = DevQueue::new(clock.clone());
    let desk = Desk { duties: notes.clone(), queue, clock, mailbox, api_key: "cp_own".into(), journey: Arc::default() };
    Machine { router: router(desk, "127.0.0.1"), notes, id, _folder: folder }
}

impl Machine {
    async fn ask(&self, method: &str, path: &str, host: &str, body: &str) -> (StatusCode, String) {
        let path = path.replace("ID", &self.id);
        let request = Request::builder().method(method).uri(path).header("host", host);
        let response = self.router.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
        let status = response.status();
        (status, String::from_utf8(to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap())
    }

    async fn json(&self, method: &str, path: &str, body: &str) -> (StatusCode, Value) {
        let (status, text) = self.ask(method, path, "127.0.0.1:8787", body).await;
        (status, serde_json::from_str(&text).unwrap_or_default())
    }
}

#[tokio::test]
async fn a_page_from_elsewhere_is_turned_away() {
    let machine = machine();
    let (status, text) = machine.ask("GET", "/_dev/clock", "evil.example:8787", "").await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(text.contains("not_this_machine"), "{text}");
}

#[tokio::test]
async fn what_is_done_with_a_mail_is_told_as_the_mail_service_tells_it() {
    let machine = machine();
    let (status, mail) = machine.json("POST", "/_dev/mailbox/ID/click", r#"{ "link": "book" }"#).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(mail["happenings"][0]["kind"], "click");
    for action in ["open", "bounce", "complain"] {
        assert_eq!(machine.json("POST", &format!("/_dev/mailbox/ID/{action}"), "").await.0, StatusCode::OK);
    }
    let heard = machine.notes.heard.lock().unwrap().clone();
    let kinds: Vec<&Value> = heard.iter().map(|told| &told["eventType"]).collect();
    assert_eq!(kinds, ["Click", "Open", "Bounce", "Complaint"]);
    assert_eq!(heard[0]["mail"]["tags"]["step"], json!(["2"]));
    assert_eq!(heard[0]["click"]["linkTags"], json!({ "name": ["book"] }));
    assert_eq!(heard[0]["click"]["isBotEvent"], "Unlikely");
    assert_eq!(heard[2]["bounce"]["bounceType"], "Permanent");
}

#[tokio::test]
async fn a_click_on_a_link_that_is_not_there_is_refused_and_tells_nothing() {
    let machine = machine();
    let (status, problem) = machine.json("POST", "/_dev/mailbox/ID/click", r#"{ "link": "other" }"#).await;
    assert_eq!((status, &problem["code"]), (StatusCode::NOT_FOUND, &json!("no_such_link")));
    assert!(machine.notes.heard.lock().unwrap().is_empty());
}

#[tokio::test]
async fn links_of_a_shown_mail_lead_through_the_mailbox() {
    let machine = machine();
    let (_, html) = machine.ask("GET", "/_dev/mailbox/ID/view", "localhost:1", "").await;
    assert!(html.contains("/follow?nth=0") && !html.contains("https://clinic.example"), "{html}");
    let (status, html) = machine.ask("GET", "/_dev/mailbox/ID/follow?nth=0", "localhost:1", "").await;
    assert_eq!(status, StatusCode::OK);
    assert!(html.contains("href=\"https://clinic.example/book\""), "{html}");
    assert_eq!(machine.notes.heard.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn the_clock_moves_by_request_and_only_forward() {
    let machine = machine();
    let (_, before) = machine.json("GET", "/_dev/clock", "").await;
    let (status, after) = machine.json("POST", "/_dev/clock", r#"{ "advance": "3d" }"#).await;
    assert_eq!((status, &after["mode"]), (StatusCode::OK, &json!("manual")));
    let time = |told: &Value| told["now"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert_eq!(time(&after).duration_since(time(&before)).as_hours(), 72);
    let (status, problem) = machine.json("POST", "/_dev/clock", r#"{ "to": "2020-01-01T00:00:00Z" }"#).await;
    assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &json!("clock_backwards")));
    for bad in ["{}", "no", r#"{ "advance": "-1d" }"#, r#"{ "advance": "1mo" }"#] {
        assert_eq!(machine.json("POST", "/_dev/clock", bad).await.0, StatusCode::BAD_REQUEST, "{bad}");
    }
    assert_eq!(machine.json("POST", "/_dev/settle", "").await.1["settled"], true);
}

#[tokio::test]
async fn a_notification_is_taken_bare_and_in_the_envelope_of_sns() {
    let machine = machine();
    let bare = json!({ "eventType": "Open" });
    let wrapped = json!({ "Type": "Notification", "Message": bare.to_string() });
    for told in [&bare, &wrapped] {
        assert_eq!(machine.json("POST", "/_dev/ses-events", &told.to_string()).await.0, StatusCode::ACCEPTED);
    }
    assert_eq!(*machine.notes.heard.lock().unwrap(), [bare.clone(), bare]);
    assert_eq!(machine.json("GET", "/_dev/metrics", "").await.1["queue"]["ready"], 0);
}

/// S27: the key is for the page of this server, on this machine; nobody else is given it, whatever they say about themselves.
#[tokio::test]
async fn the_key_is_given_to_the_console_of_this_machine_alone() {
    let machine = machine();
    let ask = async |host: &str, origin: Option<&str>, peer: Option<[u8; 4]>| {
        let mut request = Request::post("/_dev/session").header("host", host);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        if let Some(peer) = peer {
            request = request.extension(ConnectInfo(SocketAddr::from((peer, 50_000))));
        }
        machine.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap().status()
    };
    let (own, here) = ("127.0.0.1:8787", Some([127, 0, 0, 1]));
    assert_eq!(ask(own, Some("http://127.0.0.1:8787"), here).await, StatusCode::OK);
    assert_eq!(ask(own, Some("http://127.0.0.1:8787"), Some([192, 168, 1, 7])).await, StatusCode::FORBIDDEN);
    assert_eq!(ask(own, Some("http://127.0.0.1:8787"), None).await, StatusCode::FORBIDDEN);
    assert_eq!(ask(own, Some("http://127.0.0.1:3000"), here).await, StatusCode::FORBIDDEN);
    assert_eq!(ask(own, None, here).await, StatusCode::FORBIDDEN);
    assert_eq!(ask("evil.example", Some("http://evil.example"), here).await, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_console_is_served_under_a_strict_policy_or_says_how_to_build_it() {
    let machine = machine();
    let request = || Request::get("/").header("host", "box.lan").body(Body::empty()).unwrap();
    let response = machine.router.clone().oneshot(request()).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let page = String::from_utf8(to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap();
    assert!(page.contains("<div id=\"root\">") || page.contains("make console"), "{page}");
    let (status, config) = machine.json("GET", "/config.json", "").await;
    assert_eq!((status, config), (StatusCode::OK, json!({ "api": "/v1", "dev": "/_dev" })));
}
