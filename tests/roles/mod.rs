//! Tests of: applications, rules and roles.

pub mod assigning;
mod catalogue;
mod checking;
mod explaining;
mod giving;
mod heavy;
mod importing;
mod scale;
pub mod school;
mod simulating;
