//! Real parts for the tests: a directory server, a generated directory with its expected outcome, a browser. Nothing here is simulated.
//!
//! A part that is not installed fails the test that needs it with the line that installs it; no test is skipped.

pub mod browser;
pub mod daemon;
pub mod demo;
pub mod ds389;
pub mod gateway;
pub mod generator;
pub mod listener;
pub mod mailbox;
pub mod postgres;
pub mod relying_party;
pub mod remains;
pub mod remote_scim;
pub mod samba;
pub mod scim_client;
pub mod scim_peers;
pub mod scim_service;
pub mod scim_tools;
pub mod server;
pub mod slapd;
pub mod store;
