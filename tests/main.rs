//! The one test binary: its folders mirror the product's.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected fails, and says where"
)]
#![expect(clippy::large_futures, clippy::format_collect, reason = "a test is written to be read, and need not be lean")]

mod access_matrix;
mod api;
mod archives;
mod bulk;
mod cli;
mod config;
mod connectors;
mod demo;
mod feeds;
mod harness;
mod jobs;
mod journeys;
mod mail;
mod nodes;
mod oidc;
mod provisioning;
mod roles;
mod scim;
mod scim_attacks;
mod scim_peers;
mod store;
mod sync;
mod tidy;
mod units;
mod web;
