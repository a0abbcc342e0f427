//! The platform's registry: establishments and zones, and the work that some node does once.

pub mod establishment;
pub mod job;
pub mod zone;
