//! What is the actor's own before an act that recomputes roles, and whether it is the same after it: what they hold, and what rules would give
//! them at any time to come. Decides; writes nothing.

use std::collections::BTreeSet;

use super::super::context::Context;
use super::super::error::Error;
use super::compile::Compiled;
use super::foreseen::{self, Which};
use crate::store::Tx;
use crate::store::establishment::assignment::{self, Origin};
use crate::types::id::UserId;
use crate::types::permission::APPLICATION;
use crate::types::time::Timestamp;

/// One role as it must not change under the hand of whoever holds it: application, role, scope, where it comes from, from when, until when.
type Row = (String, String, String, Origin, Option<Timestamp>, Option<Timestamp>);

/// One role that a rule would give: application, role, scope, from when, until when.
type Gift = (String, String, String, Option<Timestamp>, Option<Timestamp>);

/// What the actor holds before an act that recomputes roles: nobody changes their own, by a rule that fits them or by a fact that one looks at
/// either. What a rule gives later counts as what it gives now, and what it gives beside a role given by hand counts too.
#[derive(Debug)]
pub struct Own {
    person: Option<UserId>,
    which: Which,
    now: Timestamp,
    rows: BTreeSet<Row>,
    gifts: BTreeSet<Gift>,
}

impl Own {
    /// The actor's roles of the gateway.
    pub async fn of_gateway_in(tx: &mut Tx, ctx: &Context) -> Result<Self, Error> {
        Self::read(tx, ctx, ctx.actor.person(), Which::Gateway).await
    }

    /// All of the actor's roles.
    pub async fn of_actor_in(tx: &mut Tx, ctx: &Context) -> Result<Self, Error> {
        Self::read(tx, ctx, ctx.actor.person(), Which::All).await
    }

    /// The same when the act is about themselves, and nothing else.
    pub async fn of_person_in(tx: &mut Tx, ctx: &Context, person: UserId) -> Result<Self, Error> {
        Self::read(tx, ctx, ctx.actor.person().filter(|own| *own == person), Which::All).await
    }

    async fn read(tx: &mut Tx, ctx: &Context, person: Option<UserId>, which: Which) -> Result<Self, Error> {
        let Some(known) = person else { return Ok(Self { person, which, now: ctx.now, rows: BTreeSet::new(), gifts: BTreeSet::new() }) };
        let (rows, gifts) = (rows(tx, known, which, ctx.now).await?, standing_gifts(tx, known, which, ctx.now).await?);
        Ok(Self { person, which, now: ctx.now, rows, gifts })
    }

    /// Whether the roles are as they were; else the caller drops the transaction.
    ///
    /// # Errors
    /// `Forbidden`.
    pub async fn unchanged_in(self, tx: &mut Tx) -> Result<(), Error> {
        let Some(person) = self.person else { return Ok(()) };
        let same = rows(tx, person, self.which, self.now).await? == self.rows
            && standing_gifts(tx, person, self.which, self.now).await? == self.gifts;
        if same { Ok(()) } else { Err(own_roles()) }
    }
}

/// Checks that other rules in the place of those that stand would leave the actor's own roles in the gateway alone.
///
/// # Errors
/// `Forbidden`.
pub async fn own_stay_in(tx: &mut Tx, ctx: &Context, supposed: Vec<Compiled>) -> Result<(), Error> {
    let Some(person) = ctx.actor.person() else { return Ok(()) };
    let now = standing_gifts(tx, person, Which::Gateway, ctx.now).await?;
    let then = to_come(foreseen::by_rules_in(tx, person, supposed, Which::Gateway).await?, ctx.now);
    if now == then { Ok(()) } else { Err(own_roles()) }
}

fn own_roles() -> Error {
    Error::Forbidden("this would change your own roles: ask another administrator".to_owned())
}

async fn rows(tx: &mut Tx, person: UserId, which: Which, now: Timestamp) -> Result<BTreeSet<Row>, Error> {
    let held = assignment::list_of_user(tx, person).await?.into_iter();
    let held = held.filter(|row| which == Which::All || row.application == APPLICATION);
    // What has ended is nobody's, and is tidied away by whoever comes.
    let held = held.filter(|row| row.valid_until.is_none_or(|until| until > now));
    Ok(held.map(|row| (row.application, row.role, row.scope, row.origin, row.valid_from, row.valid_until)).collect())
}

async fn standing_gifts(tx: &mut Tx, person: UserId, which: Which, now: Timestamp) -> Result<BTreeSet<Gift>, Error> {
    Ok(to_come(foreseen::by_standing_rules_in(tx, person, which).await?, now))
}

/// What is given now or later; when it began, if it did, is all the same.
fn to_come(gifts: Vec<foreseen::Gift>, now: Timestamp) -> BTreeSet<Gift> {
    let lasting = gifts.into_iter().map(|gift| {
        let (from, until) = (gift.window.start().filter(|from| *from > now), gift.window.end(now));
        (gift.application, gift.role, gift.scope, from, until)
    });
    lasting.filter(|(.., until)| until.is_none_or(|until| until > now)).collect()
}
