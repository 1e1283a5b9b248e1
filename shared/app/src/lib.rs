//! The use cases of Carepath, one a file, over [`ports`].

pub mod ports;
