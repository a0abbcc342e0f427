//! Content synchronisation (RFC 4533) as OpenLDAP and 389 Directory Server do it: a search for each base of people and of groups, each since
//! a cookie of its own.

mod batch;
mod cookie;
mod follow;
mod gather;
mod session;
mod table;
mod wire;

use std::collections::HashSet;

use ldap3::{LdapResult, Scope};
use tokio::time::timeout;

use super::said::Said;
use super::{Kept, keys, unusable};
use crate::changes::{Bookmark, Extent, Step};
use crate::dn;
use crate::ldap::Directory;
use crate::ldap::connection::{Connection, refusal};
use crate::ldap::error::{Cause, Malformed};
use crate::ldap::rootdse::{self, Make, RootDse, control};
use crate::ldap::search::Query;
use crate::record::Kind;

use gather::{Gathering, Naming};
use session::{Heard, Session};
use table::{Flavour, Next};
use wire::{Mode, SyncDone};

pub(super) use follow::follow;

/// The refresh is asked for without a cookie (RFC 4533 §2.6): the cookie is too old, or not this server's.
const REFRESH_REQUIRED: u32 = 4096;

/// How this server answers; none when it does not know the control, or is of a make whose answers are not known.
fn flavour(directory: &Directory, shown: &RootDse) -> Option<Flavour> {
    let flavour = match shown.make_or(directory.settings().server) {
        Make::OpenLdap => Flavour::OpenLdap,
        Make::Ds389 => Flavour::Ds389,
        Make::ActiveDirectory | Make::Samba | Make::Other => return None,
    };
    shown.knows(control::SYNC_REQUEST).then_some(flavour)
}

/// Entries looked up one by one, beyond which reading everything is cheaper.
const LOOKED_UP_MAX: usize = 20_000;
/// Stands between the cookies of several bases: no cookie holds it.
const BETWEEN: &str = "\n";

/// The cookies of this very moment, for people and for groups; none when this server cannot be asked so.
pub(super) async fn cookies_now(
    directory: &Directory,
    connection: &mut Connection,
    shown: &RootDse,
) -> Result<Option<(String, String)>, Cause> {
    let Some(flavour) = flavour(directory, shown) else { return Ok(None) };
    if flavour == Flavour::Ds389 && !tells(directory, connection, shown).await? {
        return Ok(None);
    }
    let mut kinds = [Vec::new(), Vec::new()];
    for (kind, cookies) in [Kind::Person, Kind::Group].into_iter().zip(&mut kinds) {
        for query in directory.queries(kind) {
            let Some(cookie) = cookie_now(connection, &query, flavour).await? else { return Ok(None) };
            cookies.push(cookie);
        }
    }
    let [people, groups] = kinds.map(|cookies| cookies.join(BETWEEN));
    Ok(Some((people, groups)))
}

/// Whether 389 Directory Server tells what changed: where its changelog is not set to name entries (`nsuniqueid:targetUniqueId`), it gives
/// cookies as ever, and says that nothing ever changes. So it is asked for changes that are known to have been.
async fn tells(directory: &Directory, connection: &mut Connection, shown: &RootDse) -> Result<bool, Cause> {
    /// Changes asked for: the last ones may concern what this account does not see.
    const CHANGES: u64 = 50;
    let Some(first) = directory.queries(Kind::Person).next() else { return Ok(false) };
    let base = dn::normalise(first.base).unwrap_or_default();
    let holds = |context: &&String| dn::normalise(context).is_ok_and(|context| dn::within(&base, &context));
    let Some(context) = shown.naming_contexts.iter().find(holds) else { return Ok(false) };
    let query = Query { base: context, scope: Scope::Subtree, filter: "(objectClass=*)", ..first };
    let Some(cookie) = cookie_now(connection, &query, Flavour::Ds389).await? else { return Ok(false) };
    let Some((client, number)) = cookie.rsplit_once('#') else { return Ok(false) };
    let number = number.parse::<u64>().unwrap_or_default();
    let back = number.saturating_sub(CHANGES).max(shown.first_change_number.unwrap_or(1)).min(number.saturating_sub(1));
    let mut session = Session::start(connection, &query, Mode::RefreshOnly, Some(&format!("{client}#{back}"))).await?;
    let mut gathering = Gathering::new(directory, Kind::Person, Flavour::Ds389, true);
    let mut told = false;
    loop {
        match within_stall(&query, session.next(connection, 0)).await? {
            Heard::Chunk(chunk) => {
                told |= !gathering.steps(&chunk).map_err(Cause::Malformed)?.is_empty();
                told |= gathering.take_unnamed() || !gathering.take_incomplete().is_empty();
            }
            Heard::End(answer) => return ended(answer, &query, 0, true).map(|_| told),
        }
    }
}

