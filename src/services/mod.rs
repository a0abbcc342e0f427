//! What the gateway does. No HTTP framework, no SQL, no HTML. Each module imports only those before it:
//! error < vault < installation < mailer < passwords < keys < directories < egress < recent_establishments < scim_services < node < context < audit <
//! leases < schedules < outbox < provisioning_bell < logout_notices < mail < unit_tree < brought_rows < roles < applications < rule_sets < links < users < units <
//! relations < source_files < source_routes < sources <
//! source_words < groups < sync < leaving < reviews < provisioning < login < oidc < clients < explanations < tokens <
//! idempotency < scim < establishments < routing < upgrades < archives < statistics < bulk < housekeeping < keeping_up < dispatch < jobs < checkup.

pub mod applications;
pub mod archives;
pub mod audit;
pub mod brought_rows;
pub mod bulk;
pub mod checkup;
pub mod clients;
pub mod context;
pub mod directories;
pub mod dispatch;
pub mod egress;
pub mod error;
pub mod establishments;
pub mod explanations;
pub mod groups;
pub mod housekeeping;
pub mod idempotency;
pub mod installation;
pub mod jobs;
pub mod keeping_up;
pub mod keys;
pub mod leases;
pub mod leaving;
pub mod links;
pub mod login;
pub mod logout_notices;
pub mod mail;
pub mod mailer;
pub mod node;
pub mod oidc;
pub mod outbox;
pub mod passwords;
pub mod provisioning;
pub mod provisioning_bell;
pub mod recent_establishments;
pub mod relations;
pub mod reviews;
pub mod roles;
pub mod routing;
pub mod rule_sets;
pub mod schedules;
pub mod scim;
pub mod scim_services;
pub mod source_files;
pub mod source_routes;
pub mod source_words;
pub mod sources;
pub mod statistics;
pub mod sync;
pub mod tokens;
pub mod unit_tree;
pub mod units;
pub mod upgrades;
pub mod users;
pub mod vault;
