//! Rules and roles: the only writer of assignments. What people hold is stored with its reason and recomputed when facts or rules change.
//!
//! A rule becomes a [`compile::Compiled`]; [`evaluate`] says what it gives someone, [`decide`] what they hold of it; [`recompute`] writes it
//! down in bounded steps, [`simulate()`] only counts, [`explain()`] tells why. Those modules but the last three know no store.

pub mod assignments;
mod authority;
mod compare;
mod compile;
mod compiled;
mod crowd;
mod decide;
mod evaluate;
mod explain;
mod graph;
mod held;
mod pattern;
mod place;
#[cfg(test)]
mod properties;
mod questions;
mod recompute;
pub mod rules;
mod save;
mod simulate;
mod supposed;
mod weigh;
mod work;

pub use compare::compare;
pub use compile::RuleFields;
pub use explain::{Explained, Explanation, Miss, explain};
pub use held::{HeldRole, gateway_roles_in, held_in};
pub(in crate::services) use pattern::{Case, Pattern};
pub use questions::{QUESTIONS_MAX, Question, answer, answer_client};
pub use recompute::{Changed, Pass, recompute_all_in, recompute_users_in, withdraw_in};
pub use save::{Consent, Replaced, apply, objection};
pub(in crate::services) use save::{check, replace_in};
pub(in crate::services) use simulate::simulate_facts;
pub use simulate::{Person, SimulatedRole, Simulation, View, simulate, simulate_catalogue, simulate_change, simulate_seen};
pub(in crate::services) use supposed::Supposed;
pub use weigh::{Because, Enough, Reason, Verdict};
