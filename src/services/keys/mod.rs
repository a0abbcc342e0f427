//! Signing keys of an establishment.
