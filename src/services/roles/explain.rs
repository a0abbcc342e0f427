//! Why someone holds what they hold, and why not something else.

use serde::Serialize;
use utoipa::ToSchema;

use super::super::context::Context;
use super::super::error::Error;
use super::authority::seen;
use super::crowd::{self, Crowd, Loaded};
use super::decide::Engine;
use super::evaluate::{Facts, step};
use super::held::counting;
use super::losers::{Loser, losers};
use super::misses::{Miss, misses};
use super::work::Work;
use crate::store::establishment::assignment::{self, Assignment, Origin, Standing, Step, Within};
use crate::store::establishment::user::{self, User, UserStatus};
use crate::types::id::{AssignmentId, RuleId, UserId};
use crate::types::time::Timestamp;

/// One assignment with its reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Explained {
    /// Key.
    pub id: AssignmentId,
    /// The application's name.
    pub application: String,
    /// The role.
    pub role: String,
    /// Where it holds; empty is everywhere.
    pub scope: String,
    /// Where it comes from.
    pub origin: Origin,
    /// The rule that gave it.
    pub rule: Option<RuleId>,
    /// The way from the entry to the role.
    pub path: Vec<Step>,
    /// Whether it counts today: the person is active, it is valid now, and nothing stronger stands before it.
    pub counts: bool,
    /// A person's words, for a role given by hand.
    pub reason: Option<String>,
    /// It holds until then.
    pub valid_until: Option<Timestamp>,
}

/// Why, and why not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Explanation {
    /// What is recorded, each with its reason.
    pub assignments: Vec<Explained>,
    /// Rules that gave nothing, those that failed least first.
    pub nearest_misses: Vec<Miss>,
    /// Where an application allows one role: those that gave way, and the order that decided.
    pub losers: Vec<Loser>,
}

/// Explains someone's roles, in one application or all, one role or all.
///
/// # Errors
/// `NotFound` for an unknown person or application, and for people whom the actor has nothing to do with.
pub async fn explain(ctx: &Context, id: UserId, application: Option<&str>, role: Option<&str>) -> Result<Explanation, Error> {
    let within = seen(ctx)?;
    let mut tx = ctx.store.read().await?;
    let person = user::get(&mut tx, id).await?;
    let within = within.filter(|within| !within.administers(person.home_unit.as_deref()));
    if within.as_ref().is_some_and(|within| within.applications.is_empty() && within.services.is_empty()) {
        return Err(Error::not_found("user"));
    }
    let work = Work::default();
    let rules = crowd::stored_rules(&mut tx, &work).await?;
    let loaded = Loaded::load_for(&mut tx, &work, rules, &[id]).await?;
    if let Some(name) = application
        && !loaded.engine.catalogues().any(|(catalogue, _)| catalogue.name == name)
    {
        return Err(Error::not_found(format!("application «{name}»")));
    }
    let in_question = |name: &str| application.is_none_or(|wanted| wanted == name);
    let all: Vec<Assignment> = assignment::list_of_user(&mut tx, id).await?.into_iter().filter(|a| in_question(&a.application)).collect();
    let mut explanation = Explanation { assignments: explained(&loaded.engine, &person, &all, ctx.now), ..Explanation::default() };
    explanation.assignments.retain(|a| role.is_none_or(|wanted| wanted == a.role));
    let mut crowd = Crowd::of(&[id]);
    while let Some(step) = crowd.next(&mut tx, &loaded).await? {
        let (application, role) = (application.map(str::to_owned), role.map(str::to_owned));
        let now = ctx.now;
        let look = move |loaded: &Loaded, facts: &Facts<'_>, standing: &[Standing]| {
            let in_question = |name: &str| application.as_deref().is_none_or(|wanted| wanted == name);
            let misses = misses(&loaded.engine, facts, now, &in_question, role.as_deref());
            Ok((misses, losers(&loaded.engine, facts, standing, now, &in_question, role.as_deref())))
        };
        for (misses, losers) in step.each(&work, &loaded, look).await? {
            explanation.nearest_misses.extend(misses);
            explanation.losers.extend(losers);
        }
    }
    Ok(match within {
        Some(within) => explanation.of_applications(&within),
        None => explanation,
    })
}

impl Explanation {
    /// As whoever answers for some applications is told: of these, and without the facts of people, which they are not shown.
    fn of_applications(mut self, within: &Within) -> Self {
        self.assignments.retain(|one| within.answers(&one.application, &one.scope));
        for one in self.assignments.iter_mut().filter(|one| one.origin != Origin::Manual) {
            one.path.clear();
        }
        self.losers.retain(|one| within.answers(&one.application, &one.scope));
        self.nearest_misses.clear();
        self
    }
}

fn explained(engine: &Engine, person: &User, all: &[Assignment], now: Timestamp) -> Vec<Explained> {
    let valid = |a: &&Assignment| now.is_within(a.valid_from, a.valid_until);
    let mut rows = Vec::new();
    for (catalogue, _) in engine.catalogues() {
        let own: Vec<&Assignment> = all.iter().filter(|a| a.application_id == catalogue.id).collect();
        let holding =
            if person.status == UserStatus::Active { own.iter().filter(|a| valid(a)).map(|a| (*a).clone()).collect() } else { Vec::new() };
        let counted: Vec<AssignmentId> = counting(catalogue, holding).into_iter().map(|a| a.id).collect();
        rows.extend(own.into_iter().map(|a| {
            let by_hand = a.origin == Origin::Manual;
            Explained {
                id: a.id,
                application: a.application.clone(),
                role: a.role.clone(),
                scope: a.scope.clone(),
                origin: a.origin,
                rule: a.rule_id,
                path: if by_hand { vec![step("entry", &person.username), step("role", &a.role)] } else { a.reason.clone() },
                counts: counted.contains(&a.id),
                reason: a.reason.first().filter(|_| by_hand).map(|words| words.name.clone()),
                valid_until: a.valid_until,
            }
        }));
    }
    rows
}
