//! What goes to the terminal: results to stdout, everything about the way there to stderr.

use std::borrow::Cow;
use std::io::{IsTerminal, Write};
use std::time::Duration;

use comfy_table::{ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::failure::Failure;

/// Writes a line to stdout.
pub(crate) fn say(line: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    match writeln!(stdout, "{line}") {
        // Whoever reads us (`head`) has seen enough: that is no failure.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| Failure::io("could not write to the terminal", error)),
    }
}

/// A text that comes from elsewhere, without what a terminal would act on: control characters are written out.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|char| char.is_control() && char != '\n') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    for char in text.chars() {
        if char.is_control() && char != '\n' { plain.extend(char.escape_default()) } else { plain.push(char) }
    }
    Cow::Owned(plain)
}

/// Writes a JSON value to stdout, for people and programs alike.
pub(crate) fn say_json(value: &serde_json::Value) -> Result<(), Failure> {
    say(&format!("{value:#}"))
}

/// Writes a line to stderr. A closed stderr leaves nowhere to complain to.
pub(crate) fn note(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Writes an error to stderr.
pub(crate) fn say_error(text: &str) {
    let prefix = if coloured(&std::io::stderr()) { Ink::Red.paint("error:", true) } else { "error:".to_owned() };
    note(&format!("{prefix} {}", plain(text)));
}

fn coloured(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Whether stdout takes colour.
pub(crate) fn stdout_coloured() -> bool {
    coloured(&std::io::stdout())
}

/// A colour with a meaning.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ink {
    /// An error, or something that is gone.
    Red,
    /// A warning, or something that changes.
    Yellow,
    /// Something good or new.
    Green,
    /// Something that matters less.
    Dim,
    /// A heading.
    Bold,
}

impl Ink {
    /// The text in this colour where `on` says that colour is wanted.
    pub(crate) fn paint(self, text: &str, on: bool) -> String {
        let code = match self {
            Self::Red => "31",
            Self::Yellow => "33",
            Self::Green => "32",
            Self::Dim => "2",
            Self::Bold => "1",
        };
        if on { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// A table without lines, its columns aligned.
pub(crate) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    if !header.is_empty() {
        table.set_header(header.to_vec());
    }
    table
}

/// The table as text, without the blanks at the ends of its lines.
pub(crate) fn lines(table: &Table) -> String {
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// A progress bar over `length` things, drawn on stderr if that is a terminal.
pub(crate) fn progress(length: u64, what: &'static str) -> ProgressBar {
    let target =
        if std::io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(length), target).with_message(what);
    if let Ok(style) = ProgressStyle::with_template("{msg:<28} [{bar:30}] {pos}/{len} {elapsed}") {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}

/// A counter on stderr for what has no known end; nothing where stderr is no terminal.
pub(crate) fn spinner(what: &str) -> ProgressBar {
    let bar = progress(0, "").with_message(what.to_owned());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg:<28} {pos} contacts {elapsed}") {
        bar.set_style(style);
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn what_a_terminal_would_act_on_is_written_out() {
        assert_eq!(plain("Ann\nüber"), "Ann\nüber");
        assert_eq!(plain("a\u{1b}[2Jb\u{7}\u{9b}c"), "a\\u{1b}[2Jb\\u{7}\\u{9b}c");
    }
}
