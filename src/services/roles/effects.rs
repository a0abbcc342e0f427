//! What follows when people gain and lose roles: applications that want it end their sign-ins, and people are written to. Decides nobody's
//! roles; everything is written in the transaction that changes them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::json;

use super::super::audit;
use super::super::context::Context;
use super::super::error::Error;
use super::super::logout_notices;
use super::super::outbox;
use super::super::provisioning_bell;
use super::crowd::{Difference, Loaded};
use super::decide::Catalogue;
use super::evaluate::Facts;
use super::held::counting;
use super::telling::{Change, Telling};
use crate::store::Tx;
use crate::store::establishment::application::{self, Notify, OnRoleLoss};
use crate::store::establishment::assignment::{self, Origin, Standing};
use crate::store::establishment::{client, grant, logout_listener};
use crate::types::id::{ApplicationId, UserId};
use crate::types::time::Timestamp;

/// That a change of roles may have something to send, said before its transaction.
#[derive(Debug)]
#[must_use = "hurry it after the commit, or what was written waits for minutes"]
pub struct Announced(Option<outbox::Announced>);

/// Announces what a change of roles may send. To be called before its transaction begins. Costs a reading where nothing is ever sent.
///
/// # Errors
/// When a store fails; then no role must be changed either.
pub async fn announce(ctx: &Context) -> Result<Announced, Error> {
    let wanted = ctx.gateway.mailer.is_configured() || logout_listener::any(&mut ctx.store.read().await?).await?;
    Ok(Announced(if wanted { Some(outbox::announce(ctx).await?) } else { None }))
}

/// Whether runs of sources have anything to send when roles change with them.
///
/// # Errors
/// When the store fails.
pub async fn are_sent_by_runs(ctx: &Context) -> Result<bool, Error> {
    let mut tx = ctx.store.read().await?;
    let wishes = Wishes::load(&mut tx, ctx, false).await?;
    let ends = wishes.of.values().any(|wish| wish.ends || wish.requires);
    Ok(wishes.of.values().any(|wish| wish.tells) || (ends && logout_listener::any(&mut tx).await?))
}

impl Announced {
    /// Has it sent now. To be called after the commit; when it fails, it is sent a little later.
    pub async fn hurry(self, ctx: &Context) {
        provisioning_bell::ring(ctx).await;
        if let Some(announced) = self.0 {
            announced.hurry(ctx).await;
        }
    }
}

/// What some people held before a person's hand changed it.
#[derive(Debug, Default)]
pub struct Before(HashMap<UserId, Vec<Standing>>);

impl Before {
    /// Who.
    pub fn users(&self) -> Vec<UserId> {
        self.0.keys().copied().collect()
    }
}

/// What some people hold now, to be read before a person's hand changes it.
pub async fn before_in(tx: &mut Tx, users: &[UserId]) -> Result<Before, Error> {
    let mut before = HashMap::with_capacity(users.len());
    for user in users {
        let after = user.uuid().as_u128().checked_sub(1).map(|key| UserId::from(uuid::Uuid::from_u128(key)));
        before.insert(*user, assignment::list_between(tx, after, *user).await?);
    }
    Ok(Before(before))
}

/// What one application wants when roles change.
#[derive(Debug)]
struct Wish {
    /// Sign-ins of whoever loses a role end.
    ends: bool,
    /// Some of its clients let nobody in without a role.
    requires: bool,
    /// People are written to.
    tells: bool,
}

/// What applications want; those that want nothing are left out.
#[derive(Debug)]
pub struct Wishes {
    of: HashMap<ApplicationId, Wish>,
}

impl Wishes {
    async fn load(tx: &mut Tx, ctx: &Context, by_hand: bool) -> Result<Self, Error> {
        let requiring = client::applications_requiring_a_role(tx).await?;
        let reachable = ctx.gateway.mailer.is_configured();
        let wish = |a: application::Application| {
            let ends = a.policy.on_role_loss == OnRoleLoss::EndSessions;
            let tells = reachable && (a.policy.notify == Notify::All || (by_hand && a.policy.notify == Notify::ByHand));
            (a.id, Wish { ends, requires: requiring.contains(&a.id), tells })
        };
        let all = application::list(tx).await?.into_iter().map(wish);
        Ok(Self { of: all.filter(|(_, wish)| wish.ends || wish.requires || wish.tells).collect() })
    }
}

