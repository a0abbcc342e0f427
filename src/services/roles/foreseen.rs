//! Which roles of the gateway someone has, and which ones rules would give them as soon as they are active. Whoever may change such an account
//! could act as it: by a link that chooses its password, by a unit that a rule looks at. Writes nothing.

use std::collections::BTreeSet;

use super::super::context::Context;
use super::super::error::Error;
use super::authority::own_roles;
use super::compile::Compiled;
use super::crowd::{self, Crowd, Loaded};
use super::evaluate::Facts;
use super::work::Work;
use crate::store::Tx;
use crate::store::establishment::assignment::{self, Standing};
use crate::store::establishment::rule;
use crate::store::establishment::user::{User, UserStatus};
use crate::types::id::UserId;
use crate::types::permission::{APPLICATION, GatewayRole, Held};

/// Roles of the gateway that a person has, whether they count today or not, with those that rules would give them.
pub async fn foreseen_in(tx: &mut Tx, ctx: &Context, person: UserId) -> Result<Vec<Held>, Error> {
    let mut roles: Vec<Held> = assignment::list_of_user(tx, person)
        .await?
        .iter()
        .filter(|row| row.application == APPLICATION)
        .filter_map(|row| Held::parse(&row.role, &row.scope))
        .collect();
    roles.extend(by_standing_rules_in(tx, person).await?);
    // Operators are the platform's, whatever an establishment's store says.
    roles.retain(|held| ctx.is_platform() || held.role != GatewayRole::Operator);
    Ok(roles)
}

/// Checks that other rules in the place of those that stand would leave the actor's own roles in the gateway alone.
///
/// # Errors
/// `Forbidden`.
pub async fn own_stay_in(tx: &mut Tx, ctx: &Context, supposed: Vec<Compiled>) -> Result<(), Error> {
    let Some(person) = ctx.actor.person() else { return Ok(()) };
    let distinct = |found: Vec<Held>| found.iter().map(Held::to_string).collect::<BTreeSet<String>>();
    let (now, then) = (by_standing_rules_in(tx, person).await?, by_rules_in(tx, person, supposed).await?);
    if distinct(now) == distinct(then) { Ok(()) } else { Err(own_roles()) }
}

async fn by_standing_rules_in(tx: &mut Tx, person: UserId) -> Result<Vec<Held>, Error> {
    if !rule::list(tx).await?.iter().any(|rule| rule.enabled && rule.application == APPLICATION) {
        return Ok(Vec::new());
    }
    let rules = crowd::stored_rules(tx, &Work::default()).await?;
    by_rules_in(tx, person, rules).await
}

async fn by_rules_in(tx: &mut Tx, person: UserId, mut rules: Vec<Compiled>) -> Result<Vec<Held>, Error> {
    let work = Work::default();
    rules.retain(|rule| rule.application == APPLICATION);
    if rules.is_empty() {
        return Ok(Vec::new());
    }
    let loaded = Loaded::load(tx, &work, rules).await?;
    let mut crowd = Crowd::of(&[person]);
    let mut found = Vec::new();
    while let Some(step) = crowd.next(tx, &loaded).await? {
        let look = |loaded: &Loaded, facts: &Facts<'_>, _: &[Standing]| Ok(given(loaded, facts));
        found.extend(step.each(&work, &loaded, look).await?.into_iter().flatten());
    }
    Ok(found)
}

/// What rules would give someone who were active.
fn given(loaded: &Loaded, facts: &Facts<'_>) -> Vec<Held> {
    let person = User { status: UserStatus::Active, ..facts.user.clone() };
    let effective = loaded.engine.matcher.graph.effective(facts.direct);
    let facts = Facts { user: &person, ..*facts };
    let seen = loaded.engine.matcher.see(&facts, &effective);
    let mut found = Vec::new();
    // Also what gives nothing today, outside its window: its day may come.
    for (_, rules) in loaded.engine.catalogues() {
        let gifts = rules.iter().flat_map(|rule| loaded.engine.matcher.gifts_of(rule, &seen).given);
        found.extend(gifts.filter_map(|given| Held::parse(&given.role, &given.scope)));
    }
    found
}
