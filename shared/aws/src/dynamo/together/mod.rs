//! Requests that are ready at the same time, as one.
//!
//! A request has a price of its own, whatever it carries. In AWS it is small beside what a transaction costs on top of single
//! writes, so there each goes by itself. On one machine nobody pays for units, and the request (the SDK, a way to another
//! thread and back, a commit to disk) is most of what it takes: those that would wait for one another share one.
//!
//! Each has its own answer, as if it had gone by itself.

mod reads;
mod writes;

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use tokio::sync::oneshot;

use super::commit::Written;
use super::items::Item;
use super::usage::Counter;

/// The table and the two keys of an item.
type ItemName = (String, String, String);

/// Shares requests among those who ask at the same time.
#[derive(Debug, Clone)]
pub(super) struct Together {
    writes: Line<writes::Writes>,
    reads: Line<reads::Reads>,
}

impl Together {
    pub(super) fn new(client: &Client, usage: &Arc<Counter>) -> Self {
        Self {
            writes: Line::new(writes::Writes { client: client.clone(), usage: Arc::clone(usage) }),
            reads: Line::new(reads::Reads { client: client.clone(), usage: Arc::clone(usage) }),
        }
    }

    /// Writes with whoever else writes now: all of `actions`, under their conditions, or none. `None` where that has to be
    /// asked for by itself.
    pub(super) async fn write(
        &self,
        what: &'static str,
        actions: Vec<TransactWriteItem>,
        writer: &str,
    ) -> Option<Written> {
        let entry = writes::Entry::new(what, actions, writer)?;
        self.writes.ask(entry).await.unwrap_or_else(|| Some(writes::broken_off(what)))
    }

    /// Reads items consistently, by their tables and keys, with whoever else reads now. `None` where that has to be asked for
    /// by itself.
    pub(super) async fn read(&self, wanted: &HashMap<String, Vec<Item>>) -> Option<Vec<Item>> {
        self.reads.ask(reads::Entry::new(wanted)?).await.flatten()
    }
}

/// What is done for those who stand in line.
trait Shared: Send + Sync + 'static {
    /// What somebody asks for.
    type Entry: Send + 'static;
    /// What it comes to.
    type Answer: Send + 'static;

    /// Takes those from the front of the line who go next.
    fn next(line: &mut VecDeque<Waiting<Self>>) -> Vec<Waiting<Self>>
    where
        Self: Sized;

    /// Does what they ask for, and answers each.
    fn act(&self, waiting: Vec<Waiting<Self>>) -> impl Future<Output = ()> + Send
    where
        Self: Sized;
}

/// Somebody in line.
struct Waiting<S: Shared> {
    entry: S::Entry,
    answer: oneshot::Sender<S::Answer>,
}

/// A line, in front of which requests are made. It does not print: what is asked for holds contact data (S24).
struct Line<S: Shared>(Arc<Inner<S>>);

impl<S: Shared> Clone for Line<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: Shared> fmt::Debug for Line<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").finish_non_exhaustive()
    }
}

struct Inner<S: Shared> {
    shared: S,
    state: Mutex<State<S>>,
}

struct State<S: Shared> {
    line: VecDeque<Waiting<S>>,
    /// How many make requests for those in line.
    busy: usize,
}

/// How many requests are made at a time: while one is answered, the next is written.
const AT_ONCE: usize = 2;

impl<S: Shared> Line<S> {
    fn new(shared: S) -> Self {
        Self(Arc::new(Inner { shared, state: Mutex::new(State { line: VecDeque::new(), busy: 0 }) }))
    }

    /// `None` where it is not known what came of it.
    async fn ask(&self, entry: S::Entry) -> Option<S::Answer> {
        let (answer, answered) = oneshot::channel();
        let begins = {
            let mut state = self.0.state();
            state.line.push_back(Waiting { entry, answer });
            let begins = state.busy < AT_ONCE;
            state.busy += usize::from(begins);
            begins
        };
        if begins {
            // A task of its own: whoever began it may go away.
            tokio::spawn(Turn(Arc::clone(&self.0)).until_none_waits());
        }
        answered.await.ok()
    }
}

impl<S: Shared> Inner<S> {
    fn state(&self) -> MutexGuard<'_, State<S>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Vec<Waiting<S>> {
        let mut state = self.state();
        let next = S::next(&mut state.line);
        state.busy -= usize::from(next.is_empty());
        next
    }
}

/// Somebody's turn at the front of the line. However it ends, the next who comes begins another.
struct Turn<S: Shared>(Arc<Inner<S>>);

impl<S: Shared> Turn<S> {
    async fn until_none_waits(self) {
        loop {
            // Whoever else is about to ask gets into the line first.
            tokio::task::yield_now().await;
            let next = self.0.next();
            if next.is_empty() {
                return;
            }
            self.0.shared.act(next).await;
        }
    }
}

impl<S: Shared> Drop for Turn<S> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // Who waits is told that nobody knows.
            let mut state = self.0.state();
            state.busy -= 1;
            state.line.clear();
        }
    }
}

/// The name of an item in a table, by its keys.
fn name(table: &str, item: &HashMap<String, AttributeValue>) -> Option<ItemName> {
    let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
    Some((table.to_owned(), text("pk")?, text("sk")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes one at a time, and breaks off at a zero.
    struct Breaks;

    impl Shared for Breaks {
        type Entry = u32;
        type Answer = u32;

        fn next(line: &mut VecDeque<Waiting<Self>>) -> Vec<Waiting<Self>> {
            line.pop_front().into_iter().collect()
        }

        async fn act(&self, waiting: Vec<Waiting<Self>>) {
            for each in waiting {
                tokio::task::yield_now().await;
                assert_ne!(each.entry, 0, "it breaks off");
                let _ = each.answer.send(each.entry);
            }
        }
    }

    #[tokio::test]
    async fn whoever_waits_behind_what_breaks_off_is_told_that_nobody_knows_and_whoever_comes_then_is_served() {
        let line = Line::new(Breaks);
        for _ in 0..2 * AT_ONCE {
            let said = futures_util::future::join_all([0, 0, 0, 7, 8].map(|entry| line.ask(entry))).await;
            assert!(said[..3].iter().all(Option::is_none), "{said:?}");
            assert_eq!(line.ask(5).await, Some(5));
        }
    }
}
