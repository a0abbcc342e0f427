//! The OpenID provider. Pure parts read requests, decide steps, shape claims and sign; the stateful ones (`authorization`, `issue`, `tokens`,
//! `protected`, `end_session`, `clients`, `facts`) carry that out against the store. None of them reads the clock or shows a page.

pub mod authorization;
pub mod authorize;
pub mod bearer;
pub mod claim_shape;
pub mod claims;
pub mod client_auth;
pub mod client_policy;
pub mod clients;
pub mod discovery;
pub mod end_session;
pub mod error;
pub mod facts;
pub mod failure;
pub mod id_token;
pub mod introspection;
mod issue;
pub mod logout;
pub mod parameters;
pub mod pkce;
pub mod protected;
pub mod redirect_uri;
mod shape_rule;
pub mod token_request;
pub mod token_response;
pub mod tokens;

pub use crate::services::keys::jws;
