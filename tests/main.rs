//! The one test binary: its folders mirror the product's.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected fails, and says where"
)]

mod config;
mod connectors;
mod demo;
mod harness;
mod oidc;
mod store;
mod sync;
mod tidy;
