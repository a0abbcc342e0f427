//! Changes by modifyTimestamp (RFC 4512 §3.4.2), for servers that offer nothing better: what changed since a time is stated, and all keys
//! are named, for a deletion leaves no time behind. Times are the server's own, never this machine's.

use tokio::time::Instant;

use super::{Kept, Said, keys, unusable};
use crate::changes::{Bookmark, Extent, Step};
use crate::ldap::Directory;
use crate::ldap::ber::{Elements, OCTET_STRING};
use crate::ldap::connection::Connection;
use crate::ldap::error::Cause;
use crate::ldap::generalized_time;
use crate::ldap::guard::Chunk;
use crate::ldap::range::attributes;
use crate::ldap::rootdse;
use crate::ldap::search::{self, Pages, Query};
use crate::record::Kind;

/// The attribute that tells.
pub(super) const NAME: &str = "modifyTimestamp";
/// How far before the last reading one asks again: a change made at another server arrives later, with the time it had there.
const OVERLAP_S: i64 = 600;

/// The greatest time seen in a reading, and how long the reading lasts.
pub(in crate::ldap) struct Watched {
    started: Instant,
    /// The server's clock when it began, when the server tells.
    clock: Option<i64>,
    greatest: Option<i64>,
}

impl Watched {
    /// Before the first entry.
    pub(super) fn begin(current_time: Option<&str>) -> Self {
        Self { started: Instant::now(), clock: current_time.and_then(generalized_time::seconds), greatest: None }
    }

    /// Notes the times of entries.
    pub(super) fn see(&mut self, page: &[Chunk]) {
        for entry in page.iter().flat_map(Chunk::entries) {
            let found = attributes(entry).find(|(name, _)| name.eq_ignore_ascii_case(NAME.as_bytes()));
            let value = found.and_then(|(_, values)| Elements(values).expect(OCTET_STRING, "").ok());
            let time = value.and_then(|value| std::str::from_utf8(value).ok()).and_then(generalized_time::seconds);
            self.greatest = self.greatest.max(time);
        }
    }

    /// Since when to ask next. Without the server's clock, the greatest time seen is at most that of the end, so that less the time the
    /// reading took it is at most that of the beginning.
    pub(super) fn next(&self) -> Option<i64> {
        let lasted = i64::try_from(self.started.elapsed().as_secs()).unwrap_or(i64::MAX).saturating_add(1);
        let began = self.clock.or_else(|| self.greatest.map(|greatest| greatest.saturating_sub(lasted)))?;
        Some(began.saturating_sub(OVERLAP_S).max(0))
    }
}

/// True when this server compares times: one that does not would answer that nothing ever changes.
pub(super) async fn compares(directory: &Directory, connection: &mut Connection) -> Result<bool, Cause> {
    let query = directory.query(Kind::Person);
    let (filter, names) = (changed_since(query.filter, 0), ["1.1".to_owned()]);
    let query = Query { filter: &filter, names: &names, page_size: 10, ..query };
    Ok(search::page(connection, &query, Vec::new(), 0).await?.entries.iter().any(|chunk| chunk.len() > 0))
}

/// Reads what changed, people first, then groups.
pub(super) async fn read(
    directory: &Directory,
    connection: &mut Connection,
    since: &Bookmark,
    said: &mut Said,
) -> Result<(Kept, Kept), Cause> {
    let from = generalized_time::seconds(&since.people).ok_or_else(|| unusable("the time kept is none"))?;
    let shown = rootdse::read(connection, directory.settings().limits).await?;
    let mut watched = Watched::begin(shown.current_time.as_deref());
    for kind in [Kind::Person, Kind::Group] {
        // Keys first: whoever comes between the two searches is stated by the second.
        keys::say(directory, connection, kind, said).await?;
        state(directory, connection, kind, from, &mut watched, said).await?;
    }
    // Time never goes back: a directory restored from a copy shows older times than those asked since.
    let next = watched.next().map_or(from, |next| next.max(from));
    let kept = || Kept { extent: Extent::Whole, next: generalized_time::text(next) };
    Ok((kept(), kept()))
}

/// States what changed since a time.
async fn state(
    directory: &Directory,
    connection: &mut Connection,
    kind: Kind,
    from: i64,
    watched: &mut Watched,
    said: &mut Said,
) -> Result<(), Cause> {
    let query = directory.query(kind);
    let (filter, names) = (changed_since(query.filter, from), names(query.names));
    let query = Query { filter: &filter, names: &names, ..query };
    let mut pages = Pages::new();
    while let Some(page) = pages.next(connection, &query).await? {
        watched.see(&page);
        said.say(directory.entries().records(kind, &page).into_iter().map(Step::Stated).collect()).await?;
    }
    said.summary.pages += pages.count;
    Ok(())
}

/// The attributes to ask for, with the one that tells.
pub(super) fn names(names: &[String]) -> Vec<String> {
    names.iter().cloned().chain([NAME.to_owned()]).collect()
}

fn changed_since(filter: &str, from: i64) -> String {
    let time = generalized_time::text(from).unwrap_or_default();
    if filter.starts_with('(') { format!("(&{filter}({NAME}>={time}))") } else { format!("(&({filter})({NAME}>={time}))") }
}
