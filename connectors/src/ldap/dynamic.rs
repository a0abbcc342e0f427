//! Members of a group: completed where the directory cuts them, found out where a search stands for them (`groupOfURLs`). A group whose
//! members could not be found out keeps its `memberURL`, with the reason as its value, and `entry` sets it aside.

use ldap3::Scope;

use super::ber::{Elements, FRAME_BYTES_MAX, OCTET_STRING, write};
use super::connection::Connection;
use super::entry::raw_dn;
use super::error::Cause;
use super::guard::Chunk;
use super::range::{self, attributes, rebuilt};
use super::search::{Pages, Query};
use super::settings::is_bounded;
use crate::dn;

/// Searches that one group may stand for.
pub(crate) const URLS_MAX: usize = 16;
/// Bytes of the members of one group: what one answer of a directory may hold.
const MEMBERS_BYTES_MAX: usize = FRAME_BYTES_MAX / 2;
const URL: &[u8] = b"memberURL";

/// Groups whose members are found by searches, kept until the pages of groups end: a server may keep one paged search a connection, as OpenLDAP
/// does.
#[derive(Default)]
pub(super) struct Later(Chunk);

impl Later {
    /// Takes them out of a page.
    pub(super) fn without(&mut self, page: Vec<Chunk>) -> Vec<Chunk> {
        let mut left = Vec::with_capacity(page.len());
        for chunk in page {
            if !chunk.entries().any(is_dynamic) {
                left.push(chunk);
                continue;
            }
            let mut others = Chunk::default();
            for entry in chunk.entries() {
                if is_dynamic(entry) { self.0.push(entry) } else { others.push(entry) }
            }
            if others.len() > 0 {
                left.push(others);
            }
        }
        left
    }

    /// Those that were taken out, as a page of their own.
    pub(super) fn page(self) -> Vec<Chunk> {
        if self.0.len() > 0 { vec![self.0] } else { Vec::new() }
    }
}

/// A page of groups with all their members. No other paged search may be at work on the connection.
pub(super) async fn complete(connection: &mut Connection, query: &Query<'_>, page: Vec<Chunk>) -> Result<Vec<Chunk>, Cause> {
    let page = range::complete(connection, query, page).await?;
    let mut out = Vec::with_capacity(page.len());
    for chunk in page {
        if !chunk.entries().any(is_dynamic) {
            out.push(chunk);
            continue;
        }
        let mut mended = Chunk::default();
        for entry in chunk.entries() {
            if is_dynamic(entry) {
                mended.push(&found_out(connection, query, entry).await?);
            } else {
                mended.push(entry);
            }
        }
        out.push(mended);
    }
    Ok(out)
}

/// True when a search stands for its members.
pub(super) fn is_dynamic(entry: &[u8]) -> bool {
    urls(entry).next().is_some()
}

/// The values of `memberURL`.
fn urls(entry: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut values =
        Elements(attributes(entry).find(|(name, _)| name.eq_ignore_ascii_case(URL)).map(|(_, values)| values).unwrap_or_default());
    std::iter::from_fn(move || values.next().ok()?.map(|value| value.content))
}

/// The entry with members in the place of its searches, or with the reason why not.
async fn found_out(connection: &mut Connection, query: &Query<'_>, entry: &[u8]) -> Result<Vec<u8>, Cause> {
    let mut members = Vec::new();
    let mut reason = None;
    for (at, url) in urls(entry).enumerate() {
        let asked = if at < URLS_MAX { Asked::parse(url) } else { Err(format!("more than {URLS_MAX} searches")) };
        reason = match asked {
            Ok(asked) => search(connection, query, &asked, &mut members).await?,
            Err(reason) => Some(reason),
        };
        if reason.is_some() {
            break;
        }
    }
    let others =
        attributes(entry).filter(|(name, _)| !name.eq_ignore_ascii_case(URL)).map(|(name, values)| (name.to_vec(), values.to_vec()));
    let Some(reason) = reason else {
        // Members that are named stand beside those that are found.
        let mut merged: Vec<(Vec<u8>, Vec<u8>)> = others.collect();
        match merged.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case(b"member")) {
            Some((_, named)) => named.extend(members),
            None => merged.push((b"member".to_vec(), members)),
        }
        return Ok(rebuilt(entry, merged.into_iter()));
    };
    let mut told = Vec::new();
    write(OCTET_STRING, reason.as_bytes(), &mut told);
    Ok(rebuilt(entry, others.chain([(URL.to_vec(), told)])))
}

