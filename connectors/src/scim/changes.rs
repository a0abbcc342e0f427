//! What changed since a time, by `meta.lastModified` (RFC 7643 §3.1), for services that filter by it. A removal leaves no time behind, and some
//! services do not touch it when members change: readings of everything see those. Times are the service's own, never this machine's.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use super::client::Client;
use super::fault::Fault;
use super::paging::{self, Page, Pages};
use super::reading::{count, kinds};
use super::service::Features;
use super::settings::{Paging, Settings};
use super::{Scim, members, resource};
use crate::changes::{Bookmark, Caught, Changes, Extent, Step};
use crate::fingerprint::Fingerprint;
use crate::ldap::{Cause, Limits, Summary, generalized_time};
use crate::record::Kind;

/// As it stands in a bookmark.
const METHOD: &str = "last-modified";
/// How far before the last reading one asks again: a change of another node of the service may be seen later than its time says.
const OVERLAP_S: i64 = 600;
/// Handfuls of steps that may wait for the reader.
const STEPS_WAITING_MAX: usize = 4;
/// Before every change, and after all of them.
const PAST: &str = "1970-01-01T00:00:00Z";
const FUTURE: &str = "2999-12-31T23:59:59Z";

/// Since when to ask next, once everything was read; `None` when the service gives no time, or does not compare it.
pub(super) async fn mark(client: &mut Client, features: Features, anybody: bool) -> Result<Option<Bookmark>, Cause> {
    let Some(clock) = client.clock.filter(|_| features.filter && anybody) else { return Ok(None) };
    Ok(compares(client).await?.then(|| bookmark(client.scim(), clock.saturating_sub(OVERLAP_S))))
}

/// Whether the service compares times: one that does not would answer everything each time, or nothing ever.
pub(super) async fn compares(client: &mut Client) -> Result<bool, Cause> {
    for kind in kinds(client.scim().settings()) {
        let (past, future) = (after(client, *kind, PAST).await?, after(client, *kind, FUTURE).await?);
        // There may be no group, and there is somebody.
        if future != Some(0) || past.is_none() || (*kind == Kind::Person && past == Some(0)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// How many changed after a time; `None` when the service does not tell.
async fn after(client: &mut Client, kind: Kind, time: &str) -> Result<Option<usize>, Cause> {
    let filter = paging::filter(client.scim().settings(), kind, Some(&changed_after(time))).unwrap_or_default();
    let answer = client.get(paging::path(kind), &[("count", "1"), ("startIndex", "1"), ("filter", &filter)]).await;
    match answer.and_then(|answer| Page::read(&answer)) {
        Ok(page) => Ok(page.told.or(Some(page.resources.len()))),
        Err(Cause::Service(Fault::RequestRefused { .. } | Fault::ServiceFailed { .. } | Fault::NotScim(_))) => Ok(None),
        Err(cause) => Err(cause),
    }
}

fn changed_after(time: &str) -> String {
    format!("meta.lastModified gt \"{time}\"")
}

/// `2026-01-31T23:59:59Z`.
fn written(at: i64) -> String {
    let text = generalized_time::text(at).unwrap_or_default();
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or("00");
    format!("{}-{}-{}T{}:{}:{}Z", part(0, 4), part(4, 6), part(6, 8), part(8, 10), part(10, 12), part(12, 14))
}

fn bookmark(scim: &Scim, since: i64) -> Bookmark {
    Bookmark { method: METHOD.to_owned(), belongs_to: belongs_to(scim), people: since.to_string(), groups: since.to_string() }
}

/// What a bookmark has to have been made with: everything that decides which resources are read, and what becomes of them.
pub(super) fn belongs_to(scim: &Scim) -> String {
    let mut settings: Settings = scim.settings().clone();
    // How the service is spoken to changes nothing of what it says.
    settings.limits = Limits::default();
    settings.page_size = 0;
    settings.page_pause = Duration::ZERO;
    settings.paging = Paging::Auto;
    settings.tls.ca_file = None;
    let mut digest = Fingerprint::new("belongs_to");
    digest.text(&format!("{settings:?}"));
    format!("{:032x}", digest.value())
}

/// Streams what changed; none when nothing here made the bookmark.
pub(super) fn start(scim: &Scim, since: &Bookmark, deadline: Duration) -> Option<Changes> {
    let since = since.people.parse().ok().filter(|_| since.method == METHOD)?;
    let (out, steps) = mpsc::channel(STEPS_WAITING_MAX);
    let scim = scim.clone();
    let outcome = tokio::spawn(async move {
        let read = timeout(deadline, read(&scim, since, out, deadline)).await;
        read.unwrap_or(Err(Cause::Deadline(deadline))).map_err(|cause| scim.at(cause))
    });
    Some(Changes { steps, outcome })
}

async fn read(scim: &Scim, since: i64, out: mpsc::Sender<Vec<Step>>, deadline: Duration) -> Result<Caught, Cause> {
    let settings = scim.settings();
    let mut client = Client::new(scim, Instant::now() + deadline);
    let features = Features::read(&mut client).await?;
    let mut summary = Summary::default();
    for kind in kinds(settings) {
        let filter = paging::filter(settings, *kind, Some(&changed_after(&written(since))));
        let mut pages = Pages::new(settings, features, *kind, filter);
        while let Some(resources) = pages.next(&mut client).await.map_err(no_thread)? {
            let resources = members::complete(&mut client, *kind, resources).await?;
            let records: Vec<_> = resources.iter().map(|found| resource::record(settings, *kind, found)).collect();
            count(&mut summary, &records);
            out.send(records.into_iter().map(Step::Stated).collect()).await.map_err(|_| Cause::GivenUp)?;
        }
        summary.pages += pages.count;
    }
    // Time never goes back: a service restored from a copy shows older times than those asked since.
    let next = client.clock.map(|clock| bookmark(scim, clock.saturating_sub(OVERLAP_S).max(since)));
    summary.bookmark.clone_from(&next);
    Ok(Caught { people: Extent::Changes, groups: Extent::Changes, bookmark: next, summary })
}

/// A service that took the filter before and takes it no more, or that cannot page what changes under its hands, is read whole.
fn no_thread(cause: Cause) -> Cause {
    match cause {
        Cause::Service(Fault::RequestRefused { status, text, .. }) => Cause::BookmarkRefused { code: status.into(), text },
        Cause::Service(fault @ Fault::PagesIncoherent { .. }) => Cause::BookmarkRefused { code: 0, text: fault.to_string() },
        cause => cause,
    }
}

#[cfg(test)]
mod tests {
    use super::{changed_after, written};

    #[test]
    fn a_time_is_written_as_services_compare_it() {
        assert_eq!(changed_after(&written(1_769_903_999)), "meta.lastModified gt \"2026-01-31T23:59:59Z\"");
    }
}
