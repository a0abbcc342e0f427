//! Attributes too long for one answer, which Active Directory cuts into ranges (MS-ADTS §3.1.1.3.1.3.3): the rest is asked for, entry by
//! entry. What cannot be completed is left cut, and `entry` sets it aside.

use ldap3::Scope;

use super::ber::{Elements, FRAME_BYTES_MAX, OCTET_STRING, SEQUENCE, write};
use super::connection::{Connection, refusal};
use super::error::Cause;
use super::guard::Chunk;
use super::search::{Query, run};

/// Ranges of one attribute that are asked for: at 1,500 values each, more than any group holds.
const RANGES_MAX: usize = 10_000;
/// What stands in the name of a cut attribute.
pub(super) const MARK: &[u8] = b";range=";

/// A cut attribute: its plain name, where its next range starts, and its values so far, encoded.
struct Cut {
    name: String,
    next: u64,
    values: Vec<u8>,
}

/// A page whose cut entries are whole again, where the directory gave the rest.
pub(super) async fn complete(connection: &mut Connection, query: &Query<'_>, page: Vec<Chunk>) -> Result<Vec<Chunk>, Cause> {
    let mut out = Vec::with_capacity(page.len());
    for chunk in page {
        if !chunk.holds(MARK) {
            out.push(chunk);
            continue;
        }
        let mut rebuilt = Chunk::default();
        for entry in chunk.entries() {
            match whole(connection, query, entry).await? {
                Some(whole) => rebuilt.push(&whole),
                None => rebuilt.push(entry),
            }
        }
        out.push(rebuilt);
    }
    Ok(out)
}

/// The entry with its cut attribute whole; `None` when nothing is cut, or the rest did not come.
async fn whole(connection: &mut Connection, query: &Query<'_>, entry: &[u8]) -> Result<Option<Vec<u8>>, Cause> {
    let Some(mut cut) = attributes(entry).find_map(|(name, values)| Cut::read(name, values)) else { return Ok(None) };
    let Some(Ok(dn)) = super::entry::raw_dn(entry).map(std::str::from_utf8) else { return Ok(None) };
    for _ in 0..RANGES_MAX {
        let names = [format!("{};range={}-*", cut.name, cut.next)];
        let asked = Query { base: dn, scope: Scope::Base, filter: "(objectClass=*)", names: &names, ..*query };
        let (found, answer) = run(connection, &asked, 1, 0).await?;
        if answer.rc != 0 {
            return Err(refusal(answer, dn, 0));
        }
        let Some(found) = found.first().and_then(|chunk| chunk.entries().next()) else { return Ok(None) };
        let last = format!("{};range={}-*", cut.name, cut.next);
        for (name, values) in attributes(found) {
            if name.eq_ignore_ascii_case(last.as_bytes()) {
                cut.values.extend_from_slice(values);
                return Ok(Some(cut.mend(entry)));
            }
        }
        match attributes(found).find_map(|(name, values)| Cut::read(name, values)) {
            _ if cut.values.len() > FRAME_BYTES_MAX => return Ok(None),
            Some(more) if more.name.eq_ignore_ascii_case(&cut.name) && more.next > cut.next => {
                cut.values.extend_from_slice(&more.values);
                cut.next = more.next;
            }
            _ => return Ok(None),
        }
    }
    Ok(None)
}

/// An entry again, with other attributes.
pub(super) fn rebuilt(entry: &[u8], attributes: impl Iterator<Item = (Vec<u8>, Vec<u8>)>) -> Vec<u8> {
    let mut list = Vec::new();
    for (name, values) in attributes {
        let mut pair = Vec::with_capacity(name.len() + values.len() + 16);
        write(OCTET_STRING, &name, &mut pair);
        write(0x31, &values, &mut pair);
        write(SEQUENCE, &pair, &mut list);
    }
    let mut whole = Vec::with_capacity(list.len() + 64);
    write(OCTET_STRING, super::entry::raw_dn(entry).unwrap_or_default(), &mut whole);
    write(SEQUENCE, &list, &mut whole);
    whole
}

/// Each attribute's name and encoded values, as far as the entry is built as one.
pub(super) fn attributes(entry: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut parts = Elements(entry);
    let list = parts.expect(OCTET_STRING, "").and_then(|_| parts.expect(SEQUENCE, ""));
    let mut list = Elements(list.unwrap_or_default());
    std::iter::from_fn(move || {
        let mut pair = Elements(list.next().ok()??.content);
        let name = pair.expect(OCTET_STRING, "").ok()?;
        Some((name, pair.next().ok()??.content))
    })
}

impl Cut {
    /// `member;range=0-1499`; the last range, `…-*`, is not cut.
    fn read(name: &[u8], values: &[u8]) -> Option<Self> {
        let (name, range) = std::str::from_utf8(name).ok()?.split_once(";range=")?;
        let (_, end) = range.split_once('-')?;
        let next = end.parse::<u64>().ok()?.checked_add(1)?;
        Some(Self { name: name.to_owned(), next, values: values.to_vec() })
    }

    /// The entry again, this attribute whole and under its plain name.
    fn mend(&self, entry: &[u8]) -> Vec<u8> {
        let mended = attributes(entry).map(|(name, values)| {
            let is_cut = Self::read(name, &[]).is_some_and(|cut| cut.name.eq_ignore_ascii_case(&self.name));
            let (name, values) = if is_cut { (self.name.as_bytes(), self.values.as_slice()) } else { (name, values) };
            (name.to_vec(), values.to_vec())
        });
        rebuilt(entry, mended)
    }
}
