//! Each establishment's part of a pass, run there under its own guard, a few at a time; one that fails stops no other.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tokio::task::JoinSet;

use super::super::context::PlatformContext;
use super::super::error::Error;
use super::super::sources;
use super::super::sync::{self, Gathered, Part, Pass};
use super::places::Places;
use crate::store::establishment::routed_part::{self, Outcome, RoutedPart};
use crate::store::establishment::source::Source;
use crate::store::establishment::sync_run::{Counts, Mode, Run, StartedBy, State};

/// Establishments fed at once: each holds files and connections open while its run lasts.
const AT_ONCE: usize = 4;

/// What came of one part.
enum Fed {
    /// Its run.
    Run(Box<Run>),
    /// None: the source is disabled there, or waits for a person and why.
    Not(Option<String>),
}

/// What every part of a pass has in common.
#[derive(Debug)]
struct Common {
    platform: PlatformContext,
    origin: Source,
    mode: Mode,
    by: StartedBy,
}

/// Feeds every establishment that records belong to, and every one that was fed before: whoever is no longer there is gone.
///
/// # Errors
/// When the platform's store fails, or another node took the pass over; what happens in an establishment is in its part.
pub async fn feed(
    platform: &PlatformContext,
    pass: &Pass,
    gathered: Gathered,
    known: &[Option<u32>],
    places: &Places,
) -> Result<Vec<RoutedPart>, Error> {
    let ctx = platform.context();
    let (origin, mode, by) = (pass.source().clone(), pass.run().mode, pass.run().started_by);
    let sorted = gathered.sort(known, places.slugs().len())?;
    let fed = routed_part::list(&mut ctx.store.read().await?, origin.id).await?;
    let mut fed: HashMap<String, RoutedPart> = fed.into_iter().map(|part| (part.slug.clone(), part)).collect();
    let mut waiting = Vec::new();
    for (at, slug) in places.slugs().iter().enumerate() {
        let part = sorted.part(u32::try_from(at).unwrap_or(u32::MAX));
        if fed.remove(slug).is_some() || part.people() + part.groups() > 0 {
            waiting.push((slug.clone(), part));
        }
    }
    drop(sorted);
    let common = Arc::new(Common { platform: platform.clone(), origin, mode, by });
    if mode != Mode::Preview {
        announce(&common, &waiting, fed.keys()).await?;
    }
    let parts = all(&common, pass, waiting).await?;
    if mode != Mode::Preview {
        let mut tx = ctx.store.begin().await?;
        for part in &parts {
            routed_part::keep(&mut tx, part).await?;
        }
        tx.commit().await?;
    }
    Ok(parts)
}

/// Notes which establishments are fed, before any is: when the program ends meanwhile, the next pass knows them all. Those that are gone are
/// forgotten.
async fn announce(common: &Common, waiting: &[(String, Part)], gone: impl Iterator<Item = &String>) -> Result<(), Error> {
    let mut tx = common.platform.context().store.begin().await?;
    for (slug, part) in waiting {
        let row = RoutedPart { error: Some("the program ended before this establishment's turn".to_owned()), ..common.empty(slug, part) };
        routed_part::keep(&mut tx, &row).await?;
    }
    for slug in gone {
        routed_part::delete(&mut tx, common.origin.id, slug).await?;
    }
    Ok(tx.commit().await?)
}

async fn all(common: &Arc<Common>, pass: &Pass, waiting: Vec<(String, Part)>) -> Result<Vec<RoutedPart>, Error> {
    let mut parts = BTreeMap::new();
    let mut running = JoinSet::new();
    let mut waiting = waiting.into_iter();
    loop {
        while running.len() < AT_ONCE && !pass.is_lost() {
            let Some((slug, part)) = waiting.next() else { break };
            let common = common.clone();
            running.spawn(async move { common.one(&slug, part).await });
        }
        match running.join_next().await {
            Some(Ok(part)) => {
                parts.insert(part.slug.clone(), part);
            }
            Some(Err(ended)) => return Err(Error::Internal(format!("an establishment's part broke off: {ended}"))),
            None if pass.is_lost() => return Err(Error::Conflict("another node may do this pass by now".to_owned())),
            None => return Ok(parts.into_values().collect()),
        }
    }
}

impl Common {
    fn empty(&self, slug: &str, part: &Part) -> RoutedPart {
        let count = |counted: usize| i64::try_from(counted).unwrap_or(i64::MAX);
        RoutedPart {
            source_id: self.origin.id,
            slug: slug.to_owned(),
            outcome: Outcome::Failed,
            run_id: None,
            people: count(part.people()),
            groups: count(part.groups()),
            counts: Counts::default(),
            error: None,
            fed_at: self.platform.context().now,
        }
    }

    async fn one(&self, slug: &str, part: Part) -> RoutedPart {
        let row = self.empty(slug, &part);
        match Box::pin(self.run(slug, part)).await {
            Ok(Fed::Run(run)) => of_run(row, *run),
            Ok(Fed::Not(why)) => RoutedPart { outcome: Outcome::Skipped, error: why, ..row },
            Err(error) => {
                tracing::warn!(establishment = slug, source = self.origin.name, %error, "an establishment's part cannot be run");
                RoutedPart { error: Some(error.to_string()), ..row }
            }
        }
    }

    async fn run(&self, slug: &str, part: Part) -> Result<Fed, Error> {
        let there = self.platform.enter(slug).await?;
        match sync::receive(&there, &self.origin, self.mode != Mode::Preview).await? {
            Some(source) if !source.enabled => Ok(Fed::Not(None)),
            Some(source) => match sources::waits(&there, source.id).await? {
                // A run was taken back there: this one would only do the same again.
                Some(why) if self.mode != Mode::Preview => Ok(Fed::Not(Some(why))),
                _ => sync::run_part(&there, &source.name, self.mode, self.by, part).await.map(Box::new).map(Fed::Run),
            },
            None => Ok(Fed::Run(Box::new(sync::would_be(&there, &self.origin, &part)))),
        }
    }
}

fn of_run(row: RoutedPart, run: Run) -> RoutedPart {
    let idle = Counts { read: run.counts.read, quarantined: run.counts.quarantined, ..Counts::default() };
    let outcome = match run.state {
        State::Done if run.counts == idle => Outcome::Unchanged,
        State::Done => Outcome::Done,
        State::Held => Outcome::Held,
        _ => Outcome::Failed,
    };
    // Of a run that found nothing to do, and that nobody asked for by hand, no line is left to look at.
    let is_kept = run.duration_ms.is_some() && (outcome != Outcome::Unchanged || run.started_by == StartedBy::Hand);
    RoutedPart { outcome, run_id: is_kept.then_some(run.id), counts: run.counts, error: run.error, ..row }
}
