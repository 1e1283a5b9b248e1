//! The command line.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::failure::Failure;
use crate::{check, dev, load, migrate, parked, publish, reconcile, report, run, unknown};

/// Automated email workflows for healthcare
///
/// Exit codes: 0 fine, 1 the answer is no (a check failed), 2 usage, 3 it could not be done.
#[derive(Debug, Parser)]
#[command(name = "carepath", version, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the whole system in one process on this machine: API, mailbox, clock
    Dev(dev::Args),
    /// Check workflows, templates and segments before publishing, offline
    Check(check::Args),
    /// Bring workflows, templates and segments from files to a server: plan first, then apply
    Publish(publish::Args),
    /// Move the live runs of a workflow to another version: plan first, then apply
    Migrate(migrate::Args),
    /// Show what became of everybody in a workflow, step by step
    Report(report::Args),
    /// Prove that reports are right: compare what they count with the runs themselves
    Reconcile(reconcile::Args),
    /// Tell the story of a run: each step, and why it went the way it did
    Run(run::Args),
    /// List and settle sends of which nobody knows whether they happened
    Unknown(unknown::Args),
    /// List work that no trial can do, and have it done again
    Parked(parked::Args),
    /// Measure: send contacts through the benchmark journey, and count what came of it
    Load(load::Args),
}

impl Command {
    /// Does it.
    pub(crate) async fn run(self) -> Result<ExitCode, Failure> {
        match self {
            Self::Dev(args) => Box::pin(dev::run(&args)).await,
            Self::Check(args) => check::run(&args),
            Self::Publish(args) => publish::run(&args).await,
            Self::Migrate(args) => migrate::run(&args).await,
            Self::Report(args) => report::run(&args).await,
            Self::Reconcile(args) => reconcile::run(&args).await,
            Self::Run(args) => run::run(&args).await,
            Self::Unknown(args) => unknown::run(&args).await,
            Self::Parked(args) => parked::run(&args).await,
            Self::Load(args) => Box::pin(load::run(&args)).await,
        }
    }
}
