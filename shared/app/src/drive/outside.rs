//! What a run does outside, under a claim: it sends a mail, or calls a webhook.

use carepath_engine::advance::{Answer, Decision, Input};
use carepath_engine::run::State;
use carepath_engine::version::{StepIndex, StepKind, TemplateRef, Version};
use jiff::{SignedDuration, Timestamp};

use super::Hand;
use crate::error::UseError;
use crate::hooks;
use crate::mail::{self, Making};
use crate::ports::{Attempt, HookAnswer, HookCall, Hooks, Mailer, Outgoing, Ports};
use crate::unsubscribe;

/// What must be left of a claim when its mail goes out: the mail service is given so long to answer.
const SEND_TIME: SignedDuration = SignedDuration::from_secs(10);

/// The least that a mail is put off for the rate.
const MOMENT: SignedDuration = SignedDuration::from_millis(200);

/// What a run holds the right to do outside.
pub(super) enum Claimed {
    /// To send this.
    Mail(Box<Outgoing>),
    /// To call a webhook so.
    Call {
        /// The call.
        call: HookCall,
        /// Of which step.
        step: StepIndex,
        /// Which attempt.
        attempt: u32,
    },
}

impl<P: Ports> Hand<'_, P> {
    /// Does outside what was claimed, once, and says what came of it. Where too little of the claim is left, nothing is
    /// begun under it.
    pub(super) async fn carry_out(&self, claimed: Claimed, deadline: Timestamp) -> Input {
        let in_time = self.now() < deadline - SEND_TIME;
        let until = self.now();
        match claimed {
            Claimed::Mail(mail) => {
                let answer =
                    if in_time { self.app.ports.mailer().send(&mail).await } else { Answer::Throttled { until } };
                if matches!(answer, Answer::Accepted { .. }) {
                    self.app.counters.sent();
                }
                Input::Answered { step: mail.attempt.step, attempt: mail.attempt.attempt, answer }
            }
            Claimed::Call { call, step, attempt } => {
                let answer =
                    if in_time { self.app.ports.hooks().call(&call).await } else { HookAnswer::NotMade { until } };
                Input::Called { step, attempt, reply: hooks::reply(hooks::keeps(&self.version, step), answer) }
            }
        }
    }

    /// Claims the mail or the call that the run is ready for, as long as there is one that may go out, and makes it.
    pub(super) async fn claim(&mut self) -> Result<Option<(Claimed, Timestamp)>, UseError> {
        loop {
            let State::Ready { step, due } = self.run.state else { return Ok(None) };
            let ports = &self.app.ports;
            if due > self.now() || !goes_outside(&self.version, step) || !ports.may_act_outside() {
                return Ok(None);
            }
            let before = (self.run.clone(), self.contact.clone(), self.contact_changed);
            let Decision::Move(transition) = self.decide(&Input::Claim)? else { return Ok(None) };
            self.absorb(*transition);
            let (State::Claimed { claim, .. } | State::Calling { claim, .. }) = self.run.state.clone() else {
                continue;
            };
            let instead = match self.make(step, claim.attempt).await? {
                Ok(claimed) => match self.permitted(&claimed).await {
                    Ok(()) => return Ok(Some((claimed, claim.deadline))),
                    Err(until) => Input::Defer { until: until.max(self.now() + MOMENT), reason: "rate".into() },
                },
                Err(code) => Input::Fail(code.into()),
            };
            // Nothing of the claim is stored yet: the run goes back to where it was ready.
            (self.run, self.contact, self.contact_changed) = before;
            match self.decide(&instead)? {
                Decision::Move(transition) => self.absorb(*transition),
                Decision::Ignore(_) => return Ok(None),
            }
        }
    }

    /// Asks for what the mail service's rate leaves.
    async fn permitted(&self, claimed: &Claimed) -> Result<(), Timestamp> {
        match claimed {
            Claimed::Mail(mail) => self.app.ports.mailer().permit(mail.class).await,
            Claimed::Call { .. } => Ok(()),
        }
    }

    /// Makes what the step sends or tells, or says as a code why it cannot be made.
    async fn make(&self, step: StepIndex, attempt: u32) -> Result<Result<Claimed, &'static str>, UseError> {
        if let Some(template) = self.version.step(step).and_then(|step| step.kind.template()) {
            let attempt = Attempt { run: self.run.id.clone(), step: self.run.tag(step), attempt };
            return Ok(self.make_mail(template, attempt).await?.map(|mail| Claimed::Mail(Box::new(mail))));
        }
        let making = hooks::Making {
            secret: &self.app.secret,
            signing: &hooks::signing(self.app).await?,
            run: &self.run,
            version: &self.version,
            contact: &self.contact,
            account: &self.published.account,
            step,
            now: self.now(),
        };
        Ok(hooks::make(&making).map(|call| Claimed::Call { call, step, attempt }))
    }

    async fn make_mail(
        &self,
        template: &TemplateRef,
        attempt: Attempt,
    ) -> Result<Result<Outgoing, &'static str>, UseError> {
        let found = self.app.catalog.template(self.app.ports.store(), template).await?;
        let template = found.ok_or(UseError::Corrupt { what: "template" })?;
        let account = &self.published.account;
        Ok(mail::make(Making {
            template: &template,
            run: &self.run,
            version: &self.version,
            contact: &self.contact,
            account,
            unsubscribe: unsubscribe::url(self.app, account, &self.run, &self.version, attempt.step),
            hidden: unsubscribe::hidden_url(self.app, account),
            now: self.now(),
            attempt,
        }))
    }
}

/// Whether a step does something outside, which has to be claimed.
fn goes_outside(version: &Version, step: StepIndex) -> bool {
    let kind = version.step(step).map(|step| &step.kind);
    kind.is_some_and(|kind| matches!(kind, StepKind::Send { .. } | StepKind::Webhook { .. }))
}
