//! The first bookmark, taken before the first page of a whole reading: what changes while it lasts is said again afterwards. It chooses the
//! best method that the server offers and this account may use.

use super::timestamp::{self, Watched};
use super::{Method, active_directory, retro, syncrepl, with_dynamic};
use crate::changes::Bookmark;
use crate::ldap::Directory;
use crate::ldap::connection::Connection;
use crate::ldap::dynamic;
use crate::ldap::error::Cause;
use crate::ldap::guard::Chunk;
use crate::ldap::rootdse::{self, Make};
use crate::record::Kind;

/// A bookmark in the making.
pub(in crate::ldap) struct Marking {
    how: How,
    /// A group was seen whose members are found by a search.
    dynamic: bool,
}

enum How {
    /// It is there.
    Ready(Bookmark),
    /// It takes the times of all entries.
    Watching(Watched),
    /// There is none: the source is read whole each time, and compared by content.
    None,
}

/// Takes a bookmark, or says how one will come.
///
/// # Errors
/// The connection ended, or the server fell silent; a refusal only leaves that method out.
pub(in crate::ldap) async fn mark(directory: &Directory, connection: &mut Connection) -> Result<Marking, Cause> {
    Ok(Marking { how: choose(directory, connection).await?, dynamic: false })
}

/// How changes alone can be read here; none when everything is read each time.
///
/// # Errors
/// As `mark`.
pub(in crate::ldap) async fn method(directory: &Directory, connection: &mut Connection) -> Result<Option<Method>, Cause> {
    Ok(match choose(directory, connection).await? {
        How::Ready(bookmark) => Method::of(&bookmark),
        How::Watching(_) => {
            let compares = timestamp::compares(directory, connection).await.map(|compares| compares.then_some(Method::Timestamp));
            unless_refused(compares, connection)?
        }
        How::None => None,
    })
}

async fn choose(directory: &Directory, connection: &mut Connection) -> Result<How, Cause> {
    let shown = rootdse::read(connection, directory.settings().limits).await?;
    if let Some((people, groups)) = unless_refused(syncrepl::cookies_now(directory, connection, &shown).await, connection)? {
        return Ok(How::Ready(Method::Syncrepl.bookmark(directory, people, groups)));
    }
    if let Some(number) = unless_refused(retro::last(directory, connection, &shown).await, connection)? {
        return Ok(How::Ready(Method::RetroChangelog.bookmark(directory, number, String::new())));
    }
    if let Some(bookmark) = unless_refused(active_directory::bookmark(directory, connection, &shown).await, connection)? {
        return Ok(How::Ready(bookmark));
    }
    Ok(match shown.make_or(directory.settings().server) {
        // Its modifyTimestamp is computed, and cannot be searched for (MS-ADTS §3.1.1.4.5).
        Make::ActiveDirectory | Make::Samba => How::None,
        Make::OpenLdap | Make::Ds389 | Make::Other => How::Watching(Watched::begin(shown.current_time.as_deref())),
    })
}

/// What was found, or nothing when the server refused; only a connection that ended or hangs is an error.
fn unless_refused<T>(found: Result<Option<T>, Cause>, connection: &Connection) -> Result<Option<T>, Cause> {
    match found {
        Err(cause) if connection.is_open() && !matches!(cause, Cause::Silent { .. }) => {
            tracing::debug!(cause = cause.code(), "a method of asking for changes is left out");
            Ok(None)
        }
        other => other,
    }
}

impl Marking {
    /// The attributes to ask for in the reading.
    pub(in crate::ldap) fn names(&self, names: &[String]) -> Vec<String> {
        match self.how {
            How::Watching(_) => timestamp::names(names),
            How::Ready(_) | How::None => names.to_vec(),
        }
    }

    /// Notes a page of the reading, as it came.
    pub(in crate::ldap) fn see(&mut self, kind: Kind, page: &[Chunk]) {
        self.dynamic |= kind == Kind::Group && page.iter().flat_map(Chunk::entries).any(dynamic::is_dynamic);
        if let How::Watching(watched) = &mut self.how {
            watched.see(page);
        }
    }

    /// The bookmark, once all was read.
    pub(in crate::ldap) async fn finish(self, directory: &Directory, connection: &mut Connection) -> Result<Option<Bookmark>, Cause> {
        let watched = match self.how {
            How::Ready(bookmark) => return Ok(Some(with_dynamic(bookmark, self.dynamic))),
            How::Watching(watched) => watched,
            How::None => return Ok(None),
        };
        let Some(time) = watched.next().map(timestamp::written) else { return Ok(None) };
        let compares = timestamp::compares(directory, connection).await.map(|compares| compares.then_some(()));
        let bookmark = unless_refused(compares, connection)?.map(|()| Method::Timestamp.bookmark(directory, time.clone(), time));
        Ok(bookmark.map(|bookmark| with_dynamic(bookmark, self.dynamic)))
    }
}
