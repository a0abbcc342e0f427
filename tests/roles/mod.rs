//! Tests of: applications, rules and roles.

mod assigning;
mod catalogue;
mod delegating;
mod escalating;
mod explaining;
mod giving;
mod heavy;
mod scale;
mod school;
mod simulating;
