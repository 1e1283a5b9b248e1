//! Whose turn it is: what concerns one contact is done one after the other. Whoever came second would mostly lose the race to
//! write it, and of many at once some lose again and again.

use std::collections::{HashMap, VecDeque};

use carepath_app::ports::Work;
use carepath_engine::ids::ContactKey;

/// The contacts that somebody is at, and what is held back until they are free.
#[derive(Debug, Default)]
pub(super) struct Turns {
    held: HashMap<ContactKey, VecDeque<Work>>,
    /// What was held back and has its turn now; its contact is kept for it.
    next: VecDeque<Work>,
}

impl Turns {
    /// Takes the turn for work, and gives it back; holds it where somebody is at its contact.
    pub(super) fn begin(&mut self, work: Work) -> Option<Work> {
        let Some(contact) = about(&work) else { return Some(work) };
        if let Some(held) = self.held.get_mut(&contact) {
            held.push_back(work);
            return None;
        }
        self.held.insert(contact, VecDeque::new());
        Some(work)
    }

    /// Work that was held back and has its turn.
    pub(super) fn next(&mut self) -> Option<Work> {
        self.next.pop_front()
    }

    /// Ends the turn of work: it goes to what was held back the longest.
    pub(super) fn end(&mut self, work: &Work) {
        let Some(contact) = about(work) else { return };
        match self.held.get_mut(&contact).map(VecDeque::pop_front) {
            Some(Some(next)) => self.next.push_back(next),
            Some(None) => drop(self.held.remove(&contact)),
            None => {}
        }
    }

    /// How much is held back, or has its turn and nobody does it yet.
    pub(super) fn waiting(&self) -> usize {
        self.next.len() + self.held.values().map(VecDeque::len).sum::<usize>()
    }
}

/// The contact that work is about.
fn about(work: &Work) -> Option<ContactKey> {
    match work {
        Work::Event { contact, .. } | Work::Contact { contact } => Some(contact.clone()),
        Work::Run { run } => Some(run.contact()),
        Work::Task { .. } | Work::Resume { .. } => None,
    }
}
