//! Tests of: store. The contract that every engine keeps, function by function, and what SQLite files do beyond it.

mod applications;
mod archive;
mod assignments;
mod bulk;
mod complete;
mod durability;
mod engine;
mod establishments;
mod files;
mod grants;
mod groups;
mod jobs;
mod links;
mod outbox;
mod people;
mod races;
mod registry;
mod relying_parties;
mod requests;
mod runs;
pub mod samples;
mod sign_in;
mod sign_outs;
mod statistics;
mod transactions;
