//! Entries by their keys alone: every key of a kind named as present, or those of some entries looked up again. It tells deletions where the
//! server names none, names them by another key than ours, or names more than went.

use std::collections::HashSet;

use super::said::Said;
use crate::changes::Step;
use crate::ldap::Directory;
use crate::ldap::ber::{Elements, OCTET_STRING};
use crate::ldap::connection::Connection;
use crate::ldap::error::Cause;
use crate::ldap::guard::Chunk;
use crate::ldap::range::attributes;
use crate::ldap::search::{Pages, Query, both};
use crate::record::{Kind, Record};

/// Entries looked up at once: their keys stand in one filter.
const AT_ONCE: usize = 50;
/// The longest key, as it stands in a filter.
const KEY_BYTES_MAX: usize = 64;

/// Names all keys of a kind.
pub(super) async fn name_all(directory: &Directory, connection: &mut Connection, kind: Kind, said: &mut Said) -> Result<(), Cause> {
    for query in directory.queries(kind) {
        name(directory, connection, (kind, &query), said).await?;
    }
    Ok(())
}

/// Names all keys that one search finds.
pub(super) async fn name(
    directory: &Directory,
    connection: &mut Connection,
    (kind, query): (Kind, &Query<'_>),
    said: &mut Said,
) -> Result<(), Cause> {
    let names = directory.entries().key_names();
    let query = Query { names: &names, ..*query };
    let mut pages = Pages::new();
    while let Some(page) = pages.next(connection, &query).await? {
        let (mut steps, mut external_ids) = (Vec::new(), Vec::new());
        for entry in page.iter().flat_map(Chunk::entries) {
            match directory.entries().key_alone(kind, entry) {
                Ok(key) => external_ids.push(key),
                Err(unreadable) => steps.push(Step::Stated(Record::Unreadable(unreadable))),
            }
        }
        if !external_ids.is_empty() {
            steps.push(Step::Present { kind, external_ids });
        }
        said.say(steps).await?;
    }
    said.summary.pages += pages.count;
    Ok(())
}

/// States those of some entries that are of this kind now; the keys of those that are. `attribute` holds the keys, which are digits and
/// dashes.
pub(super) async fn restate(
    directory: &Directory,
    connection: &mut Connection,
    kind: Kind,
    (attribute, wanted): (&str, &[&str]),
    said: &mut Said,
) -> Result<HashSet<String>, Cause> {
    let mut found = HashSet::new();
    for some in wanted.chunks(AT_ONCE) {
        let any = some.iter().filter(|key| is_plain(key)).fold(String::new(), |any, key| any + "(" + attribute + "=" + key + ")");
        if any.is_empty() {
            continue;
        }
        for query in directory.queries(kind) {
            let filter = both(query.filter, &format!("(|{any})"));
            let names: Vec<String> = query.names.iter().cloned().chain([attribute.to_owned()]).collect();
            let query = Query { filter: &filter, names: &names, ..query };
            let mut see = |page: &[Chunk]| {
                let keys = page.iter().flat_map(Chunk::entries).filter_map(|entry| text(entry, attribute));
                found.extend(keys.map(str::to_ascii_lowercase));
            };
            said.found(directory, connection, (kind, &query), &mut see).await?;
        }
    }
    Ok(found)
}

/// True for a key that stands in a filter as it is.
pub(super) fn is_plain(key: &str) -> bool {
    !key.is_empty() && key.len() <= KEY_BYTES_MAX && key.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}

/// The first value of an attribute.
pub(super) fn text<'a>(entry: &'a [u8], wanted: &str) -> Option<&'a str> {
    let (_, values) = attributes(entry).find(|(name, _)| name.eq_ignore_ascii_case(wanted.as_bytes()))?;
    std::str::from_utf8(Elements(values).expect(OCTET_STRING, "").ok()?).ok()
}
