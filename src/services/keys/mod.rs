//! Signing keys of an establishment.

pub mod crypto;
