//! What rules as they would be give and take away, before anything is written.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use utoipa::ToSchema;

use super::super::context::Context;
use super::super::error::Error;
use super::compile::{Compiled, RuleFields, compile_set};
use super::crowd::{Crowd, Difference, Loaded, difference};
use super::evaluate::Facts;
use super::rules::{RULES_MAX, check_role};
use super::work::{self, SIMULATION_TIME_MAX, Work};
use crate::store::Tx;
use crate::store::establishment::application;
use crate::store::establishment::assignment::{Origin, Standing};
use crate::store::establishment::rule::{self, Rule};
use crate::store::establishment::user::User;
use crate::types::Invalid;
use crate::types::id::{ApplicationId, RuleId, UserId};
use crate::types::permission::Permission;

/// Most rows listed of what would be gained, and of what would be lost; the counts are complete.
const ROWS_MAX: usize = 10_000;

/// A person, as far as a row needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Person {
    /// Key.
    pub id: UserId,
    /// The name to sign in with.
    pub username: String,
    /// What people read.
    pub display_name: String,
}

impl From<&User> for Person {
    fn from(user: &User) -> Self {
        Self { id: user.id, username: user.username.clone(), display_name: user.display_name.clone() }
    }
}

/// One role that someone would gain or lose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SimulatedRole {
    /// Who.
    pub user: Person,
    /// The application's name.
    pub application: String,
    /// The role.
    pub role: String,
    /// Where it holds; empty is everywhere.
    pub scope: String,
    /// The stored rule that gives it; none for a new rule and for a default role.
    pub rule: Option<RuleId>,
}

/// What would change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Simulation {
    /// Who would gain what; at most 10,000 rows.
    pub gained: Vec<SimulatedRole>,
    /// Who would lose what; at most 10,000 rows.
    pub lost: Vec<SimulatedRole>,
    /// Rows gained, listed or not.
    pub gained_count: u64,
    /// Rows lost, listed or not.
    pub lost_count: u64,
    /// Assignments that would stay.
    pub unchanged_count: u64,
    /// How many assignments of each role there would be by rules and defaults. A role of several applications is `application/role`.
    pub by_role: BTreeMap<String, u64>,
}

/// Evaluates these rules, instead of all those that are stored, for everyone. Writes nothing.
///
/// # Errors
/// `Invalid` with the rule's place in the list, or when it takes too long.
pub async fn simulate(ctx: &Context, rules: &[RuleFields]) -> Result<Simulation, Error> {
    ctx.require(Permission::ManageRoles)?;
    if rules.len() > RULES_MAX {
        return Err(Error::invalid("rules", format!("an establishment has at most {RULES_MAX} rules, these are {}", rules.len())));
    }
    work::simulating(SIMULATION_TIME_MAX, simulated(ctx, rules)).await
}

async fn simulated(ctx: &Context, rules: &[RuleFields]) -> Result<Simulation, Error> {
    let work = Work::default();
    let mut tx = ctx.store.read().await?;
    let compiled = compiled(&mut tx, &work, rules, ctx.now).await?;
    let loaded = Loaded::load_without_reasons(&mut tx, &work, compiled).await?;
    let names: BTreeMap<ApplicationId, String> = loaded.engine.catalogues().map(|(c, _)| (c.id, c.name.clone())).collect();
    let mut simulation = Simulation::default();
    let mut counts: BTreeMap<(ApplicationId, String), u64> = BTreeMap::new();
    let mut crowd = Crowd::everyone();
    while let Some(step) = crowd.next(&mut tx, &loaded).await? {
        let now = ctx.now;
        let look = move |loaded: &Loaded, facts: &Facts<'_>, standing: &[Standing]| {
            let found = difference(loaded, facts, standing, now)?;
            Ok((Person::from(facts.user), counted(standing, &found), found))
        };
        for (person, held, found) in step.each(&work, &loaded, look).await? {
            for role in held {
                *counts.entry(role).or_default() += 1;
            }
            simulation.add(&person, &names, found);
        }
    }
    simulation.by_role = by_role(&names, counts);
    Ok(simulation)
}

