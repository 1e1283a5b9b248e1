//! What system tests stand on.

pub(crate) mod dev;
pub(crate) mod home;
pub(crate) mod smtp;
pub(crate) mod story;
