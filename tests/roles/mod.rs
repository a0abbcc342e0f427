//! Tests of: applications, rules and roles.

mod assigning;
mod catalogue;
mod explaining;
mod felt;
mod giving;
mod heavy;
mod reviewing;
mod scale;
mod school;
mod simulating;
