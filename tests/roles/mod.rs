//! Tests of: applications, rules and roles.

pub mod assigning;
mod catalogue;
mod explaining;
mod giving;
mod heavy;
mod scale;
pub mod school;
mod simulating;
