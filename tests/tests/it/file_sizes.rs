//! Files stay short enough to be read in one sitting.

use carepath_tests::{files, root};

const MAX_LINES: usize = 400;
/// The console's build writes this one, from the API's description.
const GENERATED: &str = "console/src/api/schema.d.ts";

/// Blank lines and comments do not count: nobody shall be tempted to save on them.
fn lines_of_code(text: &str) -> usize {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}

#[test]
fn no_source_file_has_more_than_400_lines_of_code() {
    let sources = files(&["rs", "ts", "tsx"]).unwrap();
    assert!(sources.len() > 50, "only {} sources found: is the root right?", sources.len());
    let long: Vec<String> = sources
        .iter()
        .filter(|path| !path.ends_with(GENERATED))
        .map(|path| (path, lines_of_code(&std::fs::read_to_string(path).unwrap())))
        .filter(|(_, lines)| *lines > MAX_LINES)
        .map(|(path, lines)| format!("{}: {lines}", path.strip_prefix(root()).unwrap().display()))
        .collect();
    assert!(long.is_empty(), "split these along what they are about:\n{}", long.join("\n"));
}
