//! The paged search (RFC 2696), complete or an error: result code, cookie, paging control and referrals all have their say.
//! Raw entries pass through; what they mean is `entry`'s business.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use ldap3::controls::{Control, ControlType, MakeCritical as _, PagedResults, RawControl};
use ldap3::{LdapResult, Scope};
use tokio::time::timeout;

use super::ber::{self, Elements};
use super::connection::{Connection, refusal};
use super::entry;
use super::error::Cause;
use super::guard::Chunk;
use super::settings::Limits;

/// Pages without an entry that a server may send in a row (a filter evaluated late gives some).
const EMPTY_PAGES_MAX: usize = 64;
/// Entries a server may send beyond the page asked for before it counts as ignoring it.
const PAGE_SLACK: usize = 50_000;
/// Bytes that the entries of one page may hold together.
const PAGE_BYTES_MAX: usize = 256 * 1024 * 1024;

/// What is searched.
pub(super) struct Query<'a> {
    pub(super) base: &'a str,
    pub(super) scope: Scope,
    pub(super) filter: &'a str,
    pub(super) names: &'a [String],
    pub(super) page_size: u16,
    pub(super) limits: Limits,
    /// Whether what lies on other servers is of no concern; unsaid, it is part of what was asked for.
    pub(super) references_expected: bool,
}

/// One page.
pub(super) struct Page {
    pub(super) entries: Vec<Chunk>,
    /// Empty at the end.
    pub(super) cookie: Vec<u8>,
}

/// Walks the pages of one search and refuses to walk in circles.
pub(super) struct Pages {
    /// Controls besides the paging.
    besides: Vec<RawControl>,
    cookie: Vec<u8>,
    firsts: HashSet<u64>,
    empty: usize,
    /// Entries so far.
    pub(super) read: usize,
    /// Pages so far.
    pub(super) count: usize,
    done: bool,
}

impl Pages {
    /// Before the first page.
    pub(super) fn new() -> Self {
        Self::with(Vec::new())
    }

    /// The same, with these controls besides the paging.
    pub(super) fn with(besides: Vec<RawControl>) -> Self {
        Self { besides, cookie: Vec::new(), firsts: HashSet::new(), empty: 0, read: 0, count: 0, done: false }
    }

    /// The next page's entries; `None` once the last page was complete.
    pub(super) async fn next(&mut self, connection: &mut Connection, query: &Query<'_>) -> Result<Option<Vec<Chunk>>, Cause> {
        if self.done {
            return Ok(None);
        }
        if self.count >= query.limits.pages_max {
            return Err(Cause::TooManyPages(query.limits.pages_max));
        }
        let page = page_with(connection, query, std::mem::take(&mut self.cookie), self.read, &self.besides).await?;
        self.count += 1;
        self.done = page.cookie.is_empty();
        match page.entries.first().and_then(|chunk| chunk.entries().next()).and_then(entry::raw_dn) {
            // Some servers keep one cookie for a whole search (389 Directory Server), so the content tells, not the cookie.
            Some(dn) => {
                let mut hasher = DefaultHasher::new();
                dn.hash(&mut hasher);
                if !self.firsts.insert(hasher.finish()) {
                    return Err(Cause::RepeatedPage(self.read));
                }
                self.empty = 0;
            }
            None => self.empty += 1,
        }
        if self.empty > EMPTY_PAGES_MAX {
            return Err(Cause::RepeatedPage(self.read));
        }
        self.read += count(&page.entries);
        self.cookie = page.cookie;
        Ok(Some(page.entries))
    }
}

/// Asks for one page and reads it to its end.
pub(super) async fn page(connection: &mut Connection, query: &Query<'_>, cookie: Vec<u8>, read: usize) -> Result<Page, Cause> {
    page_with(connection, query, cookie, read, &[]).await
}

async fn page_with(
    connection: &mut Connection,
    query: &Query<'_>,
    cookie: Vec<u8>,
    read: usize,
    besides: &[RawControl],
) -> Result<Page, Cause> {
    let paging = PagedResults { size: i32::from(query.page_size), cookie }.critical();
    let mut controls = vec![RawControl::from(paging)];
    controls.extend_from_slice(besides);
    connection.ldap.with_controls(controls);
    let bound = usize::from(query.page_size) + PAGE_SLACK;
    let (entries, answer) = run(connection, query, bound, read).await?;
    if answer.rc != 0 {
        return Err(refusal(answer, query.base, read + count(&entries)));
    }
    Ok(Page { cookie: next_cookie(&answer.ctrls)?, entries })
}

