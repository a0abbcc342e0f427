//! What the gateway does. No HTTP framework, no SQL, no HTML. Each module imports only those before it:
//! error < vault < passwords < keys < directories < context < audit < links < applications < roles < users < sources < groups < sync <
//! clients < tokens < login < oidc < establishments < housekeeping.

pub mod audit;
pub mod context;
pub mod directories;
pub mod error;
pub mod establishments;
pub mod groups;
pub mod housekeeping;
pub mod keys;
pub mod links;
pub mod login;
pub mod oidc;
pub mod passwords;
pub mod sources;
pub mod sync;
pub mod users;
pub mod vault;
