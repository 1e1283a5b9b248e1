//! `carepath dev`: the whole system in one process on one machine.

pub(crate) mod clock;
pub(crate) mod database;
mod disk;
mod duties;
pub(crate) mod mailbox;
mod mailer;
mod notification;
mod queue;
mod smtp;
mod sweep;
#[cfg(test)]
mod tests;
