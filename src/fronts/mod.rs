//! The ways to talk to the gateway. A front extracts, calls one service function and renders; no front imports another.

pub mod api;
pub mod cli;
pub mod http;
pub mod web;
