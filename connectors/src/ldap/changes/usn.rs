//! uSNChanged: each domain controller numbers its own changes (MS-ADTS §3.1.1.1.9), so a number is of use to that controller alone.
//! Deleted entries are told by tombstones where the account may see them, and by a comparison of all keys where it may not.

use ldap3::Scope;
use ldap3::controls::RawControl;

use super::active_directory::{naming_context, search};
use super::guid::{self, value};
use super::said::Said;
use super::touched::{Touched, settle};
use super::{Kept, keys, unusable};
use crate::changes::{Bookmark, Extent};
use crate::ldap::Directory;
use crate::ldap::connection::Connection;
use crate::ldap::error::Cause;
use crate::ldap::profile::KeyForm;
use crate::ldap::rootdse::{self, RootDse};
use crate::ldap::search::{Pages, Query, run};
use crate::record::Kind;

/// Shows deleted entries too (LDAP_SERVER_SHOW_DELETED_OID).
const SHOW_DELETED: &str = "1.2.840.113556.1.4.417";

/// A controller's database, and how far it had come.
struct Mark {
    database: String,
    number: u64,
}

/// How far the server has come; none when it does not tell.
pub(super) async fn begin(directory: &Directory, connection: &mut Connection, root: &RootDse) -> Result<Option<String>, Cause> {
    let Some(number) = root.highest_committed_usn else { return Ok(None) };
    Ok(database(directory, connection, root).await?.map(|database| Mark { database, number }.text()))
}

/// What changed since a bookmark. `connection` is to the first server that answers; the bookmark may be another's.
pub(super) async fn read(
    directory: &Directory,
    connection: &mut Connection,
    since: &Bookmark,
    said: &mut Said,
) -> Result<(Kept, Kept), Cause> {
    let since = Mark::read(&since.people).ok_or_else(|| unusable("the bookmark holds no update sequence number"))?;
    let mut own = None;
    let (connection, root) = match controller(directory, connection, &since).await? {
        Found::This(root) => (connection, root),
        Found::Other(found, root) => (&mut **own.insert(found), root),
    };
    let context = naming_context(directory, &root).ok_or_else(|| unusable("no naming context of it holds everything"))?;
    let number = root.highest_committed_usn.unwrap_or_default();
    if number < since.number {
        return Err(unusable("this domain controller was put back to an earlier state"));
    }
    let shown = tombstones_shown(directory, connection, &context).await?;
    let mut touched = Touched::default();
    let names = [guid::NAME, "isDeleted"].map(str::to_owned);
    let filter = format!("(uSNChanged>={})", since.number.saturating_add(1));
    let query = search(directory, &context, &filter, &names);
    let mut pages = Pages::with(if shown { vec![show_deleted()] } else { Vec::new() });
    while let Some(page) = pages.next(connection, &query).await? {
        let deleted = |entry: &[u8]| value(entry, "isDeleted").is_some_and(|value| value.eq_ignore_ascii_case(b"TRUE"));
        touched.note_all(&page, deleted, |_| true)?;
    }
    settle(directory, connection, &context, touched, said).await?;
    if !shown {
        for kind in [Kind::Person, Kind::Group] {
            keys::name_all(directory, connection, kind, said).await?;
        }
    }
    let extent = if shown { Extent::Changes } else { Extent::Whole };
    let next = Mark { number, ..since }.text();
    Ok((Kept { extent, next: Some(next) }, Kept { extent, next: Some(String::new()) }))
}

/// Where the controller of a bookmark answers.
enum Found {
    This(RootDse),
    Other(Box<Connection>, RootDse),
}

/// Finds the controller that made a bookmark, at the end of this connection or among the other servers of the source.
async fn controller(directory: &Directory, connection: &mut Connection, since: &Mark) -> Result<Found, Cause> {
    let limits = directory.settings().limits;
    let root = rootdse::read(connection, limits).await?;
    if database(directory, connection, &root).await?.as_ref() == Some(&since.database) {
        return Ok(Found::This(root));
    }
    for url in &directory.settings().urls {
        // One that does not answer may be the one: it is not waited for, a whole reading from another is as right.
        let Ok(mut other) = directory.open_at(url).await else { continue };
        let Ok(root) = rootdse::read(&mut other, limits).await else { continue };
        if matches!(database(directory, &mut other, &root).await, Ok(Some(found)) if found == since.database) {
            return Ok(Found::Other(Box::new(other), root));
        }
    }
    Err(unusable("the domain controller that gave the bookmark does not answer, or its database is another since"))
}

/// What names a controller's database: its invocationId, which a restore changes; the controller's own name where that is not shown.
async fn database(directory: &Directory, connection: &mut Connection, root: &RootDse) -> Result<Option<String>, Cause> {
    let Some(service) = &root.ds_service_name else { return Ok(None) };
    let names = ["invocationId".to_owned()];
    let query = Query { scope: Scope::Base, ..search(directory, service, "(objectClass=*)", &names) };
    let (found, answer) = run(connection, &query, 1, 0).await?;
    let entry = found.first().and_then(|chunk| chunk.entries().next()).filter(|_| answer.rc == 0);
    let shown = entry.and_then(|entry| KeyForm::Guid.text(value(entry, "invocationId")?));
    Ok(Some(shown.unwrap_or_else(|| service.clone())))
}

/// Whether this account sees what was deleted. The container may show itself and nothing of what it holds (Samba), so one that looks empty
/// is taken for one that may not be read.
async fn tombstones_shown(directory: &Directory, connection: &mut Connection, context: &str) -> Result<bool, Cause> {
    let base = format!("CN=Deleted Objects,{context}");
    let names = ["1.1".to_owned()];
    let filter = "(&(isDeleted=TRUE)(sAMAccountName=*))";
    let query = Query { page_size: 1, ..search(directory, &base, filter, &names) };
    match Pages::with(vec![show_deleted()]).next(connection, &query).await {
        Ok(found) => Ok(found.into_iter().flatten().any(|chunk| chunk.len() > 0)),
        // Not there, or not for this account; no such control.
        Err(Cause::BaseMissing(_) | Cause::AccessRefused(_) | Cause::PagingIgnored) => Ok(false),
        Err(cause) => Err(cause),
    }
}

fn show_deleted() -> RawControl {
    RawControl { ctype: SHOW_DELETED.to_owned(), crit: true, val: None }
}

impl Mark {
    fn text(&self) -> String {
        format!("{} {}", self.number, self.database)
    }

    fn read(text: &str) -> Option<Self> {
        let (number, database) = text.split_once(' ')?;
        Some(Self { database: database.to_owned(), number: number.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::Mark;

    #[test]
    fn a_mark_names_its_controller() {
        let mark = Mark { database: "CN=NTDS Settings,CN=DC1".to_owned(), number: 3936 };
        let again = Mark::read(&mark.text()).map(|mark| (mark.number, mark.database));
        assert_eq!(again, Some((3936, "CN=NTDS Settings,CN=DC1".to_owned())));
        assert!(Mark::read("3936").is_none() && Mark::read("many CN=x").is_none());
    }
}
