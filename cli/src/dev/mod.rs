//! `carepath dev`: the whole system in one process on one machine.

mod agenda;
pub(crate) mod clock;
mod console;
pub(crate) mod database;
mod disk;
mod duties;
mod guard;
pub(crate) mod mailbox;
mod mailer;
mod notification;
mod page;
mod ports;
mod problem;
mod process;
mod queue;
#[cfg(test)]
mod route_tests;
mod routes;
mod serve;
mod smtp;
mod sweep;
#[cfg(test)]
mod tests;
mod turns;
mod unreliable;

pub(crate) use process::Args;
pub(crate) use serve::run;
