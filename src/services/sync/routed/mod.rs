//! One directory for many establishments: read once on the platform, its records sorted by where they belong, and each establishment's part
//! applied as a run of its own. Which establishments there are, others know.

mod gathered;
mod pass;
mod sorted;
mod values;

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::time::Duration;

use connectors::Record;

use super::super::context::Context;
use super::super::directories;
use super::super::error::Error;
use super::super::source_routes;
use super::digest::{self, Digest, Kind};
use super::feed::{Filled, Mark};
use super::inbox::Inbox;
use super::known;
use super::spool::Spool;
use crate::store::establishment::source::Source;
use crate::store::establishment::{group, link};
use crate::types::permission::GatewayRole;
use crate::types::slug::PLATFORM;
use crate::types::uai::Uai;

pub use gathered::{Gathered, Unplaced};
pub use pass::{Ended, Pass, begin_pass, receive, run_part, would_be};
pub use sorted::Part;

/// Reads a routed source of the platform to its end.
///
/// # Errors
/// `Outside` when the reading was not complete: then nothing of it may be used.
async fn gather(ctx: &Context, origin: &Source) -> Result<Gathered, Error> {
    let route = origin.route.as_deref().ok_or_else(|| Error::Internal("a source without a route is sorted".to_owned()))?;
    let mut gathered = Gathered::new(Spool::new(&ctx.gateway.folder)?, source_routes::group_pattern(route)?);
    let directory = ctx.gateway.directories.of(&ctx.gateway.vault, PLATFORM, origin).await?;
    let mut reading = directory.read_routed(Duration::from_secs(u64::from(ctx.gateway.limits.sync_run_deadline_s)));
    while let Some(page) = reading.pages.recv().await {
        gathered.take(page)?;
    }
    let outcome =
        reading.outcome.await.map_err(|ended| Error::Outside(format!("reading the source broke off ({ended}): start it again")))?;
    outcome.map_err(|failed| Error::Outside(failed.to_string()))?;
    gathered.close()?;
    Ok(gathered)
}

/// What an establishment's source is fed with when its own run asks: the platform's source, read again for this establishment alone.
///
/// # Errors
/// `Conflict` when that source is gone or disabled, `Outside` when it cannot be read.
pub async fn own_part(ctx: &Context, source: &Source) -> Result<Part, Error> {
    let gone = || Error::Conflict("the platform's source that feeds this one is gone or disabled: ask an operator".to_owned());
    let origin = directories::origin(ctx, source).await?.filter(|origin| origin.source.enabled).ok_or_else(gone)?;
    let gathered = gather(ctx, &origin.source).await?;
    let known: Vec<Option<u32>> =
        gathered.values().map(|value| names(value, ctx.slug(), ctx.establishment.uai.as_deref()).then_some(0)).collect();
    Ok(gathered.sort(&known, 1)?.part(0))
}

/// Whether a value names an establishment: by its UAI, or by its slug.
pub fn names(value: &str, slug: &str, uai: Option<&str>) -> bool {
    match Uai::parse(value) {
        Ok(named) if uai.is_some() => uai == Some(named.as_str()),
        _ => value.trim().eq_ignore_ascii_case(slug),
    }
}

/// Fills an inbox with an establishment's part.
///
/// # Errors
/// When the file of the reading cannot be used.
pub async fn fill(ctx: &Context, source: &Source, part: &Part) -> Result<Filled, Error> {
    let (known, spool) = (known::load(ctx, source.id).await?, Spool::new(&ctx.gateway.folder)?);
    let mut inbox = Inbox::new(known, spool, ctx.now.seconds());
    for page in part.pages() {
        inbox.take(page?)?;
    }
    let places = standing_here(ctx, source, part).await?;
    for entry in part.unplaced() {
        let here = match entry.external_id.as_deref().map(|key| digest::of(Kind::Key, key)) {
            Some(key) => inbox.known.people_by_key.contains_key(&key) || inbox.known.groups_by_key.contains_key(&key),
            None => entry.dn.as_deref().and_then(place).is_some_and(|place| places.contains(&place)),
        };
        if here {
            inbox.take(vec![Record::Unreadable(entry.clone())])?;
        }
    }
    inbox.close(ctx, source.id).await?;
    Ok(Filled { inbox, mark: Mark::Stays, note: None })
}

fn place(dn: &str) -> Option<Digest> {
    connectors::dn::normalise(dn).ok().map(|dn| digest::of(Kind::Dn, &dn))
}

/// Of the entries without a key, the places where somebody or some group of this establishment stands.
async fn standing_here(ctx: &Context, source: &Source, part: &Part) -> Result<HashSet<Digest>, Error> {
    let keyless = part.unplaced().iter().filter(|entry| entry.external_id.is_none());
    let places: Vec<Vec<u8>> = keyless.filter_map(|entry| place(entry.dn.as_deref()?)).map(|place| place.to_be_bytes().to_vec()).collect();
    if places.is_empty() {
        return Ok(HashSet::new());
    }
    let mut tx = ctx.store.read().await?;
    let people = link::list_at(&mut tx, source.id, &places).await?.into_iter().map(|(place, _)| place);
    let groups = group::list_at(&mut tx, source.id, &places).await?.into_iter().map(|(place, _)| place);
    let digests = people.chain(groups).filter_map(|place| Some(Digest::from_be_bytes(place.try_into().ok()?)));
    Ok(digests.collect())
}

/// Whether a run of this source may begin: one of the platform's that feeds establishments only as a pass over all of them, one that is fed by
/// it only by an operator's word.
///
/// # Errors
/// `Conflict` or `Forbidden`, telling who can.
pub(super) fn may_begin(ctx: &Context, source: &Source, pass: bool) -> Result<(), Error> {
    if source.route.is_some() != pass {
        return Err(Error::Conflict("a source that feeds establishments is run on the platform, for all of them".to_owned()));
    }
    if source.routed_from.is_some() && !ctx.actor.may_act_as(GatewayRole::Operator) {
        return Err(Error::Forbidden("the platform's source feeds this one: ask an operator to run it".to_owned()));
    }
    Ok(())
}
