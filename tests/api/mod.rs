//! Tests of: the admin API, over HTTP.

mod clients;
mod description;
mod establishments;
mod idempotency;
pub mod kit;
mod tokens;
mod users;
