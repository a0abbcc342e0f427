//! What rules as they would be give and take away, before anything is written.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;
use utoipa::ToSchema;

use super::super::context::Context;
use super::super::error::Error;
use super::compile::{Compiled, RuleFields, compile_set};
use super::crowd::{self, Base, Crowd, Difference, Loaded, difference};
use super::evaluate::Facts;
use super::rules::{RULES_MAX, check_role};
use super::save;
use super::sourced::check_sources;
use super::supposed::Supposed;
use super::work::{self, SIMULATION_TIME_MAX, Stop, Work};
use crate::store::Tx;
use crate::store::establishment::application::{self, Application};
use crate::store::establishment::assignment::{self, Origin, Standing};
use crate::store::establishment::ended_assignment::Way;
use crate::store::establishment::rule::{self, Rule};
use crate::store::establishment::user::User;
use crate::types::Invalid;
use crate::types::id::{ApplicationId, RuleId, UserId};
use crate::types::page::cursor;
use crate::types::permission::Permission;
use crate::types::time::Timestamp;

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
    /// Where the rows that are not listed begin; null when all are.
    pub next_cursor: Option<String>,
    /// What these rules are applied with: it holds while the rules and the catalogues are as they were. Null when something else than rules
    /// was tried.
    pub simulation: Option<String>,
    #[serde(skip)]
    full: bool,
}

/// Which rows of a simulation are listed. Counts are always of everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// Only people after this one: where the page before ended.
    pub after: Option<UserId>,
    /// Most rows of each list; a person's rows stay together. 10,000 when none is given.
    pub limit: Option<usize>,
    /// The application's name.
    pub application: Option<String>,
    /// Exact role.
    pub role: Option<String>,
    /// One way only.
    pub change: Option<Way>,
}

/// Evaluates these rules, instead of all those that are stored, for everyone. Writes nothing.
///
/// # Errors
/// `Invalid` with the rule's place in the list, or when it takes too long.
pub async fn simulate(ctx: &Context, rules: &[RuleFields]) -> Result<Simulation, Error> {
    simulate_seen(ctx, rules, &View::default()).await
}

/// The same, listing some of the rows.
///
/// # Errors
/// As for [`simulate`].
pub async fn simulate_seen(ctx: &Context, rules: &[RuleFields], view: &View) -> Result<Simulation, Error> {
    ctx.require(Permission::ManageRoles)?;
    simulate_in_place(ctx, rules, None, view).await
}

async fn simulate_in_place(ctx: &Context, rules: &[RuleFields], replaced: Option<RuleId>, view: &View) -> Result<Simulation, Error> {
    checked_number(rules)?;
    let simulated = async {
        let work = Work::default();
        let mut tx = ctx.store.read().await?;
        let ready = compiled_with(&mut tx, &work, rules, replaced).await?;
        let base = Base::read(&mut tx, &ready, None).await?;
        let stored = rule::list(&mut tx).await?;
        let simulation = save::stamp(&stored, &base.applications, rules)?;
        Ok(Simulation { simulation: Some(simulation), ..over_everyone(ctx, tx, &work, (ready, base), view).await? })
    };
    work::simulating(SIMULATION_TIME_MAX, simulated).await
}

/// What another catalogue would do: that of the application of this name, or of one that is new. Rules and clients follow it under its name.
/// Writes nothing.
///
/// # Errors
/// When it takes too long.
pub async fn simulate_catalogue(ctx: &Context, name: &str, catalogue: &Application, view: &View) -> Result<Simulation, Error> {
    ctx.require(Permission::ManageRoles)?;
    let simulated = async {
        let work = Work::default();
        let mut tx = ctx.store.read().await?;
        let mut ready = crowd::stored_rules(&mut tx, &work).await?;
        let mut base = Base::read(&mut tx, &ready, None).await?;
        for rule in ready.iter_mut().filter(|rule| rule.application == name) {
            rule.application.clone_from(&catalogue.name);
        }
        match base.applications.iter_mut().find(|application| application.name == name) {
            Some(standing) => *standing = Application { id: standing.id, ..catalogue.clone() },
            None => base.applications.push(catalogue.clone()),
        }
        over_everyone(ctx, tx, &work, (ready, base), view).await
    };
    work::simulating(SIMULATION_TIME_MAX, simulated).await
}

