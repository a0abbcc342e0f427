//! Writing down who holds what by rules and default roles, within the transaction that changed a fact or a rule.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::audit;
use super::super::context::Context;
use super::super::error::Error;
use super::crowd::{self, Crowd, Loaded, Step, difference};
use super::effects::{Before, Effects};
use super::evaluate::Facts;
use super::telling::Telling;
use super::work::Work;
use crate::store::Tx;
use crate::store::establishment::assignment::{self, Standing};
use crate::store::establishment::ended_assignment;
use crate::store::establishment::rule::{self, Stamp};
use crate::types::id::{AssignmentId, UserId};
use crate::types::time::Timestamp;

/// Most changes of one recomputation that the trail names; it always has their number.
const TRACED_MAX: usize = 100;

/// How many assignments a recomputation gave and took away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Changed {
    /// Given.
    pub gained: u64,
    /// Taken away.
    pub lost: u64,
}

/// Recomputes some people, after facts about them changed.
pub async fn recompute_users_in(tx: &mut Tx, ctx: &Context, users: &[UserId]) -> Result<Changed, Error> {
    if users.is_empty() {
        return Ok(Changed::default());
    }
    recompute_in(tx, ctx, Crowd::of(users)).await
}

/// Recomputes everyone, after rules, catalogues or nestings changed.
pub async fn recompute_all_in(tx: &mut Tx, ctx: &Context) -> Result<Changed, Error> {
    recompute_in(tx, ctx, Crowd::everyone()).await
}

/// Recomputes people after a person's hand changed what they hold. `before` is what they held, as [`effects::before_in`] read it: what they
/// gained and lost is felt at once, and told them.
///
/// [`effects::before_in`]: super::effects::before_in
pub async fn recompute_by_hand_in(tx: &mut Tx, ctx: &Context, before: Before) -> Result<Changed, Error> {
    let mut pass = Pass::over(Crowd::of(&before.users()));
    pass.effects = Effects::by_hand(before);
    pass.carry_in(tx, ctx).await
}

/// Recomputes some people for whom time itself changed something since an instant: roles given until then have ended.
pub async fn recompute_since_in(tx: &mut Tx, ctx: &Context, users: &[UserId], since: Timestamp) -> Result<Changed, Error> {
    if users.is_empty() {
        return Ok(Changed::default());
    }
    let mut pass = Pass::over(Crowd::of(users));
    pass.effects = Effects::since(since);
    pass.carry_in(tx, ctx).await
}

/// Recomputes some people as a part of a larger change, whose letters are written once at its end.
pub async fn recompute_part_in(tx: &mut Tx, ctx: &Context, users: &[UserId], telling: &mut Telling) -> Result<Changed, Error> {
    if users.is_empty() {
        return Ok(Changed::default());
    }
    let mut pass = Pass::over(Crowd::of(users));
    pass.effects = Effects::telling(std::mem::take(telling));
    while pass.step_in(tx, ctx).await? {}
    let (changed, told) = pass.end_in(tx, ctx).await?;
    *telling = told;
    Ok(changed)
}

/// Takes away what rules and defaults gave someone who is active no more. Needs no rule, so it stays cheap person by person.
pub async fn withdraw_in(tx: &mut Tx, ctx: &Context, user: UserId) -> Result<Changed, Error> {
    ended_assignment::keep_computed_of_user(tx, user, ctx.now).await?;
    Ok(Changed { gained: 0, lost: assignment::delete_computed_of_user(tx, user).await? })
}

async fn recompute_in(tx: &mut Tx, ctx: &Context, crowd: Crowd) -> Result<Changed, Error> {
    Pass::over(crowd).carry_in(tx, ctx).await
}

/// A recomputation in steps, each within a transaction of its own if need be: a large one never keeps other writers waiting. Whoever begins
/// one whose steps are committed apart has it end, or writes down that it is still due.
#[derive(Debug)]
pub struct Pass {
    crowd: Crowd,
    work: Work,
    loaded: Option<(Stamp, Arc<Loaded>)>,
    changed: Changed,
    trace: Vec<Value>,
    effects: Effects,
    /// Whether one transaction holds all steps: then the next people are read while those before are evaluated.
    within_one: bool,
    ahead: Option<Step>,
}

impl Pass {
    /// Over everyone.
    pub fn over_everyone() -> Self {
        Self::over(Crowd::everyone())
    }

    /// The same as the end of a larger change, with those who are to be written to already.
    #[must_use]
    pub fn telling(mut self, telling: Telling) -> Self {
        self.effects = Effects::telling(telling);
        self
    }

    /// The same after time itself changed something since an instant: what was given until then has ended.
    #[must_use]
    pub fn since(mut self, since: Timestamp) -> Self {
        self.effects = Effects::since(since);
        self
    }

