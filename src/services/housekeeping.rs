//! Housekeeping: what has expired is removed from the stores that are open. Nothing that still holds is touched; expiry itself is checked
//! wherever a row is read, so a late sweep lets nothing live longer.

use super::archives;
use super::bulk;
use super::context::Gateway;
use super::error::Error;
use super::leaving;
use super::outbox;
use super::provisioning;
use super::reviews;
use super::roles;
use super::rule_sets;
use super::scim::{self, inspector};
use crate::store::Store;
use crate::store::establishment::{
    access_token, ended_assignment, grant, interaction, one_time_link, scim_feed, scim_held, session, throttle,
};
use crate::types::time::Timestamp;

/// How long what a feed asked for and was held stays listed after it asked last, in seconds: 90 days.
const HELD_KEPT_S: i64 = 90 * DAY_S;
/// Seconds of a day.
const DAY_S: i64 = 24 * 3600;
/// Most roles that were held long ago forgotten in one sweep: the rest in the next.
const FORGOTTEN_MAX: i64 = 10_000;

/// Sweeps every open store; one that fails is told and passed over. A store that is not open holds nothing anybody asks for.
pub async fn sweep(gateway: &Gateway, now: Timestamp) {
    if let Err(error) = archives::clear_uploads(&gateway.folder, now).await {
        tracing::warn!(%error, "archives that were sent and not used up stay until the next sweep");
    }
    for (slug, store) in gateway.stores.opened() {
        if let Err(error) = sweep_store(gateway, &store, now).await {
            tracing::warn!(establishment = slug, %error, "expired rows stay until the next sweep");
        }
        if let Err(error) = leaving::plan(gateway, &slug, &store, now).await {
            tracing::warn!(establishment = slug, %error, "whether somebody left is looked up at the next sweep");
        }
        if let Err(error) = reviews::plan(gateway, &slug, &store).await {
            tracing::warn!(establishment = slug, %error, "whether reviewers are to be reminded is looked up at the next sweep");
        }
        if let Err(error) = roles::edges::plan(gateway, &slug, &store, now).await {
            tracing::warn!(establishment = slug, %error, "whether roles begin or end is looked up at the next sweep");
        }
        if let Err(error) = rule_sets::plan(gateway, &slug, &store, now).await {
            tracing::warn!(establishment = slug, %error, "whether rules are to be applied is looked up at the next sweep");
        }
        if let Err(error) = provisioning::plan(gateway, &slug, &store, now).await {
            tracing::warn!(establishment = slug, %error, "whether applications are to be written to is looked up at the next sweep");
        }
        if let Err(error) = outbox::ask_overdue(gateway, &slug, &store, now).await {
            tracing::warn!(establishment = slug, %error, "whether something waits to be sent is looked up at the next sweep");
        }
    }
}

/// Each table has a transaction of its own, so that sign-ins wait for one deletion at most.
async fn sweep_store(gateway: &Gateway, store: &Store, now: Timestamp) -> Result<(), Error> {
    let mut tx = store.begin().await?;
    interaction::delete_expired(&mut tx, now).await?;
    tx.commit().await?;
    let mut tx = store.begin().await?;
    scim_feed::forget_taken(&mut tx, now.plus_s(-scim::guard::WINDOW_S)).await?;
    scim_held::forget(&mut tx, now.plus_s(-HELD_KEPT_S)).await?;
    tx.commit().await?;
    let mut tx = store.begin().await?;
    session::delete_expired(&mut tx, now).await?;
    tx.commit().await?;
    let mut tx = store.begin().await?;
    access_token::delete_expired(&mut tx, now).await?;
    tx.commit().await?;
    let mut tx = store.begin().await?;
    grant::delete_expired(&mut tx, now).await?;
    tx.commit().await?;
    let mut tx = store.begin().await?;
    one_time_link::delete_expired(&mut tx, now).await?;
    outbox::sweep_in(&mut tx, now).await?;
    bulk::sweep_in(&mut tx, now).await?;
    let forgotten = now.plus_s(-i64::from(gateway.limits.role_history_d) * DAY_S);
    ended_assignment::delete_before(&mut tx, forgotten, FORGOTTEN_MAX).await?;
    inspector::forget_in(&mut tx, now).await?;
    throttle::delete_stale(&mut tx, now.plus_s(-i64::from(gateway.limits.sign_in_window_s)), now).await?;
    Ok(tx.commit().await?)
}
