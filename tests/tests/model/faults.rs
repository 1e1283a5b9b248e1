//! Faults that the model is to find: each takes away one thing that the protocol stands on.

/// One thing that is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A run is written whatever its revision.
    NoCondition,
    /// A run that begins is written whatever is there under its id.
    AdmissionWithoutCondition,
    /// What the mail service answered is written whoever has the run by now.
    RecordWithoutCondition,
    /// The client of the mail service sends again when it hears nothing.
    ClientRepeats,
    /// No answer is taken for a throttle, which may be tried again.
    SilenceIsThrottle,
    /// No answer is taken for a refusal.
    SilenceIsRefusal,
    /// A claim is held in memory, and written with the answer.
    ClaimInMemory,
    /// A claimed run is taken for one that is ready.
    ClaimIgnored,
    /// A send of which nobody knows is taken for one that did not happen.
    UnknownIsNotSent,
    /// A run that waits is not in the index of due things.
    WaitNotDue,
    /// A claimed run is not in the index of due things.
    ClaimNotDue,
    /// An unknown send is not in the index of due things.
    UnknownNotDue,
    /// Runs that are claimed are left out by the sweep.
    SweepSkipsClaims,
    /// What the mail service tells is written without a new revision.
    NoticeWithoutRevision,
    /// What the mail service tells of a mail is acknowledged and not written.
    NoticeDropped,
    /// A mail service that says it has not taken a mail, and takes it later.
    AttemptLeftOpen,
    /// Somebody vouches that no word of a mail is on its way, and one is.
    VouchedTooSoon,
    /// A wait for several things is decided at its deadline, not a grace later.
    NoGrace,
    /// Where the run has been is forgotten.
    VisitsForgotten,
    /// An event is acknowledged, and kept some time later.
    AcknowledgedBeforeKept,
    /// An event is done when somebody takes it up.
    DoneBeforeActing,
    /// A write that did not happen is taken for one that did.
    LostRaceIsApplied,
}
