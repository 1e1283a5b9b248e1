//! Unsubscribing, as mail programs and their users do it.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::dev::Dev;
use crate::support::story::{text, visit, workflow};

const ONE_CLICK: &str = "List-Unsubscribe=One-Click";

/// A workflow of two mails a day apart, of a class.
async fn publish(dev: &Dev, id: &str, class: &str, topic: Option<&str>) {
    let html = r#"<p>Hello.</p><a href="{{ unsubscribe_url }}" name="unsubscribe">Unsubscribe</a>"#;
    let template = json!({ "id": id, "class": class, "subject": id, "html": html });
    dev.put(&format!("/v1/templates/{id}"), template).await;
    let steps = json!({
        "first": { "send": { "template": id }, "next": "day" },
        "day": { "wait": { "for": "1d" }, "next": "second" },
        "second": { "send": { "template": id }, "next": "end" },
    });
    let mut document = workflow(id, id, steps);
    document["class"] = json!(class);
    if let Some(topic) = topic {
        document["topic"] = json!(topic);
    }
    dev.publish(document).await;
}

/// A system that sends news, and somebody who wants to hear about two topics.
async fn with_mia() -> Dev {
    let dev = Dev::start().await;
    publish(&dev, "news", "marketing", Some("tips")).await;
    publish(&dev, "fair", "marketing", Some("events")).await;
    dev.person("mia").await;
    let topics = json!({ "topics": { "tips": "subscribed", "events": "subscribed" } });
    dev.patch("/v1/contacts/mia", topics).await;
    dev
}

/// Where the header of the newest mail leads.
async fn link(dev: &Dev) -> String {
    let mail = dev.newest("mia").await;
    assert_eq!(mail["headers"]["List-Unsubscribe-Post"], "List-Unsubscribe=One-Click");
    let header = text(&mail["headers"], "List-Unsubscribe");
    header.strip_prefix('<').and_then(|url| url.strip_suffix('>')).unwrap().to_owned()
}

/// A request of somebody who has no key.
fn anybody(method: Method, url: &str) -> RequestBuilder {
    reqwest::Client::builder().no_proxy().build().unwrap().request(method, url)
}

/// A form that somebody sends who has no key.
fn form(url: &str, fields: &'static str) -> RequestBuilder {
    anybody(Method::POST, url).header("content-type", "application/x-www-form-urlencoded").body(fields)
}

async fn answer(request: RequestBuilder) -> (u16, String) {
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

#[tokio::test]
async fn s11_one_click_in_a_mail_program_stops_what_was_still_to_come() {
    let dev = with_mia().await;
    dev.happens("mia", "news").await;
    let url = link(&dev).await;
    assert!(url.starts_with(&dev.url), "{url}");
    dev.advance("1h").await;
    dev.happens("mia", "fair").await;
    // Mail programs send it again where they do not hear the answer.
    for _ in 0..2 {
        let (status, page) = answer(form(&url, ONE_CLICK)).await;
        assert_eq!(status, 200, "{page}");
    }
    dev.advance("2d").await;
    let runs = dev.runs("mia").await;
    assert_eq!(text(&runs[0], "ended"), "unsubscribed");
    // At once: the second mail never had its turn.
    assert!(text(&runs[0], "ended_at").starts_with("2040-01-02T16"), "{runs:?}");
    assert!(runs[0]["visits"].as_array().unwrap().iter().all(|visit| visit["step"] != "second"), "{runs:?}");
    let why = visit(&runs[0], "end")["explanation"].to_string();
    assert!(why.contains("subscribed to tips") && why.contains("unsubscribed"), "{why}");
    // The other topic goes on.
    assert_eq!(text(&runs[1], "ended"), "completed");
    assert_eq!(dev.subjects("mia").await, ["news", "fair", "fair"]);
    let timeline = dev.get("/v1/contacts/mia/timeline").await["items"].as_array().unwrap().clone();
    let told: Vec<&Value> = timeline.iter().filter(|item| item["name"] == "carepath.unsubscribed").collect();
    assert_eq!(told.len(), 1, "{timeline:?}");
    let (at, about) = (text(told[0], "at"), &told[0]["properties"]);
    assert!(at.starts_with("2040-01-02T16"), "{at}");
    assert_eq!((&about["run"], &about["step"]), (&runs[0]["id"], &json!("first")));
}

/// Scanners and previews follow every link of a mail before anybody has read it.
#[tokio::test]
async fn s11_who_only_looks_changes_nothing_and_who_chooses_does() {
    let dev = with_mia().await;
    dev.happens("mia", "news").await;
    let url = link(&dev).await;
    for method in [Method::GET, Method::HEAD, Method::GET] {
        let (status, page) = answer(anybody(method.clone(), &url)).await;
        assert_eq!(status, 200);
        assert_eq!(page.contains(r#"value="tips" checked"#), method == Method::GET);
        assert!(!page.contains("mia"), "{page}");
    }
    assert_eq!(answer(anybody(Method::OPTIONS, &url)).await.0, 405);
    assert_eq!(dev.get("/v1/contacts/mia").await["topics"], json!({ "tips": "subscribed", "events": "subscribed" }));
    assert_eq!(answer(form(&url, "shown=tips&shown=events&topic=tips&what=these")).await.0, 200);
    assert_eq!(dev.get("/v1/contacts/mia").await["topics"], json!({ "tips": "subscribed", "events": "unsubscribed" }));
    dev.advance("2d").await;
    assert_eq!(dev.subjects("mia").await, ["news", "news"]);
}

#[tokio::test]
async fn s11_a_forged_link_does_nothing() {
    let dev = with_mia().await;
    dev.happens("mia", "news").await;
    let url = link(&dev).await;
    let (base, token) = url.rsplit_once('/').unwrap();
    for forged in [token.to_lowercase(), format!("{token}A"), token[1..].to_owned(), "x".to_owned()] {
        let url = format!("{base}/{forged}");
        assert_eq!(answer(anybody(Method::GET, &url)).await.0, 404);
        assert_eq!(answer(form(&url, ONE_CLICK)).await.0, 404);
    }
    assert_eq!(dev.get("/v1/contacts/mia").await["topics"]["tips"], "subscribed");
}

#[tokio::test]
async fn every_mail_but_those_of_care_can_be_unsubscribed_from_by_its_headers() {
    let dev = with_mia().await;
    publish(&dev, "bill", "operational", None).await;
    publish(&dev, "visit", "care", None).await;
    dev.happens("mia", "bill").await;
    let of_bill = link(&dev).await;
    dev.happens("mia", "visit").await;
    assert_eq!(dev.newest("mia").await["headers"], json!({}));
    // Links outlive the process that made them.
    let home = dev.kill();
    let dev = Dev::over(home);
    let path = of_bill.rsplit_once("/u/").unwrap().1;
    let (status, page) = answer(form(&format!("{}/u/{path}", dev.url), ONE_CLICK)).await;
    assert_eq!(status, 200, "{page}");
    let topics = json!({ "tips": "unsubscribed", "events": "unsubscribed" });
    assert_eq!(dev.get("/v1/contacts/mia").await["topics"], topics);
}