/// The cookie of this very moment, without a reading: what is asked for is the base alone. Neither server ties a cookie to the scope.
async fn cookie_now(connection: &mut Connection, query: &Query<'_>, flavour: Flavour) -> Result<Option<String>, Cause> {
    let names = ["1.1".to_owned()];
    let query = Query { names: &names, scope: Scope::Base, ..*query };
    let mut session = Session::start(connection, &query, Mode::RefreshOnly, None).await?;
    loop {
        if let Heard::End(answer) = within_stall(&query, session.next(connection, 0)).await? {
            let done = ended(answer, &query, 0, false)?;
            return Ok(done.cookie.filter(|cookie| cookie::is_sound(flavour, cookie)));
        }
    }
}

/// Reads what changed, people first, then groups.
pub(super) async fn read(
    directory: &Directory,
    connection: &mut Connection,
    since: &Bookmark,
    said: &mut Said,
) -> Result<(Kept, Kept), Cause> {
    let (flavour, people, groups) = recognised(directory, connection, since).await?;
    let people = kind(directory, connection, (Kind::Person, flavour), &people, said).await?;
    let groups = kind(directory, connection, (Kind::Group, flavour), &groups, said).await?;
    Ok((people, groups))
}

/// The flavour of the server, and the cookies, once it is sure that it may be sent them.
async fn recognised(
    directory: &Directory,
    connection: &mut Connection,
    since: &Bookmark,
) -> Result<(Flavour, Vec<String>, Vec<String>), Cause> {
    let shown = rootdse::read(connection, directory.settings().limits).await?;
    let flavour = flavour(directory, &shown).ok_or_else(|| unusable("it does not offer content synchronisation (RFC 4533) any more"))?;
    let cookies = |kind, text: &str| {
        let cookies: Vec<String> = text.split(BETWEEN).map(str::to_owned).collect();
        let sound = cookies.len() == directory.queries(kind).count() && cookies.iter().all(|cookie| cookie::is_sound(flavour, cookie));
        if sound { Ok(cookies) } else { Err(unusable("the cookie kept is not one of this make of server")) }
    };
    Ok((flavour, cookies(Kind::Person, &since.people)?, cookies(Kind::Group, &since.groups)?))
}

/// What one base came to.
struct Part {
    extent: Extent,
    next: Option<String>,
    unnamed: bool,
}

/// Reads what changed of one kind, base after base.
async fn kind(
    directory: &Directory,
    connection: &mut Connection,
    (kind, flavour): (Kind, Flavour),
    since: &[String],
    said: &mut Said,
) -> Result<Kept, Cause> {
    // Each of several searches names as gone what changed under another base: that is looked into once all are heard.
    let mut doubtful = (since.len() > 1).then(HashSet::new);
    let mut parts = Vec::new();
    for (query, since) in directory.queries(kind).zip(since) {
        parts.push(refresh(directory, connection, (kind, flavour, &query), since, &mut doubtful, said).await?);
    }
    let next = parts.iter().map(|part| part.next.clone()).collect::<Option<Vec<_>>>().map(|cookies| cookies.join(BETWEEN));
    if parts.iter().any(|part| part.unnamed || part.extent == Extent::Whole) {
        // Whole for one is whole for all.
        for (query, part) in directory.queries(kind).zip(&parts) {
            if part.unnamed || part.extent == Extent::Changes {
                keys::name(directory, connection, (kind, &query), said).await?;
            }
        }
        return Ok(Kept { extent: Extent::Whole, next });
    }
    if let Some(doubtful) = doubtful.filter(|doubtful| !doubtful.is_empty()) {
        let wanted: Vec<&str> = doubtful.iter().map(String::as_str).collect();
        let attribute = Naming::of(directory, flavour).attribute();
        let there = keys::restate(directory, connection, kind, (attribute, &wanted), said).await?;
        let gone = doubtful.into_iter().filter(|key| !there.contains(key));
        said.say(gone.map(|external_id| Step::Gone { kind: Some(kind), external_id }).collect()).await?;
    }
    Ok(Kept { extent: Extent::Changes, next })
}

