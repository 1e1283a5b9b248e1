//! What SES told by its second way, and when nothing can come any more by either (S8): the real adapter, against a server of the
//! tests' own that stands in for S3 and SQS, and a store in memory.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use carepath_app::documents::Expect;
use carepath_app::ingest::{NewEvent, ingest};
use carepath_app::ports::{Attempt, Doubt, Evidence, Mailer, Store as _};
use carepath_app::{App, change, templates, workflows};
use carepath_aws::DynamoStore;
use carepath_aws::queue::Backlog;
use carepath_aws::ses::{Archive, Hearing, Paths, SesMailer};
use carepath_engine::Contact;
use carepath_engine::ids::ContactId;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::loopback::{Act, Server, answer};
use crate::outside::sdk;
use crate::store::sound;
use crate::world::{World, open, settle};

const OURS: &str = "run_aaaaaaaaaaaaaaaaaaaa_bbbbbbbbbbbbbbbbbbbb";
const OTHER: &str = "run_cccccccccccccccccccc_dddddddddddddddddddd";
const DEADLINE: &str = "2026-11-24T10:00:20Z";
/// A quarter of an hour after it: whatever is younger shows that what told it has caught up.
const SETTLED: &str = "2026-11-24T10:15:20Z";
const LATER: &str = "2026-11-24T10:15:21Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn doubt() -> Doubt {
    let attempt = Attempt { run: OURS.parse().unwrap(), step: 2, attempt: 1 };
    Doubt { attempt, deadline: at(DEADLINE), now: at("2026-11-25T10:20:00Z") }
}

/// What stands in for S3 and SQS.
#[derive(Clone)]
struct Services {
    objects: BTreeMap<String, String>,
    /// How many objects are told at a time.
    page: usize,
    /// How many messages are where, by the queue's name.
    messages: BTreeMap<&'static str, [&'static str; 3]>,
    /// What is done instead with a request that has a text in it.
    instead: Option<(&'static str, Act)>,
    /// How far the first way was acted on.
    heard: Option<Timestamp>,
}

fn event(kind: &str, run: &str, attempt: u32, at: &str) -> String {
    let detail = kind.to_lowercase();
    let told = json!({
        "eventType": kind,
        "mail": {
            "timestamp": at, "messageId": format!("m-{attempt}"), "destination": ["canary@example.org"],
            "tags": { "run": [run], "step": ["2"], "attempt": [attempt.to_string()] },
        },
        detail: { "timestamp": at, "bounceType": "Permanent" },
    });
    format!("{told}\n")
}

/// All told, and nothing of the attempt: both ways have caught up.
fn silent() -> Services {
    let others = |times: &[&str]| times.iter().map(|at| event("Send", OTHER, 1, at)).collect::<String>();
    let objects = [
        ("events/2026/11/24/08/a", others(&["2026-11-24T08:10:00Z"])),
        ("events/2026/11/24/09/b", others(&["2026-11-24T09:58:00Z", "2026-11-24T10:00:30Z"])),
        ("events/2026/11/24/10/c", others(&["2026-11-24T10:04:00Z"]) + "\n" + &event("DeliveryDelay", OTHER, 1, LATER)),
        ("events/2026/11/24/10/d", others(&[LATER])),
        ("events/2026/11/25/09/e", event("Open", OTHER, 1, "2026-11-24T10:01:00Z")),
    ];
    Services {
        objects: objects.into_iter().map(|(key, text)| (key.to_owned(), text)).collect(),
        page: 1_000,
        messages: BTreeMap::from([("engagement", ["0"; 3]), ("engagement-dlq", ["0"; 3])]),
        instead: None,
        heard: Some(at(LATER)),
    }
}

impl Services {
    fn with(mut self, key: &str, text: String) -> Self {
        self.objects.insert(key.to_owned(), text);
        self
    }

    fn without(mut self, key: &str) -> Self {
        self.objects.remove(key).unwrap();
        self
    }

    fn but(mut self, part: &'static str, act: Act) -> Self {
        self.instead = Some((part, act));
        self
    }

