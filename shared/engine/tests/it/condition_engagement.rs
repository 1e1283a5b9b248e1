//! What became of mails, as conditions ask for it.

use carepath_engine::condition::{Condition, EngagedKind, TestKind};
use carepath_engine::run::FirstSeen;
use jiff::Span;
use serde_json::{Value, json};

use super::condition_rules::{ago, by_person, contact, evaluate, mail, run, test};

fn engaged(kind: EngagedKind, step: Option<u16>) -> TestKind {
    TestKind::Engaged { kind, step, link: None, within: None, machines: false }
}

fn opened(step: u16) -> Condition {
    test(engaged(EngagedKind::Opened, Some(step)))
}

#[test]
fn engagement_is_told_by_step_kind_link_and_time() {
    let mut first = mail();
    (first.opened, first.delivered) = (by_person(ago(300)), Some(ago(350)));
    first.clicked = [("confirm".to_owned(), by_person(ago(290))), (String::new(), by_person(ago(295)))].into();
    let mut second = mail();
    (second.bounced, second.complained) = (Some(ago(100)), Some(ago(90)));
    let run = run([(1, first), (2, second)]);
    let clicked = |link: Option<&str>| TestKind::Engaged {
        kind: EngagedKind::Clicked,
        step: Some(1),
        link: link.map(str::to_owned),
        within: None,
        machines: false,
    };
    let within = |minutes| TestKind::Engaged {
        kind: EngagedKind::Opened,
        step: None,
        link: None,
        within: Some(Span::new().minutes(minutes)),
        machines: false,
    };
    let cases = [
        (engaged(EngagedKind::Opened, Some(1)), Some(300)),
        (engaged(EngagedKind::Opened, None), Some(300)),
        (engaged(EngagedKind::Opened, Some(2)), None),
        (engaged(EngagedKind::Opened, Some(9)), None),
        (engaged(EngagedKind::Delivered, Some(1)), Some(350)),
        (engaged(EngagedKind::Bounced, Some(2)), Some(100)),
        (engaged(EngagedKind::Complained, None), Some(90)),
        (clicked(None), Some(295)),
        (clicked(Some("confirm")), Some(290)),
        (clicked(Some("other")), None),
        (within(300), Some(300)),
        (within(299), None),
    ];
    for (kind, minutes) in cases {
        let (result, why, at) = evaluate(&test(kind.clone()), &contact(&json!({})), |scope| scope.run = Some(&run));
        assert_eq!((result, at), (minutes.is_some(), minutes.map(ago)), "{kind:?}");
        let observed = minutes.map_or(Value::Null, |minutes| json!(ago(minutes).to_string()));
        assert_eq!((why[0].observed.expose(), why[0].source.as_ref()), (&observed, "engagement"));
    }
    assert!(!evaluate(&opened(1), &contact(&json!({})), |_| ()).0);
}

/// S16
#[test]
fn s16_engagement_after_the_deadline_does_not_count_and_one_at_it_does() {
    let mut message = mail();
    message.opened = by_person(ago(10));
    let run = run([(1, message)]);
    let result = |cutoff, since| {
        evaluate(&opened(1), &contact(&json!({})), |scope| {
            (scope.run, scope.cutoff, scope.since) = (Some(&run), cutoff, since);
        })
        .0
    };
    assert!(result(Some(ago(10)), None));
    assert!(!result(Some(ago(11)), None));
    assert!(result(None, Some(ago(10))));
    assert!(!result(None, Some(ago(9))));
}

/// S20
#[test]
fn s20_machines_count_only_where_they_are_asked_for() {
    let mut message = mail();
    message.opened = FirstSeen { machine: Some(ago(50)), ..FirstSeen::by_person(ago(5)) };
    let run = run([(1, message)]);
    let by_anybody =
        test(TestKind::Engaged { kind: EngagedKind::Opened, step: Some(1), link: None, within: None, machines: true });
    let nobody = contact(&json!({}));
    let at = |condition: &Condition, since| {
        evaluate(condition, &nobody, |scope| (scope.run, scope.since) = (Some(&run), since)).2
    };
    assert_eq!(at(&opened(1), None), Some(ago(5)));
    assert_eq!(at(&by_anybody, None), Some(ago(50)));
    // The machine came before the wait, the person after it.
    assert_eq!(at(&by_anybody, Some(ago(20))), Some(ago(5)));
}

#[test]
fn a_condition_came_true_with_the_last_that_it_needs_and_the_first_that_is_enough() {
    let mut messages = [mail(), mail()];
    messages[0].opened = by_person(ago(30));
    messages[1].opened = by_person(ago(20));
    let run = run((1..).zip(messages));
    let nobody = contact(&json!({}));
    let at = |condition: &Condition| evaluate(condition, &nobody, |scope| scope.run = Some(&run)).2;
    assert_eq!(at(&Condition::All(vec![opened(1), opened(2)])), Some(ago(20)));
    assert_eq!(at(&Condition::Any(vec![opened(1), opened(2)])), Some(ago(30)));
    assert_eq!(at(&Condition::Any(vec![opened(9), opened(2)])), Some(ago(20)));
    assert_eq!(at(&Condition::Not(Box::new(opened(9)))), None);
    assert_eq!(at(&test(TestKind::Visited(3))), None);
}
