//! Passerelle, an identity gateway: directories in, signed-in people with the right roles out.
//!
//! Layers, in the order of dependency; each imports only those before it (`tests/tidy.rs` checks it):
//! [`types`] → [`store`] → [`services`] → [`fronts`]. The `connectors` crate stands apart: it reads directories and knows nothing of stores.
//!
//! Three journeys, to find one's way:
//! 1. LDAP entry → claim: `connectors::ldap` → `Record` → `services::sync` (spool → plan → guard → apply) → `services::users` →
//!    `services::roles` → `services::oidc` → signed token.
//! 2. Browser sign-in: `GET /authorize` → interaction stored → `/login` → back to `/authorize` → consent → code → `POST /token`.
//! 3. Someone leaves the directory: sync plan → guard → `services::users` disables → sessions and grants end in the same transaction.

pub mod app;
pub mod config;
pub mod demo;
pub mod fronts;
pub mod i18n;
pub mod services;
pub mod store;
pub mod telemetry;
pub mod types;
