//! What the gateway does. No HTTP framework, no SQL, no HTML. Each module imports only those before it.

pub mod keys;
pub mod oidc;
