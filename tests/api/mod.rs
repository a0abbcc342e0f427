//! Tests of: the admin API, over HTTP.

mod authority;
mod clients;
mod description;
mod directory;
mod establishment_life;
mod establishments;
mod idempotency;
pub mod kit;
mod roles;
mod tokens;
mod users;
mod versions;