/// Someone whose roles are others now.
#[derive(Debug)]
pub struct Felt {
    change: Change,
    /// Applications in which they lost a role, other than the default role to a better one.
    losing: Vec<ApplicationId>,
    /// Applications in which they held something, and hold nothing any more.
    bare: Vec<ApplicationId>,
}

/// What is compared, and what came of it so far, of one change of roles.
#[derive(Debug, Default)]
pub struct Effects {
    wishes: Option<Arc<Wishes>>,
    /// What they held whose roles someone's hand changed.
    before: Option<Arc<Before>>,
    /// The instant to compare with, where time itself took roles away.
    since: Option<Timestamp>,
    telling: Telling,
    ended: u64,
}

impl Effects {
    /// Of a change by hand.
    pub fn by_hand(before: Before) -> Self {
        Self { before: Some(Arc::new(before)), ..Self::default() }
    }

    /// Of assignments that began and ended since an instant.
    pub fn since(instant: Timestamp) -> Self {
        Self { since: Some(instant), ..Self::default() }
    }

    /// Of a part of a larger change: the letters are another's to write.
    pub fn telling(telling: Telling) -> Self {
        Self { telling, ..Self::default() }
    }

    /// Whether people have to be looked at though no rule gives them anything.
    pub fn compares(&self) -> bool {
        self.before.is_some() || self.since.is_some()
    }

    /// What compares a person's roles before and after, for pieces of work off this task.
    pub async fn look_in(&mut self, tx: &mut Tx, ctx: &Context) -> Result<Look, Error> {
        let wishes = match &self.wishes {
            Some(wishes) => wishes.clone(),
            None => self.wishes.insert(Arc::new(Wishes::load(tx, ctx, self.before.is_some()).await?)).clone(),
        };
        Ok(Look { wishes, before: self.before.clone(), since: self.since.unwrap_or(ctx.now), now: ctx.now })
    }

    /// Ends the sign-ins that are to end, with notices, and remembers who is to be written to.
    pub async fn follow_in(&mut self, tx: &mut Tx, ctx: &Context, felt: Vec<Felt>) -> Result<(), Error> {
        let Some(wishes) = self.wishes.clone() else { return Ok(()) };
        for (application, wish) in &wishes.of {
            let of = |listed: fn(&Felt) -> &Vec<ApplicationId>| -> Vec<UserId> {
                felt.iter().filter(|one| listed(one).contains(application)).map(|one| one.change.user()).collect()
            };
            if wish.ends {
                self.end_in(tx, ctx, &of(|one| &one.losing), *application, false).await?;
            }
            if wish.requires {
                self.end_in(tx, ctx, &of(|one| &one.bare), *application, true).await?;
            }
        }
        for one in felt {
            self.telling.add(one.change, ctx.now);
        }
        Ok(())
    }

    async fn end_in(
        &mut self,
        tx: &mut Tx,
        ctx: &Context,
        users: &[UserId],
        application: ApplicationId,
        only_requiring: bool,
    ) -> Result<(), Error> {
        if users.is_empty() {
            return Ok(());
        }
        logout_notices::at_application_in(tx, ctx, users, application, only_requiring).await?;
        self.ended += grant::revoke_at_application(tx, users, application, only_requiring, ctx.now).await?;
        Ok(())
    }

    /// Writes into the trail how many sign-ins ended, and hands back who is to be written to.
    pub async fn settle_in(self, tx: &mut Tx, ctx: &Context) -> Result<Telling, Error> {
        if self.ended > 0 {
            audit::record_in(tx, ctx, "roles.sign_ins_ended", ("establishment", ctx.slug()), json!({ "grants": self.ended })).await?;
        }
        Ok(self.telling)
    }
}

