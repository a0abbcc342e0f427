//! Tests of the OpenID provider.

mod authorization;
mod authorize;
mod claims;
mod discovery;
mod journey;
mod jws;
mod logout;
mod next_step;
mod pages;
mod relying_party;
mod stylesheet;
mod tokens;
