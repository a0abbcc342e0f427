//! The OpenID provider. Its pure parts: reading requests, deciding steps, shaping claims, signing; none of them reads a store or the clock.

pub mod authorize;
pub mod claim_shape;
pub mod claims;
pub mod client_auth;
pub mod client_policy;
pub mod discovery;
pub mod error;
pub mod id_token;
pub mod jws;
pub mod logout;
pub mod parameters;
pub mod pkce;
pub mod redirect_uri;
mod shape_rule;
pub mod token_request;
