//! The client against a server of the tests' own, on the loopback.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;

use carepath_app::ports::{Attempt, Outgoing};
use carepath_engine::advance::Answer;
use carepath_engine::version::Class;
use jiff::Timestamp;

use super::Smtp;

/// What the server does with the one mail that it gets.
#[derive(Clone, Copy, PartialEq)]
enum Does {
    Takes,
    SaysToRecipient(&'static str),
    SaysToMail(&'static str),
    HangsUpAtRecipient,
    HangsUpAfterMail,
}

fn server(does: Does) -> (Smtp, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let smtp = Smtp::at(&format!("smtp://{}", listener.local_addr().unwrap())).unwrap();
    (smtp, std::thread::spawn(move || serve(&listener, does)))
}

fn serve(listener: &TcpListener, does: Does) -> String {
    let (mut stream, _) = listener.accept().unwrap();
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let mut say = |text: &str| stream.write_all(format!("{text}\r\n").as_bytes());
    let mut heard = String::new();
    say("220 sink").unwrap();
    while let Some(Ok(line)) = lines.next() {
        let answer = match line.split([' ', ':']).next().unwrap_or_default() {
            "EHLO" => "250-sink\r\n250 8BITMIME",
            "RCPT" => match does {
                Does::HangsUpAtRecipient => break,
                Does::SaysToRecipient(no) => no,
                Does::Takes | Does::SaysToMail(_) | Does::HangsUpAfterMail => "250 fine",
            },
            "DATA" => {
                say("354 go on").unwrap();
                for line in lines.by_ref().map_while(Result::ok).take_while(|line| line != ".") {
                    heard.push_str(&line);
                    heard.push('\n');
                }
                match does {
                    Does::HangsUpAfterMail => break,
                    Does::SaysToMail(no) => no,
                    Does::Takes | Does::SaysToRecipient(_) | Does::HangsUpAtRecipient => "250 taken",
                }
            }
            _ => "250 fine",
        };
        if say(answer).is_err() || does == Does::Takes && !heard.is_empty() {
            break;
        }
    }
    heard
}

/// As long as a link with a token is: no line break may come into it.
fn unsubscribe() -> String {
    format!("<https://mail.clinic.example/u/{}>", "aB3_-".repeat(36))
}

fn mail() -> Outgoing {
    Outgoing {
        to: "ada@example.org".into(),
        from: "Clinic <care@clinic.example>".into(),
        subject: "Your visit".into(),
        html: "<p>Hello</p>".into(),
        text: "Hello".into(),
        headers: BTreeMap::from([("List-Unsubscribe".into(), unsubscribe())]),
        links: Vec::new(),
        class: Class::Care,
        attempt: Attempt { run: "run_aaaaaaaaaaaaaaaaaaaa_bbbbbbbbbbbbbbbbbbbb".parse().unwrap(), step: 2, attempt: 1 },
    }
}

async fn send(does: Does) -> (Answer, String) {
    let (smtp, server) = server(does);
    let answer = smtp.send(&mail(), Timestamp::UNIX_EPOCH).await;
    drop(smtp);
    (answer, server.join().unwrap())
}

#[tokio::test]
async fn a_mail_that_the_server_takes_is_accepted_and_carries_headers_and_tags() {
    let (answer, heard) = send(Does::Takes).await;
    assert!(matches!(answer, Answer::Accepted { delivered: false, .. }), "{answer:?}");
    assert!(heard.contains(&unsubscribe()), "{heard}");
    assert!(heard.contains("step=2, attempt=1"), "{heard}");
}

/// S10: a definite no is never an unknown, whether it comes before the mail or after.
#[tokio::test]
async fn a_server_that_says_no_has_refused() {
    for does in [Does::SaysToRecipient("550 nobody"), Does::SaysToMail("550 no such thing")] {
        assert_eq!(send(does).await.0, Answer::Refused("smtp_550".into()));
    }
    for does in [Does::SaysToRecipient("451 later"), Does::SaysToMail("451 later")] {
        assert!(matches!(send(does).await.0, Answer::Throttled { .. }));
    }
}

/// S10: what broke before the mail was handed over may be tried again.
#[tokio::test]
async fn a_server_that_hangs_up_before_the_mail_has_not_taken_it() {
    assert!(matches!(send(Does::HangsUpAtRecipient).await.0, Answer::Throttled { .. }));
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let smtp = Smtp::at(&format!("smtp://{nobody}")).unwrap();
    assert!(matches!(smtp.send(&mail(), Timestamp::UNIX_EPOCH).await, Answer::Throttled { .. }));
}

/// S7: a mail that was handed over and never answered may have been taken.
#[tokio::test]
async fn a_server_that_hangs_up_after_the_mail_leaves_it_unknown() {
    assert_eq!(send(Does::HangsUpAfterMail).await.0, Answer::Unknown);
}

#[test]
fn an_address_of_a_server_is_refused_where_it_asks_for_what_is_not_there() {
    for bad in ["localhost:25", "smtps://host:465", "smtp://me:secret@host:25", "smtp://host:port"] {
        assert!(Smtp::at(bad).is_err());
    }
    assert!(Smtp::at("smtp://[::1]:1025").is_ok());
}
