//! Which establishments are meant: named one by one, all of them, or those of a zone, a state or a placement. Settled when the act is asked for.

use std::collections::BTreeSet;

use serde::Deserialize;
use utoipa::ToSchema;

use crate::services::context::PlatformContext;
use crate::services::error::Error;
use crate::store::registry::establishment::{self, EstablishmentStatus, Filter};
use crate::types::page::{LIMIT_MAX, PageRequest};
use crate::types::permission::Permission;
use crate::types::slug::Slug;

/// Most establishments of one act.
pub const CHOSEN_MAX: usize = 10_000;

/// Which establishments: exactly one of the three is given.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// These.
    pub slugs: Option<Vec<String>>,
    /// All of them.
    #[serde(default)]
    pub all: bool,
    /// Those that a filter lets through.
    pub filter: Option<ChosenFilter>,
}

/// A filter of establishments; what is given must all hold.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChosenFilter {
    /// Exact zone.
    pub zone: Option<String>,
    /// Exact status.
    pub status: Option<EstablishmentStatus>,
    /// Exact placement.
    pub placement: Option<String>,
}

impl Choice {
    /// The slugs that are meant, each once. One that is not there is found out in its turn, as any other failure.
    ///
    /// # Errors
    /// `Invalid` when nothing, too much, or nothing clear is chosen.
    pub async fn resolve(&self, platform: &PlatformContext) -> Result<Vec<String>, Error> {
        platform.context().require(Permission::ManageEstablishments)?;
        let wrong = "choose establishments by one of these: `slugs`, `all` true, or a `filter` with zone, status or placement";
        let chosen = match (&self.slugs, self.all, &self.filter) {
            (Some(slugs), false, None) => named(slugs)?,
            (None, true, None) => found(platform, &ChosenFilter::default()).await?,
            (None, false, Some(ChosenFilter { zone: None, status: None, placement: None })) => return Err(Error::invalid("filter", wrong)),
            (None, false, Some(filter)) => found(platform, filter).await?,
            _ => return Err(Error::invalid("slugs", wrong)),
        };
        if chosen.is_empty() {
            return Err(Error::invalid("slugs", "no establishment is chosen"));
        }
        if chosen.len() > CHOSEN_MAX {
            let told = format!("at most {CHOSEN_MAX} establishments are taken at once: choose fewer, by zone for instance");
            return Err(Error::invalid("slugs", told));
        }
        Ok(chosen)
    }
}

fn named(slugs: &[String]) -> Result<Vec<String>, Error> {
    let mut seen = BTreeSet::new();
    for (at, slug) in slugs.iter().enumerate() {
        Slug::parse(slug).map_err(|e| Error::invalid(format!("slugs[{at}]"), e.message))?;
    }
    Ok(slugs.iter().filter(|slug| seen.insert(slug.as_str())).cloned().collect())
}

async fn found(platform: &PlatformContext, wanted: &ChosenFilter) -> Result<Vec<String>, Error> {
    let status = wanted.status.map(|status| match status {
        EstablishmentStatus::Active => "active".to_owned(),
        EstablishmentStatus::Blocked => "blocked".to_owned(),
    });
    let filter = Filter { zone: wanted.zone.clone(), status, placement: wanted.placement.clone(), ..Filter::default() };
    let mut page = PageRequest::first(LIMIT_MAX);
    let mut slugs = Vec::new();
    while slugs.len() <= CHOSEN_MAX {
        let listed = establishment::list(&mut platform.registry().read().await?, &page, &filter).await?;
        slugs.extend(listed.items.into_iter().map(|e| e.slug));
        let Some(cursor) = listed.next_cursor else { break };
        page = PageRequest::parse(Some(LIMIT_MAX), Some(&cursor), None)?;
    }
    Ok(slugs)
}
