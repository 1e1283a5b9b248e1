//! Links for unsubscribing.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use carepath_engine::ids::Secret;
use carepath_engine::unsubscribe::UnsubscribeToken;
use proptest::prelude::*;

const SECRET: Secret = Secret::new([7; 32]);

fn tokens() -> impl Strategy<Value = UnsubscribeToken> {
    let topic = proptest::option::of("[a-z0-9][a-z0-9-]{0,62}");
    ("[a-z2-7]{20}", "[a-z2-7]{20}", any::<u16>(), topic).prop_map(|(contact, run, step, topic)| UnsubscribeToken {
        run: format!("run_{contact}_{run}").parse().unwrap(),
        step,
        topic: topic.map(|topic| topic.parse().unwrap()),
    })
}

fn open(text: &str) -> Option<UnsubscribeToken> {
    UnsubscribeToken::open(text, &SECRET)
}

proptest! {
    #[test]
    fn a_token_is_read_as_it_was_made(token in tokens()) {
        let text = token.seal(&SECRET);
        prop_assert!(text.len() <= 200 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
        prop_assert_eq!(text.clone(), token.seal(&SECRET));
        prop_assert_eq!(token.contact(), token.run.contact());
        prop_assert_eq!(open(&text), Some(token));
    }

    #[test]
    fn a_token_with_any_character_changed_added_or_left_out_is_none(token in tokens(), with in "[A-Za-z0-9_-]") {
        let text = token.seal(&SECRET);
        for at in 0..text.len() {
            let (before, after) = (&text[..at], &text[at + 1..]);
            prop_assert_eq!(open(&format!("{before}{after}")), None);
            prop_assert_eq!(open(&format!("{}{}", &text[..at], with.clone() + &text[at..])), None);
            if text[at..=at] != with {
                prop_assert_eq!(open(&format!("{before}{with}{after}")), None);
            }
        }
        prop_assert_eq!(open(&format!("{text}{with}")), None);
    }

    #[test]
    fn another_account_neither_reads_nor_makes_it(token in tokens(), other in any::<[u8; 32]>()) {
        prop_assume!(other != [7; 32]);
        prop_assert_eq!(UnsubscribeToken::open(&token.seal(&SECRET), &Secret::new(other)), None);
        prop_assert_eq!(open(&token.seal(&Secret::new(other))), None);
    }

    #[test]
    fn any_text_is_read_without_a_fault(text in ".{0,300}") {
        prop_assert_eq!(open(&text), None);
    }

    /// S24: the link itself says neither whose it is nor what it is about.
    #[test]
    fn s24_nothing_that_a_token_carries_is_to_be_read_in_it(token in tokens()) {
        let text = token.seal(&SECRET);
        let bytes = URL_SAFE_NO_PAD.decode(&text).unwrap();
        let run = token.run.as_str();
        let topic = token.topic.as_ref().map_or("", |topic| topic.as_str());
        for part in [&run[4..24], &run[25..], topic].into_iter().filter(|part| part.len() >= 8) {
            prop_assert!(!text.contains(part) && !bytes.windows(part.len()).any(|seen| seen == part.as_bytes()));
        }
    }
}

#[test]
fn what_is_no_token_is_refused() {
    for text in ["", "x", "preview", "..", "%00", "AAAA", &"A".repeat(99), &"A".repeat(100_000)] {
        assert_eq!(open(text), None);
    }
}
