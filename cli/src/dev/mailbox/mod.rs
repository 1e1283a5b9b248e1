//! The built-in mailbox: every mail of this machine, in one `SQLite` file. A mail is in it once, by its attempt.

mod post;
mod read;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use carepath_app::ports::{Attempt, Evidence, Outgoing};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde::Serialize;

pub(crate) use post::Post;
pub(crate) use read::{Happening, Mail, Search};

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS mails (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, run TEXT NOT NULL, step INTEGER NOT NULL, attempt INTEGER NOT NULL,
  at INTEGER NOT NULL, recipient TEXT NOT NULL, mail TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS by_recipient ON mails (recipient, seq);
CREATE TABLE IF NOT EXISTS closed (id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS happenings (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL, kind TEXT NOT NULL, link TEXT, machine INTEGER NOT NULL, at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS by_mail ON happenings (id, seq);
";

/// The mailbox. Its clones are the same mailbox.
#[derive(Debug, Clone)]
pub(crate) struct Mailbox(Arc<Mutex<Connection>>);

/// What came of putting a mail in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Put {
    /// It is in, now or since before, under this id.
    In(String),
    /// Its attempt was declared over before: it is not in, and never will be.
    Closed,
}

/// What somebody does with a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Action {
    /// Opens it.
    Open,
    /// Follows a link of it.
    Click,
    /// Sends it back.
    Bounce,
    /// Calls it spam.
    Complain,
}

impl Action {
    /// Its name in the store and in answers.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Click => "click",
            Self::Bounce => "bounce",
            Self::Complain => "complain",
        }
    }
}

/// A mail that is ready to be put in. It does not print: it is all contact data (S24).
pub(crate) struct Letter {
    id: String,
    attempt: Attempt,
    at: Timestamp,
    recipient: String,
    text: String,
}

impl Letter {
    /// A mail that comes in at a time.
    ///
    /// # Errors
    /// Where it cannot be written as JSON.
    pub(crate) fn of(mail: &Outgoing, at: Timestamp) -> rusqlite::Result<Self> {
        let text =
            serde_json::to_string(mail).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        let attempt = mail.attempt.clone();
        Ok(Self { id: id_of(&attempt), attempt, at, recipient: mail.to.to_lowercase(), text })
    }
}

/// The id of the mail of an attempt.
pub(crate) fn id_of(attempt: &Attempt) -> String {
    let run = attempt.run.as_str().trim_start_matches("run_");
    format!("dev-{run}-{}-{}", attempt.step, attempt.attempt)
}

impl Mailbox {
    /// The mailbox in a file, made where it is not there.
    ///
    /// # Errors
    /// Where the file cannot be opened, or is no mailbox.
    pub(crate) fn open(file: &Path) -> rusqlite::Result<Self> {
        Self::over(Connection::open(file)?)
    }

    fn over(connection: Connection) -> rusqlite::Result<Self> {
        // What is committed survives the death of the process; the power may take the last moments.
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts mails in, each once, unless its attempt is over: all of them, or none.
    ///
    /// # Errors
    /// Where the file cannot be written: none of them is in then.
    pub(crate) fn put_all(&self, letters: &[Letter]) -> rusqlite::Result<Vec<Put>> {
        let mut connection = self.connection();
        let commit = connection.transaction()?;
        let put = letters.iter().map(|letter| put(&commit, letter)).collect::<rusqlite::Result<_>>()?;
        commit.commit()?;
        Ok(put)
    }

    /// What is known of an attempt that nobody heard of again. Where its mail is not in, the attempt is over from here
    /// on: a straggler that still tries to put it in is turned away.
    ///
    /// # Errors
    /// Where the file cannot be read or written.
    pub(crate) fn evidence(&self, attempt: &Attempt) -> rusqlite::Result<Evidence> {
        let id = id_of(attempt);
        let connection = self.connection();
        if holds(&connection, &id)? {
            return Ok(Evidence::Accepted { id, delivered: true });
        }
        connection.prepare_cached("INSERT OR IGNORE INTO closed (id) VALUES (?1)")?.execute(params![id])?;
        Ok(Evidence::NotAccepted)
    }

    /// Keeps what somebody did with a mail, to be shown beside it.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub(crate) fn keep(&self, id: &str, happening: &Happening) -> rusqlite::Result<()> {
        let connection = self.connection();
        let mut insert = connection
            .prepare_cached("INSERT INTO happenings (id, kind, link, machine, at) VALUES (?1, ?2, ?3, ?4, ?5)")?;
        let Happening { kind, link, machine, at } = happening;
        insert.execute(params![id, kind, link, machine, at.as_millisecond()]).map(|_| ())
    }
}

fn put(commit: &Transaction<'_>, letter: &Letter) -> rusqlite::Result<Put> {
    let Letter { id, attempt: Attempt { run, step, attempt }, at, recipient, text } = letter;
    // One statement, so that nobody can close the attempt between the look and the insert.
    let mut insert = commit.prepare_cached(
        "INSERT INTO mails (id, run, step, attempt, at, recipient, mail)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE NOT EXISTS (SELECT 1 FROM closed WHERE id = ?1)
         ON CONFLICT (id) DO NOTHING",
    )?;
    let written = insert.execute(params![id, run.as_str(), step, attempt, at.as_millisecond(), recipient, text])?;
    if written == 1 || holds(commit, id)? { Ok(Put::In(id.clone())) } else { Ok(Put::Closed) }
}

fn holds(connection: &Connection, id: &str) -> rusqlite::Result<bool> {
    let mut look = connection.prepare_cached("SELECT 1 FROM mails WHERE id = ?1")?;
    look.query_row(params![id], |_| Ok(())).optional().map(|found| found.is_some())
}
