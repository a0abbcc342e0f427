//! Tests of: applications, rules and roles.

mod assigning;
mod catalogue;
mod checking;
mod delegating;
mod escalating;
mod explaining;
mod giving;
mod heavy;
mod importing;
mod scale;
mod school;
mod simulating;
