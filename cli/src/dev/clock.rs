//! The clock of one machine: it can be moved forward, and never goes back, across restarts either.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use carepath_app::ports::Clock;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::disk;

/// How time passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// By itself. Moving the clock puts it ahead of the machine's.
    Real,
    /// Only when it is moved.
    Manual,
}

/// The clock. Its clones are the same clock.
#[derive(Debug, Clone)]
pub(crate) struct DevClock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    mode: Mode,
    /// Milliseconds since 1970 in manual mode; ahead of the machine's clock in real mode.
    value: AtomicI64,
    /// The latest time that was given out, in milliseconds: the machine's clock may be set back.
    latest: AtomicI64,
    file: PathBuf,
    writing: Mutex<()>,
}

/// What the file says.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    /// The time when it was written.
    #[serde(default)]
    now: Timestamp,
    /// How far ahead of the machine's clock real time was, in milliseconds.
    #[serde(default)]
    ahead: i64,
}

impl DevClock {
    /// The clock that the data folder has, or a new one that shows the machine's time.
    ///
    /// # Errors
    /// Where its file is there and cannot be read.
    pub(crate) fn open(folder: &Path, mode: Mode) -> io::Result<Self> {
        let file = folder.join("clock.json");
        let text = disk::read(&file)?;
        let kept: Option<Kept> = text.as_deref().map(serde_json::from_str).transpose().map_err(|error| {
            let why =
                format!("{} is not what `carepath dev` writes ({error}): mend it or take it away", file.display());
            io::Error::new(io::ErrorKind::InvalidData, why)
        })?;
        let machine = Timestamp::now().as_millisecond();
        let was = kept.as_ref().map(|kept| kept.now.as_millisecond());
        let ahead = kept.map_or(0, |kept| kept.ahead);
        let value = match mode {
            // A manual clock goes on where it stood, so that a story can be told in several sittings.
            Mode::Manual => was.unwrap_or(machine),
            Mode::Real => ahead.max(was.map_or(0, |was| was - machine)),
        };
        let latest = AtomicI64::new(was.unwrap_or(i64::MIN));
        let inner = Inner { mode, value: AtomicI64::new(value), latest, file, writing: Mutex::new(()) };
        let clock = Self(Arc::new(inner));
        clock.keep()?;
        Ok(clock)
    }

    /// How time passes.
    pub(crate) fn mode(&self) -> Mode {
        self.0.mode
    }

    /// Moves the time forward to `to`; where that is past, it stays.
    ///
    /// # Errors
    /// Where it cannot be kept for the next start. The time has moved all the same.
    pub(crate) fn move_to(&self, to: Timestamp) -> io::Result<()> {
        let to = to.as_millisecond();
        match self.0.mode {
            Mode::Manual => self.0.value.fetch_max(to, Ordering::SeqCst),
            Mode::Real => self.0.value.fetch_max(to - Timestamp::now().as_millisecond(), Ordering::SeqCst),
        };
        self.keep()
    }

    fn keep(&self) -> io::Result<()> {
        let _one_at_a_time = self.0.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let ahead = match self.0.mode {
            Mode::Real => self.0.value.load(Ordering::SeqCst),
            Mode::Manual => 0,
        };
        let kept = Kept { now: self.now(), ahead };
        disk::replace(&self.0.file, &serde_json::to_string(&kept)?)
    }
}

impl Clock for DevClock {
    fn now(&self) -> Timestamp {
        let value = self.0.value.load(Ordering::SeqCst);
        let now = match self.0.mode {
            Mode::Manual => value,
            Mode::Real => Timestamp::now().as_millisecond().saturating_add(value),
        };
        let latest = self.0.latest.fetch_max(now, Ordering::SeqCst).max(now);
        // Only what was a timestamp before comes out of here, so there is nothing to fall back from.
        Timestamp::from_millisecond(latest).unwrap_or(Timestamp::MAX)
    }
}
