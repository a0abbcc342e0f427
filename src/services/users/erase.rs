//! Erasing someone: what told who they were is wiped, or the person is removed with all that hangs on them. Decides nothing.

use serde_json::{Value, json};

use super::super::audit;
use super::super::context::Context;
use super::super::error::Error;
use super::super::logout_notices;
use super::traces;
use crate::store::Tx;
use crate::store::establishment::{
    application_use, assignment, consent, credential, ended_assignment, exclusion, grant, link, membership, one_time_link, relation,
    review_item, session, user,
};
use crate::types::id::UserId;

/// What names of people begin with of whom nothing else is left.
const TOMBSTONE: &str = "erased-";

/// Wipes what told who someone was: names, address, attributes, links, memberships, roles with their history, exclusions, uses of applications,
/// password and consents, what was written of them in reviews, and what feeds asked about them. The identifier stays, so that applications that keep it never meet somebody
/// else under it. The caller announced notices.
///
/// # Errors
/// When the store fails.
pub(in crate::services) async fn anonymise_in(tx: &mut Tx, ctx: &Context, id: UserId, why: Value) -> Result<(), Error> {
    logout_notices::for_user_in(tx, ctx, id, None).await?;
    traces::wipe_in(tx, id).await?;
    session::delete_of_user(tx, id).await?;
    grant::revoke_of_user(tx, id, ctx.now).await?;
    one_time_link::delete_of_user(tx, id).await?;
    consent::delete_of_user(tx, id).await?;
    credential::delete_of_user(tx, id).await?;
    assignment::delete_of_user(tx, id).await?;
    ended_assignment::delete_of_user(tx, id).await?;
    exclusion::delete_of_user(tx, id).await?;
    application_use::delete_of_user(tx, id).await?;
    review_item::erase_user(tx, id).await?;
    relation::delete_of_user(tx, id).await?;
    membership::delete_of_user(tx, id).await?;
    link::delete_of_user(tx, id).await?;
    user::erase(tx, id, &format!("{TOMBSTONE}{id}"), ctx.now).await?;
    audit::record_in(tx, ctx, "user.anonymised", ("user", &id.to_string()), why).await
}

/// Removes someone with all that hangs on them. The trail keeps that it was done, and no name. The caller announced notices.
///
/// # Errors
/// When the store fails.
pub(in crate::services) async fn purge_in(tx: &mut Tx, ctx: &Context, id: UserId, why: Value) -> Result<(), Error> {
    logout_notices::for_user_in(tx, ctx, id, None).await?;
    traces::wipe_in(tx, id).await?;
    membership::delete_of_user(tx, id).await?;
    user::delete(tx, id).await?;
    audit::record_in(tx, ctx, "user.purged", ("user", &id.to_string()), why).await
}

/// What an administrator is told who wants someone back of whom nothing is left.
pub(super) fn gone_for_good() -> Error {
    Error::Conflict("this person was erased, and nothing is left of them: if they are back, they are somebody new".to_owned())
}

/// What the trail says of an erasure by a source's policy.
pub(in crate::services) fn by_policy(sources: &[&str]) -> Value {
    json!({ "left": sources })
}