    fn act(&self, request: &str) -> Act {
        let line = request.lines().next().unwrap();
        if let Some((part, act)) = &self.instead
            && (line.contains(part) || request.contains(&format!("/1/{part}\"")))
        {
            return act.clone();
        }
        let target = line.split(' ').nth(1).unwrap();
        match target.split_once('?') {
            Some((_, query)) if query.contains("list-type=2") => self.list(query),
            _ if target.starts_with("/told/events/") => {
                let key = target.trim_start_matches("/told/").split('?').next().unwrap();
                self.objects.get(key).map_or_else(|| answer("404 Not Found", ""), |text| answer("200 OK", text))
            }
            _ => self.count(request),
        }
    }

    fn list(&self, query: &str) -> Act {
        let asked: BTreeMap<String, String> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.replace("%2F", "/")))
            .collect();
        let after = asked.get("continuation-token").or_else(|| asked.get("start-after")).unwrap();
        let prefix = &asked["prefix"];
        let more: Vec<_> = self.objects.iter().filter(|(key, _)| *key > after && key.starts_with(prefix)).collect();
        let page = &more[..more.len().min(self.page)];
        let contents = page
            .iter()
            .map(|(key, text)| format!("<Contents><Key>{key}</Key><Size>{}</Size></Contents>", text.len()))
            .collect::<Vec<_>>()
            .concat();
        let truncated = more.len() > page.len();
        let token = page
            .last()
            .filter(|_| truncated)
            .map_or_else(String::new, |(key, _)| format!("<NextContinuationToken>{key}</NextContinuationToken>"));
        answer(
            "200 OK",
            &format!("<ListBucketResult><IsTruncated>{truncated}</IsTruncated>{token}{contents}</ListBucketResult>"),
        )
    }

    fn count(&self, request: &str) -> Act {
        let asked: Value = serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap();
        let name = asked["QueueUrl"].as_str().unwrap().rsplit('/').next().unwrap();
        let places = ["", "NotVisible", "Delayed"].map(|place| format!("ApproximateNumberOfMessages{place}"));
        let counts = places.into_iter().zip(self.messages[name]).filter(|(_, count)| !count.is_empty());
        let counts: BTreeMap<_, _> = counts.collect();
        answer("200 OK", &json!({ "Attributes": counts }).to_string())
    }
}

fn mailer(server: &Server, store: DynamoStore) -> SesMailer {
    let config = sdk(&server.url());
    let queues = ["engagement", "engagement-dlq"].map(|name| format!("{}/1/{name}", server.url()));
    let paths = Paths::new(store.clone(), Backlog::new(&config, queues), Archive::new(&config, "told"));
    SesMailer::new(&config, "carepath-", store).with_paths(paths.with_patience(Duration::from_secs(5)))
}

/// What is known of the attempt, and what was asked to find out.
async fn known(services: Services, doubt: &Doubt) -> (Evidence, Vec<String>) {
    let store = sound().await;
    if let Some(heard) = services.heard {
        store.note_heard(heard).await.unwrap();
    }
    let server = Server::answering(move |request| services.act(request));
    let evidence = mailer(&server, store).evidence(doubt).await;
    (evidence, server.requests())
}

async fn evidence(services: Services) -> Evidence {
    known(services, &doubt()).await.0
}

fn taken() -> Evidence {
    Evidence::Accepted { id: "m-1".to_owned(), delivered: false }
}

#[tokio::test]
async fn s8_whatever_ses_told_of_an_attempt_by_its_second_way_settles_it() {
    for kind in ["Send", "Delivery", "Bounce", "Complaint", "Open", "Click"] {
        for key in ["events/2026/11/24/09/b", "events/2026/11/24/10/c", "events/2026/11/25/10/z"] {
            let told = event("Send", OTHER, 1, SETTLED) + &event(kind, OURS, 1, DEADLINE);
            assert_eq!(evidence(silent().with(key, told)).await, taken(), "{kind} in {key}");
        }
    }
    let sent = event("Send", OURS, 1, DEADLINE);
    for kind in ["Reject", "Rendering Failure"] {
        let told = sent.clone() + &event(kind, OURS, 1, DEADLINE);
        assert_eq!(evidence(silent().with("events/2026/11/24/10/c", told)).await, Evidence::Refused, "{kind}");
    }
    let unspaced = sent.trim().repeat(2);
    assert_eq!(evidence(silent().with("events/2026/11/24/10/c", unspaced)).await, taken(), "with nothing between");
    let beside = silent().with("events/2026/11/24/10/c", sent).but("/24/10/d", Act::HangsUpAfter);
    assert_eq!(evidence(beside).await, taken(), "what is known is known, whatever else cannot be read");
}

