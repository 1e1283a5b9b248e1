//! The `carepath` command.

mod dev;

fn main() {}
