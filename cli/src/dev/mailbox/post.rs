//! The way into the mailbox: mails that come at the same time go in with one commit, on a thread of their own.

use std::io;
use std::sync::{Arc, mpsc};

use carepath_app::ports::Outgoing;
use jiff::Timestamp;
use tokio::sync::oneshot;

use super::{Letter, Mailbox, Put};

/// The most mails of one commit.
const MOST: usize = 64;

/// Why a mail may not be in.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum NotPut {
    /// The file cannot be written; nothing of the commit is in.
    #[error("the mailbox cannot be written")]
    File(#[source] Arc<rusqlite::Error>),
    /// Whoever wrote is gone, and what it wrote last is not known.
    #[error("the mailbox is closed")]
    Closed,
}

type Handed = (Letter, oneshot::Sender<Result<Put, NotPut>>);

/// Puts mails into a mailbox. It is over with the last one who holds it.
#[derive(Debug, Clone)]
pub(crate) struct Post(mpsc::Sender<Handed>);

impl Post {
    /// The way into a mailbox.
    ///
    /// # Errors
    /// Where the system has no more threads.
    pub(crate) fn of(mailbox: Mailbox) -> io::Result<Self> {
        let (hand, handed) = mpsc::channel::<Handed>();
        std::thread::Builder::new().name("mailbox".to_owned()).spawn(move || {
            while let Ok(first) = handed.recv() {
                let more = handed.try_iter().take(MOST - 1);
                let (letters, answers): (Vec<_>, Vec<_>) = std::iter::once(first).chain(more).unzip();
                let mut put = mailbox.put_all(&letters).map_err(|error| NotPut::File(Arc::new(error)));
                for (place, answer) in answers.into_iter().enumerate() {
                    let own = put.as_mut().map(|put| put[place].clone()).map_err(|error| error.clone());
                    // Who has gone away asks nobody.
                    let _ = answer.send(own);
                }
            }
        })?;
        Ok(Self(hand))
    }

    /// Puts a mail in, once, unless its attempt is over.
    ///
    /// # Errors
    /// Where the mailbox cannot be written.
    pub(crate) async fn put(&self, mail: &Outgoing, at: Timestamp) -> Result<Put, NotPut> {
        let letter = Letter::of(mail, at).map_err(|error| NotPut::File(Arc::new(error)))?;
        let (answer, answered) = oneshot::channel();
        self.0.send((letter, answer)).map_err(|_| NotPut::Closed)?;
        answered.await.map_err(|_| NotPut::Closed)?
    }
}
