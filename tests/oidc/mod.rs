//! Tests of: oidc.
