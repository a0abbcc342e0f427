//! What Active Directory names as changed, made into steps: every entry named is read again, whole, by the source's own bases and filters.
//! What they do not give any more is gone. Which entries those are is for `dirsync` and `usn` to ask.

use std::collections::{BTreeMap, BTreeSet};

use super::guid::{self, Guid, any_of, escaped};
use super::{Said, unusable};
use crate::changes::Step;
use crate::ldap::Directory;
use crate::ldap::connection::Connection;
use crate::ldap::entry::raw_dn;
use crate::ldap::error::Cause;
use crate::ldap::guard::Chunk;
use crate::ldap::primary::{self, PrimaryGroups};
use crate::ldap::range;
use crate::ldap::search::{Pages, Query};
use crate::record::{Kind, Record};

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
        let filter = format!("(&{PLACES}{})", any_of(guids));
        let query = Query { base: context, filter: &filter, names: &none, references_expected: true, ..directory.query(Kind::Person) };
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
        let query =
            Query { base: &place, filter: "(objectClass=*)", names: &keys, references_expected: true, ..directory.query(Kind::Person) };
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
    let query = directory.query(kind);
    let filter = format!("(&{}{})", query.filter, any_of(guids));
    let query = Query { filter: &filter, ..query };
    let mut pages = Pages::new();
    while let Some(entries) = pages.next(connection, &query).await? {
        let entries = if kind == Kind::Group { range::complete(connection, &query, entries).await? } else { entries };
        let mut records = directory.entries().records(kind, &entries);
        met.found.extend(entries.iter().flat_map(Chunk::entries).filter_map(Guid::of));
        if kind == Kind::Group {
            primary_members(directory, connection, &entries).await?.join(kind, &entries, &mut records);
        }
        for (entry, record) in entries.iter().flat_map(Chunk::entries).zip(&records) {
            if let (Record::Person(person), Some(group)) = (record, primary::group_of(entry)) {
                met.primary.entry(group).or_default().push(person.dn_key.clone());
            }
        }
        said.say(records.into_iter().map(Step::Stated).collect()).await?;
    }
    Ok(())
}

/// Who is in these groups by their own entry.
async fn primary_members(directory: &Directory, connection: &mut Connection, groups: &[Chunk]) -> Result<PrimaryGroups, Cause> {
    let mut noted = PrimaryGroups::default();
    let sids = groups.iter().flat_map(Chunk::entries).filter_map(primary::sid);
    let numbers: BTreeSet<u32> = sids.filter_map(primary::number).collect();
    if numbers.is_empty() || !directory.settings().is_active_directory() {
        return Ok(noted);
    }
    let numbers: String = numbers.iter().map(|number| format!("(primaryGroupID={number})")).collect();
    let mut names = Vec::new();
    primary::ask(&mut names);
    let query = directory.query(Kind::Person);
    let filter = format!("(&{}(|{numbers}))", query.filter);
    let query = Query { filter: &filter, names: &names, ..query };
    let mut pages = Pages::new();
    while let Some(page) = pages.next(connection, &query).await? {
        noted.note_names(&page);
    }
    Ok(noted)
}

/// Who joins a group by their own entry, where the group is one of the source's.
async fn joined(directory: &Directory, connection: &mut Connection, primary: BTreeMap<Vec<u8>, Vec<String>>) -> Result<Vec<Step>, Cause> {
    let mut steps = Vec::new();
    let names = [guid::NAME.to_owned()];
    for (sid, people) in primary {
        let query = directory.query(Kind::Group);
        let filter = format!("(&{}(objectSid={}))", query.filter, escaped(&sid));
        let query = Query { filter: &filter, names: &names, ..query };
        let found = Pages::new().next(connection, &query).await?.unwrap_or_default();
        if let Some(group) = found.iter().flat_map(Chunk::entries).find_map(Guid::of) {
            steps.extend(people.into_iter().map(|dn_key| Step::Joined { group: group.text(), dn_key }));
        }
    }
    Ok(steps)
}
