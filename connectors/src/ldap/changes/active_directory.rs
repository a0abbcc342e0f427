//! What Active Directory's two ways of telling changes have in common: where they apply, and which of them a whole reading prepares.

use ldap3::Scope;

use super::{Method, dirsync, usn};
use crate::changes::Bookmark;
use crate::dn;
use crate::ldap::Directory;
use crate::ldap::connection::Connection;
use crate::ldap::error::Cause;
use crate::ldap::rootdse::{Make, RootDse};
use crate::ldap::search::Query;
use crate::record::Kind;

/// Attributes that come to say something else though their entry does not change: other entries write them, or they are worked out when
/// they are read. Who selects or describes people by one of them is told of no change.
const UNSEEN: [&str; 9] = [
    "memberOf",
    "msDS-MemberOfTransitive",
    "directReports",
    "managedObjects",
    "tokenGroups",
    "primaryGroupToken",
    "msDS-User-Account-Control-Computed",
    "msDS-UserPasswordExpiryTimeComputed",
    "lastLogon",
];

/// Since when to ask next, taken before the first page; none when this account or these settings leave no way to learn of every change.
pub(super) async fn bookmark(directory: &Directory, connection: &mut Connection, root: &RootDse) -> Result<Option<Bookmark>, Cause> {
    if !matches!(root.make_or(directory.settings().server), Make::ActiveDirectory | Make::Samba) {
        return Ok(None);
    }
    let Some(context) = naming_context(directory, root) else { return Ok(None) };
    if !directory.entries().keyed_by_guid() || unseen(directory).is_some() {
        return Ok(None);
    }
    if let Some(cookie) = dirsync::begin(directory, connection, &context).await? {
        return Ok(Some(Method::DirSync.bookmark(directory, cookie, String::new())));
    }
    Ok(usn::begin(directory, connection, root).await?.map(|mark| Method::Usn.bookmark(directory, mark, String::new())))
}

/// A search that is none of the source's own.
pub(super) fn search<'a>(directory: &Directory, base: &'a str, filter: &'a str, names: &'a [String]) -> Query<'a> {
    let (page_size, limits) = (directory.settings().page_size, directory.settings().limits);
    Query { base, scope: Scope::Subtree, filter, names, page_size, limits, references_expected: true }
}

/// The naming context that holds everything this source reads, as the server writes it.
pub(super) fn naming_context(directory: &Directory, root: &RootDse) -> Option<String> {
    let bases = [Kind::Person, Kind::Group].into_iter().flat_map(|kind| directory.queries(kind));
    let bases: Vec<String> = bases.map(|query| dn::normalise(query.base).unwrap_or_default()).collect();
    holding(&root.naming_contexts, &bases)
}

fn holding(contexts: &[String], bases: &[String]) -> Option<String> {
    let known = contexts.iter().filter_map(|written| Some((dn::normalise(written).ok().filter(|dn| !dn.is_empty())?, written)));
    let (_, written) =
        known.filter(|(context, _)| bases.iter().all(|base| dn::within(base, context))).max_by_key(|(context, _)| context.len())?;
    Some(written.clone())
}

/// An attribute that the source depends on and whose changes are told by nobody.
pub(in crate::ldap) fn unseen(directory: &Directory) -> Option<&'static str> {
    let asked: Vec<String> = depended_on(directory);
    UNSEEN.into_iter().find(|name| asked.iter().any(|asked| asked.eq_ignore_ascii_case(name)))
}

/// Every attribute that decides who is read, and as what.
pub(super) fn depended_on(directory: &Directory) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for query in [Kind::Person, Kind::Group].into_iter().filter_map(|kind| directory.queries(kind).next()) {
        for name in query.names.iter().map(String::as_str).chain(named_by(query.filter)) {
            if !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                names.push(name.to_owned());
            }
        }
    }
    names
}

/// The attributes that a filter names (RFC 4515 §3).
fn named_by(filter: &str) -> impl Iterator<Item = &str> {
    filter.split('(').skip(1).filter_map(|part| {
        let name = part.split(['=', ':', '<', '>', '~', ';']).next()?.trim();
        (!name.is_empty() && !name.starts_with(['&', '|', '!'])).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::{holding, named_by};

    #[test]
    fn a_filter_tells_the_attributes_it_depends_on() {
        let filter = "(&(objectClass=user)(!(userAccountControl:1.2.840.113556.1.4.803:=2))(|(whenCreated>=1)( memberOf =x\\28y)))";
        assert_eq!(named_by(filter).collect::<Vec<_>>(), ["objectClass", "userAccountControl", "whenCreated", "memberOf"]);
    }

    #[test]
    fn the_context_is_the_innermost_that_holds_every_base() {
        let contexts = ["DC=ad,DC=test", "CN=Configuration,DC=ad,DC=test", "DC=sub,DC=ad,DC=test"].map(str::to_owned);
        let of = |bases: &[&str]| holding(&contexts, &bases.iter().map(|base| (*base).to_owned()).collect::<Vec<_>>());
        assert_eq!(of(&["ou=people,dc=ad,dc=test", "dc=ad,dc=test"]).as_deref(), Some("DC=ad,DC=test"));
        assert_eq!(of(&["ou=people,dc=sub,dc=ad,dc=test"]).as_deref(), Some("DC=sub,DC=ad,DC=test"));
        assert_eq!(of(&["ou=people,dc=sub,dc=ad,dc=test", "ou=groups,dc=ad,dc=test"]).as_deref(), Some("DC=ad,DC=test"));
        assert_eq!(of(&["dc=bad,dc=test"]), None);
        assert_eq!(of(&[""]), None);
    }
}
