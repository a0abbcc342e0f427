//! Tests of the OpenID provider.

mod authorize;
mod claims;
mod discovery;
mod jws;
mod logout;
mod next_step;
mod pages;
mod stylesheet;
