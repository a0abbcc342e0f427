//! SCIM 2.0 (RFC 7643, RFC 7644): what resources, filters and changes mean, and the feeds that push them. No HTTP here.
//!
//! `schema` is the one table that the rest reads: which attributes there are, and their characteristics. `resource`, `patch`, `filter`, `values`, `projection`,
//! `sorting`, `person` and `discovery` are pure.

pub mod dialect;
pub mod discovery;
pub mod error;
pub mod evaluate;
pub mod filter;
mod grammar;
pub mod members;
pub mod patch;
mod patch_value;
pub mod person;
pub mod projection;
pub mod resource;
mod resource_value;
pub mod schema;
pub mod sorting;
pub mod values;

#[cfg(test)]
mod properties;
