use http::StatusCode;
use serde_json::{Value, json};

use crate::support::{World, welcome, workflow};

#[tokio::test]
async fn a_draft_with_errors_is_saved_and_checked_and_not_published() {
    let world = World::new().await;
    let path = "/v1/workflows/broken";
    let draft = json!({ "name": "Broken", "class": "care", "entry": { "api": true }, "steps": { "a": { "send": { "template": "none" } } } });
    assert_eq!(world.call("PUT", path, Some(draft)).await.status, StatusCode::CREATED);
    let report = world.ok("POST", "/v1/workflows/broken/check", Value::Null).await;
    assert_eq!(report["ok"], false);
    let refused = world.call("POST", "/v1/workflows/broken/publish", None).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::CONFLICT, "document_has_errors"));
    assert_eq!(refused.json()["report"], report);
    assert!(refused.faults().iter().any(|fault| fault.ends_with(" W012")), "{:?}", refused.faults());
}

/// S3: publishing makes a new version and leaves the old one as it was.
#[tokio::test]
async fn versions_are_numbered_frozen_and_made_only_by_a_change() {
    let world = World::new().await;
    world.publish_welcome().await;
    let again = world.ok("POST", "/v1/workflows/welcome/publish", Value::Null).await;
    assert_eq!((&again["version"], &again["changed"]), (&json!(1), &json!(false)));
    world.ok("PUT", "/v1/templates/welcome", json!({ "subject": "Hello", "class": "care", "html": "<p>Hi</p>" })).await;
    let second = world.ok("POST", "/v1/workflows/welcome/publish", Value::Null).await;
    assert_eq!(second["version"], 2, "a new text of a template is a new version");
    let frozen = world.ok("GET", "/v1/workflows/welcome/versions/1", Value::Null).await;
    assert_eq!((&frozen["templates"]["welcome"], &frozen["document"]["id"]), (&json!(1), &json!("welcome")));
    let versions = world.ok("GET", "/v1/workflows/welcome/versions", Value::Null).await;
    assert_eq!(versions["items"].as_array().unwrap().len(), 2);
    assert_eq!(world.call("GET", "/v1/workflows/welcome/versions/3", None).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_a_live_workflow_needs_cannot_be_deleted() {
    let world = World::new().await;
    world.publish_welcome().await;
    assert_eq!(world.call("DELETE", "/v1/templates/welcome", None).await.code(), "in_use");
    assert_eq!(world.call("DELETE", "/v1/workflows/welcome", None).await.code(), "published");
    assert_eq!(world.ok("POST", "/v1/workflows/welcome/archive", Value::Null).await["status"], "archived");
    assert_eq!(world.call("DELETE", "/v1/workflows/welcome", None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.call("DELETE", "/v1/templates/welcome", None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.call("GET", "/v1/templates/welcome", None).await.status, StatusCode::NOT_FOUND);
}

/// A deleted template that comes back does not take the place of a version that runs are pinned to.
#[tokio::test]
async fn numbers_of_templates_are_never_given_out_twice() {
    let world = World::new().await;
    world.publish_welcome().await;
    world.ok("POST", "/v1/workflows/welcome/archive", Value::Null).await;
    world.ok("DELETE", "/v1/templates/welcome", Value::Null).await;
    let other = json!({ "subject": "Another", "class": "care", "html": "<p>Other</p>" });
    assert_eq!(world.call("PUT", "/v1/templates/welcome", Some(other)).await.status, StatusCode::CREATED);
    world.ok("POST", "/v1/workflows/welcome/publish", Value::Null).await;
    let one = world.ok("GET", "/v1/workflows/welcome/versions/1", Value::Null).await["templates"]["welcome"].clone();
    let two = world.ok("GET", "/v1/workflows/welcome/versions/2", Value::Null).await["templates"]["welcome"].clone();
    assert_ne!(one, two);
}

#[tokio::test]
async fn writes_of_documents_follow_their_tags() {
    let world = World::new().await;
    for (path, body) in [
        ("/v1/workflows/welcome", workflow()),
        ("/v1/templates/welcome", welcome()),
        ("/v1/segments/calls", json!({ "name": "Calls" })),
    ] {
        let first = world.call("PUT", path, Some(body.clone())).await;
        assert_eq!(first.status, StatusCode::CREATED, "{path} {}", first.text);
        assert_eq!(world.call("GET", path, None).await.tag, first.tag);
        let tag = [("if-match", first.tag.as_str())];
        assert_eq!(world.call_with("PUT", path, Some(body.clone()), &tag).await.status, StatusCode::OK);
        let stale = world.call_with("PUT", path, Some(body.clone()), &tag).await;
        assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED, "{path}");
        // Of several tags one has to fit.
        let now = world.call("GET", path, None).await.tag;
        let many = |tags: &str| vec![("if-match", tags.to_owned())];
        for (tags, status) in [
            (many(&format!("{}, {now}", first.tag)), StatusCode::OK),
            (many(&format!("{}, \"other\"", first.tag)), StatusCode::PRECONDITION_FAILED),
            (many(&["\"77\""; 9].join(",")), StatusCode::UNPROCESSABLE_ENTITY),
        ] {
            let tags: Vec<_> = tags.iter().map(|(name, value)| (*name, value.as_str())).collect();
            assert_eq!(world.call_with("PUT", path, Some(body.clone()), &tags).await.status, status, "{path} {tags:?}");
        }
    }
}

#[tokio::test]
async fn a_template_is_refused_with_all_its_faults_and_previewed_without_being_sent() {
    let world = World::new().await;
    let reply =
        world.call("PUT", "/v1/templates/t", Some(json!({ "subject": "{{ nothing }", "class": "spam", "x": 1 }))).await;
    assert!(reply.faults().contains(&"/class T001".to_owned()) && reply.faults().contains(&"/x T001".to_owned()));
    let template = json!({ "subject": "Hi", "class": "care", "html": "<p>{{ contact.attributes.name }}</p>" });
    world.ok("PUT", "/v1/templates/t", template).await;
    let shown = world.ok("POST", "/v1/templates/t/preview", json!({ "attributes": { "name": "Ada" } })).await;
    assert!(shown["html"].as_str().unwrap().contains("Ada"));
    assert_eq!(world.call("POST", "/v1/templates/t/preview", None).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(world.mails().is_empty());
}

#[tokio::test]
async fn schema_and_settings_are_declared_and_checked() {
    let world = World::new().await;
    let schema = json!({ "attributes": { "name": { "type": "string", "class": "identifier" }, "due": { "type": "when", "class": "phi" } } });
    assert_eq!(world.call("PUT", "/v1/schema", Some(schema)).await.faults(), ["/attributes/due attribute"]);
    world
        .ok("PUT", "/v1/schema", json!({ "attributes": { "name": { "type": "string", "class": "identifier" } } }))
        .await;
    assert_eq!(world.ok("GET", "/v1/schema", Value::Null).await["attributes"]["name"]["class"], "identifier");
    let bad = world.call("PUT", "/v1/settings", Some(json!({ "zone": "Mars/Olympus", "sender": "x" }))).await;
    assert_eq!(bad.faults(), ["/zone zone", "/sender sender"]);
    let bad = world.call("PUT", "/v1/settings", Some(json!({ "base_url": "http://clinic.example" }))).await;
    assert_eq!(bad.faults(), ["/base_url url"]);
    world
        .ok("PUT", "/v1/settings", json!({ "zone": "America/Chicago", "sender": "Clinic <mail@clinic.example>" }))
        .await;
    assert_eq!(world.ok("GET", "/v1/settings", Value::Null).await["zone"], "America/Chicago");
    let kept = world.ok("PUT", "/v1/settings", json!({ "base_url": "https://mail.clinic.example/" })).await;
    assert_eq!(kept["base_url"], "https://mail.clinic.example");
}

/// What was checked against one type would compare with values of another, and every such test would fail without a word.
#[tokio::test]
async fn an_attribute_that_something_published_uses_keeps_its_type() {
    let world = World::new().await;
    let schema = |risk: &str, due: &str, other: &str| {
        let declared = |kind: &str| json!({ "type": kind, "class": "public" });
        json!({ "attributes": { "risk": declared(risk), "due": declared(due), "other": declared(other) } })
    };
    world.ok("PUT", "/v1/schema", schema("number", "date", "string")).await;
    let html = "<p>{{ contact.attributes.risk | default(0) }}</p>";
    world.ok("PUT", "/v1/templates/welcome", json!({ "subject": "Hi", "class": "care", "html": html })).await;
    let mut draft = workflow();
    draft["entry"]["filter"] = json!({ "not": { "attribute": "risk", "lt": 3 } });
    draft["steps"]["rest"] = json!({ "wait": { "until": { "attribute": "due" }, "else": "end" }, "next": "end" });
    world.ok("PUT", "/v1/workflows/welcome", draft).await;
    world.ok("PUT", "/v1/schema", schema("string", "date", "string")).await;
    world.ok("PUT", "/v1/schema", schema("number", "date", "string")).await;
    world.ok("POST", "/v1/workflows/welcome/publish", Value::Null).await;
    world.ok("PUT", "/v1/segments/at-risk", json!({ "when": { "any": [{ "attribute": "risk", "gte": 7 }] } })).await;

    let path = "/v1/schema";
    let refused = world.refused("PUT", path, Some(schema("string", "timestamp", "list")), "in_use").await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    let twice = "/attributes/risk/type in_use";
    assert_eq!(refused.faults(), ["/attributes/due/type in_use", twice, twice], "{}", refused.text);
    for place in [
        "workflow `welcome`",
        "`/entry/filter/not/attribute`",
        "`/steps/greet/send/template`",
        "`/steps/rest/wait/until/attribute`",
        "segment `at-risk`",
        "`/when/any/0/attribute`",
    ] {
        assert!(refused.text.contains(place), "{place}: {}", refused.text);
    }
    assert_eq!(world.ok("GET", path, Value::Null).await["attributes"]["risk"]["type"], "number");
    // A list has its faults by place.
    let listed = json!({ "attributes": [{ "name": "other", "type": "string", "class": "public" },
        { "name": "due", "type": "number", "class": "public" }, { "name": "risk", "type": "number", "class": "public" }] });
    let refused = world.refused("PUT", path, Some(listed), "in_use").await;
    assert_eq!(refused.faults(), ["/attributes/1/type in_use"]);
    // What nobody uses changes, and so does all that a workflow used that is in the archive.
    world.ok("PUT", path, schema("number", "date", "list")).await;
    world.ok("POST", "/v1/workflows/welcome/archive", Value::Null).await;
    let refused = world.refused("PUT", path, Some(schema("string", "timestamp", "list")), "in_use").await;
    assert_eq!(refused.faults(), [twice]);
    world.ok("DELETE", "/v1/segments/at-risk", Value::Null).await;
    world.ok("PUT", path, schema("string", "timestamp", "list")).await;
}

#[tokio::test]
async fn lists_page() {
    let world = World::new().await;
    for id in ["a", "b", "c"] {
        world.ok("PUT", &format!("/v1/segments/{id}"), json!({})).await;
    }
    let first = world.ok("GET", "/v1/segments?limit=2", Value::Null).await;
    assert_eq!((first["items"].as_array().unwrap().len(), &first["next"]), (2, &json!("b")));
    let second = world.ok("GET", "/v1/segments?limit=2&cursor=b", Value::Null).await;
    assert_eq!((&second["items"][0]["id"], &second["next"]), (&json!("c"), &Value::Null));
    assert_eq!(world.call("GET", "/v1/segments?limit=1001", None).await.faults(), ["limit limit"]);
}
