//! Tests of: units, relations between people, and roles given by hand many at once.

mod api;
mod importing;
mod relations;
mod tree;
