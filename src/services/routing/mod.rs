//! One pass over all establishments that a source of the platform feeds: read once, sorted, and each establishment's part run there under its
//! own guard. Every other source is run as it always is.

mod fed;
mod places;

use serde_json::json;

use super::context::{Context, PlatformContext};
use super::error::Error;
use super::sources;
use super::sync::{self, Ended, Gathered, Pass, Unplaced};
use crate::store::establishment::change::ChangeKind;
use crate::store::establishment::routed_part::{self, Outcome, RoutedPart};
use crate::store::establishment::sync_run::{Mode, Run, StartedBy};
use crate::types::permission::Permission;

/// Establishments named in the sum of a pass.
const NAMED_MAX: usize = 5;

/// What came of a pass.
#[derive(Debug)]
pub struct Passed {
    /// The run on the platform.
    pub run: Run,
    /// What became of each establishment's part, by slug.
    pub parts: Vec<RoutedPart>,
    /// What names no establishment.
    pub unplaced: Vec<Unplaced>,
}

/// How a run that was waited for ended.
#[derive(Debug)]
pub enum Outcomes {
    /// The run of one source.
    One(Run),
    /// A pass over establishments.
    All(Passed),
}

impl Outcomes {
    /// The run itself.
    pub fn into_run(self) -> Run {
        match self {
            Self::One(run) => run,
            Self::All(passed) => passed.run,
        }
    }
}

/// Starts a run, or a pass over all establishments when the source feeds several; the work goes on by itself.
///
/// # Errors
/// `NotFound`, `Invalid` for a mode the source does not offer, `Conflict` when one is under way or the source is disabled.
pub async fn start(ctx: &Context, name: &str, mode: Mode) -> Result<Run, Error> {
    let Some(platform) = passes(ctx, name).await? else { return sync::start(ctx, name, mode).await };
    let pass = sync::begin_pass(ctx, name, mode, StartedBy::Hand).await?;
    let run = pass.run().clone();
    tokio::spawn(async move {
        if let Err(error) = carry_out(&platform, pass).await {
            tracing::error!(%error, "the end of a pass over establishments cannot be written down");
        }
    });
    Ok(run)
}

/// Runs a source, or passes over all establishments that it feeds, and waits for the end.
///
/// # Errors
/// As `start`; how it ended is in the run's `state`.
pub async fn run_to_end(ctx: &Context, name: &str, mode: Mode) -> Result<Outcomes, Error> {
    run_by(ctx, name, mode, StartedBy::Hand).await
}

/// The same, started by something else than a hand: then a run that finds nothing to do leaves no line behind.
///
/// # Errors
/// As `start`.
pub async fn run_by(ctx: &Context, name: &str, mode: Mode, by: StartedBy) -> Result<Outcomes, Error> {
    let Some(platform) = passes(ctx, name).await? else {
        return Box::pin(sync::run_by(ctx, name, mode, by)).await.map(Outcomes::One);
    };
    Box::pin(carry_out(&platform, sync::begin_pass(ctx, name, mode, by).await?)).await.map(Outcomes::All)
}

/// What became of each establishment's part in the last pass; nothing of a source that feeds none.
///
/// # Errors
/// `NotFound`.
pub async fn parts(ctx: &Context, name: &str) -> Result<Vec<RoutedPart>, Error> {
    ctx.require(Permission::Read)?;
    let source = sources::get(ctx, name).await?;
    Ok(routed_part::list(&mut ctx.store.read().await?, source.id).await?)
}

/// The platform, when this is one of its sources that feed establishments.
async fn passes(ctx: &Context, name: &str) -> Result<Option<PlatformContext>, Error> {
    ctx.require(Permission::ManageSources)?;
    if ctx.is_platform() && sources::get(ctx, name).await?.route.is_some() {
        return PlatformContext::from_context(ctx.clone()).map(Some);
    }
    Ok(None)
}

/// Carries a pass out and writes its end down, whichever it is.
async fn carry_out(platform: &PlatformContext, pass: Pass) -> Result<Passed, Error> {
    let ctx = platform.context();
    let (ended, parts, unplaced) = match attempt(platform, &pass).await {
        Ok((ended, parts, unplaced)) => (Ok(ended), parts, unplaced),
        Err(error) => (Err(error), Vec::new(), Vec::new()),
    };
    let run = pass.end(ctx, ended).await?;
    Ok(Passed { run, parts, unplaced })
}

