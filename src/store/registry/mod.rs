//! The platform's registry: establishments, zones, the installation itself, and the work that some node does once.

pub mod establishment;
pub mod installation;
pub mod job;
pub mod pulse;
pub mod zone;
