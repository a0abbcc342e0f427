//! `/`: which establishment are you from. Searched by name, town or UAI; the one chosen last on this device comes first.

use axum::response::Response;

use super::answer::Answer;
use super::pages::{ChoicePage, EstablishmentChoice};
use super::visit::Visit;
use crate::services::context::{Context, PlatformContext};
use crate::services::error::Error;
use crate::services::establishments;
use crate::store::registry::establishment::Establishment;
use crate::types::page::PageRequest;

/// Establishments listed at once.
const FOUND_MAX: i64 = 20;
/// Longest search, in bytes.
const SEARCH_MAX_BYTES: usize = 400;

/// The page.
pub(super) async fn show(visit: Visit) -> Response {
    let answer = page(&visit).await;
    visit.respond(answer)
}

async fn page(visit: &Visit) -> Result<Answer, Error> {
    let platform = PlatformContext::from_context(visit.ctx.clone())?;
    let q = visit.query.get("q").map(str::trim).filter(|q| q.len() <= SEARCH_MAX_BYTES).unwrap_or_default();
    let (found, more) = if q.is_empty() {
        (Vec::new(), false)
    } else {
        let request = PageRequest::parse(Some(FOUND_MAX), None, Some(q))?;
        let listed = establishments::choices(&platform, &request).await?;
        let more = listed.next_cursor.is_some();
        (listed.items.into_iter().map(choice).collect(), more)
    };
    let page = ChoicePage {
        chrome: visit.bilingual_chrome(),
        action: "/".to_owned(),
        carried: Vec::new(),
        q: q.to_owned(),
        found,
        more,
        last: last(visit, &platform).await?,
    };
    Ok(Answer::page(&page))
}

/// The establishment chosen last, while it is there and serves.
async fn last(visit: &Visit, platform: &PlatformContext) -> Result<Option<EstablishmentChoice>, Error> {
    let Some(slug) = visit.last_choice() else { return Ok(None) };
    match platform.enter(&slug).await {
        Ok(there) if there.is_open() && !there.is_platform() => Ok(Some(choice(establishment_of(&there)))),
        Ok(_) | Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

fn establishment_of(there: &Context) -> Establishment {
    (*there.establishment).clone()
}

fn choice(e: Establishment) -> EstablishmentChoice {
    EstablishmentChoice { href: format!("/e/{}/login", e.slug), name: e.name, locality: e.locality, uai: e.uai }
}
