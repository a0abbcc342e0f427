//! Tests of: applications, rules and roles.

mod assigning;
mod catalogue;
mod explaining;
mod felt;
mod giving;
mod heavy;
mod reviewing;
mod rollover;
mod saving;
mod scale;
mod school;
mod simulating;
