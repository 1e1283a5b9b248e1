//! What a Lambda logs: lines of JSON, without anything of a contact.

use tracing::{Level, Metadata};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

/// Whether a line may be written: this project's own at any level up to `own`, others' only where something is wrong.
/// The SDK and the runtime write whole requests and answers at their lower levels, with everything that is in them (S24), so
/// no setting opens those.
pub fn is_logged(line: &Metadata<'_>, own: Level) -> bool {
    let target = line.target();
    let ours = target.starts_with("carepath") || target == "access" || target == "audit";
    *line.level() <= if ours { own } else { Level::WARN }
}

/// Begins to log: lines of JSON on the standard error. Of a panic it is said where it was, never what it was about, which
/// may be anything.
///
/// # Errors
/// Where somebody else has begun before.
pub fn log() -> Result<(), TryInitError> {
    std::panic::set_hook(Box::new(|panic| {
        let at = panic.location().map(ToString::to_string);
        tracing::error!(target: "access", at, "panicked");
    }));
    let lines = tracing_subscriber::fmt::layer().json().with_writer(std::io::stderr);
    tracing_subscriber::registry().with(lines).with(filter_fn(|line| is_logged(line, Level::INFO))).try_init()
}
