//! The platform's registry: establishments and zones.

pub mod establishment;
pub mod establishment_change;
pub mod zone;
