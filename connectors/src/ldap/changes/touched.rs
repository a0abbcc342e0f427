//! What Active Directory names as changed, made into steps: every entry named is read again, whole, by the source's own bases and filters.
//! What they do not give any more is gone. Which entries those are is for `dirsync` and `usn` to ask.

use std::collections::{BTreeMap, BTreeSet};

use super::active_directory::search;
use super::guid::{self, Guid, any_of, escaped};
use super::said::Said;
use super::unusable;
use crate::changes::Step;
use crate::ldap::Directory;
use crate::ldap::connection::Connection;
use crate::ldap::entry::raw_dn;
use crate::ldap::error::Cause;
use crate::ldap::guard::Chunk;
use crate::ldap::primary;
use crate::ldap::search::{Pages, Query, both};
use crate::record::Kind;

/// Entries asked for in one search: few enough for a filter that every server takes.
const ASKED_AT_ONCE: usize = 100;
/// Entries named in one reading; beyond, reading everything is quicker.
const TOUCHED_MAX: usize = 20_000;
/// Places that moved in one reading, each of which is walked.
const PLACES_MAX: usize = 200;
/// Classes of entries under which people and groups stand. Their own entries say nothing when such a place moves.
const PLACES: &str = "(|(objectClass=organizationalUnit)(objectClass=container)(objectClass=organization)(objectClass=builtinDomain))";

/// The entries named so far, the last word of each.
#[derive(Debug, Default)]
pub(super) struct Touched {
    there: BTreeSet<Guid>,
    gone: BTreeSet<Guid>,
    /// Those that may have moved, so that what is beneath may have moved with them.
    moved: BTreeSet<Guid>,
}

impl Touched {
    /// Takes note of an entry.
    ///
    /// # Errors
    /// More are named than are worth asking for one by one.
    pub(super) fn note(&mut self, guid: Guid, deleted: bool, moved: bool) -> Result<(), Cause> {
        let (to, from) = if deleted { (&mut self.gone, &mut self.there) } else { (&mut self.there, &mut self.gone) };
        to.insert(guid);
        from.remove(&guid);
        if moved && !deleted {
            self.moved.insert(guid);
        }
        self.bounded()
    }

    /// Takes note of what a search found.
    pub(super) fn note_all(
        &mut self,
        entries: &[Chunk],
        deleted: impl Fn(&[u8]) -> bool,
        moved: impl Fn(&[u8]) -> bool,
    ) -> Result<(), Cause> {
        for entry in entries.iter().flat_map(Chunk::entries) {
            let guid = Guid::of(entry).ok_or_else(|| unusable("an entry it names has no objectGUID that this account may read"))?;
            self.note(guid, deleted(entry), moved(entry))?;
        }
        Ok(())
    }

    fn bounded(&self) -> Result<(), Cause> {
        if self.there.len() + self.gone.len() > TOUCHED_MAX {
            return Err(unusable("more than 20,000 entries changed, so that reading everything is quicker"));
        }
        Ok(())
    }
}

/// Says of every entry named what became of it.
pub(super) async fn settle(
    directory: &Directory,
    connection: &mut Connection,
    context: &str,
    mut touched: Touched,
    said: &mut Said,
) -> Result<(), Cause> {
    beneath(directory, connection, context, &mut touched).await?;
    let asked: Vec<Guid> = touched.there.iter().copied().collect();
    let mut met = Met::default();
    for kind in [Kind::Person, Kind::Group] {
        for guids in asked.chunks(ASKED_AT_ONCE) {
            again(directory, connection, kind, guids, &mut met, said).await?;
        }
    }
    said.say(joined(directory, connection, met.primary).await?).await?;
    let left = asked.into_iter().filter(|guid| !met.found.contains(guid));
    let gone: Vec<Step> = left.chain(touched.gone).map(|guid| Step::Gone { kind: None, external_id: guid.text() }).collect();
    said.say(gone).await
}

/// What was found again.
#[derive(Default)]
struct Met {
    found: BTreeSet<Guid>,
    /// People by the SID of the group that their own entry names.
    primary: BTreeMap<Vec<u8>, Vec<String>>,
}

/// Adds what stands beneath the places that moved: a move of a place is told of the place alone (MS-ADTS §3.1.1.5.4).
async fn beneath(directory: &Directory, connection: &mut Connection, context: &str, touched: &mut Touched) -> Result<(), Cause> {
    let moved: Vec<Guid> = touched.moved.iter().copied().filter(|guid| touched.there.contains(guid)).collect();
    let (none, keys) = (["1.1".to_owned()], [guid::NAME.to_owned()]);
    let mut places = Vec::new();
    for guids in moved.chunks(ASKED_AT_ONCE) {
        let filter = both(PLACES, &any_of(guids));
        let query = search(directory, context, &filter, &none);
        let mut pages = Pages::new();
        while let Some(page) = pages.next(connection, &query).await? {
            let dns = page.iter().flat_map(Chunk::entries).filter_map(raw_dn);
            places.extend(dns.map(|dn| String::from_utf8_lossy(dn).into_owned()));
        }
    }
    if places.len() > PLACES_MAX {
        return Err(unusable("more than 200 organizational units changed, so that reading everything is quicker"));
    }
    for place in places {
        let query = search(directory, &place, "(objectClass=*)", &keys);
        let mut pages = Pages::new();
        while let Some(page) = pages.next(connection, &query).await? {
            touched.note_all(&page, |_| false, |_| false)?;
        }
    }
    Ok(())
}

/// Reads some of the entries named again, as people or as groups.
async fn again(
    directory: &Directory,
    connection: &mut Connection,
    kind: Kind,
    guids: &[Guid],
    met: &mut Met,
    said: &mut Said,
) -> Result<(), Cause> {
    for query in directory.queries(kind) {
        let filter = both(query.filter, &any_of(guids));
        let query = Query { filter: &filter, ..query };
        let mut see = |page: &[Chunk]| {
            for entry in page.iter().flat_map(Chunk::entries) {
                met.found.extend(Guid::of(entry));
                if let (Kind::Person, Some(group), Some(dn)) = (kind, primary::group_of(entry), primary::dn_key(entry)) {
                    met.primary.entry(group).or_default().push(dn);
                }
            }
        };
        said.found(directory, connection, (kind, &query), &mut see).await?;
    }
    Ok(())
}

/// Who joins a group by their own entry, where the group is one of the source's.
async fn joined(directory: &Directory, connection: &mut Connection, primary: BTreeMap<Vec<u8>, Vec<String>>) -> Result<Vec<Step>, Cause> {
    let mut steps = Vec::new();
    let names = [guid::NAME.to_owned()];
    for (sid, people) in primary {
        for query in directory.queries(Kind::Group) {
            let filter = both(query.filter, &format!("(objectSid={})", escaped(&sid)));
            let query = Query { filter: &filter, names: &names, ..query };
            let found = Pages::new().next(connection, &query).await?.unwrap_or_default();
            if let Some(group) = found.iter().flat_map(Chunk::entries).find_map(Guid::of) {
                let group = group.text();
                steps.extend(people.into_iter().map(|dn_key| Step::Joined { group: group.clone(), dn_key }));
                break;
            }
        }
    }
    Ok(steps)
}
