//! What tests start and talk to.

pub mod gateway;
