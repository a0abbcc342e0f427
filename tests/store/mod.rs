//! Tests of: store.

mod establishments;
