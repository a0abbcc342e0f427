//! Tests of: harness.
