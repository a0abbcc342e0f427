//! SCIM 2.0 (RFC 7643, RFC 7644): what resources, filters and changes mean, and the feeds that push them. No HTTP here.
//!
//! `schema` is the one table that the rest reads: which attributes there are, and their characteristics. `resource`, `patch`, `filter`, `values`, `projection`,
//! `sorting`, `person` and `discovery` are pure. `feeds` knows who asks; `resources` reads, lists and has changed; changes are carried out by `writing`, in `turns`.

pub mod batch;
pub mod bulk;
pub mod called;
pub mod change;
mod condition;
mod correlate;
pub mod dialect;
pub mod discovery;
pub mod error;
pub mod evaluate;
pub mod feeds;
pub mod filter;
mod grammar;
pub mod guard;
pub mod held;
pub mod inspector;
pub mod limits;
pub mod me;
pub mod members;
pub mod patch;
mod patch_value;
mod people_keys;
pub mod person;
pub mod projection;
pub mod resource;
mod resource_value;
pub mod resources;
pub mod schema;
pub mod shown;
pub mod sorting;
mod turns;
pub mod values;
pub mod versions;
mod writing;

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that meets the unexpected fails")]
mod properties;
