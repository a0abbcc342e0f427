//! Tests of: applications, rules and roles.

mod assigning;
mod catalogue;
mod checking;
mod delegating;
mod escalating;
mod explaining;
mod felt;
mod giving;
mod heavy;
mod reviewing;
mod importing;
mod rollover;
mod saving;
mod scale;
mod school;
mod simulating;
