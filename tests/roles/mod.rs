//! Tests of: applications, rules and roles.

mod assigning;
mod catalogue;
mod explaining;
mod giving;
mod heavy;
mod rollover;
mod saving;
mod scale;
mod school;
mod simulating;
