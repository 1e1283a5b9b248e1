//! Webhooks over real connections, to a server on this machine that answers as it is told.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

use std::net::TcpListener;
use std::time::{Duration, Instant};

use carepath_app::ports::{HookAnswer, HookCall, Hooks};
use carepath_aws::hooks::{HttpHooks, Reach};

use crate::loopback::{Act, Server, answer};

fn url(server: &Server) -> String {
    format!("{}/hook?x=1", server.url())
}

fn call(url: &str) -> HookCall {
    HookCall {
        url: url.to_owned(),
        headers: [
            ("webhook-signature", "v1,abc v1,def".to_owned()),
            ("webhook-timestamp", "1700000000".to_owned()),
            ("webhook-id", "msg_1".to_owned()),
        ],
        body: r#"{"a":1}"#.to_owned(),
        read: 64,
    }
}

fn here() -> HttpHooks {
    HttpHooks::new(Reach::PublicAndThisMachine).unwrap()
}

async fn calls(act: Act) -> HookAnswer {
    let server = Server::start([act]);
    here().with_timeout(Duration::from_millis(500)).call(&call(&url(&server))).await
}

fn answered(answer: HookAnswer) -> (u16, Option<u64>, String, bool) {
    let HookAnswer::Answered { status, retry_after, body, cut } = answer else { panic!("no answer: {answer:?}") };
    let body = String::from_utf8(body.into_exposed()).unwrap();
    (status, retry_after.map(|after| after.as_secs()), body, cut)
}

#[tokio::test]
async fn a_call_is_a_signed_post_of_json() {
    let server = Server::start([answer("200 OK", r#"{"ok":true}"#)]);
    let said = answered(here().call(&call(&url(&server))).await);
    assert_eq!(said, (200, None, r#"{"ok":true}"#.to_owned(), false));
    let requests = server.requests();
    let [request] = &requests[..] else { panic!("one request, and not {}", requests.len()) };
    assert!(request.starts_with("POST /hook?x=1 HTTP/1.1\r\n"), "{request}");
    for header in [
        "webhook-id: msg_1",
        "webhook-timestamp: 1700000000",
        "webhook-signature: v1,abc v1,def",
        "content-type: application/json",
        "user-agent: Carepath",
    ] {
        assert!(request.contains(&format!("{header}\r\n")), "{header} in {request}");
    }
    assert!(request.ends_with("\r\n\r\n{\"a\":1}"), "{request}");
}

#[tokio::test]
async fn what_the_other_end_says_is_told_as_it_is() {
    assert_eq!(answered(calls(answer("500 Oh", "secret")).await), (500, None, String::new(), false));
    let slow = calls(answer("429 Slow\r\nretry-after: 120", "")).await;
    assert_eq!(answered(slow), (429, Some(120), String::new(), false));
    let past = calls(answer("503 Later\r\nretry-after: Wed, 21 Oct 2015 07:28:00 GMT", "")).await;
    assert_eq!(answered(past), (503, None, String::new(), false));
    let far = answered(calls(answer("503 Later\r\nretry-after: Fri, 31 Dec 2999 23:59:59 GMT", "")).await);
    assert!(far.1.is_some_and(|seconds| seconds > 1_000_000));
    let empty = calls(Act::Answer("HTTP/1.1 204 None\r\n\r\n".to_owned())).await;
    assert_eq!(answered(empty), (204, None, String::new(), false));
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let target = Server::start([answer("200 OK", "{}")]);
    let redirect = answer(&format!("307 There\r\nlocation: {}", target.url()), "");
    assert_eq!(answered(calls(redirect).await).0, 307);
    assert!(target.requests().is_empty());
}

#[tokio::test]
async fn no_more_is_read_than_is_of_use() {
    let (status, _, body, cut) = answered(calls(Act::Floods).await);
    assert_eq!((status, body.len(), cut), (200, 64, true));
    let fits = "y".repeat(64);
    assert_eq!(answered(calls(answer("200 OK", &fits)).await), (200, None, fits, false));
    let server = Server::start([Act::Floods]);
    let nothing = HookCall { read: 0, ..call(&url(&server)) };
    assert_eq!(answered(here().call(&nothing).await), (200, None, String::new(), false));
}

#[tokio::test]
async fn whoever_says_nothing_is_not_waited_for() {
    let since = Instant::now();
    let long = Duration::from_secs(5);
    assert_eq!(calls(Act::Stalls(String::new(), long)).await, HookAnswer::Silent("timeout"));
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{";
    assert_eq!(calls(Act::Stalls(half.to_owned(), long)).await, HookAnswer::Silent("timeout"));
    assert!(since.elapsed() < long, "{:?}", since.elapsed());
}

#[tokio::test]
async fn a_connection_that_ends_is_no_answer_and_is_not_tried_again() {
    let server = Server::start([Act::HangsUpAfter, answer("200 OK", "{}")]);
    let said = here().call(&call(&url(&server))).await;
    assert!(matches!(said, HookAnswer::Silent("no_answer")), "{said:?}");
    assert_eq!(server.requests().len(), 1);
    let said = calls(Act::HangsUp).await;
    assert!(matches!(said, HookAnswer::Silent(_)), "{said:?}");
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let said = here().call(&call(&format!("http://127.0.0.1:{free}/"))).await;
    assert_eq!(said, HookAnswer::Silent("no_connection"));
}

/// S24: whoever writes a document does not decide what a machine inside of somebody's network talks to.
#[tokio::test]
async fn s24_nobody_is_called_at_an_address_that_is_not_public() {
    let server = Server::start([answer("200 OK", "{}"), answer("200 OK", "{}")]);
    let hooks = HttpHooks::new(Reach::Public).unwrap();
    let port = server.port();
    for url in [
        format!("http://127.0.0.1:{port}/"),
        format!("http://localhost:{port}/"),
        format!("https://localhost:{port}/"),
        format!("https://LOCALHOST:{port}/"),
        format!("https://2130706433:{port}/"),
        format!("https://0x7f000001:{port}/"),
        format!("https://127.1:{port}/"),
        format!("https://[::1]:{port}/"),
        format!("https://[::ffff:127.0.0.1]:{port}/"),
        "https://[::ffff:10.0.0.1]/".to_owned(),
        "https://169.254.169.254/latest/meta-data/".to_owned(),
        "https://10.0.0.1/".to_owned(),
        "https://0.0.0.0/".to_owned(),
    ] {
        assert_eq!(hooks.call(&call(&url)).await, HookAnswer::Forbidden("address_not_public"), "{url}");
    }
    assert_eq!(server.requests(), Vec::<String>::new());
}

/// For development: a name is looked up, and leads to this machine.
#[tokio::test]
async fn a_name_of_this_machine_is_called_where_that_is_allowed() {
    let server = Server::start([answer("200 OK", "{}")]);
    let url = format!("http://localhost:{}/", server.port());
    assert_eq!(answered(here().call(&call(&url)).await).0, 200);
    let said = here().call(&call("https://10.0.0.1/")).await;
    assert_eq!(said, HookAnswer::Forbidden("address_not_public"));
}
