//! Searches: who may look where, pages bound to their connection, and which attributes an answer shows. Matching itself is the filter's.

use std::collections::VecDeque;

use ldap3_proto::control::LdapControl;
use ldap3_proto::proto::{
    LdapMsg, LdapOp, LdapPartialAttribute, LdapResult, LdapResultCode, LdapSearchRequest, LdapSearchResultEntry, LdapSearchScope,
    OID_WHOAMI,
};

use super::connection::{Connection, Flow, Identity, result};
use super::entry::Attribute;
use super::key::Key;
use super::tree::{Chunk, Node, Query, Reach};
use super::{Refusal, Shared, filter, schema};

/// Entries answered between two looks at what the client sent meanwhile.
const CHUNK: usize = 100;
/// Paged searches one connection may have open; the oldest is forgotten for one more.
const PAGED_MAX: usize = 8;
/// RFC 2696.
const OID_PAGED: &str = "1.2.840.113556.1.4.319";

/// The paged searches of one connection, by their cookies.
#[derive(Debug, Default)]
pub(super) struct PagedSearches {
    open: VecDeque<Paged>,
    counter: u64,
}

#[derive(Debug)]
struct Paged {
    cookie: u64,
    query: Query,
    after: Key,
    sent: usize,
}

/// How far one request goes.
struct Course {
    query: Query,
    after: Option<Key>,
    /// Entries sent by earlier pages of the same search.
    sent_before: usize,
    page: Option<usize>,
    size_limit: usize,
}

impl Connection {
    /// RFC 4511 §4.5, with pages as in RFC 2696.
    pub(super) async fn search(&mut self, msgid: i32, wanted: LdapSearchRequest, controls: &[LdapControl]) -> Flow {
        let wants_page = controls.iter().any(|control| matches!(control, LdapControl::SimplePagedResults { .. }));
        if wanted.base.is_empty() && wanted.scope == LdapSearchScope::Base {
            let entry = root_dse(&self.shared, &wanted);
            return self.send_all(vec![LdapMsg::new(msgid, LdapOp::SearchResultEntry(entry)), done(msgid, result(Ok(())), None)]).await;
        }
        let mut course = match self.course(&wanted, controls) {
            Ok(course) => course,
            Err(refusal) => return self.send(done(msgid, result(Err(refusal)), wants_page.then(Vec::new))).await,
        };
        let selection = Selection::new(&wanted);
        let mut sent = 0;
        let (outcome, more) = loop {
            let room = course.page.map_or(CHUNK, |page| page.saturating_sub(sent).min(CHUNK));
            let left = course.size_limit.saturating_sub(course.sent_before + sent);
            let count = room.min(left);
            let Chunk { nodes, last, more } = self.shared.tree().chunk(&course.query, course.after.as_ref(), count);
            sent += nodes.len();
            let entries = nodes.iter().map(|node| LdapMsg::new(msgid, LdapOp::SearchResultEntry(selection.of(node))));
            self.send_all(entries.collect()).await?;
            course.after = last.or(course.after);
            if !more {
                break (Ok(()), false);
            }
            if left == count {
                break (Err(Refusal::new(LdapResultCode::SizeLimitExceeded, "more entries match")), false);
            }
            if course.page.is_some_and(|page| sent >= page) {
                break (Ok(()), true);
            }
            if self.interrupted(msgid)? {
                return Ok(());
            }
        };
        let cookie = if more { self.paged.keep(&course, sent) } else { Vec::new() };
        self.send(done(msgid, result(outcome), wants_page.then_some(cookie))).await
    }

    /// What to search, from the beginning or from where a cookie says.
    fn course(&mut self, wanted: &LdapSearchRequest, controls: &[LdapControl]) -> Result<Course, Refusal> {
        let query = query(&self.shared, &self.identity, wanted)?;
        let asked = usize::try_from(wanted.sizelimit).ok().filter(|limit| *limit > 0).unwrap_or(usize::MAX);
        let mut course = Course { query, after: None, sent_before: 0, page: None, size_limit: asked.min(self.shared.limits.entries_max) };
        let paged = controls.iter().find_map(|control| match control {
            LdapControl::SimplePagedResults { size, cookie } => Some((*size, cookie)),
            _ => None,
        });
        let Some((size, cookie)) = paged else { return Ok(course) };
        let size = usize::try_from(size).unwrap_or_default();
        course.page = Some(size.min(self.shared.limits.page_max));
        if !cookie.is_empty() {
            let earlier = self.paged.take(cookie).filter(|earlier| earlier.query == course.query);
            let unknown = || Refusal::new(LdapResultCode::UnwillingToPerform, "the cookie is of another search or connection");
            let earlier = earlier.ok_or_else(unknown)?;
            course.after = Some(earlier.after);
            course.sent_before = earlier.sent;
        }
        if size == 0 {
            // RFC 2696 §3: a page of nothing ends the search.
            course.query.filter = connectors::filter::Filter::Or(Vec::new());
        }
        Ok(course)
    }
}

impl PagedSearches {
    fn keep(&mut self, course: &Course, sent: usize) -> Vec<u8> {
        let Some(after) = course.after.clone() else { return Vec::new() };
        self.counter += 1;
        if self.open.len() >= PAGED_MAX {
            self.open.pop_front();
        }
        let cookie = self.counter;
        self.open.push_back(Paged { cookie, query: course.query.clone(), after, sent: course.sent_before + sent });
        cookie.to_be_bytes().to_vec()
    }

