//! The way out for mail, against a server of the tests' own that fails in every way that a service can.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use carepath_app::ports::{Attempt, Mailer, Outgoing, Store as _};
use carepath_aws::ses::SesMailer;
use carepath_engine::advance::Answer;
use carepath_engine::version::Class;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::loopback::{Act, Server, answer};
use crate::outside::sdk;
use crate::store::store;

fn mail() -> Outgoing {
    Outgoing {
        to: "ada@example.org".to_owned(),
        from: "Clinic <clinic@example.org>".to_owned(),
        subject: "Grüße".to_owned(),
        html: "<p>Hello</p>".to_owned(),
        text: "Hello".to_owned(),
        headers: BTreeMap::from([
            ("List-Unsubscribe".to_owned(), "<https://care.example.org/u/t>".to_owned()),
            ("List-Unsubscribe-Post".to_owned(), "List-Unsubscribe=One-Click".to_owned()),
        ]),
        links: Vec::new(),
        class: Class::Marketing,
        attempt: Attempt { run: "run_aaaaaaaaaaaaaaaaaaaa_bbbbbbbbbbbbbbbbbbbb".parse().unwrap(), step: 2, attempt: 3 },
    }
}

async fn mailer(url: &str) -> SesMailer {
    let store = store(Arc::default()).await;
    SesMailer::new(&sdk(url), "carepath-", store).with_patience(&sdk(url), Duration::from_millis(300))
}

