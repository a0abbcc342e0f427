//! Tests of the OpenID provider.

mod authorization;
mod authorize;
mod backchannel_logout;
mod blocking;
mod claims;
mod discovery;
mod egress;
mod end_session;
mod isolation;
mod journey;
mod jws;
mod logout;
mod logout_notices;
mod metadata;
mod next_step;
mod pages;
mod races;
mod relying_party;
mod role_changes;
mod stylesheet;
mod tokens;
mod user_info;