    async fn carry_in(mut self, tx: &mut Tx, ctx: &Context) -> Result<Changed, Error> {
        self.within_one = true;
        while self.step_in(tx, ctx).await? {}
        self.note_in(tx, ctx).await
    }

    fn over(crowd: Crowd) -> Self {
        Self {
            crowd,
            work: Work::default(),
            loaded: None,
            changed: Changed::default(),
            trace: Vec::new(),
            effects: Effects::default(),
            within_one: false,
            ahead: None,
        }
    }

    /// Recomputes the next people. False when nobody is left.
    pub async fn step_in(&mut self, tx: &mut Tx, ctx: &Context) -> Result<bool, Error> {
        let loaded = self.loaded_in(tx).await?;
        // Without a rule and a default role nobody gains anything, and nobody loses what nobody has.
        if loaded.engine.gives_nothing() && !self.effects.compares() && !assignment::any_computed(tx).await? {
            return Ok(false);
        }
        let step = match self.ahead.take() {
            None => self.crowd.next(tx, &loaded).await?,
            ahead => ahead,
        };
        let Some(step) = step else { return Ok(false) };
        let mut written: Vec<Standing> = Vec::new();
        let mut gone: Vec<AssignmentId> = Vec::new();
        let now = ctx.now;
        let effects = self.effects.look_in(tx, ctx).await?;
        let mut felt = Vec::new();
        let look = move |loaded: &Loaded, facts: &Facts<'_>, standing: &[Standing]| {
            let found = difference(loaded, facts, standing, now)?;
            let felt = effects.at(loaded, facts, standing, &found);
            Ok((found, felt))
        };
        let looked = step.each(&self.work, &loaded, look);
        let looked = if self.within_one {
            let (looked, ahead) = tokio::try_join!(looked, self.crowd.next(tx, &loaded))?;
            self.ahead = ahead;
            looked
        } else {
            looked.await?
        };
        for (found, person) in looked {
            self.changed.gained += found.gained.len() as u64;
            self.changed.lost += found.lost.len() as u64;
            let gained = found.gained.iter().map(|row| ("gained", row));
            let room = TRACED_MAX.saturating_sub(self.trace.len());
            let named = gained.chain(found.lost.iter().map(|row| ("lost", row))).take(room);
            self.trace.extend(named.map(|(what, row)| traced(&loaded, what, row)));
            written.extend(found.gained.into_iter().chain(found.moved));
            gone.extend(found.lost.into_iter().map(|row| row.id));
            felt.extend(person);
        }
        ended_assignment::keep_all(tx, &gone, ctx.now).await?;
        assignment::delete_all(tx, &gone).await?;
        assignment::upsert_computed(tx, &written, ctx.now).await?;
        self.effects.follow_in(tx, ctx, felt).await?;
        Ok(true)
    }

    /// The rules and groups as this transaction sees them: read again when they changed since the step before.
    async fn loaded_in(&mut self, tx: &mut Tx) -> Result<Arc<Loaded>, Error> {
        if let Some((_, loaded)) = self.loaded.as_ref().filter(|_| self.within_one) {
            return Ok(loaded.clone());
        }
        let now = rule::stamp(tx).await?;
        if let Some((stamp, loaded)) = &self.loaded
            && *stamp == now
        {
            return Ok(loaded.clone());
        }
        let rules = crowd::stored_rules(tx, &self.work).await?;
        let loaded = match self.crowd.few() {
            Some(users) => Loaded::load_for(tx, &self.work, rules, &users).await?,
            None => Loaded::load(tx, &self.work, rules).await?,
        };
        self.loaded = Some((now, loaded.clone()));
        Ok(loaded)
    }

    /// Writes into the trail what the steps changed, and the letters to those for whom it did.
    pub async fn note_in(self, tx: &mut Tx, ctx: &Context) -> Result<Changed, Error> {
        let (changed, telling) = self.end_in(tx, ctx).await?;
        telling.write_in(tx, ctx).await?;
        Ok(changed)
    }

    async fn end_in(self, tx: &mut Tx, ctx: &Context) -> Result<(Changed, Telling), Error> {
        let Self { changed, trace, effects, .. } = self;
        if changed != Changed::default() {
            let detail = json!({ "gained": changed.gained, "lost": changed.lost, "changes": trace });
            audit::record_in(tx, ctx, "roles.changed", ("establishment", ctx.slug()), detail).await?;
        }
        Ok((changed, effects.settle_in(tx, ctx).await?))
    }
}

/// One change of roles as the trail keeps it (OME-58).
fn traced(loaded: &Loaded, what: &str, row: &Standing) -> Value {
    let application = loaded.engine.catalogues().find(|(catalogue, _)| catalogue.id == row.application_id);
    let application = application.map(|(catalogue, _)| catalogue.name.as_str());
    json!({ "user": row.user_id, "change": what, "application": application, "role": row.role, "scope": row.scope, "rule": row.rule_id })
}
