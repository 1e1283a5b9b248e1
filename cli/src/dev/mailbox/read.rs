//! Reading the mailbox: newest first, page by page.

use std::collections::BTreeMap;

use carepath_app::ports::{Link, Outgoing};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;

use super::Mailbox;

/// A mail as the mailbox shows it.
#[derive(Clone, Serialize)]
pub(crate) struct Mail {
    /// Its id, which the mail service would have given it.
    pub(crate) id: String,
    /// When it came in.
    pub(crate) at: Timestamp,
    pub(crate) to: String,
    pub(crate) from: String,
    pub(crate) subject: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) html: String,
    pub(crate) text: String,
    pub(crate) links: Vec<Link>,
    /// `run`, `step` and `attempt`.
    pub(crate) tags: BTreeMap<&'static str, String>,
    /// What was done with it, oldest first.
    pub(crate) happenings: Vec<Happening>,
}

/// What somebody did with a mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Happening {
    /// `open`, `click`, `bounce` or `complain`.
    pub(crate) kind: String,
    /// The name of the link that was followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) link: Option<String>,
    /// Whether it was a machine.
    pub(crate) machine: bool,
    /// When.
    pub(crate) at: Timestamp,
}

/// Which mails.
#[derive(Debug, Clone, Default)]
pub(crate) struct Search {
    /// Only those to this address; its case does not matter.
    pub(crate) to: Option<String>,
    /// Only those whose recipient has this in it.
    pub(crate) like: Option<String>,
    /// At most so many.
    pub(crate) limit: usize,
    /// Only those that came in before the mail with this id.
    pub(crate) before: Option<String>,
}

/// That a mail has come in, without what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Arrival {
    pub(crate) id: String,
    pub(crate) at: Timestamp,
    pub(crate) to: String,
    pub(crate) subject: String,
    /// `run`, `step` and `attempt`.
    pub(crate) tags: BTreeMap<&'static str, String>,
}

impl Mailbox {
    /// What has come in after the mail with an id, or at all where there is none: oldest first.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub(crate) fn arrivals(&self, after: &str, limit: usize) -> rusqlite::Result<Vec<Arrival>> {
        let connection = self.connection();
        let mut find = connection.prepare_cached(
            "SELECT id, at, recipient, json_extract(mail, '$.subject'), run, step, attempt FROM mails
             WHERE seq > coalesce((SELECT seq FROM mails WHERE id = ?1), 0) ORDER BY seq LIMIT ?2",
        )?;
        let rows = find.query_map(params![after, i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
            let number = |place: usize| row.get::<_, u32>(place).map(|number| number.to_string());
            Ok(Arrival {
                id: row.get(0)?,
                at: time(row.get(1)?),
                to: row.get(2)?,
                subject: row.get(3)?,
                tags: BTreeMap::from([("run", row.get(4)?), ("step", number(5)?), ("attempt", number(6)?)]),
            })
        })?;
        rows.collect()
    }

    /// Mails, newest first.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub(crate) fn mails(&self, search: &Search) -> rusqlite::Result<Vec<Mail>> {
        let connection = self.connection();
        let mut find = connection.prepare_cached(
            "SELECT id, at, mail FROM mails
             WHERE (?1 IS NULL OR recipient = ?1) AND (?2 IS NULL OR instr(recipient, ?2) > 0)
               AND seq < coalesce((SELECT seq FROM mails WHERE id = ?3), 9223372036854775807)
             ORDER BY seq DESC LIMIT ?4",
        )?;
        // An address alone has a plan of its own, on the index: somebody may ask for each of a hundred thousand.
        let mut of_one = connection.prepare_cached(
            "SELECT id, at, mail FROM mails
             WHERE recipient = ?1 AND seq < coalesce((SELECT seq FROM mails WHERE id = ?2), 9223372036854775807)
             ORDER BY seq DESC LIMIT ?3",
        )?;
        let limit = i64::try_from(search.limit).unwrap_or(i64::MAX);
        let to = search.to.as_deref().map(str::to_lowercase);
        let like = search.like.as_deref().map(str::to_lowercase);
        let mut rows = match (&to, &like) {
            (Some(to), None) => of_one.query(params![to, search.before, limit])?,
            _ => find.query(params![to, like, search.before, limit])?,
        };
        let mut mails = Vec::new();
        while let Some(row) = rows.next()? {
            mails.push(mail(&connection, row)?);
        }
        Ok(mails)
    }

    /// One mail.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub(crate) fn mail(&self, id: &str) -> rusqlite::Result<Option<Mail>> {
        let connection = self.connection();
        let mut find = connection.prepare_cached("SELECT id, at, mail FROM mails WHERE id = ?1")?;
        find.query_row(params![id], |row| mail(&connection, row)).optional()
    }
}

fn mail(connection: &Connection, row: &Row<'_>) -> rusqlite::Result<Mail> {
    let id: String = row.get(0)?;
    let text: String = row.get(2)?;
    let sent: Outgoing = serde_json::from_str(&text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(2, rusqlite::types::Type::Text, error.into()))?;
    let tags = BTreeMap::from([
        ("run", sent.attempt.run.to_string()),
        ("step", sent.attempt.step.to_string()),
        ("attempt", sent.attempt.attempt.to_string()),
    ]);
    Ok(Mail {
        at: time(row.get(1)?),
        happenings: happenings(connection, &id)?,
        id,
        to: sent.to,
        from: sent.from,
        subject: sent.subject,
        headers: sent.headers,
        html: sent.html,
        text: sent.text,
        links: sent.links,
        tags,
    })
}

fn happenings(connection: &Connection, id: &str) -> rusqlite::Result<Vec<Happening>> {
    let mut find =
        connection.prepare_cached("SELECT kind, link, machine, at FROM happenings WHERE id = ?1 ORDER BY seq")?;
    let rows = find.query_map(params![id], |row| {
        Ok(Happening { kind: row.get(0)?, link: row.get(1)?, machine: row.get(2)?, at: time(row.get(3)?) })
    })?;
    rows.collect()
}

fn time(milliseconds: i64) -> Timestamp {
    // Only timestamps are written there.
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH)
}
