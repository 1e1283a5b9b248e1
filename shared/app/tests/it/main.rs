//! The use cases, over ports that a test holds in its hand.

mod changes;
mod deletions;
mod enrolments;
mod every_call;
mod journey;
mod jumps;
mod mail_service;
mod migrations;
mod outside;
mod pauses;
mod proofs;
mod simulated;
mod sweeps;
mod times;
mod unsubscribing;
mod world;
