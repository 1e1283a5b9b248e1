//! The command as its users run it.

mod args_help;
mod check_files;
mod program;
