//! One establishment's entities: struct, SQL and row mapping in one file each.

pub mod access_token;
pub mod api_token;
pub mod application;
pub mod assignment;
pub mod audit_event;
pub mod authorization_code;
pub mod change;
pub mod client;
pub mod consent;
pub mod credential;
pub mod grant;
pub mod group;
pub mod idempotency_key;
pub mod interaction;
pub mod link;
pub mod membership;
pub mod one_time_link;
pub mod outbox;
pub mod refresh_token;
pub mod rule;
pub mod session;
pub mod signing_key;
pub mod source;
pub mod sync_run;
pub mod throttle;
pub mod user;
