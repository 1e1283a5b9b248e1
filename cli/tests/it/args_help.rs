//! The command line itself.

use crate::program::carepath;

#[test]
fn the_help_of_each_command_shows_an_example() {
    for command in ["check", "publish", "run"] {
        let said = carepath(&[command, "--help"]);
        assert_eq!(said.code, Some(0));
        assert!(said.stdout.contains(&format!("Example:\n  carepath {command} ")), "{}", said.stdout);
    }
}

#[test]
fn a_wrong_option_is_a_matter_of_usage() {
    assert_eq!(carepath(&["check", "--no-such-option"]).code, Some(2));
    assert_eq!(carepath(&["check"]).code, Some(2));
}

#[test]
fn publishing_without_a_server_or_a_key_says_what_is_missing() {
    let example = "examples/new-member-onboarding";
    let said = carepath(&["publish", example, "--to", "http://127.0.0.1:9"]);
    assert_eq!(said.code, Some(2));
    assert!(said.stderr.contains("an API key is needed"), "{}", said.stderr);
}

#[test]
fn a_server_that_nobody_answers_at_is_something_that_could_not_be_done() {
    let said = carepath(&["run", "run_x", "--to", "http://127.0.0.1:9", "--key", "cp_test"]);
    assert_eq!(said.code, Some(3));
    assert!(said.stderr.contains("could not be reached"), "{}", said.stderr);
    assert!(!said.stderr.contains("cp_test"), "a key is never shown");
}

#[test]
fn the_version_is_told() {
    let said = carepath(&["--version"]);
    assert_eq!(said.code, Some(0));
    assert_eq!(said.stdout.trim(), concat!("carepath ", env!("CARGO_PKG_VERSION")));
}
