//! Who clicked, by all that is known of a mail (S20): time since its delivery, links that follow one another, the link that people
//! do not see, and what the mail service says later.

use carepath_engine::Run;
use carepath_engine::advance::{Engagement, EngagementKind, HIDDEN_LINK, Input, Reader, Stale};
use carepath_engine::report::Seen;
use carepath_engine::report::{Counter, What, facts};
use carepath_engine::run::FirstSeen;
use carepath_engine::version::StepIndex;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::play::{Play, accepted, after, answered, start, version};

/// The first mail is sent and accepted a second after the start; a click on it is waited for.
fn sent() -> Play {
    let mut play = Play::new(version(&json!({
        "id": "onboarding", "class": "care", "entry": { "event": "joined" },
        "steps": {
            "welcome": { "send": { "template": "welcome" }, "next": "read" },
            "read": { "wait_for": { "paths": [{ "when": { "clicked": "welcome" }, "next": "more" }], "timeout": "1h", "next": "end" } },
            "more": { "send": { "template": "more" }, "next": "end" }
        }
    })));
    assert_eq!(play.take(&Input::Claim, start()), None);
    assert_eq!(play.take(&answered(0, 1, accepted("m1")), after(1)), None);
    play
}

fn told(kind: EngagementKind, at: Timestamp, by: Reader) -> Input {
    Input::Engaged(Engagement { step: 0, attempt: 1, message: "m1".to_owned(), kind, at, by })
}

fn click(link: &str, at: Timestamp, by: Reader) -> Input {
    told(EngagementKind::Clicked { link: link.to_owned() }, at, by)
}

fn delivered(at: Timestamp) -> Input {
    told(EngagementKind::Delivered, at, Reader::Unsaid)
}

fn millis(of: i64) -> Timestamp {
    after(10) + SignedDuration::from_millis(of)
}

fn seen(play: &Play, link: &str) -> FirstSeen {
    play.run.messages[&0].clicked.get(link).copied().unwrap_or_default()
}

fn is_machines(play: &Play, link: &str) -> bool {
    let seen = seen(play, link);
    seen.human.is_none() && seen.machine.is_some()
}

/// How often a click is counted, of people and of machines.
fn counted(run: &Run, by: Seen) -> usize {
    let step: StepIndex = 0;
    let wanted = Counter { place: carepath_engine::run::Place::Step(step), what: What::Clicked(by) };
    facts(run).into_iter().filter(|fact| fact.counter == wanted).count()
}

#[test]
fn s20_nobody_clicks_within_two_seconds_of_the_delivery() {
    for (ms, machine) in [(-1, true), (0, true), (1_999, true), (2_000, false)] {
        let mut play = sent();
        assert_eq!(play.take(&delivered(after(10)), after(10)), None);
        play.take(&click("book", millis(ms), Reader::Unsaid), millis(3_000));
        assert_eq!(is_machines(&play, "book"), machine, "{ms} ms");
        assert_eq!(play.at(), Some(if machine { "read" } else { "more" }), "{ms} ms");
    }
}

#[test]
fn s20_whom_the_mail_service_calls_a_person_is_one_however_fast() {
    let mut play = sent();
    play.take(&delivered(after(10)), after(10));
    play.take(&click("book", after(10), Reader::Person), after(10));
    assert_eq!((is_machines(&play, "book"), play.at()), (false, Some("more")));
}

#[test]
fn s20_a_mailer_that_delivers_by_itself_tells_nothing_of_when_a_mail_can_be_read() {
    let mut play = Play::new(sent().version);
    play.take(&Input::Claim, start());
    let accepted = carepath_engine::advance::Answer::Accepted { id: "m1".to_owned(), delivered: true };
    play.take(&answered(0, 1, accepted), after(1));
    play.take(&click("book", after(1), Reader::Unsaid), after(1));
    assert!(!is_machines(&play, "book"));
}

#[test]
fn s20_word_of_the_delivery_that_comes_late_corrects_a_click() {
    let mut play = sent();
    play.take(&click("book", millis(500), Reader::Unsaid), millis(500));
    assert_eq!(play.at(), Some("more"), "nothing spoke for a machine");
    let visits = play.run.visits.clone();
    assert_eq!(counted(&play.run, Seen::Human), 1);
    assert_eq!(play.take(&delivered(after(10)), after(20)), None);
    assert_eq!(
        seen(&play, "book"),
        FirstSeen { machine: Some(millis(500)), corrected: Some(millis(500)), ..FirstSeen::default() }
    );
    assert_eq!((counted(&play.run, Seen::Human), counted(&play.run, Seen::Machine)), (0, 1));
    assert_eq!(play.run.visits, visits, "what the run did stays done");
    // A person who comes later is the first.
    assert_eq!(play.take(&click("book", after(500), Reader::Unsaid), after(500)), None);
    assert_eq!(seen(&play, "book").human, Some(after(500)));
    assert_eq!(counted(&play.run, Seen::Human), 1);
}

