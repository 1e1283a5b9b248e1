//! The command as its users run it.

mod args_help;
mod bad_files;
mod check_files;
mod program;
mod sarif;