    fn take(&mut self, cookie: &[u8]) -> Option<Paged> {
        let place = self.open.iter().position(|paged| paged.cookie.to_be_bytes() == cookie)?;
        self.open.remove(place)
    }
}

fn query(shared: &Shared, identity: &Identity, wanted: &LdapSearchRequest) -> Result<Query, Refusal> {
    let visible = identity.visible().ok_or_else(bind_first)?.clone();
    let base = Key::parse(&wanted.base).map_err(|error| Refusal::new(LdapResultCode::InvalidDNSyntax, error.to_string()))?;
    let tree = shared.tree();
    // A base above what one sees is no secret, since it is part of one's own name; another branch is.
    let related = base.is_within(&visible) || visible.is_within(&base);
    if !related || base.is_root() || !tree.exists(&base) {
        return Err(tree.missing(&base));
    }
    let reach = match wanted.scope {
        LdapSearchScope::Base => Reach::Base,
        LdapSearchScope::OneLevel => Reach::Children,
        LdapSearchScope::Subtree => Reach::Subtree,
        LdapSearchScope::Children => Reach::Subordinates,
    };
    Ok(Query { base, reach, filter: filter::of(wanted.filter.clone()), visible })
}

/// The key of an entry this client may see.
pub(super) fn visible_key(shared: &Shared, identity: &Identity, dn: &str) -> Result<Key, Refusal> {
    let visible = identity.visible().ok_or_else(bind_first)?;
    let key = Key::parse(dn).map_err(|error| Refusal::new(LdapResultCode::InvalidDNSyntax, error.to_string()))?;
    if key.is_within(visible) { Ok(key) } else { Err(shared.tree().missing(&key)) }
}

fn bind_first() -> Refusal {
    Refusal::new(LdapResultCode::InsufficentAccessRights, "bind first: this directory shows nothing to strangers")
}

fn done(msgid: i32, outcome: LdapResult, cookie: Option<Vec<u8>>) -> LdapMsg {
    // RFC 2696 §3: a size of zero says that the total is not known.
    let controls = cookie.map(|cookie| LdapControl::SimplePagedResults { size: 0, cookie });
    LdapMsg::new_with_ctrls(msgid, LdapOp::SearchResultDone(outcome), controls.into_iter().collect())
}

/// Which attributes were asked for (RFC 4511 §4.5.1.8, RFC 3673 for `+`).
struct Selection {
    user: bool,
    operational: bool,
    named: Vec<String>,
    types_only: bool,
}

impl Selection {
    fn new(wanted: &LdapSearchRequest) -> Self {
        Self {
            user: wanted.attrs.is_empty() || wanted.attrs.iter().any(|name| name == "*"),
            operational: wanted.attrs.iter().any(|name| name == "+"),
            named: wanted.attrs.iter().map(|name| name.to_ascii_lowercase()).collect(),
            types_only: wanted.typesonly,
        }
    }

    fn shows(&self, name: &str) -> bool {
        let whole = name.to_ascii_lowercase();
        let canonical = schema::canonical(name);
        let asked = |wanted: &String| *wanted == whole || (!wanted.contains(';') && schema::canonical(wanted) == canonical);
        self.named.iter().any(asked)
    }

    fn of(&self, node: &Node) -> LdapSearchResultEntry {
        let held = node.attributes.iter().filter(|a| self.user || self.shows(&a.name)).cloned();
        let kept = node.operational().into_iter().filter(|a| self.operational || self.shows(&a.name));
        LdapSearchResultEntry { dn: node.dn.clone(), attributes: held.chain(kept).map(|a| self.shown(a)).collect() }
    }

    fn shown(&self, attribute: Attribute) -> LdapPartialAttribute {
        let vals = if self.types_only { Vec::new() } else { attribute.values };
        LdapPartialAttribute { atype: attribute.name, vals }
    }
}

/// What the server says of itself to anyone (RFC 4512 §5.1).
fn root_dse(shared: &Shared, wanted: &LdapSearchRequest) -> LdapSearchResultEntry {
    let selection = Selection::new(wanted);
    let texts =
        |name: &str, values: Vec<String>| Attribute { name: name.to_owned(), values: values.into_iter().map(String::into_bytes).collect() };
    let listed = |name: &str, values: &[&str]| texts(name, values.iter().map(|v| (*v).to_owned()).collect());
    let user = [listed("objectClass", &["top", "extensibleObject"])];
    let operational = [
        texts("namingContexts", shared.tree().naming_contexts()),
        listed("supportedLDAPVersion", &["3"]),
        listed("supportedControl", &[OID_PAGED]),
        listed("supportedExtension", &[OID_WHOAMI]),
        // RFC 3673: all operational attributes by `+`.
        listed("supportedFeatures", &["1.3.6.1.4.1.4203.1.5.1"]),
        listed("vendorName", &["Passerelle"]),
        listed("vendorVersion", &[env!("CARGO_PKG_VERSION")]),
    ];
    let shown = user.into_iter().filter(|a| selection.user || selection.shows(&a.name));
    let kept = operational.into_iter().filter(|a| selection.operational || selection.shows(&a.name));
    LdapSearchResultEntry { dn: String::new(), attributes: shown.chain(kept).map(|a| selection.shown(a)).collect() }
}
