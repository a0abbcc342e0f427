//! Tests of: store. The contract that every engine keeps, function by function, and what SQLite files do beyond it.

mod applications;
mod archive;
mod assignments;
mod complete;
mod durability;
mod engine;
mod establishments;
mod files;
mod grants;
mod groups;
mod isolation;
mod jobs;
mod links;
mod outbox;
mod people;
mod races;
mod refusals;
mod registry;
mod relying_parties;
mod requests;
mod runs;
pub mod samples;
mod sign_in;
mod sign_outs;
mod starting;
mod transactions;
mod unwritable;