/// Whether facts matter here: some rule or default role gives something, or something was given that would go.
pub(in crate::services) async fn facts_matter_in(tx: &mut Tx) -> Result<bool, Error> {
    let gives = rule::list(tx).await?.iter().any(|rule| rule.enabled);
    let by_default = application::list(tx).await?.iter().any(|application| application.default_role.is_some());
    Ok(gives || by_default || assignment::any_computed(tx).await?)
}

/// What other facts would do, under the rules that are stored. Writes nothing.
///
/// # Errors
/// When it takes too long.
pub(in crate::services) async fn simulate_facts(ctx: &Context, supposed: Supposed, view: &View) -> Result<Simulation, Error> {
    ctx.require(Permission::Read)?;
    let simulated = async {
        let work = Work::default();
        let mut tx = ctx.store.read().await?;
        let ready = crowd::stored_rules(&mut tx, &work).await?;
        let base = Base { supposed, ..Base::read(&mut tx, &ready, None).await? };
        over_everyone(ctx, tx, &work, (ready, base), view).await
    };
    work::simulating(SIMULATION_TIME_MAX, simulated).await
}

/// An establishment has so many rules at most.
///
/// # Errors
/// `Invalid`.
pub(super) fn checked_number(rules: &[RuleFields]) -> Result<(), Error> {
    if rules.len() > RULES_MAX {
        return Err(Error::invalid("rules", format!("an establishment has at most {RULES_MAX} rules, these are {}", rules.len())));
    }
    Ok(())
}

