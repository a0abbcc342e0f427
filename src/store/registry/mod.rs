//! The platform's registry: establishments, zones, and the installation itself.

pub mod establishment;
pub mod installation;
pub mod zone;
