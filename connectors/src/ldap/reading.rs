//! The whole directory as a bounded stream: one task asks for pages while another makes records of the page before.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};

use super::Directory;
use super::changes;
use super::connection::Connection;
use super::dynamic::{self, Later};
use super::error::{Cause, Error};
use super::guard::Chunk;
use super::primary::PrimaryGroups;
use super::range;
use super::search::{Pages, Query};
use crate::changes::Bookmark;
use crate::record::{Kind, Record};

/// Pages of records that may wait for the reader.
const PAGES_WAITING_MAX: usize = 2;
/// Bytes of raw entries that become records at once.
const PIECE_BYTES: usize = 1024 * 1024;

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

/// What becomes of a page of records, beside the raw entries that they were made of.
pub(super) type Finish<T> = fn(&Directory, &[Chunk], Vec<Record>) -> Vec<T>;

pub(super) fn start<T: Send + 'static>(directory: Directory, deadline: Duration, finish: Finish<T>) -> Reading<T> {
    let (out, pages) = mpsc::channel(PAGES_WAITING_MAX);
    let outcome = tokio::spawn(async move {
        match tokio::time::timeout(deadline, read(&directory, out, finish)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Cause::Deadline(deadline).at(directory.first_server())),
        }
    });
    Reading { pages, outcome }
}

async fn read<T: Send + 'static>(directory: &Directory, out: mpsc::Sender<Vec<T>>, finish: Finish<T>) -> Result<Summary, Error> {
    let (server, mut connection) = directory.open().await?;
    let (raw, waiting) = mpsc::channel(1);
    // In a set, so that the work ends with this future when its deadline strikes.
    let mut maker = JoinSet::new();
    let ours = directory.clone();
    maker.spawn(async move { make(&ours, waiting, out, finish).await });
    let read = ask(directory, &mut connection, raw).await;
    let (pages, bookmark) = read.map_err(|cause| cause.at(&server))?;
    connection.close().await;
    match maker.join_next().await {
        Some(Ok(Some(summary))) => Ok(Summary { pages, bookmark, ..summary }),
        Some(Err(error)) if error.is_panic() => Err(Cause::Protocol("an entry broke its reader".to_owned()).at(&server)),
        _ => Err(Cause::GivenUp.at(&server)),
    }
}

/// Asks for page after page; the answer to the next is on its way while the last becomes records. How many pages, and since when to ask for
/// changes.
async fn ask(directory: &Directory, connection: &mut Connection, raw: mpsc::Sender<RawPage>) -> Result<(usize, Option<Bookmark>), Cause> {
    let mut marking = changes::mark(directory, connection).await?;
    let mut count = 0;
    for kind in [Kind::Person, Kind::Group] {
        for query in directory.queries(kind) {
            let names = marking.names(query.names);
            let query = Query { names: &names, ..query };
            let (mut pages, mut later) = (Pages::new(), Later::default());
            while let Some(entries) = next_page(directory, connection, &query, &mut pages).await? {
                marking.see(kind, &entries);
                // Members alone grow beyond what a directory answers at once; scanning people for it would cost time for nothing.
                let entries =
                    if kind == Kind::Group { range::complete(connection, &query, later.without(entries)).await? } else { entries };
                if !entries.is_empty() {
                    raw.send((kind, entries)).await.map_err(|_| Cause::GivenUp)?;
                }
            }
            let searched = dynamic::complete(connection, &query, later.page()).await?;
            if !searched.is_empty() {
                raw.send((kind, searched)).await.map_err(|_| Cause::GivenUp)?;
            }
            count += pages.count;
        }
    }
    let bookmark = marking.finish(directory, connection).await?;
    Ok((count, bookmark))
}

/// The next page, after the pause that the source asks for.
async fn next_page(
    directory: &Directory,
    connection: &mut Connection,
    query: &Query<'_>,
    pages: &mut Pages,
) -> Result<Option<Vec<Chunk>>, Cause> {
    let pause = directory.settings().page_pause;
    if pages.count > 0 && !pause.is_zero() {
        tokio::time::sleep(pause).await;
    }
    pages.next(connection, query).await
}

/// Makes records until the pages end; `None` when nobody takes them any more.
async fn make<T>(directory: &Directory, mut raw: mpsc::Receiver<RawPage>, out: mpsc::Sender<Vec<T>>, finish: Finish<T>) -> Option<Summary> {
    let (mut summary, mut primary) = (Summary::default(), PrimaryGroups::default());
    while let Some((kind, entries)) = raw.recv().await {
        for piece in pieces(&entries) {
            let mut page: Vec<Record> = directory.entries().records(kind, piece);
            if directory.settings().is_active_directory() {
                primary.join(kind, piece, &mut page);
            }
            for record in &page {
                match record {
                    Record::Person(_) => summary.people += 1,
                    Record::Group(_) => summary.groups += 1,
                    Record::Unreadable(_) => summary.unreadable += 1,
                }
            }
            out.send(finish(directory, piece, page)).await.ok()?;
        }
    }
    Some(summary)
}

/// A page in pieces: a page of large groups is many times the size of one of people, and its records twice that again.
fn pieces(mut page: &[Chunk]) -> impl Iterator<Item = &[Chunk]> {
    std::iter::from_fn(move || {
        let mut size = 0;
        let fits = |chunk: &&Chunk| {
            size += chunk.size();
            size <= PIECE_BYTES
        };
        // One chunk at least, however large.
        let count = page.iter().take_while(fits).count().max(1).min(page.len());
        let (piece, left) = page.split_at_checked(count)?;
        page = left;
        (!piece.is_empty()).then_some(piece)
    })
}