#[tokio::test]
async fn s8_both_ways_have_caught_up_and_nothing_was_told_so_nothing_will_be() {
    assert_eq!(evidence(silent()).await, Evidence::Silent);
    let of_another = event("Send", OURS, 2, "2026-11-24T10:01:00Z");
    let of_another = silent().with("events/2026/11/24/10/c", of_another);
    assert_eq!(evidence(of_another).await, Evidence::Silent, "another attempt is another mail");
}

/// Each of the conditions by itself: where it is missing, nobody says that nothing can come any more.
#[tokio::test]
async fn s8_a_way_that_has_not_caught_up_may_still_tell() {
    let only = |at: &str| silent().with("events/2026/11/24/10/d", event("Send", OTHER, 1, at));
    let mut behind = vec![
        ("nothing younger by the second way", silent().without("events/2026/11/24/10/d")),
        ("nothing younger by enough", only(SETTLED)),
        ("what is yet to happen", only("2026-11-26T00:00:00Z")),
        ("nothing at all", Services { objects: BTreeMap::new(), ..silent() }),
        ("nothing ever heard by the first way", Services { heard: None, ..silent() }),
        ("nothing heard that is young enough", Services { heard: Some(at(SETTLED)), ..silent() }),
    ];
    for queue in ["engagement", "engagement-dlq"] {
        for place in 0..3 {
            for count in ["1", "", "many"] {
                let mut waits = silent();
                waits.messages.get_mut(queue).unwrap()[place] = count;
                behind.push(("something waits, or it is not said", waits));
            }
        }
        behind.push(("a queue that fails", silent().but(queue, answer("500 Internal Server Error", "{}"))));
        behind.push(("a queue that hangs up", silent().but(queue, Act::HangsUpAfter)));
    }
    for (why, services) in behind {
        let messages = services.messages.clone();
        assert_eq!(evidence(services).await, Evidence::None, "{why}: {messages:?}");
    }
}

