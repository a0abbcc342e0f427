//! Tests of: applications, rules and roles.

mod assigning;
mod catalogue;
mod checking;
mod explaining;
mod felt;
mod foretold;
mod giving;
mod heavy;
mod importing;
mod language;
mod linting;
mod reviewing;
mod rollover;
mod saving;
mod scale;
mod school;
mod simulating;
mod windows;
