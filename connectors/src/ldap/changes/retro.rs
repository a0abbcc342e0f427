//! 389 Directory Server's retro changelog (draft-good-ldap-changelog): which entries changed since a number; each is read again as it
//! stands now. Only a change that is still in the log tells that nothing before the next one is missing.

use std::collections::{HashMap, HashSet};

use ldap3::Scope;

use super::keys::{self, is_plain, text};
use super::said::Said;
use super::{Kept, unusable};
use crate::changes::{Bookmark, Extent, Step};
use crate::dn;
use crate::ldap::Directory;
use crate::ldap::connection::{Connection, refusal};
use crate::ldap::error::Cause;
use crate::ldap::guard::Chunk;
use crate::ldap::rootdse::{self, RootDse};
use crate::ldap::search::{Pages, Query, run};
use crate::record::Kind;

const UNIQUE_ID: &str = "nsUniqueId";
/// The same, as the log writes it.
const UNIQUE_ID_THERE: &str = "targetUniqueId";
const NAMES: [&str; 6] = ["changeNumber", "changeTime", "changeType", "targetDn", "newSuperior", UNIQUE_ID_THERE];
/// Entries changed beyond which reading everything is cheaper.
const TARGETS_MAX: usize = 20_000;

/// The number of the last change, when the server keeps a log that this account may read.
pub(super) async fn last(directory: &Directory, connection: &mut Connection, shown: &RootDse) -> Result<Option<String>, Cause> {
    let (Some(log), Some(number)) = (&shown.changelog, shown.last_change_number.filter(|number| *number > 0)) else { return Ok(None) };
    let (filter, names) = (format!("(changeNumber={number})"), NAMES.map(str::to_owned));
    let limits = directory.settings().limits;
    let query =
        Query { base: log, scope: Scope::Subtree, filter: &filter, names: &names, page_size: 10, limits, references_expected: false };
    let (found, answer) = run(connection, &query, 1, 0).await?;
    if answer.rc != 0 {
        return Err(refusal(answer, log, 0));
    }
    // Without the right to read it the log looks empty, as if nothing ever changed; and it names entries only where it is set to.
    Ok(found.iter().flat_map(Chunk::entries).find_map(named))
}

/// Reads what changed.
pub(super) async fn read(
    directory: &Directory,
    connection: &mut Connection,
    since: &Bookmark,
    said: &mut Said,
) -> Result<(Kept, Kept), Cause> {
    let shown = rootdse::read(connection, directory.settings().limits).await?;
    let log = shown.changelog.as_deref().ok_or_else(|| unusable("it keeps no changelog any more"))?;
    let changed = changed(directory, connection, log, &since.people, said).await?;
    let targets: Vec<&str> = changed.targets.keys().map(String::as_str).collect();
    let mut seen = HashSet::new();
    let mut extents = [Extent::Changes; 2];
    for (kind, extent) in [Kind::Person, Kind::Group].into_iter().zip(&mut extents) {
        let found = keys::restate(directory, connection, kind, (UNIQUE_ID, &targets), said).await?;
        let gone: Vec<&str> = targets.iter().copied().filter(|id| !found.contains(*id)).collect();
        if names_keys(directory) {
            said.say(gone.into_iter().map(|id| Step::Gone { kind: Some(kind), external_id: id.to_owned() }).collect()).await?;
        } else if !gone.is_empty() {
            keys::name_all(directory, connection, kind, said).await?;
            *extent = Extent::Whole;
        }
        seen.extend(found);
    }
    if changed.targets.iter().any(|(id, renamed)| *renamed && !seen.contains(id)) {
        return Err(unusable("an entry that is neither person nor group was renamed, and those below it with it"));
    }
    let [people, groups] = extents;
    Ok((Kept { extent: people, next: Some(changed.last) }, Kept { extent: groups, next: Some(String::new()) }))
}

/// What the log says.
struct Changed {
    /// The last change, as a bookmark names it.
    last: String,
    /// The keys of the entries, and whether each was renamed.
    targets: HashMap<String, bool>,
}

/// A change as a bookmark names it: its number, and by what it is known again where another server, or another log, numbers its own.
fn named(entry: &[u8]) -> Option<String> {
    let (number, id) = (text(entry, "changeNumber")?, text(entry, UNIQUE_ID_THERE)?);
    Some(format!("{number} {id} {}", text(entry, "changeTime").unwrap_or_default()))
}

async fn changed(directory: &Directory, connection: &mut Connection, log: &str, since: &str, said: &mut Said) -> Result<Changed, Cause> {
    let from = since.split(' ').next().and_then(|number| number.parse::<u64>().ok()).ok_or_else(|| unusable("the number kept is none"))?;
    let settings = directory.settings();
    let (filter, names) = (format!("(changeNumber>={from})"), NAMES.map(str::to_owned));
    let (page_size, limits) = (settings.page_size, settings.limits);
    let query = Query { base: log, scope: Scope::Subtree, filter: &filter, names: &names, page_size, limits, references_expected: false };
    let bases = bases(directory);
    let (mut changed, mut known) = (Changed { last: since.to_owned(), targets: HashMap::new() }, false);
    let mut last = from;
    let mut pages = Pages::new();
    while let Some(page) = pages.next(connection, &query).await? {
        for entry in page.iter().flat_map(Chunk::entries) {
            let Some(number) = text(entry, "changeNumber").and_then(|number| number.parse::<u64>().ok()) else { continue };
            if number <= from {
                known |= number == from && named(entry).as_deref() == Some(since);
                continue;
            }
            if number > last {
                last = number;
                changed.last = named(entry).ok_or_else(|| unusable("its changelog does not name entries by their unique id any more"))?;
            }
            let concerned = ["targetDn", "newSuperior"].into_iter().filter_map(|name| text(entry, name)).any(|dn| concerns(&bases, dn));
            if concerned {
                let id = text(entry, UNIQUE_ID_THERE).map(str::to_ascii_lowercase).filter(|id| is_plain(id));
                let id = id.ok_or_else(|| unusable("its changelog does not name entries by their unique id any more"))?;
                let renamed = text(entry, "changeType").is_some_and(|kind| kind.eq_ignore_ascii_case("modrdn"));
                *changed.targets.entry(id).or_default() |= renamed;
            }
        }
        if changed.targets.len() > TARGETS_MAX {
            return Err(unusable("too much changed for a reading of changes"));
        }
    }
    said.summary.pages += pages.count;
    // It was the last change when it was kept: trimmed since, or of another log.
    if known { Ok(changed) } else { Err(unusable("its changelog does not reach back to the last run, or may not be read")) }
}

/// The bases of the source, normalised.
fn bases(directory: &Directory) -> Vec<String> {
    let queries = [Kind::Person, Kind::Group].into_iter().flat_map(|kind| directory.queries(kind));
    queries.filter_map(|query| dn::normalise(query.base).ok()).collect()
}

/// True when an entry is under a base, or a base under it; a DN that cannot be read may be either.
fn concerns(bases: &[String], dn: &str) -> bool {
    dn::normalise(dn).map_or(true, |dn| bases.iter().any(|base| dn::within(&dn, base) || dn::within(base, &dn)))
}

/// True when the gateway knows entries by the key that the log gives.
fn names_keys(directory: &Directory) -> bool {
    directory.entries().key_forms().first().is_some_and(|(name, _)| name.eq_ignore_ascii_case(UNIQUE_ID))
}