/// Adds the DNs that a search finds, encoded as values; the reason when the directory refuses it.
async fn search(connection: &mut Connection, query: &Query<'_>, asked: &Asked, members: &mut Vec<u8>) -> Result<Option<String>, Cause> {
    let names = ["1.1".to_owned()];
    let query = Query { base: &asked.base, scope: asked.scope, filter: &asked.filter, names: &names, ..*query };
    let mut pages = Pages::new();
    loop {
        let page = match pages.next(connection, &query).await {
            Ok(Some(page)) => page,
            Ok(None) => return Ok(None),
            // Only what the directory said at the end of a search: after anything else the connection cannot be used.
            Err(
                refused @ (Cause::BaseMissing(_)
                | Cause::AccessRefused(_)
                | Cause::SizeLimit { .. }
                | Cause::TimeLimit(_)
                | Cause::Refused { .. }),
            ) => return Ok(Some(refused.to_string())),
            Err(broken) => return Err(broken),
        };
        for dn in page.iter().flat_map(Chunk::entries).filter_map(raw_dn) {
            write(OCTET_STRING, dn, members);
        }
        if members.len() > MEMBERS_BYTES_MAX {
            return Ok(Some(format!("more than {MEMBERS_BYTES_MAX} bytes of members")));
        }
    }
}

/// The search that an LDAP URL stands for (RFC 4516).
#[derive(Debug, PartialEq)]
pub(crate) struct Asked {
    pub(crate) base: String,
    pub(crate) scope: Scope,
    pub(crate) filter: String,
}

impl Asked {
    pub(crate) fn parse(url: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(url).map_err(|_| "the URL is not UTF-8".to_owned())?;
        let refuse = |why: &str| format!("`{}`: {why}", text.chars().take(120).collect::<String>());
        let rest = text.get(..8).filter(|head| head.eq_ignore_ascii_case("ldap:///")).and_then(|_| text.get(8..));
        let rest = rest.ok_or_else(|| refuse("accepted are searches in this directory, `ldap:///base??sub?(filter)`"))?;
        let mut parts = rest.splitn(5, '?');
        let mut next = || decoded(parts.next().unwrap_or_default()).ok_or_else(|| refuse("a `%` is not followed by two digits"));
        let (base, _, scope, filter, extensions) = (next()?, next()?, next()?, next()?, next()?);
        if extensions.split(',').any(|extension| extension.trim().starts_with('!')) {
            return Err(refuse("it demands an extension that is not known"));
        }
        dn::normalise(&base).map_err(|error| refuse(&format!("its base is not a DN: {error}")))?;
        let scope = match scope.to_ascii_lowercase().as_str() {
            "" | "base" => Scope::Base,
            "one" => Scope::OneLevel,
            "sub" => Scope::Subtree,
            _ => return Err(refuse("its scope is none of `base`, `one`, `sub`")),
        };
        let filter = if filter.is_empty() { "(objectClass=*)".to_owned() } else { filter };
        if !is_bounded(&filter) || ldap3::parse_filter(&filter).is_err() {
            return Err(refuse("its filter cannot be read (RFC 4515), or is too long"));
        }
        Ok(Self { base, scope, filter })
    }
}

/// Percent-encoding taken away (RFC 3986 §2.1).
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            bytes.push(u8::try_from(digit()? << 4 | digit()?).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails, and says where")]
mod tests {
    use super::{Asked, Scope};

    #[test]
    fn a_search_is_read_from_its_url() {
        let read = |url: &str| Asked::parse(url.as_bytes()).unwrap();
        let asked = read("ldap:///ou=people,dc=x??sub?(&(eduPersonAffiliation=student)(supannEtablissement={UAI}0991000J))");
        assert_eq!((asked.base.as_str(), asked.scope), ("ou=people,dc=x", Scope::Subtree));
        assert_eq!(asked.filter, "(&(eduPersonAffiliation=student)(supannEtablissement={UAI}0991000J))");
        assert_eq!(read("LDAP:///ou=%C3%A9l%C3%A8ves%2cdc=x?cn,mail?one"), read("ldap:///ou=élèves,dc=x??ONE?(objectClass=*)?x=y"));
        assert_eq!(read("ldap:///").scope, Scope::Base);
    }

    #[test]
    fn a_search_elsewhere_or_beyond_reading_is_refused() {
        let deep = format!("ldap:///dc=x??sub?{}", "(!".repeat(99));
        for (url, why) in [
            ("ldap://other.example/dc=x??sub", "searches in this directory"),
            ("mailto:a@b", "searches in this directory"),
            ("ldap:///dc=x??tree", "its scope is none of"),
            ("ldap:///people??sub", "its base is not a DN"),
            ("ldap:///dc=x??sub?uid=a)(", "its filter cannot be read"),
            (&deep, "its filter cannot be read"),
            ("ldap:///dc=%4??sub", "a `%` is not followed"),
            ("ldap:///dc=x????!bind", "demands an extension"),
        ] {
            assert!(Asked::parse(url.as_bytes()).unwrap_err().contains(why), "{url}");
        }
        assert!(Asked::parse(b"ldap:///\xff").unwrap_err().contains("not UTF-8"));
    }
}
