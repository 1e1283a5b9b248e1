//! What documents point at is there.

use std::collections::BTreeSet;
use std::path::Path;

use carepath_tests::{files, root};

/// The targets of all Markdown links outside of code blocks.
fn links(text: &str) -> Vec<String> {
    let mut in_code = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        for (start, _) in line.match_indices("](") {
            let rest = &line[start + 2..];
            if let Some(end) = rest.find(')') {
                found.push(rest[..end].to_owned());
            }
        }
    }
    found
}

/// The anchor that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    kept.chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

fn anchors(text: &str) -> BTreeSet<String> {
    text.lines().filter(|line| line.starts_with('#')).map(|line| anchor(line.trim_start_matches('#'))).collect()
}

fn fault(document: &Path, link: &str) -> Option<String> {
    if link.starts_with("https://") || link.starts_with("mailto:") {
        return None;
    }
    let (path, fragment) = link.split_once('#').unwrap_or((link, ""));
    let target = if path.is_empty() { document.to_path_buf() } else { document.parent()?.join(path) };
    if !target.exists() {
        return Some(format!("{}: `{link}` leads nowhere", document.display()));
    }
    let known = fragment.is_empty() || anchors(&std::fs::read_to_string(&target).ok()?).contains(fragment);
    (!known).then(|| format!("{}: `{link}` names a heading that is not there", document.display()))
}

#[test]
fn every_relative_link_of_a_document_leads_somewhere() {
    let documents = files(&["md"]).unwrap();
    assert!(documents.contains(&root().join("README.md")));
    let mut seen = 0;
    let mut faults = Vec::new();
    for document in &documents {
        for link in links(&std::fs::read_to_string(document).unwrap()) {
            seen += 1;
            faults.extend(fault(document, &link));
        }
    }
    assert!(seen > 10, "only {seen} links found: are they read at all?");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
