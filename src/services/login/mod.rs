//! Signing in: attempts, sessions, the browser an interaction is bound to. It knows nothing of OpenID Connect, and shows no page.

pub mod attempt;
pub mod browser;
pub mod interaction;
mod password;
pub mod session;
pub mod throttle;
