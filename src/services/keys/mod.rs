//! Signing keys of an establishment: made when first wanted, sealed in its store, parsed once and kept.

pub mod crypto;
pub mod jws;
mod ring;

pub use ring::{Keys, Ring};
