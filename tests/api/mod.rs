//! Tests of: the admin API, over HTTP.

mod authority;
mod catalogues;
mod checks;
mod clients;
mod description;
mod directory;
mod establishment_life;
mod establishments;
mod feed_requests;
mod idempotency;
pub mod kit;
mod leaving;
mod roles;
mod source_files;
mod tokens;
mod users;
mod versions;
