//! What an SDK error says about trying again, decided here, where the cause is known.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use carepath_app::ports::{Retry, StoreError};

/// Turns an SDK error into the port's. The source keeps the service's code and drops its message, which may quote keys.
pub(super) fn store_error<E, R>(what: &'static str, error: &SdkError<E, R>) -> StoreError
where
    E: ProvideErrorMetadata,
{
    let code = error.code().unwrap_or("no answer").to_owned();
    StoreError { what, retry: retry(error), source: Some(code.into()) }
}

/// A fault in what is stored: trying again does not mend it.
pub(super) fn damaged(what: &'static str, problem: &'static str) -> StoreError {
    StoreError { what, retry: Retry::Never, source: Some(problem.into()) }
}

fn retry<E, R>(error: &SdkError<E, R>) -> Retry
where
    E: ProvideErrorMetadata,
{
    match error {
        SdkError::ConstructionFailure(_) => Retry::Never,
        SdkError::DispatchFailure(failure) if failure.is_io() || failure.is_timeout() => Retry::InDoubt,
        SdkError::DispatchFailure(_) => Retry::After(None),
        SdkError::ServiceError(_) => match error.code() {
            Some(
                "ProvisionedThroughputExceededException"
                | "ThrottlingException"
                | "RequestLimitExceeded"
                | "LimitExceededException"
                | "TransactionConflictException"
                | "TransactionInProgressException"
                | "TransactionCanceledException",
            ) => Retry::After(None),
            Some("InternalServerError" | "ServiceUnavailable") | None => Retry::InDoubt,
            Some(_) => Retry::Never,
        },
        // A time-out, an unreadable answer, and whatever the SDK may add: nobody can say.
        _ => Retry::InDoubt,
    }
}