async fn refresh(
    directory: &Directory,
    connection: &mut Connection,
    (kind, flavour, query): (Kind, Flavour, &Query<'_>),
    since: &str,
    doubtful: &mut Option<HashSet<String>>,
    said: &mut Said,
) -> Result<Part, Cause> {
    let mut session = Session::start(connection, query, Mode::RefreshOnly, Some(since)).await?;
    let mut gathering = Gathering::new(directory, kind, flavour, true);
    let done = loop {
        match within_stall(query, session.next(connection, gathering.said())).await? {
            Heard::Chunk(chunk) => {
                let mut steps = gathering.steps(&chunk).map_err(Cause::Malformed)?;
                if let Some(doubtful) = doubtful {
                    let gone = steps.extract_if(.., |step| matches!(step, Step::Gone { .. }));
                    doubtful
                        .extend(gone.filter_map(|step| if let Step::Gone { external_id, .. } = step { Some(external_id) } else { None }));
                }
                said.say(steps).await?;
                if doubtful.as_ref().map_or(0, HashSet::len) + gathering.incomplete() > LOOKED_UP_MAX {
                    return Err(unusable("too much changed for a reading of changes"));
                }
            }
            Heard::End(answer) => break ended(answer, query, gathering.said(), true)?,
        }
    };
    reread(directory, connection, kind, &gathering.take_incomplete(), said).await?;
    if let Some(groups) = gathering.take_dynamic() {
        said.state(directory, connection, (kind, query), vec![groups]).await?;
    }
    let (extent, next) = gathering.decide(Some(done));
    let next = match next {
        Next::Same => Some(since.to_owned()),
        Next::New(cookie) => Some(cookie),
        Next::Lost => None,
    };
    Ok(Part { extent, next, unnamed: gathering.take_unnamed() })
}

/// States entries that 389 Directory Server named, as they are now. Whoever went since is named by the next answer.
async fn reread(
    directory: &Directory,
    connection: &mut Connection,
    kind: Kind,
    incomplete: &[String],
    said: &mut Said,
) -> Result<(), Cause> {
    let wanted: Vec<&str> = incomplete.iter().map(String::as_str).collect();
    keys::restate(directory, connection, kind, (Naming::NsUniqueId.attribute(), &wanted), said).await.map(drop)
}

/// Waits for a message as long as the stall detector allows.
async fn within_stall<T>(query: &Query<'_>, heard: impl Future<Output = Result<T, Cause>>) -> Result<T, Cause> {
    let within = query.limits.stall;
    timeout(within, heard).await.unwrap_or(Err(Cause::Silent { what: "send the next entry", within }))
}

/// What the end of a search says; any code but success is an error, and some of them are about the cookie.
fn ended(answer: LdapResult, query: &Query<'_>, read: usize, since: bool) -> Result<SyncDone, Cause> {
    match answer.rc {
        0 => match wire::done(&answer.ctrls).map_err(Cause::Malformed)? {
            Some(done) => Ok(done),
            None => Err(Cause::Malformed(Malformed::Shape("the refresh ended without saying how (RFC 4533)"))),
        },
        // Protocol error, the control is unknown now, the cookie is newer than the server, or not its own.
        code @ (2 | 12 | 53 | REFRESH_REQUIRED) if since => Err(Cause::BookmarkRefused { code, text: answer.text }),
        _ => Err(refusal(answer, query.base, read)),
    }
}
