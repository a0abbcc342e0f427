//! 389 Directory Server's retro changelog (draft-good-ldap-changelog): which entries changed since a number; each is read again as it
//! stands now. Only a change that is still in the log tells that nothing before the next one is missing.

use std::collections::{HashMap, HashSet};

use ldap3::Scope;

use super::{Kept, Said, keys, unusable};
use crate::changes::{Bookmark, Extent, Step};
use crate::ldap::Directory;
use crate::ldap::ber::{Elements, OCTET_STRING};
use crate::ldap::connection::{Connection, refusal};
use crate::ldap::error::Cause;
use crate::ldap::guard::Chunk;
use crate::ldap::range::attributes;
use crate::ldap::rootdse::{self, RootDse};
use crate::ldap::search::{Pages, Query, run};
use crate::record::Kind;

const UNIQUE_ID: &str = "nsUniqueId";
const NAMES: [&str; 3] = ["changeNumber", "changeType", "targetUniqueId"];
/// Entries read again at once: their keys stand in one filter.
const TARGETS_AT_ONCE: usize = 50;
/// Entries changed beyond which reading everything is cheaper.
const TARGETS_MAX: usize = 20_000;
/// The longest key, as it stands in a filter.
const UNIQUE_ID_MAX: usize = 64;

/// The number of the last change, when the server keeps a log that this account may read.
pub(super) async fn last(directory: &Directory, connection: &mut Connection, shown: &RootDse) -> Result<Option<String>, Cause> {
    let (Some(log), Some(number)) = (&shown.changelog, shown.last_change_number.filter(|number| *number > 0)) else { return Ok(None) };
    let (filter, names) = (format!("(changeNumber={number})"), ["changeNumber".to_owned()]);
    let limits = directory.settings().limits;
    let query = Query { base: log, filter: &filter, names: &names, page_size: 10, limits, references_expected: false };
    let (found, answer) = run(connection, &query, Scope::Subtree, 1, 0).await?;
    if answer.rc != 0 {
        return Err(refusal(answer, log, 0));
    }
    // Without the right to read it the log looks empty, as if nothing ever changed.
    Ok(found.iter().any(|chunk| chunk.len() > 0).then(|| number.to_string()))
}

/// Reads what changed.
pub(super) async fn read(
    directory: &Directory,
    connection: &mut Connection,
    since: &Bookmark,
    said: &mut Said,
) -> Result<(Kept, Kept), Cause> {
    let from: u64 = since.people.parse().map_err(|_| unusable("the number kept is none"))?;
    let shown = rootdse::read(connection, directory.settings().limits).await?;
    let log = shown.changelog.as_deref().ok_or_else(|| unusable("it keeps no changelog any more"))?;
    let changed = changed(directory, connection, log, from, said).await?;
    let targets: Vec<&String> = changed.targets.keys().collect();
    let mut seen = HashSet::new();
    let mut unnamed = [false; 2];
    for (kind, unnamed) in [Kind::Person, Kind::Group].into_iter().zip(&mut unnamed) {
        for some in targets.chunks(TARGETS_AT_ONCE) {
            let found = restate(directory, connection, kind, some, said).await?;
            let gone: Vec<&str> = some.iter().map(|id| id.as_str()).filter(|id| !found.contains(*id)).collect();
            if names_keys(directory) {
                said.say(gone.iter().map(|id| Step::Gone { kind: Some(kind), external_id: (*id).to_owned() }).collect()).await?;
            } else {
                *unnamed |= !gone.is_empty();
            }
            seen.extend(found);
        }
    }
    if changed.targets.iter().any(|(id, renamed)| *renamed && !seen.contains(id)) {
        return Err(unusable("an entry that is neither person nor group was renamed, and those below it with it"));
    }
    let mut extents = [Extent::Changes; 2];
    for ((kind, unnamed), extent) in [Kind::Person, Kind::Group].into_iter().zip(unnamed).zip(&mut extents) {
        if unnamed {
            keys::say(directory, connection, kind, said).await?;
            *extent = Extent::Whole;
        }
    }
    let [people, groups] = extents;
    Ok((Kept { extent: people, next: Some(changed.last.to_string()) }, Kept { extent: groups, next: Some(String::new()) }))
}

