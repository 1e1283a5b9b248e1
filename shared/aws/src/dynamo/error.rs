//! What went wrong, without a word of what was in the request or the answer.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use carepath_app::ports::{Retry, StoreError};

/// Why the store failed. Messages of `DynamoDB` may repeat items, so only its codes are kept.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// `DynamoDB` said so.
    #[error("DynamoDB answered {0}")]
    Answered(String),
    /// No answer, or none that can be read.
    #[error("no readable answer came from DynamoDB: {0}")]
    NoAnswer(&'static str),
    /// An item cannot be read.
    #[error("the stored item cannot be read: {0}")]
    Item(&'static str),
    /// An item of a later release.
    #[error("the stored item has shape {0}, and this release reads shapes 1 and 2: upgrade it")]
    Shape(String),
    /// The item cannot be stored.
    #[error("{0}")]
    Refused(&'static str),
}

pub(super) fn error(what: &'static str, retry: Retry, cause: Cause) -> StoreError {
    StoreError { what, retry, source: Some(Box::new(cause)) }
}

pub(super) fn never(what: &'static str, cause: Cause) -> StoreError {
    error(what, Retry::Never, cause)
}

/// A failed read: asking again does no harm.
pub(super) fn read<E: ProvideErrorMetadata>(what: &'static str, failure: &SdkError<E, HttpResponse>) -> StoreError {
    let mut error = write(what, failure);
    if error.retry == Retry::InDoubt {
        error.retry = Retry::After(None);
    }
    error
}

/// A failed write.
pub(super) fn write<E: ProvideErrorMetadata>(what: &'static str, failure: &SdkError<E, HttpResponse>) -> StoreError {
    match failure {
        SdkError::ConstructionFailure(_) => never(what, Cause::NoAnswer("the request could not be made")),
        SdkError::TimeoutError(_) => error(what, Retry::InDoubt, Cause::NoAnswer("time ran out")),
        SdkError::DispatchFailure(_) => error(what, Retry::InDoubt, Cause::NoAnswer("the connection failed")),
        SdkError::ResponseError(_) => error(what, Retry::InDoubt, Cause::NoAnswer("the answer was cut or garbled")),
        SdkError::ServiceError(service) => {
            let code = service.err().code().unwrap_or("an error without a code");
            error(what, retry(code, service.raw().status().as_u16()), Cause::Answered(code.to_owned()))
        }
        _ => error(what, Retry::InDoubt, Cause::NoAnswer("the request failed")),
    }
}

/// What a code says about trying again.
pub(super) fn retry(code: &str, status: u16) -> Retry {
    match code {
        "ProvisionedThroughputExceededException"
        | "ProvisionedThroughputExceeded"
        | "ThrottlingException"
        | "ThrottlingError"
        | "RequestLimitExceeded"
        | "LimitExceededException"
        | "TransactionConflictException"
        | "TransactionConflict" => Retry::After(None),
        "TransactionInProgressException" => Retry::InDoubt,
        _ if (400..500).contains(&status) => Retry::Never,
        // An answer that DynamoDB does not give: a proxy's page, a success that could not be read.
        _ => Retry::InDoubt,
    }
}
