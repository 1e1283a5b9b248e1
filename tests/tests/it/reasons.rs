//! Why a mail was not sent is said as a code, and what a code means is in the documentation.

use std::collections::BTreeSet;

use carepath_tests::root;

/// Where codes come from, and what stands before each.
const SOURCES: [(&str, &[&str]); 4] = [
    ("shared/engine/src/advance/permit.rs", &["Permit::Skip(\"", "Permit::Exit(\""]),
    ("shared/engine/src/advance/mod.rs", &["pub const REJECTED: &str = \""]),
    ("shared/app/src/mail.rs", &["Err(\"", "ok_or(\"", "\n        \""]),
    ("shared/aws/src/ses/answer.rs", &["Refused(\""]),
];

fn is_code(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

fn codes() -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    for (path, before) in SOURCES {
        let text = std::fs::read_to_string(root().join(path)).unwrap();
        for before in before {
            let found = text.match_indices(before).map(|(at, _)| &text[at + before.len()..]);
            let quoted = found.filter_map(|rest| rest.split_once('"').map(|(code, _)| code));
            codes.extend(quoted.filter(|code| is_code(code)).map(str::to_owned));
        }
    }
    codes
}

#[test]
fn each_reason_why_a_mail_was_not_sent_is_in_the_documentation() {
    let codes = codes();
    for known in ["capped", "no_base_url", "template", "rejected", "not_verified"] {
        assert!(codes.contains(known), "{known} is not found any more: {codes:?}");
    }
    let text = std::fs::read_to_string(root().join("docs/OPERATIONS.md")).unwrap();
    let (_, rest) = text.split_once("## Why a mail was not sent").unwrap();
    let (section, _) = rest.split_once("\n## ").unwrap();
    let rows: BTreeSet<&str> = section.lines().filter(|line| line.starts_with("| `")).collect();
    let documented = |code: &String| rows.iter().any(|row| row.contains(&format!("`{code}`")));
    let missing: Vec<_> = codes.iter().filter(|code| !documented(code)).collect();
    assert!(missing.is_empty(), "docs/OPERATIONS.md does not say what these mean: {missing:?}");
}
