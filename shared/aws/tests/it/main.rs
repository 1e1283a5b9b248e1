//! The contract of the store, held by the real SDK client against dynoxide in memory.

mod bill;
mod costs;
#[path = "../../../../cli/src/dev/database.rs"]
mod database;
mod doubt;
mod health;
mod hooks;
mod journey;
mod loopback;
mod numbers;
mod outside;
mod projected;
mod proved;
mod second_path;
mod ses;
mod starts;
mod store;
mod streamed;
mod together;
mod told;
mod world;
