//! What stops a command, and the exit code that says so.

use std::path::Path;
use std::process::ExitCode;

use crate::client::ApiError;
use crate::output;

/// Why a command could not give an answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The command line asks for something that makes no sense. Exit code 2.
    #[error("{0}")]
    Usage(String),
    /// Something on this machine could not be read, written or started. Exit code 3.
    #[error("{what}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it did not work.
        source: std::io::Error,
    },
    /// The system on this machine does not run. Exit code 3.
    #[error("carepath dev does not run")]
    Dev(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A file does not say what it should. Exit code 3.
    #[error("{0}")]
    File(String),
    /// The server did not do what it was asked. Exit code 3.
    #[error("{what}")]
    Api {
        /// What was asked.
        what: String,
        /// Its answer.
        source: Box<ApiError>,
    },
}

impl Failure {
    /// A failure of this machine.
    pub(crate) fn io(what: impl Into<String>, source: std::io::Error) -> Self {
        Self::Io { what: what.into(), source }
    }

    /// A file that could not be read.
    pub(crate) fn read(path: &Path, source: std::io::Error) -> Self {
        Self::io(format!("could not read {}", path.display()), source)
    }

    /// A refusal or silence of the server.
    pub(crate) fn api(what: impl Into<String>, source: ApiError) -> Self {
        Self::Api { what: what.into(), source: Box::new(source) }
    }

    /// Prints the failure with its causes, and answers the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        output::say_error(&text);
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::Dev(_) | Self::Io { .. } | Self::File(_) | Self::Api { .. } => ExitCode::from(3),
        }
    }
}

/// The exit code for "the answer is no".
pub(crate) fn answer(fine: bool) -> ExitCode {
    if fine { ExitCode::SUCCESS } else { ExitCode::from(1) }
}
