//! What SES said to a mail, put into the engine's words (S7, S10). The question is always the same: may it have been
//! accepted? Only where it certainly was not, the attempt is given back or failed; all else is unknown.

use std::error::Error;

use aws_sdk_sesv2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sesv2::operation::send_email::{SendEmailError, SendEmailOutput};
use carepath_engine::advance::{Answer, REJECTED};
use jiff::{SignedDuration, Timestamp};

/// When SES is asked again that was asked too fast, or could not be reached.
const SOON: SignedDuration = SignedDuration::from_secs(5);
/// When it is asked again where somebody has to do something first: pay, or be let send again.
const LATER: SignedDuration = SignedDuration::from_mins(15);

type Said = Result<SendEmailOutput, SdkError<SendEmailError>>;

/// The answer.
pub(super) fn of(said: Said, now: Timestamp) -> Answer {
    let failure = match said {
        Ok(output) => return accepted(output.message_id),
        Err(failure) => failure,
    };
    let answer = match &failure {
        SdkError::ConstructionFailure(_) => Answer::Refused("unsendable".into()),
        SdkError::DispatchFailure(dispatch) if never_reached(dispatch.as_connector_error().map(|error| error as _)) => {
            again(now, SOON)
        }
        SdkError::ServiceError(service) => {
            let code = service.err().code().unwrap_or_default();
            said_no(code, service.err().message().unwrap_or_default(), service.raw().status().as_u16(), now)
        }
        // Time ran out, the connection broke, the answer cannot be read: it may be on its way.
        SdkError::DispatchFailure(_) | SdkError::TimeoutError(_) | SdkError::ResponseError(_) | _ => Answer::Unknown,
    };
    // Its message may repeat the address, so it stays where it is (S24).
    let code = failure.as_service_error().and_then(ProvideErrorMetadata::code).unwrap_or("no answer");
    tracing::warn!(code, answer = word(&answer), "SES did not accept a mail");
    answer
}

/// A mail without an id cannot be recognised in what is told of it later: it counts as one that nobody knows of.
fn accepted(id: Option<String>) -> Answer {
    match id {
        Some(id) if !id.is_empty() => Answer::Accepted { id, delivered: false },
        Some(_) | None => Answer::Unknown,
    }
}

/// What a code says. The status tells where the code is one that SES did not have when this was written.
fn said_no(code: &str, message: &str, status: u16, now: Timestamp) -> Answer {
    match code {
        "TooManyRequestsException" | "LimitExceededException" | "ThrottlingException" | "Throttling" => {
            let spent = message.to_ascii_lowercase().contains("daily");
            again(now, if spent { LATER } else { SOON })
        }
        // The account is in the sandbox, or the sender's records for DNS are gone: whoever runs it has to know which it was.
        "MessageRejected" if message.to_ascii_lowercase().contains("not verified") => {
            Answer::Refused("not_verified".into())
        }
        "MessageRejected" => Answer::Refused(REJECTED.into()),
        "BadRequestException" => Answer::Refused("bad_request".into()),
        "MailFromDomainNotVerifiedException" => Answer::Refused("sender_not_verified".into()),
        // The account, the configuration or the permissions are at fault, not the mail: it goes out once they are mended.
        "AccountSuspendedException" | "SendingPausedException" | "NotFoundException" => again(now, LATER),
        _ if status == 429 => again(now, SOON),
        _ if status == 401 || status == 403 => again(now, LATER),
        _ if (400..500).contains(&status) => Answer::Refused("refused".into()),
        _ => Answer::Unknown,
    }
}

fn again(now: Timestamp, after: SignedDuration) -> Answer {
    Answer::Throttled { until: now.saturating_add(after).unwrap_or(now) }
}

/// Whether the connection never stood, so that not a byte of the mail can have gone out.
fn never_reached(failure: Option<&(dyn Error + 'static)>) -> bool {
    let mut cause = failure;
    while let Some(error) = cause {
        if let Some(client) = error.downcast_ref::<hyper_util::client::legacy::Error>() {
            return client.is_connect();
        }
        cause = error.source();
    }
    false
}

const fn word(answer: &Answer) -> &'static str {
    match answer {
        Answer::Accepted { .. } => "accepted",
        Answer::Refused(_) => "refused",
        Answer::Throttled { .. } => "throttled",
        Answer::Unknown => "unknown",
    }
}
