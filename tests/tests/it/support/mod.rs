//! What system tests stand on.

pub(crate) mod dev;
pub(crate) mod home;
pub(crate) mod members;
pub(crate) mod post_office;
pub(crate) mod receiver;
pub(crate) mod smtp;
pub(crate) mod story;
