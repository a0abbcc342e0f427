//! Tests of: whole journeys, in a real browser.

mod reviews;
mod sample;
