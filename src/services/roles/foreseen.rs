//! Which roles of the gateway someone has, and which ones rules would give them as soon as they are active. Whoever may change such an account
//! could act as it: by a link that chooses its password, by a unit that a rule looks at. Writes nothing.

use super::super::context::Context;
use super::super::error::Error;
use super::compile::Compiled;
use super::crowd::{self, Crowd, Loaded};
use super::evaluate::Facts;
use super::window::Window;
use super::work::Work;
use crate::store::Tx;
use crate::store::establishment::assignment::{self, Standing};
use crate::store::establishment::rule;
use crate::store::establishment::user::{User, UserStatus};
use crate::types::id::UserId;
use crate::types::permission::{APPLICATION, GatewayRole, Held};

/// Of which applications roles are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Of the gateway itself.
    Gateway,
    /// Of all.
    All,
}

impl Which {
    fn has(self, application: &str) -> bool {
        self == Self::All || application == APPLICATION
    }
}

/// What a rule would give someone who were active, whenever that is.
#[derive(Clone, Debug)]
pub struct Gift {
    /// The application's name.
    pub application: String,
    /// The role.
    pub role: String,
    /// Where it holds; empty is everywhere.
    pub scope: String,
    /// When the rule counts.
    pub window: Window,
}

/// Roles of the gateway that a person has, whether they count today or not, with those that rules would give them.
pub async fn foreseen_in(tx: &mut Tx, ctx: &Context, person: UserId) -> Result<Vec<Held>, Error> {
    let mut roles: Vec<Held> = assignment::list_of_user(tx, person)
        .await?
        .iter()
        .filter(|row| row.application == APPLICATION)
        .filter_map(|row| Held::parse(&row.role, &row.scope))
        .collect();
    let gifts = by_standing_rules_in(tx, person, Which::Gateway).await?;
    roles.extend(gifts.iter().filter_map(|gift| Held::parse(&gift.role, &gift.scope)));
    // Operators are the platform's, whatever an establishment's store says.
    roles.retain(|held| ctx.is_platform() || held.role != GatewayRole::Operator);
    Ok(roles)
}

/// What the rules that stand would give someone.
pub async fn by_standing_rules_in(tx: &mut Tx, person: UserId, which: Which) -> Result<Vec<Gift>, Error> {
    if !rule::list(tx).await?.iter().any(|rule| rule.enabled && which.has(&rule.application)) {
        return Ok(Vec::new());
    }
    let rules = crowd::stored_rules(tx, &Work::default()).await?;
    by_rules_in(tx, person, rules, which).await
}

/// What these rules would give someone.
pub async fn by_rules_in(tx: &mut Tx, person: UserId, mut rules: Vec<Compiled>, which: Which) -> Result<Vec<Gift>, Error> {
    let work = Work::default();
    rules.retain(|rule| which.has(&rule.application));
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
fn given(loaded: &Loaded, facts: &Facts<'_>) -> Vec<Gift> {
    let person = User { status: UserStatus::Active, ..facts.user.clone() };
    let effective = loaded.engine.matcher.graph.effective(facts.direct);
    let facts = Facts { user: &person, ..*facts };
    let seen = loaded.engine.matcher.see(&facts, &effective);
    let mut found = Vec::new();
    // Also what gives nothing today, outside its window: its day may come.
    for (catalogue, rules) in loaded.engine.catalogues() {
        for rule in rules {
            let gifts = loaded.engine.matcher.gifts_of(rule, &seen).given.into_iter();
            let known = gifts.filter(|given| catalogue.admits(&given.role, &given.scope));
            found.extend(known.map(|given| Gift {
                application: catalogue.name.clone(),
                role: given.role,
                scope: given.scope,
                window: rule.window,
            }));
        }
    }
    found
}
