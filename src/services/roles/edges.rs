//! The instants at which time alone changes what people hold: a rule's window opens or closes, something given by hand begins or ends, an
//! exclusion ends. A job of the establishment waits for the next one.

use super::super::context::{Context, Gateway};
use super::super::error::Error;
use super::effects;
use super::fields::RuleFields;
use super::recompute::{Changed, Pass, recompute_since_in};
use super::window::Window;
use crate::store::establishment::provisioning_mark;
use crate::store::establishment::role_edge;
use crate::store::establishment::rule;
use crate::store::registry::job::{self, Kind};
use crate::store::{Store, Tx, notices};
use crate::types::time::Timestamp;

/// How long after an edge was announced they are looked at once more, in seconds: whoever announced it may not have committed before.
const GUARD_S: i64 = 120;
/// How far back edges of what was given by hand are looked for when none were seen to yet, in seconds.
const LATE_MAX_S: i64 = 24 * 3600;

/// Has edges looked at when the first of these instants comes, whatever becomes of this process. To be called before the transaction that
/// brings them; one that fails leaves a look that finds nothing.
///
/// # Errors
/// When the registry cannot be written; then the cause must not be written either.
pub async fn announce(ctx: &Context, edges: impl IntoIterator<Item = Timestamp>) -> Result<(), Error> {
    match edges.into_iter().filter(|at| *at > ctx.now).min() {
        Some(first) => ask(&ctx.gateway, ctx.slug(), first).await,
        None => Ok(()),
    }
}

/// The same of rules that are about to stand.
///
/// # Errors
/// As for [`announce`].
pub async fn announce_rules(ctx: &Context, rules: &[RuleFields]) -> Result<(), Error> {
    let windows: Vec<Window> = rules.iter().filter_map(|fields| Window::new(fields, Some(ctx.now)).ok()).collect();
    announce(ctx, windows.iter().flat_map(|window| window.edges(ctx.now))).await
}

async fn ask(gateway: &Gateway, slug: &str, due_at: Timestamp) -> Result<(), Error> {
    let mut registry = gateway.stores.registry().begin().await?;
    job::ask(&mut registry, Kind::RoleEdges, slug, due_at).await?;
    notices::announce_jobs(&mut registry, gateway.node.name()).await?;
    Ok(registry.commit().await?)
}

/// Makes sure that somebody waits for an establishment's next edge: it may have come with an archive, or with a directory's facts.
///
/// # Errors
/// When a store fails.
pub async fn plan(gateway: &Gateway, slug: &str, store: &Store, now: Timestamp) -> Result<(), Error> {
    let mut tx = store.read().await?;
    let seen = role_edge::seen_until(&mut tx).await?.unwrap_or_default();
    let next = next_in(&mut tx, seen.min(now), now).await?;
    drop(tx);
    let Some(next) = next else { return Ok(()) };
    let waiting = job::find(&mut gateway.stores.registry().read().await?, Kind::RoleEdges, slug, "").await?;
    if waiting.is_some_and(|job| job.due_at <= next.max(now)) { Ok(()) } else { ask(gateway, slug, next.max(now)).await }
}

/// The first edge after an instant.
async fn next_in(tx: &mut Tx, after: Timestamp, now: Timestamp) -> Result<Option<Timestamp>, Error> {
    let windows = windows_in(tx).await?;
    let of_rules = windows.iter().flat_map(|window| window.edges(now)).filter(|at| *at > after).min();
    let by_hand = role_edge::next_by_hand(tx, after).await?;
    Ok(of_rules.into_iter().chain(by_hand).min())
}

/// The windows of rules that count.
async fn windows_in(tx: &mut Tx) -> Result<Vec<Window>, Error> {
    let rules = rule::list(tx).await?;
    Ok(rules.iter().filter(|rule| rule.enabled).map(Window::of).collect())
}

/// Sees to the edges that came since the last time. Answers what changed, and when the next one comes.
///
/// # Errors
/// When the store fails; then they are seen to again.
pub async fn round(ctx: &Context, asked: bool) -> Result<(Changed, Option<Timestamp>), Error> {
    let mut tx = ctx.store.read().await?;
    let seen = role_edge::seen_until(&mut tx).await?;
    let since = seen.unwrap_or(ctx.now.plus_s(-LATE_MAX_S));
    let windows = windows_in(&mut tx).await?;
    // What came before anything was seen to came with an archive, whose roles are of its day.
    let came = |at: Timestamp| at <= ctx.now && (seen.is_none() || at > since);
    let everyone = windows.iter().flat_map(|window| window.edges(ctx.now)).any(came);
    drop(tx);
    let told = effects::announce(ctx).await?;
    let mut changed = if everyone { over_everyone(ctx, since).await? } else { Changed::default() };
    let mut tx = ctx.store.begin().await?;
    if everyone {
        provisioning_mark::put_everyone(&mut tx).await?;
    } else {
        let people = role_edge::people_between(&mut tx, since, ctx.now).await?;
        changed = recompute_since_in(&mut tx, ctx, &people, since).await?;
        // What was given by hand begins and ends without a row that changes.
        provisioning_mark::put_users(&mut tx, &people).await?;
    }
    role_edge::see_until(&mut tx, ctx.now.max(since)).await?;
    let next = next_in(&mut tx, ctx.now, ctx.now).await?;
    tx.commit().await?;
    told.hurry(ctx).await;
    if changed != Changed::default() {
        let Changed { gained, lost } = changed;
        tracing::info!(establishment = ctx.slug(), gained, lost, "roles changed with time");
    }
    let look_again = asked.then(|| ctx.now.plus_s(GUARD_S));
    Ok((changed, next.into_iter().chain(look_again).min()))
}

/// Each step in a transaction of its own: nobody waits for a large establishment.
async fn over_everyone(ctx: &Context, since: Timestamp) -> Result<Changed, Error> {
    let mut pass = Pass::over_everyone().since(since);
    loop {
        let mut tx = ctx.store.begin().await?;
        if !pass.step_in(&mut tx, ctx).await? {
            let changed = pass.note_in(&mut tx, ctx).await?;
            tx.commit().await?;
            return Ok(changed);
        }
        tx.commit().await?;
    }
}
