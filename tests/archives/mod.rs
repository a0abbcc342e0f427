//! Tests of: archives. A whole establishment in one encrypted file, taken in again, put back, rehearsed, and refused when it is not whole.

mod command;
mod refused;
mod rights;
mod round_trip;
mod school;
mod standard;
