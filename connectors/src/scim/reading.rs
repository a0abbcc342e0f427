//! Everything a service holds, as a bounded stream: people first, then groups.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use super::client::Client;
use super::paging::{self, Pages};
use super::service::Features;
use super::settings::{Groups, Settings};
use super::{Scim, changes, members, resource};
use crate::ldap::{Cause, Reading, Summary};
use crate::record::{Kind, Record};

/// Pages of records that may wait for the reader.
const PAGES_WAITING_MAX: usize = 2;

/// What is read, in this order.
pub(super) fn kinds(settings: &Settings) -> &'static [Kind] {
    if settings.groups == Groups::None { &[Kind::Person] } else { &[Kind::Person, Kind::Group] }
}

pub(super) fn start(scim: &Scim, deadline: Duration) -> Reading {
    let (out, pages) = mpsc::channel(PAGES_WAITING_MAX);
    let scim = scim.clone();
    let outcome = tokio::spawn(async move {
        let read = timeout(deadline, read(&scim, out, deadline)).await;
        read.unwrap_or(Err(Cause::Deadline(deadline))).map_err(|cause| scim.at(cause))
    });
    Reading { pages, outcome }
}

async fn read(scim: &Scim, out: mpsc::Sender<Vec<Record>>, deadline: Duration) -> Result<Summary, Cause> {
    let settings = scim.settings();
    let mut client = Client::new(scim, Instant::now() + deadline);
    let features = Features::read(&mut client).await?;
    let mut summary = Summary::default();
    for kind in kinds(settings) {
        let mut pages = Pages::new(settings, features, *kind, paging::filter(settings, *kind, None));
        while let Some(resources) = pages.next(&mut client).await? {
            let resources = members::complete(&mut client, *kind, resources).await?;
            let records: Vec<Record> = resources.iter().map(|found| resource::record(settings, *kind, found)).collect();
            count(&mut summary, &records);
            out.send(records).await.map_err(|_| Cause::GivenUp)?;
        }
        summary.pages += pages.count;
    }
    summary.bookmark = changes::mark(&mut client, features, summary.people > 0).await?;
    Ok(summary)
}

pub(super) fn count(summary: &mut Summary, records: &[Record]) {
    for record in records {
        match record {
            Record::Person(_) => summary.people += 1,
            Record::Group(_) => summary.groups += 1,
            Record::Unreadable(_) => summary.unreadable += 1,
        }
    }
}
