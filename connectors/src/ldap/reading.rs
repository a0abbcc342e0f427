//! The whole directory as a bounded stream: one task asks for pages while another makes records of the page before.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};

use super::Directory;
use super::connection::Connection;
use super::error::{Cause, Error};
use super::guard::Chunk;
use super::range;
use super::search::Pages;
use crate::changes::Bookmark;
use crate::record::{Kind, Record};

/// Pages of records that may wait for the reader.
const PAGES_WAITING_MAX: usize = 2;

/// A directory being read.
#[derive(Debug)]
pub struct Reading<T = Record> {
    /// Pages of records, all people first; closed at the end, complete or not.
    pub pages: mpsc::Receiver<Vec<T>>,
    /// Whether what came is everything: only then is it `Ok`.
    pub outcome: JoinHandle<Result<Summary, Error>>,
}

/// What a complete reading held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Usable people.
    pub people: usize,
    /// Usable groups.
    pub groups: usize,
    /// Entries that could not be used.
    pub unreadable: usize,
    /// Pages asked for.
    pub pages: usize,
    /// Since when to ask for changes next, taken before the first page; none when the source gives no such thing.
    pub bookmark: Option<Bookmark>,
}

type RawPage = (Kind, Vec<Chunk>);

/// What becomes of raw entries.
pub(super) type Make<T> = fn(&Directory, Kind, &[Chunk]) -> Vec<T>;

pub(super) fn start<T: AsRef<Record> + Send + 'static>(directory: Directory, deadline: Duration, make: Make<T>) -> Reading<T> {
    let (out, pages) = mpsc::channel(PAGES_WAITING_MAX);
    let outcome = tokio::spawn(async move {
        match tokio::time::timeout(deadline, read(&directory, out, make)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Cause::Deadline(deadline).at(directory.first_server())),
        }
    });
    Reading { pages, outcome }
}

async fn read<T: AsRef<Record> + Send + 'static>(
    directory: &Directory,
    out: mpsc::Sender<Vec<T>>,
    made: Make<T>,
) -> Result<Summary, Error> {
    let (server, mut connection) = directory.open().await?;
    let (raw, waiting) = mpsc::channel(1);
    // In a set, so that the work ends with this future when its deadline strikes.
    let mut maker = JoinSet::new();
    let ours = directory.clone();
    maker.spawn(async move { make(&ours, waiting, out, made).await });
    let read = ask(directory, &mut connection, raw).await;
    let pages = read.map_err(|cause| cause.at(&server))?;
    connection.close().await;
    match maker.join_next().await {
        Some(Ok(Some(summary))) => Ok(Summary { pages, ..summary }),
        Some(Err(error)) if error.is_panic() => Err(Cause::Protocol("an entry broke its reader".to_owned()).at(&server)),
        _ => Err(Cause::GivenUp.at(&server)),
    }
}

/// Asks for page after page; the answer to the next is on its way while the last becomes records.
async fn ask(directory: &Directory, connection: &mut Connection, raw: mpsc::Sender<RawPage>) -> Result<usize, Cause> {
    let mut count = 0;
    for kind in [Kind::Person, Kind::Group] {
        let query = directory.query(kind);
        let mut pages = Pages::new();
        while let Some(entries) = pages.next(connection, &query).await? {
            // Members alone grow beyond what a directory answers at once; scanning people for it would cost time for nothing.
            let entries = if kind == Kind::Group { range::complete(connection, &query, entries).await? } else { entries };
            if !entries.is_empty() {
                raw.send((kind, entries)).await.map_err(|_| Cause::GivenUp)?;
            }
        }
        count += pages.count;
    }
    Ok(count)
}

/// Makes records until the pages end; `None` when nobody takes them any more.
async fn make<T: AsRef<Record>>(
    directory: &Directory,
    mut raw: mpsc::Receiver<RawPage>,
    out: mpsc::Sender<Vec<T>>,
    made: Make<T>,
) -> Option<Summary> {
    let mut summary = Summary::default();
    while let Some((kind, entries)) = raw.recv().await {
        let page = made(directory, kind, &entries);
        for record in &page {
            match record.as_ref() {
                Record::Person(_) => summary.people += 1,
                Record::Group(_) => summary.groups += 1,
                Record::Unreadable(_) => summary.unreadable += 1,
            }
        }
        out.send(page).await.ok()?;
    }
    Some(summary)
}
