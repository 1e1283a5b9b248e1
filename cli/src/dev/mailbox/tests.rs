use std::collections::BTreeMap;

use carepath_app::ports::{Attempt, Evidence, Outgoing};
use carepath_engine::version::Class;
use jiff::Timestamp;
use rusqlite::Connection;

use super::{Happening, Letter, Mailbox, Post, Put, Search, id_of};

fn mailbox() -> Mailbox {
    Mailbox::over(Connection::open_in_memory().unwrap()).unwrap()
}

fn mail(to: &str, attempt: u32) -> Outgoing {
    Outgoing {
        to: to.into(),
        from: "Clinic <care@clinic.example>".into(),
        subject: "Grüße, 日本 🌿".into(),
        html: "<p>Guten Tag</p>".into(),
        text: "Guten Tag".into(),
        headers: BTreeMap::from([("List-Unsubscribe".into(), "<https://clinic.example/u/1>".into())]),
        links: Vec::new(),
        class: Class::Care,
        attempt: Attempt { run: "run_aaaaaaaaaaaaaaaaaaaa_bbbbbbbbbbbbbbbbbbbb".parse().unwrap(), step: 2, attempt },
    }
}

fn put(mailbox: &Mailbox, mail: &Outgoing) -> Put {
    mailbox.put_all(&[Letter::of(mail, Timestamp::UNIX_EPOCH).unwrap()]).unwrap().remove(0)
}

fn to(address: &str) -> Search {
    Search { to: Some(address.into()), limit: 10, ..Search::default() }
}

/// S7: an attempt that is sent again is in the mailbox once.
#[test]
fn a_mail_is_in_the_mailbox_once_whatever_is_sent_twice() {
    let mailbox = mailbox();
    let first = put(&mailbox, &mail("ada@example.org", 1));
    let again = put(&mailbox, &mail("ada@example.org", 1));
    assert_eq!(first, again);
    assert_eq!(mailbox.mails(&to("ADA@example.org")).unwrap().len(), 1);
}

/// S8: what the mailbox has not got by the time it is asked, it never gets.
#[test]
fn an_attempt_that_was_declared_over_is_turned_away() {
    let mailbox = mailbox();
    let late = mail("ada@example.org", 1);
    assert_eq!(mailbox.evidence(&late.attempt).unwrap(), Evidence::NotAccepted);
    assert_eq!(put(&mailbox, &late), Put::Closed);
    let next = mail("ada@example.org", 2);
    assert_eq!(put(&mailbox, &next), Put::In(id_of(&next.attempt)));
    assert_eq!(
        mailbox.evidence(&next.attempt).unwrap(),
        Evidence::Accepted { id: id_of(&next.attempt), delivered: true }
    );
    assert_eq!(mailbox.mails(&to("ada@example.org")).unwrap().len(), 1);
}

#[test]
fn mails_are_read_page_by_page_newest_first_and_as_they_were_written() {
    let mailbox = mailbox();
    for attempt in 1..=5 {
        put(&mailbox, &mail("zoë@example.org", attempt));
    }
    put(&mailbox, &mail("bob@example.org", 6));
    let mut search = Search { like: Some("zoë@".into()), limit: 2, ..Search::default() };
    let mut seen = Vec::new();
    loop {
        let page = mailbox.mails(&search).unwrap();
        let Some(last) = page.last() else { break };
        search.before = Some(last.id.clone());
        seen.extend(page.iter().map(|mail| mail.tags["attempt"].clone()));
    }
    assert_eq!(seen, ["5", "4", "3", "2", "1"]);
    let found = mailbox.mail(&id_of(&mail("", 3).attempt)).unwrap().unwrap();
    assert_eq!((found.subject.as_str(), found.to.as_str()), ("Grüße, 日本 🌿", "zoë@example.org"));
}

#[test]
fn what_was_done_with_a_mail_is_shown_with_it() {
    let mailbox = mailbox();
    let Put::In(id) = put(&mailbox, &mail("ada@example.org", 1)) else { panic!() };
    let click =
        Happening { kind: "click".into(), link: Some("book".into()), machine: false, at: Timestamp::UNIX_EPOCH };
    mailbox.keep(&id, &click).unwrap();
    assert_eq!(mailbox.mail(&id).unwrap().unwrap().happenings, [click]);
}

/// S7: mails that share a commit have each their own answer.
#[tokio::test]
async fn mails_that_come_at_once_are_each_in_once_but_for_those_whose_attempt_is_over() {
    let mailbox = mailbox();
    let post = Post::of(mailbox.clone()).unwrap();
    assert_eq!(mailbox.evidence(&mail("", 7).attempt).unwrap(), Evidence::NotAccepted);
    // Each attempt twice, all at the same time: more than one commit takes.
    let attempts: Vec<u32> = (0..200).map(|nth| nth / 2).collect();
    let put = attempts.iter().map(|attempt| {
        let (post, mail) = (post.clone(), mail("ada@example.org", *attempt));
        tokio::spawn(async move { post.put(&mail, Timestamp::UNIX_EPOCH).await.unwrap() })
    });
    for (one, attempt) in put.collect::<Vec<_>>().into_iter().zip(&attempts) {
        let expected = if *attempt == 7 { Put::Closed } else { Put::In(id_of(&mail("", *attempt).attempt)) };
        assert_eq!(one.await.unwrap(), expected);
    }
    let found = mailbox.mails(&Search { limit: 1_000, ..to("ada@example.org") }).unwrap();
    assert_eq!(found.len(), 99);
}
