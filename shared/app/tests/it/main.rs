//! The use cases, over ports that a test holds in its hand.

mod every_call;
mod journey;
mod jumps;
mod mail_service;
mod pauses;
mod world;
