//! Tests of: archives. A whole establishment in one encrypted file, taken in again, put back, rehearsed, and refused when it is not whole.

mod api;
mod command;
mod leftovers;
mod moving;
mod places;
mod refused;
mod rights;
mod round_trip;
mod scheduled;
mod school;
mod standard;
