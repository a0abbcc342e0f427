//! Tests of: applications, rules and roles.

pub mod assigning;
mod catalogue;
mod checking;
mod delegating;
mod escalating;
mod explaining;
mod felt;
mod foretold;
mod giving;
mod heavy;
mod importing;
mod language;
mod lending;
mod linting;
mod reading;
mod reviewing;
mod rollover;
mod saving;
mod scale;
pub mod school;
mod simulating;
mod sourced;
mod windows;
