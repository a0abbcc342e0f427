//! What the gateway does. No HTTP framework, no SQL, no HTML. Each module imports only those before it:
//! error < vault < installation < passwords < keys < directories < recent_establishments < context < audit < roles < applications < links < users < sources < groups < sync <
//! login < oidc < clients < tokens < idempotency < establishments < housekeeping.

pub mod applications;
pub mod audit;
pub mod clients;
pub mod context;
pub mod directories;
pub mod error;
pub mod establishments;
pub mod groups;
pub mod housekeeping;
pub mod idempotency;
pub mod installation;
pub mod keys;
pub mod links;
pub mod login;
pub mod oidc;
pub mod passwords;
pub mod recent_establishments;
pub mod roles;
pub mod sources;
pub mod sync;
pub mod tokens;
pub mod users;
pub mod vault;
