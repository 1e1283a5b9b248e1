//! Ports that break their own contract, each in one way: whoever claims to see what goes wrong has to see these.

/// How a port is wrong. Nothing here is anything that the application could be asked to live with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// The store writes a run or a contact over whatever is there.
    RevisionIgnored,
    /// The store writes the runs of a change, and the contact another time, or never.
    ChangeTorn,
    /// The store says that it has written what it has not, once in a while.
    CommitForgotten,
    /// The index of due things leaves out runs that wait.
    WaitForgotten,
    /// The store keeps an event and forgets that something is to be done about it.
    EventForgotten,
    /// Whoever is done with one event of a contact is done with all of them.
    DoneTooMuch,
    /// The store does not know repeats of events.
    RepeatKept,
    /// Nobody finds the runs that a pause holds.
    PausedForgotten,
    /// The lists of who is in a segment do not follow the contacts.
    MembersForgotten,
    /// The store does not keep with a contact which mails count against its caps.
    CountForgotten,
    /// The index of due things leaves out contacts to which time does something.
    TimeForgotten,
    /// A mailer without an answer says that the mail was not taken.
    UnknownIsThrottled,
    /// A mailer that is asked what became of a mail has never seen it.
    EvidenceLost,
}

impl Flaw {
    pub(crate) const ALL: [Self; 13] = [
        Self::RevisionIgnored,
        Self::ChangeTorn,
        Self::CommitForgotten,
        Self::WaitForgotten,
        Self::EventForgotten,
        Self::DoneTooMuch,
        Self::RepeatKept,
        Self::PausedForgotten,
        Self::MembersForgotten,
        Self::CountForgotten,
        Self::TimeForgotten,
        Self::UnknownIsThrottled,
        Self::EvidenceLost,
    ];
}