#[tokio::test]
async fn s8_what_cannot_be_read_may_hold_word_of_the_attempt() {
    let of_others = event("Send", OTHER, 1, "2026-11-24T10:04:00Z");
    let cut = |text: &str, length: usize| {
        Act::Answer(format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{}", &text[..text.len() / 2]))
    };
    let stalls = Act::Stalls(String::new(), Duration::from_secs(1));
    let fails = || answer("500 Internal Server Error", "<Error><Code>InternalError</Code></Error>");
    let object = "/told/events/2026/11/24/10/c";
    let list = "list-type=2";
    let table = [
        ("an object that is no JSON", silent().with("events/2026/11/24/10/c", "canary@example.org".to_owned())),
        ("an object that is cut where it lies", {
            silent().with("events/2026/11/24/10/c", of_others[..of_others.len() / 2].to_owned())
        }),
        ("an event that says too little", silent().with("events/2026/11/24/10/c", "{}".to_owned())),
        ("an object that does not come whole", silent().but(object, cut(&of_others, of_others.len()))),
        ("one that is shorter than was said", silent().but(object, cut(&of_others, of_others.len() / 2))),
        ("an object that is gone", silent().but(object, answer("404 Not Found", ""))),
        ("one that may not be read", silent().but(object, answer("403 Forbidden", ""))),
        ("one that fails", silent().but(object, fails())),
        ("one that hangs up", silent().but(object, Act::HangsUpAfter)),
        ("one that says nothing", silent().but(object, stalls.clone())),
        ("a list that fails", silent().but(list, fails())),
        ("a list that may not be read", silent().but(list, answer("403 Forbidden", ""))),
        ("a list that hangs up", silent().but(list, Act::HangsUpAfter)),
        ("a list that says nothing", silent().but(list, stalls)),
        ("a list that is none", silent().but(list, answer("200 OK", "<html>"))),
        ("a list that does not say whether it ends", silent().but(list, answer("200 OK", "<ListBucketResult/>"))),
        ("a list that goes on nowhere", {
            let on = "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>";
            silent().but(list, answer("200 OK", on))
        }),
        ("an object that is too large to be one", {
            let large = "<Contents><Key>events/2026/11/24/10/c</Key><Size>67108865</Size></Contents>";
            let list_of_it = format!("<ListBucketResult><IsTruncated>false</IsTruncated>{large}</ListBucketResult>");
            silent().but(list, answer("200 OK", &list_of_it))
        }),
    ];
    for (why, services) in table {
        assert_eq!(evidence(services).await, Evidence::None, "{why}");
    }
}

#[tokio::test]
async fn s8_a_list_of_many_pages_is_read_to_its_end() {
    let paged = || Services { page: 1, ..silent() };
    let (silence, asked) = known(paged(), &doubt()).await;
    assert_eq!(silence, Evidence::Silent);
    let count = |part: &str| asked.iter().filter(|it| it.lines().next().unwrap().contains(part)).count();
    assert_eq!((count("list-type=2"), count("/told/events/")), (4, 4), "each page and each object once: {asked:?}");
    let last = paged().with("events/2026/11/25/10/z", event("Send", OURS, 1, DEADLINE));
    assert_eq!(evidence(last).await, taken());
    let broken = paged().but("continuation-token=events%2F2026%2F11%2F24%2F10%2Fc", Act::HangsUpAfter);
    assert_eq!(evidence(broken).await, Evidence::None);
}

/// What is asked about costs something: it is not read before it could say anything, nor further than a day and a bit, and an
/// archive that has forgotten is not taken for one that knows.
#[tokio::test]
async fn s8_only_the_hours_of_an_attempt_are_read_and_only_when_they_can_tell() {
    let at_time = |now: &str| Doubt { now: at(now), ..doubt() };
    for now in ["2026-11-24T10:16:00Z", "2026-11-24T10:21:19Z", "2026-12-04T10:00:21Z"] {
        let (evidence, asked) = known(silent(), &at_time(now)).await;
        assert_eq!((evidence, asked.len()), (Evidence::None, 0), "{now}");
    }
    let old = Doubt { deadline: Timestamp::UNIX_EPOCH, ..doubt() };
    assert_eq!(known(silent(), &old).await, (Evidence::None, Vec::new()), "nobody knows when it was");
    let long_after = silent().with("events/2026/11/25/13/z", event("Send", OTHER, 1, LATER));
    let (evidence, asked) = known(long_after, &at_time("2026-12-01T10:00:00Z")).await;
    let read = |key: &str| asked.iter().any(|request| request.contains(key));
    assert!(read("/24/09/b") && read("/25/09/e") && !read("/24/08/a") && !read("/25/13/z"), "{asked:?}");
    assert_eq!(evidence, Evidence::Silent);
}

/// How far the first way was acted on only grows, and is written once a minute.
#[tokio::test]
async fn s8_how_far_ses_was_heard_only_grows() {
    let store = sound().await;
    let written = || store.usage().by_operation.get("write down what was heard").map_or(0, |it| it.requests);
    let hearing = Hearing::new(store.clone());
    hearing.tell(at(LATER)).await;
    assert_eq!((store.heard().await.unwrap(), written()), (None, 0), "nothing was heard");
    hearing.acted_on(at(SETTLED), at(LATER));
    hearing.acted_on(at(DEADLINE), at(LATER));
    hearing.acted_on(at("2099-01-01T00:00:00Z"), at(LATER));
    hearing.tell(at(LATER)).await;
    assert_eq!(store.heard().await.unwrap(), Some(at(SETTLED)));
    hearing.acted_on(at(LATER), at(LATER));
    hearing.tell(at("2026-11-24T10:16:20Z")).await;
    assert_eq!((store.heard().await.unwrap(), written()), (Some(at(SETTLED)), 1), "it is not time yet");
    hearing.tell(at("2026-11-24T10:16:21Z")).await;
    hearing.tell(at("2026-11-24T10:20:00Z")).await;
    assert_eq!((store.heard().await.unwrap(), written()), (Some(at(LATER)), 2), "and without news never");
    store.note_heard(at(DEADLINE)).await.unwrap();
    assert_eq!(store.heard().await.unwrap(), Some(at(LATER)), "another process that is behind");
}

/// An installation whose mails go by the real adapter to a server that hangs up on each, and a contact to whom one is sent.
async fn without_an_answer(services: &Arc<Mutex<Services>>) -> (App<World>, Server, ContactId) {
    let app = open().await;
    let shared = Arc::clone(services);
    let server = Server::answering(move |request| {
        let takes = request.starts_with("POST /v2/email/outbound-emails ");
        if takes { Act::HangsUpAfter } else { shared.lock().unwrap().act(request) }
    });
    app.ports.hand().real.set(mailer(&server, app.store().clone())).unwrap();
    let template = json!({ "id": "note", "class": "care", "subject": "Hello", "html": "<p>Hello.</p>" });
    templates::put(&app, &"note".parse().unwrap(), template, Expect::Any).await.unwrap();
    let steps = json!({ "note": { "send": { "template": "note", "on_unknown": "resend" }, "next": "end" } });
    let document = json!({ "id": "notes", "class": "care", "entry": { "event": "came" }, "steps": steps });
    workflows::put(&app, &"notes".parse().unwrap(), document, Expect::Any).await.unwrap();
    workflows::publish(&app, &"notes".parse().unwrap(), Expect::Any).await.unwrap();
    let id: ContactId = "ann".parse().unwrap();
    let made = change::change_contact(&app, &id, |_, now| {
        let mut contact = Contact::new(id.clone(), now);
        contact.email = Some("ann@example.org".to_owned().into());
        Ok(contact)
    });
    made.await.unwrap();
    let came = NewEvent { name: "came".parse().unwrap(), id: None, at: None, properties: serde_json::Map::new() };
    ingest(&app, &id, came).await.unwrap();
    settle(&app).await;
    (app, server, id)
}

/// Where the run of the contact is after so many hours, and how many mails were handed over.
async fn after(app: &App<World>, server: &Server, id: &ContactId, hours: i64) -> (Value, usize) {
    let until = app.now() + SignedDuration::from_hours(hours);
    while app.now() < until {
        *app.ports.hand().ahead.lock().unwrap() += SignedDuration::from_mins(5);
        settle(app).await;
    }
    let runs = app.store().runs_of(&app.key_of(id)).await.unwrap();
    let mails = server.requests().iter().filter(|it| it.starts_with("POST /v2/email/outbound-emails ")).count();
    (serde_json::to_value(&runs[0]).unwrap(), mails)
}

/// What others' mails tell at a time, by both ways.
async fn others_tell(app: &App<World>, services: &Mutex<Services>, at: Timestamp) {
    let key = format!("events/{}/x", at.strftime("%Y/%m/%d/%H"));
    services.lock().unwrap().objects.insert(key, event("Send", OTHER, 1, &at.to_string()));
    app.store().note_heard(at).await.unwrap();
}

/// The story of a send without an answer, once for each thing that may be told of it within the day.
#[tokio::test]
async fn s8_a_mail_without_an_answer_is_sent_again_only_where_both_ways_are_silent() {
    for (told, mails) in [("silence", 2), ("its send", 1), ("a letter that nobody could read", 1)] {
        let services = Arc::new(Mutex::new(Services { objects: BTreeMap::new(), ..silent() }));
        let (app, server, id) = without_an_answer(&services).await;
        let begun = app.now();
        others_tell(&app, &services, begun + SignedDuration::from_hours(1)).await;
        let run = app.store().runs_of(&app.key_of(&id)).await.unwrap().remove(0);
        let step = run.messages.keys().next().copied().unwrap();
        match told {
            "its send" => {
                let sent = event("Send", run.id.as_str(), 1, &begun.to_string());
                let sent = sent.replace(r#""step":["2"]"#, &format!(r#""step":["{step}"]"#));
                let key = format!("events/{}/ours", begun.strftime("%Y/%m/%d/%H"));
                services.lock().unwrap().objects.insert(key, sent);
            }
            "silence" => {}
            _ => services.lock().unwrap().messages.get_mut("engagement-dlq").unwrap()[0] = "1",
        }
        let (early, sent) = after(&app, &server, &id, 2).await;
        assert_eq!(sent, 1, "{told}: nothing is sent again within the day");
        assert_eq!(early["s"]["k"] == "ended", told == "its send", "{told}: {early}");
        let (late, sent) = after(&app, &server, &id, 24).await;
        assert_eq!(sent, mails, "{told}: {late}");
        assert_eq!(late["s"]["k"] == "ended", told != "silence", "{told}: {late}");
    }
}
