//! `docs/SEMANTICS.md` and the tests agree: each promise names tests that exist, and each test that holds a promise is
//! named by it.

use std::collections::{BTreeMap, BTreeSet};

use carepath_tests::{files, root};

/// A test by the file it is in, from the root, and its name.
type Test = (String, String);

/// A promise of the document: its number, and the tests that it names.
fn promises(document: &str) -> BTreeMap<u32, Vec<Test>> {
    let mut found: BTreeMap<u32, Vec<Test>> = BTreeMap::new();
    let mut current = None;
    for line in document.lines() {
        if let Some(heading) = line.strip_prefix("### S") {
            let digits: String = heading.chars().take_while(char::is_ascii_digit).collect();
            current = digits.parse().ok();
            let number = current.unwrap();
            assert!(found.insert(number, Vec::new()).is_none(), "S{number} has two headings");
        } else if line.starts_with('#') {
            current = None;
        } else if let (Some(number), Some(item)) = (current, line.strip_prefix("- `")) {
            let (test, _) = item.split_once('`').unwrap();
            let (file, name) = test.split_once(".rs::").unwrap_or_else(|| panic!("`{test}` is not `FILE.rs::TEST`"));
            found.get_mut(&number).unwrap().push((format!("{file}.rs"), name.to_owned()));
        }
    }
    found
}

/// The name of the function that a line begins.
fn function(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let rest = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ")?;
    rest.split(['(', '<']).next()
}

/// The numbers of promises in a text: `S16` or, in a name, `s16`.
fn numbers(text: &str) -> BTreeSet<u32> {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .filter_map(|word| word.strip_prefix(['S', 's']))
        .filter(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
        .filter_map(|digits| digits.parse().ok())
        .collect()
}

/// All tests of the workspace, with the promises that their names and the comments right above them give.
fn tests() -> BTreeMap<Test, BTreeSet<u32>> {
    let mut found = BTreeMap::new();
    for path in files(&["rs"]).unwrap() {
        let file = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
        let source = std::fs::read_to_string(&path).unwrap();
        let (mut held, mut is_test) = (BTreeSet::new(), false);
        for line in source.lines().map(str::trim) {
            if line.starts_with("///") {
                held.extend(numbers(line));
            } else if line.starts_with("#[") {
                is_test |= line.contains("test");
            } else {
                if let Some(name) = function(line).filter(|_| is_test) {
                    held.extend(numbers(name.split('_').next().unwrap_or_default()));
                    found.insert((file.clone(), name.to_owned()), std::mem::take(&mut held));
                }
                (held, is_test) = (BTreeSet::new(), false);
            }
        }
    }
    found
}

fn document() -> BTreeMap<u32, Vec<Test>> {
    promises(&std::fs::read_to_string(root().join("docs/SEMANTICS.md")).unwrap())
}

#[test]
fn every_promise_names_tests_that_exist() {
    let tests = tests();
    let document = document();
    assert!(!document.is_empty());
    for (number, named) in document {
        assert!(!named.is_empty(), "S{number} names no test: a promise that nothing holds is none");
        for test in named {
            assert!(tests.contains_key(&test), "S{number} names {}::{}, which is not a test", test.0, test.1);
        }
    }
}

#[test]
fn every_test_that_holds_a_promise_is_named_by_it() {
    let document = document();
    let mut missing = Vec::new();
    for (test, held) in tests() {
        for number in held {
            if !document.get(&number).is_some_and(|named| named.contains(&test)) {
                missing.push(format!("S{number}: - `{}::{}`", test.0, test.1));
            }
        }
    }
    assert!(missing.is_empty(), "docs/SEMANTICS.md does not name\n{}", missing.join("\n"));
}

#[test]
fn promises_are_read_as_the_document_writes_them() {
    let text = "### S2 — No loops\nText.\n- `a/b.rs::c_d` and why\n### S10 — Refusals\n## Other\n- `x.rs::y`\n";
    let read = promises(text);
    assert_eq!(read[&2], [("a/b.rs".to_owned(), "c_d".to_owned())]);
    assert!(read[&10].is_empty());
    assert_eq!(numbers("/// S1, S28: both; not SES, nor ss3"), BTreeSet::from([1, 28]));
}
