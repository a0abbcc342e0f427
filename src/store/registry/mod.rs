//! The platform's registry: establishments and zones.

pub mod arrival;
pub mod establishment;
pub mod zone;
