//! Content synchronisation (RFC 4533) as OpenLDAP and 389 Directory Server do it: one search for people and one for groups, each since a
//! cookie of its own.

mod cookie;
mod follow;
mod gather;
mod session;
mod table;
mod wire;

use ldap3::{LdapResult, Scope};
use tokio::time::timeout;

use super::{Kept, Said, keys, unusable};
use crate::changes::{Bookmark, Extent};
use crate::ldap::Directory;
use crate::ldap::connection::{Connection, refusal};
use crate::ldap::error::{Cause, Malformed};
use crate::ldap::rootdse::{self, Make, RootDse, control};
use crate::ldap::search::Query;
use crate::record::Kind;

use gather::Gathering;
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

/// The cookies of this very moment, for people and for groups; none when this server cannot be asked so.
pub(super) async fn cookies_now(
    directory: &Directory,
    connection: &mut Connection,
    shown: &RootDse,
) -> Result<Option<(String, String)>, Cause> {
    let Some(flavour) = flavour(directory, shown) else { return Ok(None) };
    let people = cookie_now(directory, connection, Kind::Person, flavour).await?;
    let groups = cookie_now(directory, connection, Kind::Group, flavour).await?;
    Ok(people.zip(groups))
}

/// The cookie of this very moment, without a reading: what is asked for is the base alone. Neither server ties a cookie to the scope.
/// None when the server gives none.
async fn cookie_now(directory: &Directory, connection: &mut Connection, kind: Kind, flavour: Flavour) -> Result<Option<String>, Cause> {
    let names = ["1.1".to_owned()];
    let query = Query { names: &names, ..directory.query(kind) };
    let mut session = Session::start(connection, &query, Scope::Base, Mode::RefreshOnly, None).await?;
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
    let flavour = recognised(directory, connection, since).await?;
    let people = refresh(directory, connection, (Kind::Person, flavour), &since.people, said).await?;
    let groups = refresh(directory, connection, (Kind::Group, flavour), &since.groups, said).await?;
    Ok((people, groups))
}

/// The flavour of the server, once it is sure that it may be sent these cookies.
async fn recognised(directory: &Directory, connection: &mut Connection, since: &Bookmark) -> Result<Flavour, Cause> {
    let shown = rootdse::read(connection, directory.settings().limits).await?;
    let flavour = flavour(directory, &shown).ok_or_else(|| unusable("it does not offer content synchronisation (RFC 4533) any more"))?;
    if [&since.people, &since.groups].into_iter().any(|cookie| !cookie::is_sound(flavour, cookie)) {
        return Err(unusable("the cookie kept is not one of this make of server"));
    }
    Ok(flavour)
}

async fn refresh(
    directory: &Directory,
    connection: &mut Connection,
    (kind, flavour): (Kind, Flavour),
    since: &str,
    said: &mut Said,
) -> Result<Kept, Cause> {
    let query = directory.query(kind);
    let mut session = Session::start(connection, &query, Scope::Subtree, Mode::RefreshOnly, Some(since)).await?;
    let mut gathering = Gathering::new(directory, kind, flavour, true);
    let done = loop {
        match within_stall(&query, session.next(connection, gathering.said())).await? {
            Heard::Chunk(chunk) => said.say(gathering.steps(&chunk).map_err(Cause::Malformed)?).await?,
            Heard::End(answer) => break ended(answer, &query, gathering.said(), true)?,
        }
    };
    let (mut extent, next) = gathering.decide(Some(done));
    if gathering.take_unnamed() {
        keys::say(directory, connection, kind, said).await?;
        extent = Extent::Whole;
    }
    let next = match next {
        Next::Same => Some(since.to_owned()),
        Next::New(cookie) => Some(cookie),
        Next::Lost => None,
    };
    Ok(Kept { extent, next })
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