/// What the log says.
struct Changed {
    last: u64,
    /// The keys of the entries, and whether each was renamed.
    targets: HashMap<String, bool>,
}

async fn changed(directory: &Directory, connection: &mut Connection, log: &str, from: u64, said: &mut Said) -> Result<Changed, Cause> {
    let settings = directory.settings();
    let (filter, names) = (format!("(changeNumber>={from})"), NAMES.map(str::to_owned));
    let (page_size, limits) = (settings.page_size, settings.limits);
    let query = Query { base: log, filter: &filter, names: &names, page_size, limits, references_expected: false };
    let (mut changed, mut known) = (Changed { last: from, targets: HashMap::new() }, false);
    let mut pages = Pages::new();
    while let Some(page) = pages.next(connection, &query).await? {
        for entry in page.iter().flat_map(Chunk::entries) {
            let Some(number) = text(entry, "changeNumber").and_then(|number| number.parse::<u64>().ok()) else { continue };
            if number <= from {
                known |= number == from;
                continue;
            }
            changed.last = changed.last.max(number);
            if let Some(id) = text(entry, "targetUniqueId").map(str::to_ascii_lowercase).filter(|id| is_unique_id(id)) {
                let renamed = text(entry, "changeType").is_some_and(|kind| kind.eq_ignore_ascii_case("modrdn"));
                *changed.targets.entry(id).or_default() |= renamed;
            }
        }
        if changed.targets.len() > TARGETS_MAX {
            return Err(unusable("too much changed for a reading of changes"));
        }
    }
    said.summary.pages += pages.count;
    // It was the last change when it was kept: trimmed since, or of a log that began again.
    if known { Ok(changed) } else { Err(unusable("its changelog does not reach back to the last run, or may not be read")) }
}

/// States those of the entries that are of this kind now; their keys.
async fn restate(
    directory: &Directory,
    connection: &mut Connection,
    kind: Kind,
    targets: &[&String],
    said: &mut Said,
) -> Result<HashSet<String>, Cause> {
    let query = directory.query(kind);
    let any = targets.iter().fold(String::new(), |any, id| any + "(" + UNIQUE_ID + "=" + id + ")");
    let own = if query.filter.starts_with('(') { query.filter.to_owned() } else { format!("({})", query.filter) };
    let filter = format!("(&(|{any}){own})");
    let names: Vec<String> = query.names.iter().cloned().chain([UNIQUE_ID.to_owned()]).collect();
    let query = Query { filter: &filter, names: &names, ..query };
    let mut found = HashSet::new();
    let mut pages = Pages::new();
    while let Some(page) = pages.next(connection, &query).await? {
        let ids = page.iter().flat_map(Chunk::entries).filter_map(|entry| text(entry, UNIQUE_ID));
        found.extend(ids.map(str::to_ascii_lowercase));
        said.say(directory.entries().records(kind, &page).into_iter().map(Step::Stated).collect()).await?;
    }
    said.summary.pages += pages.count;
    Ok(found)
}

/// True when the gateway knows entries by the key that the log gives.
fn names_keys(directory: &Directory) -> bool {
    directory.entries().key_forms().first().is_some_and(|(name, _)| name.eq_ignore_ascii_case(UNIQUE_ID))
}

fn is_unique_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= UNIQUE_ID_MAX && id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}

/// The first value of an attribute.
fn text<'a>(entry: &'a [u8], wanted: &str) -> Option<&'a str> {
    let (_, values) = attributes(entry).find(|(name, _)| name.eq_ignore_ascii_case(wanted.as_bytes()))?;
    std::str::from_utf8(Elements(values).expect(OCTET_STRING, "").ok()?).ok()
}