/// What adding this rule would do, or putting it in the place of another. Writes nothing.
///
/// # Errors
/// `Invalid` with every field that does not fit; `NotFound` when there is no rule to replace.
pub async fn simulate_change(ctx: &Context, replaced: Option<RuleId>, fields: &RuleFields) -> Result<Simulation, Error> {
    ctx.require(Permission::ManageRoles)?;
    let mut tx = ctx.store.read().await?;
    let stored = rule::list(&mut tx).await?;
    drop(tx);
    if replaced.is_some_and(|id| stored.iter().all(|rule| rule.id != id)) {
        return Err(Error::not_found("rule"));
    }
    let kept = stored.iter().filter(|rule| Some(rule.id) != replaced).map(RuleFields::from);
    // The rule in question stands first, so that its place in the list is known when it does not fit.
    let supposed: Vec<RuleFields> = std::iter::once(fields.clone()).chain(kept).collect();
    simulate(ctx, &supposed).await.map_err(|error| match error {
        Error::Invalid(wrong) => {
            let own = |field: &str| field.strip_prefix("rules[0].").unwrap_or(field).to_owned();
            Error::Invalid(wrong.into_iter().map(|invalid| Invalid::new(own(&invalid.field), invalid.message)).collect())
        }
        other => other,
    })
}

/// Rules that are also stored, field by field, keep their key; others come after them in age.
async fn compiled(tx: &mut Tx, work: &Work, rules: &[RuleFields], now: Timestamp) -> Result<Vec<Compiled>, Error> {
    let stored = rule::list(tx).await?;
    let applications = application::list(tx).await?;
    let rules = rules.to_vec();
    let written = work.piece(move |_| with_keys(rules, &stored)).await?;
    let mut wrong = Vec::new();
    let mut ready = Vec::new();
    let outcomes = compile_set(work, written.clone()).await?;
    for (at, ((fields, known), outcome)) in written.into_iter().zip(outcomes).enumerate() {
        let place = |invalid: Invalid| Invalid::new(format!("rules[{at}].{}", invalid.field), invalid.message);
        let rule = match outcome {
            Ok(rule) => rule,
            Err(several) => {
                wrong.extend(several.into_iter().map(place));
                continue;
            }
        };
        match applications.iter().find(|a| a.name == fields.application) {
            None => wrong.push(place(Invalid::new("application", format!("there is no application «{}»", fields.application)))),
            Some(application) => wrong.extend(check_role(application, &rule).err().map(place)),
        }
        if fields.enabled {
            ready.push((fields.priority, known.is_none(), known, at, rule));
        }
    }
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    ready.sort_by_key(|(priority, new, known, at, _)| (*priority, *new, *known, *at));
    Ok(ready.into_iter().map(|(.., rule)| rule).collect())
}

/// Each rule with the key of the stored one that says the same. A stored rule lends its key once.
fn with_keys(rules: Vec<RuleFields>, stored: &[Rule]) -> Vec<(RuleFields, Option<RuleId>)> {
    let mut left: Vec<(RuleFields, RuleId)> = stored.iter().map(|rule| (RuleFields::from(rule), rule.id)).collect();
    let key = |fields: RuleFields| {
        let known = left.iter().position(|(same, _)| *same == fields).map(|at| left.swap_remove(at).1);
        (fields, known)
    };
    rules.into_iter().map(key).collect()
}

/// The roles that someone would hold by rules and defaults.
fn counted(standing: &[Standing], found: &Difference) -> Vec<(ApplicationId, String)> {
    let stays = standing.iter().filter(|s| s.origin != Origin::Manual && !found.lost.iter().any(|lost| lost.id == s.id));
    stays.chain(&found.gained).map(|row| (row.application_id, row.role.clone())).collect()
}

fn by_role(names: &BTreeMap<ApplicationId, String>, counts: BTreeMap<(ApplicationId, String), u64>) -> BTreeMap<String, u64> {
    let mut seen = BTreeSet::new();
    let shared: BTreeSet<String> = counts.keys().filter(|(_, role)| !seen.insert(role.clone())).map(|(_, role)| role.clone()).collect();
    let label = |(application, role): (ApplicationId, String)| match names.get(&application) {
        Some(name) if shared.contains(&role) => format!("{name}/{role}"),
        _ => role,
    };
    counts.into_iter().map(|(key, count)| (label(key), count)).collect()
}

impl Simulation {
    fn add(&mut self, person: &Person, names: &BTreeMap<ApplicationId, String>, found: Difference) {
        self.unchanged_count += found.unchanged;
        self.gained_count += found.gained.len() as u64;
        self.lost_count += found.lost.len() as u64;
        let row = |standing: Standing| SimulatedRole {
            user: person.clone(),
            application: names.get(&standing.application_id).cloned().unwrap_or_default(),
            role: standing.role,
            scope: standing.scope,
            rule: standing.rule_id,
        };
        let room = ROWS_MAX.saturating_sub(self.gained.len());
        self.gained.extend(found.gained.into_iter().map(row).take(room));
        let room = ROWS_MAX.saturating_sub(self.lost.len());
        self.lost.extend(found.lost.into_iter().map(row).take(room));
    }
}