/// Compares what people hold before and after.
#[derive(Clone, Debug)]
pub struct Look {
    wishes: Arc<Wishes>,
    before: Option<Arc<Before>>,
    since: Timestamp,
    now: Timestamp,
}

impl Look {
    /// What someone gained and lost in applications that care. Pure.
    pub fn at(&self, loaded: &Loaded, facts: &Facts<'_>, standing: &[Standing], found: &Difference) -> Option<Felt> {
        let idle = found.gained.is_empty() && found.lost.is_empty() && self.before.is_none() && self.since == self.now;
        if idle || self.wishes.of.is_empty() || !facts.active() {
            return None;
        }
        let gone: BTreeSet<_> = found.lost.iter().map(|row| row.id).collect();
        let moved: BTreeSet<_> = found.moved.iter().map(|row| row.id).collect();
        let before = self.before.as_ref().and_then(|known| known.0.get(&facts.user.id)).map_or(standing, Vec::as_slice);
        let mut felt = Felt { change: Change::of(facts.user), losing: Vec::new(), bare: Vec::new() };
        for (catalogue, _) in loaded.engine.catalogues() {
            let Some(wish) = self.wishes.of.get(&catalogue.id) else { continue };
            // What is taken away was held until now, though its time may have run out a moment ago, or its catalogue know it no more.
            let taken = |row: &&Standing| gone.contains(&row.id) && row.application_id == catalogue.id;
            let stood = before.iter().filter(|row| taken(row) || is_valid(catalogue, row, self.since));
            let mut had = held(catalogue, stood);
            let unknown = before.iter().filter(|row| taken(row) && !catalogue.admits(&row.role, &row.scope));
            had.extend(unknown.map(|row| ((row.role.clone(), row.scope.clone()), (row.origin, row.valid_until))));
            let stays = standing.iter().filter(|row| !gone.contains(&row.id) && !moved.contains(&row.id));
            let stands = stays.chain(&found.gained).chain(&found.moved).filter(|row| is_valid(catalogue, row, self.now));
            let has = held(catalogue, stands);
            felt.note(catalogue.id, wish, &had, &has);
        }
        (!felt.losing.is_empty() || !felt.bare.is_empty() || !felt.change.is_empty()).then_some(felt)
    }
}

/// Roles in their scopes, each with where it comes from and until when it holds.
type Held = BTreeMap<(String, String), (Origin, Option<Timestamp>)>;

fn is_valid(catalogue: &Catalogue, row: &Standing, at: Timestamp) -> bool {
    row.application_id == catalogue.id && row.valid_from.is_none_or(|from| from <= at) && row.valid_until.is_none_or(|until| until > at)
}

fn held<'a>(catalogue: &Catalogue, rows: impl Iterator<Item = &'a Standing>) -> Held {
    let mut held = Held::new();
    for row in counting(catalogue, rows.collect::<Vec<&Standing>>()) {
        let (_, until) = held.entry((row.role.clone(), row.scope.clone())).or_insert((row.origin, row.valid_until));
        // By rule and by hand: until the later end.
        *until = until.zip(row.valid_until).map(|(one, other)| one.max(other));
    }
    held
}

impl Felt {
    fn note(&mut self, application: ApplicationId, wish: &Wish, had: &Held, has: &Held) {
        let lost = |of_default: bool| {
            had.iter().filter(move |(pair, (origin, _))| !has.contains_key(*pair) && (of_default || *origin != Origin::Default))
        };
        let bare = !had.is_empty() && has.is_empty();
        if lost(bare).next().is_some() {
            self.losing.push(application);
        }
        if bare {
            self.bare.push(application);
        }
        if wish.tells {
            // Nobody is written to about the role that everyone has.
            for (pair, (_, until)) in has.iter().filter(|(pair, (origin, _))| !had.contains_key(*pair) && *origin != Origin::Default) {
                self.change.gain(application, pair.clone(), *until);
            }
            for (pair, _) in lost(false) {
                self.change.lose(application, pair.clone());
            }
        }
    }
}