/// Looks whether the base itself is there.
pub(super) async fn base_exists(connection: &mut Connection, base: &str, limits: Limits) -> Result<(), Cause> {
    let names = ["1.1".to_owned()];
    let query =
        Query { base, scope: Scope::Base, filter: "(objectClass=*)", names: &names, page_size: 1, limits, references_expected: false };
    let (entries, answer) = run(connection, &query, 1, 0).await?;
    match answer.rc {
        0 if entries.is_empty() => Err(Cause::BaseMissing(base.to_owned())),
        0 => Ok(()),
        _ => Err(refusal(answer, base, 0)),
    }
}

/// Runs one search to its end: the entries, and the answer that ended it.
pub(super) async fn run(
    connection: &mut Connection,
    query: &Query<'_>,
    bound: usize,
    read: usize,
) -> Result<(Vec<Chunk>, LdapResult), Cause> {
    let within = query.limits.stall;
    let silent = || Cause::Silent { what: "send the next entry", within };
    let started = timeout(within, connection.ldap.streaming_search(query.base, query.scope, query.filter, query.names)).await;
    let mut stream = started.map_err(|_| silent())?.map_err(|error| connection.cause(&error, read))?;
    let mut entries = Vec::new();
    let (mut found, mut size) = (0, 0);
    loop {
        let next = timeout(within, async {
            tokio::select! {
                biased;
                Some(chunk) = connection.entries.recv() => Next::Entries(chunk),
                item = stream.next() => Next::Item(item),
            }
        });
        match next.await.map_err(|_| silent())? {
            Next::Entries(chunk) => {
                found += chunk.len();
                size += chunk.size();
                entries.push(chunk);
            }
            Next::Item(Ok(Some(item))) if item.is_ref() && !query.references_expected => {
                return Err(Cause::Referral(entry::reference(&item.0).unwrap_or_default()));
            }
            Next::Item(Ok(Some(_))) => {}
            Next::Item(Ok(None)) => break,
            Next::Item(Err(error)) => return Err(connection.cause(&error, read + found)),
        }
        connection.heard();
        if found > bound {
            return Err(Cause::PagingIgnored);
        }
        if size > PAGE_BYTES_MAX {
            return Err(Cause::PageTooLarge(PAGE_BYTES_MAX));
        }
    }
    // The guard hands entries over before the end of their search: what is left of them waits here.
    while let Ok(chunk) = connection.entries.try_recv() {
        entries.push(chunk);
    }
    connection.heard();
    Ok((entries, stream.finish().await))
}

/// A filter that holds when both do; the first may be written without its parentheses.
pub(super) fn both(filter: &str, other: &str) -> String {
    if filter.starts_with('(') { format!("(&{filter}{other})") } else { format!("(&({filter}){other})") }
}

/// What comes next of a search at work.
enum Next {
    Entries(Chunk),
    Item(ldap3::result::Result<Option<ldap3::ResultEntry>>),
}

fn count(chunks: &[Chunk]) -> usize {
    chunks.iter().map(Chunk::len).sum()
}

/// The cookie of the paging control, which a server that pages always sends (RFC 2696 §3).
fn next_cookie(controls: &[Control]) -> Result<Vec<u8>, Cause> {
    let found = controls.iter().find(|Control(kind, _)| matches!(kind, Some(ControlType::PagedResults)));
    let value = found.and_then(|Control(_, raw)| raw.val.as_deref()).ok_or(Cause::PagingIgnored)?;
    let read = || {
        let mut parts = Elements(Elements(value).expect(ber::SEQUENCE, "the paging control is not a sequence")?);
        parts.expect(ber::INTEGER, "the paging control has no size")?;
        parts.expect(ber::OCTET_STRING, "the paging control has no cookie")
    };
    read().map(<[u8]>::to_vec).map_err(Cause::Malformed)
}
