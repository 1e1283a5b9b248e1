//! The `carepath` command.

mod args;
mod check;
mod client;
mod dev;
mod failure;
mod files;
mod fills;
mod load;
mod migrate;
mod output;
mod parked;
mod places;
mod publish;
mod reconcile;
mod report;
mod run;
mod sarif;
mod seed;
mod unknown;

use std::process::ExitCode;

use clap::Parser;

/// A tenth less processor time for `dev` than with the system's allocator, and a steadier footprint.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args = args::Cli::parse();
    let outcome = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(args.command.run()),
        Err(error) => Err(failure::Failure::io("could not start the runtime", error)),
    };
    outcome.unwrap_or_else(|failure| failure.report())
}
