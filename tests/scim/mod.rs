//! Tests of: SCIM as identity providers speak it, over HTTP.

mod bad_input;
mod bulk;
mod callers;
mod discovery;
mod entra;
mod erasing;
mod large_groups;
mod listing;
mod me;
mod okta;
mod races;
mod requests;
mod tools;
mod versions;