async fn attempt(platform: &PlatformContext, pass: &Pass) -> Result<(Ended, Vec<RoutedPart>, Vec<Unplaced>), Error> {
    let gathered = pass.gather(platform.context()).await?;
    let (places, refused) = places::of(platform, pass, &gathered).await?;
    let known = places.known(&gathered);
    let unplaced = gathered.unplaced(&known)?;
    let (read, unreadable) = (gathered.read(), gathered.unreadable_count());
    let mut ended = Ended { aside: aside(&gathered, &known, &unplaced, &refused), ..Ended::default() };
    let parts = fed::feed(platform, pass, gathered, &known, &places).await?;
    for part in &parts {
        let (all, one) = (&mut ended.counts, &part.counts);
        all.created += one.created;
        all.updated += one.updated;
        all.moved += one.moved;
        all.disabled += one.disabled;
        all.enabled += one.enabled;
        all.removed += one.removed;
        all.memberships_added += one.memberships_added;
        all.memberships_removed += one.memberships_removed;
        all.roles_gained += one.roles_gained;
        all.roles_lost += one.roles_lost;
    }
    (ended.counts.read, ended.counts.quarantined) = (read, unreadable);
    sum(&mut ended, pass, &parts, &unplaced);
    Ok((ended, parts, unplaced))
}

/// What is set aside on the platform, because no establishment has it.
fn aside(
    gathered: &Gathered,
    known: &[Option<u32>],
    unplaced: &[Unplaced],
    refused: &[(String, Error)],
) -> Vec<(ChangeKind, String, serde_json::Value)> {
    let lost = unplaced.iter().map(|one| {
        let reason = match &one.value {
            None => "its records name no establishment".to_owned(),
            Some(value) => refused
                .iter()
                .find(|(named, _)| named == value)
                .map_or_else(|| "no establishment has this UAI or slug".to_owned(), |(_, why)| format!("it cannot be made: {why}")),
        };
        let name = one.value.clone().unwrap_or_default();
        (ChangeKind::User, name, json!({ "reason": reason, "people": one.people, "groups": one.groups, "names": one.names }))
    });
    let unreadable = gathered.unreadable_nowhere(known).map(|entry| {
        let kind = if entry.kind == connectors::Kind::Person { ChangeKind::User } else { ChangeKind::Group };
        let name = entry.dn.clone().or_else(|| entry.external_id.clone()).unwrap_or_default();
        (kind, name, json!({ "reason": entry.reason }))
    });
    lost.chain(unreadable).collect()
}

/// The sum of a pass in words, and whether it failed.
fn sum(ended: &mut Ended, pass: &Pass, parts: &[RoutedPart], unplaced: &[Unplaced]) {
    let of = |outcome: Outcome| parts.iter().filter(move |part| part.outcome == outcome);
    let named = |outcome: Outcome| {
        let count = of(outcome).count();
        let names: Vec<&str> = of(outcome).take(NAMED_MAX).map(|part| part.slug.as_str()).collect();
        let more = if count > NAMED_MAX { ", …" } else { "" };
        format!("{count} ({}{more})", names.join(", "))
    };
    let mut said = vec![format!("{} establishments", parts.len())];
    for (outcome, word) in [(Outcome::Held, "held"), (Outcome::Failed, "failed"), (Outcome::Skipped, "disabled or waiting there")] {
        if of(outcome).next().is_some() {
            said.push(format!("{word}: {}", named(outcome)));
        }
    }
    let values = unplaced.iter().filter(|one| one.value.is_some()).count();
    if values > 0 {
        said.push(format!("names of no establishment: {values}"));
    }
    if let Some(nowhere) = unplaced.iter().find(|one| one.value.is_none()) {
        said.push(format!("people who name none: {}", nowhere.people));
    }
    if pass.run().mode == Mode::Changes {
        said.push("everything was read: a source that feeds establishments is always read whole".to_owned());
    }
    ended.note = Some(said.join("; "));
    let failed = of(Outcome::Failed).count();
    if failed > 0 {
        ended.error = Some(format!("failed: {}; what happened there is told there", named(Outcome::Failed)));
    }
    ended.failed = failed > 0 && failed == parts.len();
    ended.quiet = unplaced.is_empty() && parts.iter().all(|part| part.outcome == Outcome::Unchanged);
}
