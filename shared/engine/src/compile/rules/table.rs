//! What each rule is about.

use crate::document::{Rule, Severity};

const fn rule(id: &'static str, severity: Severity, title: &'static str, explanation: &'static str) -> Rule {
    Rule { id, severity, title, explanation }
}

use Severity::{Error, Info, Warning};

/// The rules that are asked before a workflow is published.
pub const RULES: &[Rule] = &[
    rule(
        "W001",
        Error,
        "A step without a way to it or out of it",
        "An edge leads to a step that does not exist, no way leads to a step, neither from the start nor from where jumps of \
         published workflows come in, or no way leads from a step to an end. Either the step is a leftover or an edge is wrong.",
    ),
    rule(
        "W002",
        Error,
        "A cycle without a wait",
        "Steps lead back to each other and nothing on the way takes time. A run visits a step once, so it would end there at \
         once, which nobody means. Lead one of the edges elsewhere.",
    ),
    rule(
        "W003",
        Warning,
        "A cycle",
        "Steps lead back to each other over a wait. A run visits a step once: when it comes back, it ends with outcome \
         `revisit`. If contacts are to go round again, let them enter the workflow again.",
    ),
    rule(
        "W004",
        Error,
        "A mail is asked about that may not have been sent",
        "A condition asks what became of the mail of a step, but there are ways to the condition that do not lead over that \
         step: other edges, or jumps from published workflows that come in behind it. For contacts who came on one of them the answer is always no.",
    ),
    rule(
        "W005",
        Error,
        "A mail is asked about at once",
        "A branch asks whether a mail was opened or clicked right after it was sent. Nobody is that fast: put a `wait` before \
         the branch, or use `wait_for`.",
    ),
    rule(
        "W006",
        Error,
        "A `wait_for` without a timeout",
        "Somebody always does nothing. Without a timeout their runs would wait for ever.",
    ),
    rule(
        "W007",
        Error,
        "A case that never comes up",
        "Whenever the case holds, an earlier case of the same step holds too and is taken. Put the narrower case first.",
    ),
    rule(
        "W008",
        Error,
        "A condition that cannot hold",
        "The entry lets in only contacts for whom the condition does not hold, and nothing between the entry and the condition \
         can change that; or the condition asks for one thing and for its contrary.",
    ),
    rule(
        "W009",
        Error,
        "A cycle of jumps across workflows",
        "A jump leads into another workflow, from which jumps lead back to this very jump. No step is visited twice in a \
         lineage, so the last run of it would end in the middle.",
    ),
    rule(
        "W010",
        Error,
        "A value that may be missing",
        "A template, or a value of an `update` or a `jump`, shows what some contacts may not have, and does not say what stands \
         there then: the step would fail for them. A jump brings an entry of its own, and asks no filter. Give it a default, require the attribute in the schema, or ask for it in the entry's filter.",
    ),
    rule(
        "W011",
        Error,
        "Health information where others see it",
        "A subject, a preheader, an address (of a link, a picture or a style) or the body of a webhook shows a field of class `phi` \
         or `sensitive`, or the address of a webhook or the name of an event holds a template. These are read on lock screens, by \
         mail servers, by others and in logs. A field that was not declared counts as `phi`.",
    ),
    rule(
        "W012",
        Error,
        "A reference to what is not there",
        "The document names a template, segment, workflow, step or link that does not exist or is not published, or a segment \
         that steps cannot change.",
    ),
    rule(
        "W013",
        Warning,
        "A branch that opens alone decide",
        "Many mail programs load pictures without anybody reading, or never load them. A click says more than an open.",
    ),
    rule(
        "W014",
        Warning,
        "More mails than the cap lets through",
        "On some way through the workflow more mails of one run come due within the time of its cap (of seven days, where it is \
         longer) than the cap allows, so some are left out, put off, or end the run.",
    ),
    rule(
        "W016",
        Warning,
        "A window that is hardly open",
        "Less than two hours a day are left to send in, always or on the day on which clocks go forward. What does not fit \
         waits for the next day or is left out.",
    ),
    rule(
        "W017",
        Error,
        "A marketing mail without consent",
        "Marketing needs a topic that contacts can subscribe to, and a link in each mail by which they can unsubscribe, which takes \
         a `base_url` in the settings (operational mails go without one, with a warning). A template of class `marketing` is sent \
         by workflows of that class alone: others do not ask for a subscription.",
    ),
    rule(
        "W019",
        Warning,
        "A workflow that feeds its own trigger",
        "A step makes the change or tells the event that starts the workflow, brings contacts into the segment that does (also one \
         that a condition keeps), or starts another published workflow from which it goes on so. Whether a contact goes round is then a matter of `reentry` alone.",
    ),
    rule(
        "W020",
        Info,
        "What a run may take and cost",
        "The longest time that the waits of a run add up to, the most and the expected number of mails, and what these cost for \
         1,000 contacts. Branches are taken to go each way equally often.",
    ),
];
