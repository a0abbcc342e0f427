//! Rules and roles: the only writer of assignments. What people hold is stored with its reason and recomputed when facts or rules change.
//!
//! A rule becomes a [`compile::Compiled`]; [`evaluate`] says what it gives someone, [`decide`] what they hold of it; [`recompute`] writes it
//! down in bounded steps, [`simulate()`] only counts, [`explain()`] tells why, [`lint()`] what cannot be meant. Those modules but the last four
//! know no store.

pub mod assignments;
pub(in crate::services) mod authority;
mod compare;
mod compile;
mod compiled;
mod crowd;
mod decide;
mod defined;
pub mod edges;
pub mod effects;
mod evaluate;
pub mod exclusions;
mod explain;
mod fields;
mod foreseen;
mod graph;
mod held;
mod import;
mod leaves;
mod lint;
mod losers;
mod misses;
pub(in crate::services) mod own;
mod pattern;
mod picked;
mod place;
mod prepared;
#[cfg(test)]
mod properties;
mod questions;
mod recompute;
pub mod rules;
mod save;
mod simulate;
mod sourced;
mod supposed;
mod telling;
pub mod unused;
mod weigh;
mod window;
mod work;

pub(in crate::services) use authority::{may_take, may_take_from, not_oneself};
pub use compare::compare;
pub(in crate::services) use decide::Catalogue;
pub use explain::{Explained, Explanation, explain};
pub use fields::RuleFields;
pub use foreseen::foreseen_in;
pub(in crate::services) use held::counting;
pub use held::{HeldRole, all_held_in, gateway_roles_in, held_in, present_roles, with_units_below_in};
pub use import::{AssignmentRow, import};
pub use lint::{Finding, Remark, lint, lint_rule};
pub use losers::{Decider, Loser};
pub use misses::{Miss, WhyNot};
pub(in crate::services) use pattern::{Case, Pattern};
pub(in crate::services) use prepared::rewrite_prepared_in;
pub use questions::{QUESTIONS_MAX, Question, answer, answer_client};
pub use recompute::{
    Changed, Pass, recompute_all_in, recompute_by_hand_in, recompute_part_in, recompute_since_in, recompute_users_in, withdraw_in,
};
pub use save::{Consent, Replaced, apply, objection, refuse_losses};
pub(in crate::services) use save::{check, hold_losses_in, replace_in};
pub use simulate::{Person, SimulatedRole, Simulation, View, simulate, simulate_catalogue, simulate_change, simulate_seen};
pub(in crate::services) use simulate::{facts_matter_in, simulate_facts};
pub(in crate::services) use sourced::{Naming, check_unnamed_in, follow_source_in};
pub(in crate::services) use supposed::Supposed;
pub use telling::Telling;
pub use weigh::{Because, Enough, Reason, Verdict};
pub use window::{Opening, window_of};
