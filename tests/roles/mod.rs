//! Tests of: applications, rules and roles.

mod assigning;
mod catalogue;
mod checking;
mod explaining;
mod felt;
mod giving;
mod heavy;
mod importing;
mod reviewing;
mod rollover;
mod saving;
mod scale;
mod school;
mod simulating;
