//! What a system is sent that is wrong, far too much, or meant to hurt: it says no, clearly, and goes on.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::dev::{Answer, Dev};
use crate::support::story::{hello, text, visit, workflow};

const ANN: &str = "/v1/contacts/ann";
const EVENTS: &str = "/v1/contacts/ann/events";

async fn raw(dev: &Dev, method: Method, path: &str, body: impl Into<reqwest::Body>) -> Answer {
    dev.send(dev.request(method, path).header("content-type", "application/json").body(body)).await
}

async fn still_serves(dev: &Dev) {
    assert_eq!(dev.get("/healthz").await["status"], "ok");
}

/// The faults of a refusal: where, and against which rule.
fn faults(answer: &Answer) -> Vec<(&str, &str)> {
    let errors = answer.body["errors"].as_array().unwrap();
    errors.iter().map(|error| (text(error, "pointer"), text(error, "rule"))).collect()
}

#[tokio::test]
async fn what_is_no_json_is_refused_and_not_repeated() {
    let dev = Dev::start().await;
    let deep = "[".repeat(100_000);
    let table: [(&[u8], u16, &str); 8] = [
        (b"", 400, "malformed_json"),
        (br#"{"email":"#, 400, "malformed_json"),
        (b"canary@example.org", 400, "malformed_json"),
        (b"\xff\xfe{}", 400, "malformed_json"),
        (br#"{"attributes":{"n":1e999}}"#, 400, "malformed_json"),
        (deep.as_bytes(), 400, "malformed_json"),
        (b"[1]", 422, "invalid"),
        (b"null", 422, "invalid"),
    ];
    for (body, status, code) in table {
        let answer = raw(&dev, Method::PUT, ANN, body.to_vec()).await;
        assert_eq!(answer.problem(), (status, code), "{answer:?}");
        assert!(!answer.body.to_string().contains("canary"), "{answer:?}");
    }
    let plain = dev.request(Method::PUT, ANN).header("content-type", "text/plain").body("{}");
    assert_eq!(dev.send(plain).await.problem(), (415, "unsupported_media_type"));
    let large = json!({ "attributes": { "x": "y".repeat(1 << 20) } }).to_string();
    assert_eq!(raw(&dev, Method::PUT, ANN, large).await.problem(), (413, "payload_too_large"));
    let over = json!({ "attributes": { "x": "y".repeat(351 << 10) } }).to_string();
    assert_eq!(faults(&raw(&dev, Method::PUT, ANN, over).await), [("/attributes", "too_large")]);
    assert_eq!(dev.try_get(ANN).await.problem(), (404, "not_found"), "nothing was written");
    still_serves(&dev).await;
}

#[tokio::test]
async fn every_fault_of_a_contact_and_of_an_event_is_named_and_nothing_is_half_written() {
    let dev = Dev::start().await;
    let contact = json!({ "email": "not an address", "zone": "Mars/Olympus", "locale": 7, "mail": "x",
        "attributes": { "a\u{0}b": 1 }, "topics": { "tips": "perhaps" } });
    let answer = dev.try_put(ANN, &contact).await;
    assert_eq!(answer.problem(), (422, "invalid"));
    let found = faults(&answer);
    for wanted in [
        ("/email", "email"),
        ("/zone", "zone"),
        ("/locale", "type"),
        ("/mail", "unknown_field"),
        ("/attributes", "name"),
        ("/topics/tips", "value"),
    ] {
        assert!(found.contains(&wanted), "{wanted:?} is not among {found:?}");
    }
    assert_eq!(dev.try_get(ANN).await.status, 404);

    for at in [
        "10000-01-01T00:00:00Z",
        "+010000-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "1066-10-14T09:00:00Z",
        "2040-01-02",
        "2040-02-30T00:00:00Z",
        "yesterday",
    ] {
        let answer = dev.try_post(EVENTS, &json!({ "name": "x", "at": at })).await;
        assert_eq!((answer.problem(), faults(&answer)), ((422, "invalid"), vec![("/at", "timestamp")]), "{at}");
    }
    let forged = dev.try_post(EVENTS, &json!({ "name": "carepath.unsubscribed" })).await;
    assert_eq!((forged.status, &forged.body["errors"][0]["rule"]), (422, &json!("reserved")), "{forged:?}");
    let answer = dev.try_post(EVENTS, &json!({ "name": "", "id": "", "at": 12, "properties": [], "when": 1 })).await;
    let found = faults(&answer);
    for place in ["/name", "/id", "/at", "/properties", "/when"] {
        assert!(found.iter().any(|(pointer, _)| *pointer == place), "{place} is not among {found:?}");
    }
    assert_eq!(dev.try_get(ANN).await.status, 404, "an event that is refused makes no contact");

    let entries = json!([{}, 7, { "contact": { "id": "b1", "email": 3 } }, { "event": { "contact": "b2" } },
        { "contact": { "id": "b3" } }]);
    let results = dev.post("/v1/batch", json!({ "entries": entries })).await["results"].clone();
    let statuses: Vec<u64> =
        results.as_array().unwrap().iter().filter_map(|result| result["status"].as_u64()).collect();
    assert_eq!(statuses, [422, 422, 422, 422, 201], "each entry has its own answer");
    assert_eq!(results[0]["error"]["errors"][0]["pointer"], "/entries/0");
    assert_eq!(results[2]["error"]["errors"][0]["pointer"], "/entries/2/contact/email");
    for (id, status) in [("b1", 404), ("b2", 404), ("b3", 200)] {
        assert_eq!(dev.try_get(&format!("/v1/contacts/{id}")).await.status, status, "{id}");
    }
    let many = json!({ "entries": vec![json!({}); 501] });
    assert_eq!(dev.try_post("/v1/batch", &many).await.problem(), (422, "too_many_entries"));
    still_serves(&dev).await;
}

#[tokio::test]
async fn what_is_not_there_is_said_to_be_not_there() {
    let dev = Dev::start().await;
    let run = "run_aaaaaaaaaaaaaaaaaaaa_bbbbbbbbbbbbbbbbbbbb";
    for path in [
        ANN,
        "/v1/contacts/ann/runs",
        "/v1/contacts/ann/timeline",
        "/v1/contacts/a%00b",
        "/v1/workflows/none",
        "/v1/workflows/NONE",
        "/v1/workflows/none/versions/1",
        "/v1/templates/none",
        "/v1/segments/none",
        "/v1/segments/none/members",
        "/v1/runs/none",
        &format!("/v1/runs/{run}"),
        "/v1/nothing",
    ] {
        assert_eq!(dev.try_get(path).await.problem().0, 404, "{path}");
    }
    for path in ["/v1/workflows/none/publish", "/v1/workflows/none/pause", &format!("/v1/runs/{run}/cancel")] {
        assert_eq!(dev.try_post(path, &json!({})).await.problem(), (404, "not_found"), "{path}");
    }
    let enroll = json!({ "contact": "ann" });
    assert_eq!(dev.try_post("/v1/workflows/none/enroll", &enroll).await.problem(), (404, "not_found"));
    for id in ["a%00b", "a%2Fb", "%FF", &"x".repeat(200)] {
        let answer = dev.try_put(&format!("/v1/contacts/{id}"), &json!({})).await;
        assert_eq!(answer.problem(), (422, "invalid"), "{id}");
    }
    for query in ["limit=0", "limit=x", "limit=1001", "cursor=%00", "cursor=e30x"] {
        dev.person("there").await;
        let answer = dev.try_get(&format!("/v1/contacts/there/timeline?{query}")).await;
        assert_eq!(answer.problem(), (422, "invalid"), "{query}");
    }
    assert_eq!(dev.send(dev.request(Method::PATCH, "/healthz")).await.problem(), (405, "method_not_allowed"));
    let stranger = reqwest::Client::new().get(format!("{}{ANN}", dev.url)).bearer_auth("cp_wrong");
    assert_eq!(dev.send(stranger).await.problem(), (401, "unauthorized"));
    still_serves(&dev).await;
}

#[tokio::test]
async fn documents_that_are_none_are_refused_or_kept_as_drafts_that_cannot_be_published() {
    let dev = Dev::start().await;
    dev.note("note").await;
    for body in [json!("text"), json!([]), json!(null), json!({ "id": "another" })] {
        assert_eq!(dev.try_put("/v1/workflows/flow", &body).await.problem(), (422, "invalid"), "{body}");
    }
    dev.put(
        "/v1/workflows/flow",
        json!({ "id": "flow", "name": 7, "class": "x", "entry": [], "steps": 7, "bogus": 1 }),
    )
    .await;
    let check = dev.post("/v1/workflows/flow/check", json!({})).await;
    assert_eq!(check["ok"], false);
    let found: Vec<&str> =
        check["findings"].as_array().unwrap().iter().map(|finding| text(finding, "pointer")).collect();
    for place in ["/name", "/class", "/entry", "/steps", "/bogus"] {
        assert!(found.contains(&place), "{place} is not among {found:?}");
    }
    let refused = dev.try_post("/v1/workflows/flow/publish", &json!({})).await;
    assert_eq!(refused.problem(), (409, "document_has_errors"));
    assert!(refused.body["errors"].as_array().is_some_and(|errors| errors.len() >= 5), "{refused:?}");
    assert_eq!(dev.get("/v1/workflows/flow").await["published"], Value::Null);

    let mut condition = json!({ "attribute": "a", "eq": 1 });
    for _ in 0..60 {
        condition = json!({ "not": condition });
    }
    let branch = json!({ "a": { "branch": { "cases": [{ "when": condition, "next": "end" }], "next": "end" } } });
    dev.put("/v1/workflows/deep", workflow("deep", "x", branch)).await;
    assert_eq!(dev.try_post("/v1/workflows/deep/publish", &json!({})).await.problem().1, "document_has_errors");
    for (path, body) in [
        ("/v1/schema", json!({ "attributes": 7 })),
        ("/v1/schema", json!({ "attributes": { "x": { "type": "nope", "class": "public" } } })),
        ("/v1/settings", json!({ "zone": "Nope/Nope", "sender": "x" })),
        ("/v1/segments/s", json!({ "id": "s", "name": "s", "when": { "attribute": "a", "bogus": 1 } })),
    ] {
        assert_eq!(dev.try_put(path, &body).await.problem(), (422, "invalid"), "{path}");
    }
    still_serves(&dev).await;
}

#[tokio::test]
async fn five_hundred_steps_are_checked_published_and_walked_through() {
    let dev = Dev::start().await;
    let last = 499;
    let step = |nth: usize| {
        let next = if nth == last { "end".to_owned() } else { format!("s{}", nth + 1) };
        (format!("s{nth}"), json!({ "update": { "increment": { "count": 1 } }, "next": next }))
    };
    let steps: serde_json::Map<String, Value> = (0..=last).map(step).collect();
    assert_eq!(dev.publish(workflow("long", "joined", Value::Object(steps))).await, 1);
    dev.person("ann").await;
    dev.happens("ann", "joined").await;
    let run = dev.run("ann").await;
    assert_eq!((text(&run, "ended"), run["visits"].as_array().unwrap().len()), ("completed", 502));
    assert_eq!(dev.get(ANN).await["attributes"]["count"], 500);
    still_serves(&dev).await;
}

/// Whatever a template does, the system lives; a mail that cannot be made has failed, with the reason.
#[tokio::test]
async fn templates_that_recurse_or_run_away_fail_their_own_mail_and_nothing_else() {
    let dev = Dev::start().await;
    let hurt = [
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% for i in range(100000000) %}x{% endfor %}",
        "{% for i in range(9000) %}{% for j in range(9000) %}{% endfor %}{% endfor %}",
        "{{ 'x' * 1000000000 }}",
        "{% for i in range(9000) %}{{ 'x' * 9000 }}{% endfor %}",
    ];
    for (nth, html) in hurt.iter().enumerate() {
        let id = format!("bad-{nth}");
        let template = json!({ "id": id, "class": "operational", "subject": "s", "html": html });
        let kept = dev.try_put(&format!("/v1/templates/{id}"), &template).await;
        if kept.status == 422 {
            continue;
        }
        let preview = dev.try_post(&format!("/v1/templates/{id}/preview"), &json!({})).await;
        assert_eq!(preview.problem().0, 422, "{html}");
        let steps = json!({ "mail": { "send": { "template": id }, "next": "end" } });
        dev.put(&format!("/v1/workflows/{id}"), workflow(&id, &id, steps)).await;
        if dev.try_post(&format!("/v1/workflows/{id}/publish"), &json!({})).await.status != 200 {
            continue;
        }
        let somebody = format!("somebody-{nth}");
        dev.person(&somebody).await;
        dev.happens(&somebody, &id).await;
        let run = dev.run(&somebody).await;
        let message = &visit(&run, "mail")["message"];
        assert_eq!((text(&run, "status"), text(message, "state")), ("ended", "failed"), "{html}: {run}");
        assert_eq!((text(message, "reason"), text(visit(&run, "mail"), "via")), ("template", "on_failure"));
        assert!(dev.mails(&somebody).await.is_empty());
    }
    for html in ["{% include 'x' %}", "{% extends 'x' %}", "{{ open", "{% if %}"] {
        let template = json!({ "id": "bad", "class": "operational", "subject": "s", "html": html });
        assert_eq!(dev.try_put("/v1/templates/bad", &template).await.problem(), (422, "invalid"), "{html}");
    }
    still_serves(&dev).await;
}

#[tokio::test]
async fn any_text_may_be_a_name_or_a_value_and_comes_back_and_into_mails_as_it_was() {
    let dev = Dev::start().await;
    let schema = json!({ "attributes": { "first_name": { "type": "string", "class": "identifier" } } });
    dev.put("/v1/schema", schema).await;
    let name =
        "Zo\u{eb} \u{1f469}\u{200d}\u{2695}\u{fe0f} \u{202e}\u{5e9}\u{5dc}\u{5d5}\u{5dd} <b>&\"' \u{0} {{ 7 * 7 }}";
    let template = json!({ "id": "note", "class": "operational",
        "subject": "Hi {{ contact.attributes.first_name | default(\"you\") }}\r\nBcc: evil@example.org",
        "html": "<p>Hello {{ contact.attributes.first_name | default(\"you\") }}</p>" });
    dev.put("/v1/templates/note", template).await;
    let mut document = workflow("flow", "jo\u{1f389}ined", hello());
    document["name"] = json!(name.replace('\u{0}', ""));
    dev.publish(document).await;
    let emoji = "/v1/contacts/%F0%9F%98%80";
    let person =
        json!({ "email": "zoe@example.org", "attributes": { "first_name": name, "\u{1f511}": { "a": [null, -0.5] } } });
    dev.put(emoji, person.clone()).await;
    let kept = dev.get(emoji).await;
    assert_eq!((&kept["id"], &kept["attributes"]), (&json!("\u{1f600}"), &person["attributes"]));
    let event = json!({ "name": "jo\u{1f389}ined", "id": "\u{202e}id", "properties": { "said": name } });
    dev.post(&format!("{emoji}/events"), event).await;
    dev.settle().await;
    let runs = dev.get(&format!("{emoji}/runs")).await;
    assert_eq!(text(&runs["items"][0], "ended"), "completed", "{runs}");
    assert_eq!(runs["items"][0]["entry"]["payload"]["said"], name);
    let mail = dev.newest("zoe").await;
    let subject = text(&mail, "subject");
    assert!(!subject.contains(['\r', '\n', '\u{0}']), "{subject:?}");
    assert!(subject.contains("Zo\u{eb}") && subject.contains("{{ 7 * 7 }}"), "{subject:?}");
    let html = text(&mail, "html");
    assert!(!html.contains("<b>") && html.contains("&lt;b&gt;"), "{html}");
    let headers = mail["headers"].as_object().unwrap();
    assert!(headers.keys().all(|name| !name.eq_ignore_ascii_case("bcc")), "{headers:?}");
    still_serves(&dev).await;
}

#[tokio::test]
async fn the_end_of_the_calendar_is_no_end_of_the_system() {
    let dev = Dev::start().await;
    dev.note("note").await;
    let steps = json!({ "long": { "wait": { "for": "3000d" }, "next": "hello" },
        "hello": { "send": { "template": "note" }, "next": "end" } });
    dev.publish(workflow("slow", "joined", steps)).await;
    for (body, code) in [
        (json!({ "advance": "-1d" }), "bad_request"),
        (json!({ "advance": "soon" }), "bad_request"),
        (json!({ "advance": "100000y" }), "bad_request"),
        (json!({ "to": "10000-01-01T00:00:00Z" }), "bad_request"),
        (json!({ "to": "2000-01-01T00:00:00Z" }), "clock_backwards"),
        (json!({}), "bad_request"),
        (json!([]), "bad_request"),
    ] {
        assert_eq!(dev.try_post("/_dev/clock", &body).await.problem().1, code, "{body}");
    }
    dev.to("9998-06-01T00:00:00Z").await;
    dev.person("ann").await;
    dev.happens("ann", "joined").await;
    let run = dev.run("ann").await;
    assert_eq!((text(&run, "status"), text(&run, "current")), ("waiting", "long"));
    dev.happens("ann", "something").await;
    still_serves(&dev).await;
}

#[tokio::test]
async fn the_desk_of_this_machine_is_not_for_pages_from_elsewhere() {
    let dev = Dev::start().await;
    for (name, value) in [("origin", "https://evil.example"), ("host", "evil.example")] {
        let request = dev.request(Method::POST, "/_dev/clock").header(name, value).body(r#"{"advance":"1d"}"#);
        assert_eq!(dev.send(request).await.problem(), (403, "not_this_machine"), "{name}");
    }
    assert_eq!(dev.get("/_dev/clock").await["now"], "2040-01-02T15:00:00Z");
}
