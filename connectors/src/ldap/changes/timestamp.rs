//! Changes by modifyTimestamp (RFC 4512 §3.4.2), for servers that offer nothing better: what changed since a time is stated, and all keys
//! are named, for a deletion leaves no time behind. Times are the server's own, never this machine's.

use tokio::time::Instant;

use super::said::Said;
use super::{Kept, keys, unusable};
use crate::changes::{Bookmark, Extent};
use crate::ldap::Directory;
use crate::ldap::ber::{Elements, OCTET_STRING};
use crate::ldap::connection::Connection;
use crate::ldap::error::Cause;
use crate::ldap::generalized_time;
use crate::ldap::guard::Chunk;
use crate::ldap::range::attributes;
use crate::ldap::rootdse;
use crate::ldap::search::{self, Query, both};
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
    let names = ["1.1".to_owned()];
    for query in directory.queries(Kind::Person) {
        let filter = changed_since(query.filter, 0);
        let query = Query { filter: &filter, names: &names, page_size: 10, ..query };
        if search::page(connection, &query, Vec::new(), 0).await?.entries.iter().any(|chunk| chunk.len() > 0) {
            return Ok(true);
        }
    }
    Ok(false)
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
        keys::name_all(directory, connection, kind, said).await?;
        for query in directory.queries(kind) {
            let (filter, names) = (changed_since(query.filter, from), names(query.names));
            let query = Query { filter: &filter, names: &names, ..query };
            said.found(directory, connection, (kind, &query), &mut |page| watched.see(page)).await?;
        }
    }
    // Time never goes back: a directory restored from a copy shows older times than those asked since.
    let next = watched.next().map_or(from, |next| next.max(from));
    let kept = || Kept { extent: Extent::Whole, next: Some(written(next)) };
    Ok((kept(), kept()))
}

/// The attributes to ask for, with the one that tells.
pub(super) fn names(names: &[String]) -> Vec<String> {
    names.iter().cloned().chain([NAME.to_owned()]).collect()
}

fn changed_since(filter: &str, from: i64) -> String {
    both(filter, &format!("({NAME}>={})", written(from)))
}

/// A time as it stands in a filter: `20260131235959Z`.
pub(super) fn written(at: i64) -> String {
    generalized_time::text(at).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::changed_since;

    #[test]
    fn a_filter_written_without_parentheses_holds_together_with_the_time() {
        assert_eq!(changed_since("uid=*", 1_769_903_999), "(&(uid=*)(modifyTimestamp>=20260131235959Z))");
    }
}