fn said(status: &str, code: &str, message: &str) -> Act {
    let body = json!({ "message": message }).to_string();
    Act::Answer(format!(
        "HTTP/1.1 {status}\r\nx-amzn-errortype: {code}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    ))
}

/// What an answer is, with the time to wait cut to what matters: soon, or when somebody has mended something.
fn word(answer: &Answer) -> String {
    match answer {
        Answer::Accepted { id, delivered } => format!("accepted {id} {delivered}"),
        Answer::Refused(code) => format!("refused {code}"),
        Answer::Throttled { until } if until.duration_since(Timestamp::now()) > SignedDuration::from_mins(5) => {
            "later".to_owned()
        }
        Answer::Throttled { .. } => "soon".to_owned(),
        Answer::Unknown => "unknown".to_owned(),
    }
}

/// S7, S10: only where SES certainly did not accept a mail its attempt is given back or failed, and each attempt is one
/// request, whatever comes of it.
#[tokio::test]
async fn each_way_in_which_a_send_can_fail_is_unknown_unless_it_certainly_was_not_accepted() {
    let id = r#"{"MessageId":"m-1"}"#;
    let table = [
        (answer("200 OK", id), "accepted m-1 false"),
        // It may have been accepted.
        (answer("200 OK", "{}"), "unknown"),
        (answer("200 OK", "<html>"), "unknown"),
        (Act::Answer("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_owned()), "unknown"),
        (Act::HangsUp, "unknown"),
        (Act::HangsUpAmid, "unknown"),
        (Act::HangsUpAfter, "unknown"),
        (Act::Stalls(String::new(), Duration::from_secs(1)), "unknown"),
        (said("500 Internal Server Error", "InternalFailure", "x"), "unknown"),
        (said("503 Service Unavailable", "ServiceUnavailable", "x"), "unknown"),
        (answer("502 Bad Gateway", "<html>a proxy</html>"), "unknown"),
        // It certainly was not, and may be later.
        (said("429 Too Many Requests", "TooManyRequestsException", "Maximum sending rate exceeded."), "soon"),
        (said("400 Bad Request", "LimitExceededException", "Daily message quota exceeded."), "later"),
        (said("400 Bad Request", "Throttling", "Rate exceeded"), "soon"),
        (said("400 Bad Request", "SendingPausedException", "x"), "later"),
        (said("400 Bad Request", "AccountSuspendedException", "x"), "later"),
        (said("404 Not Found", "NotFoundException", "no such configuration set"), "later"),
        (said("403 Forbidden", "AccessDeniedException", "x"), "later"),
        // It never will be.
        (
            said("400 Bad Request", "MessageRejected", "Email address is not verified: ada@example.org"),
            "refused not_verified",
        ),
        (said("400 Bad Request", "MailFromDomainNotVerifiedException", "x"), "refused sender_not_verified"),
        (said("400 Bad Request", "BadRequestException", "x"), "refused bad_request"),
        (said("422 Unprocessable", "SomethingNew", "x"), "refused refused"),
    ];
    for (act, expected) in table {
        let server = Server::start([act.clone(), answer("200 OK", id)]);
        let answer = mailer(&server.url()).await.send(&mail()).await;
        assert_eq!(word(&answer), expected, "{act:?}");
        assert!(server.requests().len() <= 1, "a second request for one attempt: {act:?}");
    }
}

/// S7: where nobody listens not a byte can have gone out, so the attempt is given back.
#[tokio::test]
async fn a_service_that_cannot_be_reached_did_not_accept_the_mail() {
    assert_eq!(word(&mailer("http://127.0.0.1:1").await.send(&mail()).await), "soon");
}

#[tokio::test]
async fn a_request_carries_one_recipient_opaque_tags_and_the_way_to_unsubscribe() {
    let server = Server::start([answer("200 OK", r#"{"MessageId":"m-1"}"#)]);
    let mailer = mailer(&server.url()).await;
    mailer.send(&mail()).await;
    let requests = server.requests();
    let (head, body) = requests[0].split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /v2/email/outbound-emails "), "{head}");
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["Destination"], json!({ "ToAddresses": ["ada@example.org"] }));
    assert_eq!(body["FromEmailAddress"], "Clinic <clinic@example.org>");
    assert_eq!(body["ConfigurationSetName"], "carepath-marketing");
    let tag = |name: &str, value: &str| json!({ "Name": name, "Value": value });
    let run = "run_aaaaaaaaaaaaaaaaaaaa_bbbbbbbbbbbbbbbbbbbb";
    assert_eq!(body["EmailTags"], json!([tag("run", run), tag("step", "2"), tag("attempt", "3")]));
    let simple = &body["Content"]["Simple"];
    assert_eq!(simple["Subject"], json!({ "Data": "Grüße", "Charset": "UTF-8" }));
    assert_eq!(simple["Body"]["Text"]["Data"], "Hello");
    assert_eq!(
        simple["Headers"],
        json!([
            { "Name": "List-Unsubscribe", "Value": "<https://care.example.org/u/t>" },
            { "Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click" },
        ])
    );
}

/// All processes together keep under the account's rate: each takes from one count, and a crowd gets exactly what it has.
#[tokio::test]
async fn mails_of_one_second_are_counted_over_all_who_send() {
    let store = store(Arc::default()).await;
    let takers = (0..40).map(|_| store.take_mails(100, 3, 30, 40));
    let taken = futures_util::future::join_all(takers).await;
    assert_eq!(taken.into_iter().filter(|taken| *taken.as_ref().unwrap()).count(), 10);
    assert!(!store.take_mails(100, 1, 30, 40).await.unwrap(), "the second is used up");
    assert!(store.take_mails(100, 1, 31, 40).await.unwrap(), "but not where more may go out");
    assert!(store.take_mails(101, 30, 30, 40).await.unwrap(), "the next one is new");
    assert!(!store.take_mails(100, 1, 30, 40).await.unwrap(), "a clock that is behind finds no room");
    let pace = store.pace().await.unwrap().unwrap();
    assert_eq!(
        (pace.second.as_second(), pace.taken, pace.limit),
        (101, 30, 40),
        "and whoever looks sees the last of them"
    );
    assert!(!store.take_mails(102, 31, 30, 40).await.unwrap(), "nobody takes more than there is at all");
}

/// Marketing gives way: what the account may still send in a second is there for care.
#[tokio::test]
async fn care_finds_room_when_marketing_has_none_left() {
    let account = json!({ "SendQuota": { "MaxSendRate": 10.0, "Max24HourSend": 1e6, "SentLast24Hours": 0.0 } });
    let server = Server::start([answer("200 OK", &account.to_string())]);
    let mailer = mailer(&server.url()).await;
    let mut let_through = BTreeMap::new();
    // Two seconds at most pass here: of 9 a second marketing has 7.
    for class in [Class::Marketing, Class::Care] {
        for _ in 0..30 {
            let permit = mailer.permit(class).await;
            *let_through.entry((class, permit.is_ok())).or_insert(0) += 1;
            if let Err(until) = permit {
                assert!(until > Timestamp::now() - SignedDuration::from_secs(1));
            }
        }
    }
    let of = |class, ok| let_through.get(&(class, ok)).copied().unwrap_or_default();
    assert!((7..=14).contains(&of(Class::Marketing, true)), "{let_through:?}");
    assert!(of(Class::Marketing, false) > 0 && of(Class::Care, true) >= 2, "{let_through:?}");
    assert_eq!(server.requests().len(), 1, "the account is asked once in a while");
}