async fn over_everyone(
    ctx: &Context,
    mut tx: Tx,
    work: &Work,
    (rules, base): (Vec<Compiled>, Base),
    view: &View,
) -> Result<Simulation, Error> {
    let loaded = Loaded::bind(&mut tx, work, rules, Base { reasons: false, ..base }).await?;
    let names: BTreeMap<ApplicationId, String> = loaded.engine.catalogues().map(|(c, _)| (c.id, c.name.clone())).collect();
    let mut simulation = Simulation::default();
    let mut counts: BTreeMap<(ApplicationId, String), u64> = BTreeMap::new();
    let mut crowd = Crowd::everyone();
    let mut next = crowd.next(&mut tx, &loaded).await?;
    while let Some(step) = next {
        let now = ctx.now;
        let look = move |loaded: &Loaded, facts: &Facts<'_>, standing: &[Standing]| {
            let found = difference(loaded, facts, standing, now)?;
            let person = (!found.gained.is_empty() || !found.lost.is_empty()).then(|| Person::from(facts.user));
            Ok((person, counted(standing, &found), found))
        };
        // The next people are read while these are evaluated.
        let (looked, following) = tokio::try_join!(step.each(work, &loaded, look), crowd.next(&mut tx, &loaded))?;
        next = following;
        for (person, held, found) in looked {
            for role in held {
                *counts.entry(role).or_default() += 1;
            }
            simulation.unchanged_count += found.unchanged;
            if let Some(person) = person {
                simulation.add(&person, &names, found, view);
            }
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
    simulate_in_place(ctx, &supposed, replaced, &View::default()).await.map_err(|error| match error {
        Error::Invalid(wrong) => {
            let own = |field: &str| field.strip_prefix("rules[0].").unwrap_or(field).to_owned();
            Error::Invalid(wrong.into_iter().map(|invalid| Invalid::new(own(&invalid.field), invalid.message)).collect())
        }
        other => other,
    })
}

/// Rules that are also stored, field by field, keep their key; others come after them in age.
pub(super) async fn compiled(tx: &mut Tx, work: &Work, rules: &[RuleFields]) -> Result<Vec<Compiled>, Error> {
    compiled_with(tx, work, rules, None).await
}

/// The same where the first one stands in the place of a stored one: it keeps its key, and is renewed.
async fn compiled_with(tx: &mut Tx, work: &Work, rules: &[RuleFields], replaced: Option<RuleId>) -> Result<Vec<Compiled>, Error> {
    let stored = rule::list(tx).await?;
    let renewed: HashMap<RuleId, Timestamp> = stored.iter().map(|rule| (rule.id, rule.updated_at)).collect();
    let applications = application::list(tx).await?;
    let rules = rules.to_vec();
    let with_keys = move |_: &Stop| {
        let left: Vec<Rule> = stored.into_iter().filter(|rule| Some(rule.id) != replaced).collect();
        let first = usize::from(replaced.is_some());
        let mut rules = rules.into_iter();
        let replacing = rules.by_ref().take(first).map(|fields| (fields, replaced)).collect::<Vec<_>>();
        replacing.into_iter().chain(with_keys(rules.collect(), &left)).collect::<Vec<_>>()
    };
    let written = work.piece(with_keys).await?;
    let mut wrong = Vec::new();
    let mut ready = Vec::new();
    let outcomes = compile_set(work, written.clone()).await?;
    for (at, ((fields, known), outcome)) in written.into_iter().zip(outcomes).enumerate() {
        let place = |invalid: Invalid| Invalid::new(format!("rules[{at}].{}", invalid.field), invalid.message);
        let rule = match outcome {
            Ok(mut rule) => {
                if let Some(at) = known.filter(|id| Some(*id) != replaced).and_then(|id| renewed.get(&id)) {
                    rule.renew(&fields, *at);
                }
                rule
            }
            Err(several) => {
                wrong.extend(several.into_iter().map(place));
                continue;
            }
        };
        match applications.iter().find(|a| a.name == fields.application) {
            None => wrong.push(place(Invalid::new("application", format!("there is no application «{}»", fields.application)))),
            Some(application) => wrong.extend(check_role(application, &rule).err().map(place)),
        }
        // What stands as it was written goes on; what is written anew says whose groups it means.
        if fields.enabled && (known.is_none() || known == replaced) {
            wrong.extend(check_sources(&rule).err().into_iter().flatten().map(place));
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
pub(super) fn with_keys(rules: Vec<RuleFields>, stored: &[Rule]) -> Vec<(RuleFields, Option<RuleId>)> {
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
    fn add(&mut self, person: &Person, names: &BTreeMap<ApplicationId, String>, found: Difference, view: &View) {
        self.gained_count += found.gained.len() as u64;
        self.lost_count += found.lost.len() as u64;
        if self.full || view.after.is_some_and(|after| person.id <= after) {
            return;
        }
        let row = |standing: Standing| SimulatedRole {
            user: person.clone(),
            application: names.get(&standing.application_id).cloned().unwrap_or_default(),
            role: standing.role,
            scope: standing.scope,
            rule: standing.rule_id,
        };
        let shown = |way: Way| {
            move |row: &SimulatedRole| {
                view.change.is_none_or(|wanted| wanted == way)
                    && view.application.as_ref().is_none_or(|name| *name == row.application)
                    && view.role.as_ref().is_none_or(|role| *role == row.role)
            }
        };
        let gained: Vec<SimulatedRole> = found.gained.into_iter().map(row).filter(shown(Way::Gained)).collect();
        let lost: Vec<SimulatedRole> = found.lost.into_iter().map(row).filter(shown(Way::Lost)).collect();
        let most = view.limit.unwrap_or(ROWS_MAX);
        let fits = self.gained.len() + gained.len() <= most && self.lost.len() + lost.len() <= most;
        // A person's rows stay together, so that a page can begin after a person. One person alone always fits.
        if fits || (self.gained.is_empty() && self.lost.is_empty()) {
            self.gained.extend(gained);
            self.lost.extend(lost);
            return;
        }
        self.full = true;
        let shown_until = self.gained.last().into_iter().chain(self.lost.last()).map(|row| row.user.id).max();
        self.next_cursor = shown_until.map(|id| cursor(id.uuid()));
    }
}