#[test]
fn s20_three_links_in_two_seconds_are_a_machines_and_so_is_the_first_of_them() {
    let mut play = sent();
    for (link, ms) in [("a", 0), ("b", 1_000), ("c", 2_000)] {
        play.take(&click(link, millis(ms), Reader::Unsaid), millis(ms));
    }
    assert!(["a", "b", "c"].iter().all(|link| is_machines(&play, link)));
    play.take(&click("d", millis(2_500), Reader::Unsaid), millis(2_500));
    assert!(is_machines(&play, "d"), "it belongs to the same burst");
    play.take(&click("e", millis(9_000), Reader::Unsaid), millis(9_000));
    assert!(!is_machines(&play, "e"));
}

#[test]
fn s20_slower_clicks_and_two_links_are_a_persons() {
    let mut play = sent();
    for (link, ms) in [("a", 0), ("b", 1_000), ("c", 2_001)] {
        play.take(&click(link, millis(ms), Reader::Unsaid), millis(ms));
    }
    assert!(["a", "b", "c"].iter().all(|link| !is_machines(&play, link)));
}

#[test]
fn s20_who_follows_the_hidden_link_is_a_machine_and_so_are_clicks_around_it() {
    let mut play = sent();
    for (link, seconds) in [("early", 39), ("before", 40)] {
        play.take(&click(link, after(seconds), Reader::Unsaid), after(seconds));
    }
    play.take(&click(HIDDEN_LINK, after(50), Reader::Person), after(50));
    for (link, seconds) in [("after", 110), ("late", 111)] {
        play.take(&click(link, after(seconds), Reader::Unsaid), after(seconds));
    }
    let machines = ["early", "before", HIDDEN_LINK, "after", "late"].map(|link| is_machines(&play, link));
    assert_eq!(machines, [false, true, true, true, false]);
}

#[test]
fn s20_the_hidden_link_moves_no_run() {
    let mut play = sent();
    play.take(&click(HIDDEN_LINK, after(50), Reader::Unsaid), after(50));
    assert_eq!(play.at(), Some("read"));
}

#[test]
fn s20_the_same_word_again_says_who_it_was() {
    let open = |by| told(EngagementKind::Opened, after(60), by);
    let mut play = sent();
    play.take(&open(Reader::Unsaid), after(60));
    assert_eq!(play.take(&open(Reader::Unsaid), after(61)), Some(Stale::Known));
    assert_eq!(play.take(&open(Reader::Machine), after(62)), None);
    // What was told first comes once more.
    assert_eq!(play.take(&open(Reader::Unsaid), after(63)), Some(Stale::Known));
    let opened = play.run.messages[&0].opened;
    assert_eq!(opened, FirstSeen { machine: Some(after(60)), corrected: Some(after(60)), ..FirstSeen::default() });
    let mut play = sent();
    play.take(&delivered(after(59)), after(59));
    play.take(&click("book", after(62), Reader::Unsaid), after(62));
    play.take(&click("book", after(62), Reader::Person), after(63));
    play.take(&click(HIDDEN_LINK, after(64), Reader::Machine), after(64));
    assert!(!is_machines(&play, "book"), "somebody vouches for it");
}

#[test]
fn s20_a_person_who_came_between_a_machine_and_its_correction_is_the_first() {
    for (by, at, first) in [
        (Reader::Person, 12, Some(after(12))),
        (Reader::Unsaid, 300, Some(after(300))),
        // As far as anybody can tell this is the same scan.
        (Reader::Unsaid, 12, None),
    ] {
        let mut play = sent();
        play.take(&click("book", millis(500), Reader::Unsaid), millis(500));
        play.take(&click("book", after(at), by), after(at));
        play.take(&delivered(after(10)), after(400));
        assert_eq!(seen(&play, "book").human, first, "{by:?} {at}");
    }
}

#[test]
fn s20_a_click_that_is_told_again_changes_nothing() {
    let mut play = sent();
    let (hasty, hidden) = (click("book", after(11), Reader::Unsaid), click(HIDDEN_LINK, after(30), Reader::Machine));
    for input in [&delivered(after(10)), &click("book", after(9), Reader::Machine), &hasty, &hidden] {
        assert_eq!(play.take(input, after(40)), None);
    }
    let before = play.run.clone();
    assert_eq!(play.take(&hasty, after(50)), Some(Stale::Known));
    assert_eq!(play.take(&hidden, after(50)), Some(Stale::Known));
    assert_eq!(play.run, before);
}

#[test]
fn s20_the_person_is_the_same_in_whatever_order_and_however_often_it_is_told() {
    let told = [
        delivered(after(10)),
        click("book", millis(500), Reader::Unsaid),
        click("book", after(300), Reader::Unsaid),
        click(HIDDEN_LINK, after(11), Reader::Machine),
    ];
    for order in 0..256_usize {
        let mut play = sent();
        let places = [order % 4, order / 4 % 4, order / 16 % 4, order / 64 % 4];
        for place in places.into_iter().chain([0, 1, 2, 3]) {
            play.take(&told[place], after(400));
        }
        assert_eq!(seen(&play, "book").human, Some(after(300)), "{places:?}");
    }
}
