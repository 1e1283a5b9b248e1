//! Every fault is found: with it the search meets a moment at which something does not hold, and without it it does not.
//! So the searches that find nothing say something.

use stateright::{Checker, HasDiscoveries, Model};

use crate::faults::Fault;
use crate::judge::{ALL_ENDS, IN_TIME_WINS, KEPT, NO_REWRITING, ONE_MAIL, ONE_VISIT, TRUE_RECORDS, WAKE_UP};
use crate::state::Bounds;
use crate::system::{CALM, Memory, System, WROTE};

const REPEATED: System = System { bounds: Bounds { repeats: 1, ..CALM }, ..WROTE };
const SILENT: System = System { bounds: Bounds { silences: 1, ..CALM }, ..WROTE };
const CRASHED: System = System { bounds: Bounds { crashes: 1, ..CALM }, ..WROTE };
const OPENED: System = System { bounds: Bounds { opens: 1, ..CALM }, ..WROTE };
const CIRCLE: System = System { events: &["began"], ..WROTE };
const STRAGGLER: System = System { memory: Memory::Remembers, bounds: Bounds { stalls: 1, ..CALM }, ..WROTE };

const URGED: System = System { events: &["urged"], memory: Memory::Vouches, ..SILENT };

/// Turns a fault on and expects this property to break; where it is off, everything holds within the same bounds.
fn is_found(fault: Fault, within: &System, breaks: &'static str) {
    let sound = within.clone().checker().spawn_bfs().join();
    for property in within.properties().iter().filter(|property| property.expectation.discovery_is_failure()) {
        assert!(sound.discovery(property.name).is_none(), "without the fault: {}", property.name);
    }
    let faulty = System { fault: Some(fault), ..within.clone() };
    let wanted = HasDiscoveries::AllOf([breaks].into());
    let checker = faulty.checker().finish_when(wanted).spawn_bfs().join();
    let found: Vec<_> = checker.discoveries().into_keys().collect();
    assert!(found.contains(&breaks), "{fault:?} does not break what it should, but {found:?}");
}

#[test]
fn s1_a_write_without_its_condition_is_found() {
    is_found(Fault::NoCondition, &REPEATED, ONE_MAIL);
    is_found(Fault::NoCondition, &REPEATED, NO_REWRITING);
}

#[test]
fn s4_an_admission_without_its_condition_is_found() {
    is_found(Fault::AdmissionWithoutCondition, &REPEATED, ONE_MAIL);
}

#[test]
fn s1_a_record_without_its_condition_is_found() {
    is_found(Fault::RecordWithoutCondition, &WROTE, ONE_VISIT);
}

#[test]
fn s7_a_client_that_tries_again_is_found() {
    is_found(Fault::ClientRepeats, &SILENT, ONE_MAIL);
}

#[test]
fn s8_silence_taken_for_a_throttle_is_found() {
    is_found(Fault::SilenceIsThrottle, &SILENT, ONE_MAIL);
}

#[test]
fn s10_silence_taken_for_a_refusal_is_found() {
    is_found(Fault::SilenceIsRefusal, &SILENT, TRUE_RECORDS);
}

#[test]
fn s7_a_claim_that_is_not_written_before_its_mail_is_sent_is_found() {
    is_found(Fault::ClaimInMemory, &REPEATED, ONE_MAIL);
}

#[test]
fn s7_a_claim_that_is_given_back_when_it_ran_out_is_found() {
    is_found(Fault::ClaimIgnored, &CRASHED, ONE_MAIL);
}

#[test]
fn s8_an_unknown_send_taken_for_one_that_did_not_happen_is_found() {
    is_found(Fault::UnknownIsNotSent, &SILENT, ONE_MAIL);
}

#[test]
fn s5_a_wait_that_is_written_without_its_due_time_is_found() {
    is_found(Fault::WaitNotDue, &WROTE, WAKE_UP);
}

#[test]
fn s5_a_claim_that_is_written_without_its_due_time_is_found() {
    is_found(Fault::ClaimNotDue, &WROTE, WAKE_UP);
}

#[test]
fn s5_an_unknown_send_that_is_written_without_its_due_time_is_found() {
    is_found(Fault::UnknownNotDue, &SILENT, WAKE_UP);
}

#[test]
fn s5_a_sweep_that_leaves_out_claims_is_found() {
    is_found(Fault::SweepSkipsClaims, &CRASHED, ALL_ENDS);
}

#[test]
fn s1_a_notice_that_is_written_without_a_new_revision_is_found() {
    is_found(Fault::NoticeWithoutRevision, &OPENED, KEPT);
}

#[test]
fn s8_a_notice_that_is_dropped_is_found() {
    is_found(Fault::NoticeDropped, &WROTE, KEPT);
}

#[test]
fn s8_an_attempt_that_was_declared_over_and_goes_out_after_all_is_found() {
    is_found(Fault::AttemptLeftOpen, &STRAGGLER, ONE_MAIL);
}

#[test]
fn s16_a_time_out_that_is_decided_before_its_grace_is_over_is_found() {
    is_found(Fault::NoGrace, &OPENED, IN_TIME_WINS);
}

#[test]
fn s2_a_run_that_forgets_where_it_was_is_found() {
    is_found(Fault::VisitsForgotten, &CIRCLE, ONE_VISIT);
}

#[test]
fn s28_an_event_that_is_acknowledged_before_it_is_kept_is_found() {
    is_found(Fault::AcknowledgedBeforeKept, &WROTE, KEPT);
}

#[test]
fn s28_an_event_that_is_done_before_it_was_acted_on_is_found() {
    is_found(Fault::DoneBeforeActing, &CRASHED, ALL_ENDS);
}

#[test]
fn s1_a_lost_race_taken_for_a_won_one_is_found() {
    is_found(Fault::LostRaceIsApplied, &REPEATED, ONE_MAIL);
}

#[test]
fn s8_a_mail_that_is_sent_again_while_word_of_it_is_on_its_way_is_found() {
    is_found(Fault::VouchedTooSoon, &URGED, ONE_MAIL);
}
