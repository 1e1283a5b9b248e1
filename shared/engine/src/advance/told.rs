//! What the mail service tells, at once and later.

use std::borrow::Cow;

use jiff::Timestamp;

use crate::version::StepIndex;

/// What the mail service said to an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It took the mail.
    Accepted {
        /// The id it gave it.
        id: String,
        /// Whether it is in the mailbox already, as with the built-in one.
        delivered: bool,
    },
    /// It refused the mail for good; the code says why.
    Refused(Cow<'static, str>),
    /// It did not take the mail now; the attempt may be repeated after so long.
    Throttled {
        /// When to try again.
        until: Timestamp,
    },
    /// Nobody can say.
    Unknown,
}

/// What the mail service tells later of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Engagement {
    /// The send step, by its tag: see [`crate::Run::tag`].
    pub step: StepIndex,
    /// The attempt.
    pub attempt: u32,
    /// The id that the service gave the mail.
    pub message: String,
    /// What happened.
    pub kind: EngagementKind,
    /// When.
    pub at: Timestamp,
    /// Who did it (S20).
    pub by: Reader,
}

/// Who did something with a mail, as far as it can be told from the word of it alone (S20).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// A person: somebody who knows says so.
    Person,
    /// Nothing speaks for a machine, and nobody says that it was a person. What else is known of the mail may speak for one.
    Unsaid,
    /// A machine: a privacy proxy, a prefetcher, a scanner.
    Machine,
}

impl Reader {
    /// A machine, or a person.
    pub const fn of(machine: bool) -> Self {
        if machine { Self::Machine } else { Self::Person }
    }
}

/// What happened to a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngagementKind {
    /// The service took it.
    Sent,
    /// The service says that it was never sent.
    Rejected,
    /// It reached the mailbox.
    Delivered,
    /// It was opened.
    Opened,
    /// A link was clicked; `""` for a link without a name.
    Clicked {
        /// The link's name.
        link: String,
    },
    /// It bounced.
    Bounced {
        /// For good: the address takes no more mail.
        permanent: bool,
    },
    /// The recipient called it spam.
    Complained,
    /// Its reader unsubscribed by its link. This is told by Carepath itself.
    Unsubscribed,
}
