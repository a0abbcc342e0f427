//! Every key of one kind, named as present: what tells deletions where the server names none, or by another key than ours.

use super::Said;
use crate::changes::Step;
use crate::ldap::Directory;
use crate::ldap::connection::Connection;
use crate::ldap::error::Cause;
use crate::ldap::search::{Pages, Query};
use crate::record::{Kind, Record};

/// Reads all keys of a kind and names them.
pub(super) async fn say(directory: &Directory, connection: &mut Connection, kind: Kind, said: &mut Said) -> Result<(), Cause> {
    let names = directory.entries().key_names();
    let query = Query { names: &names, ..directory.query(kind) };
    let mut pages = Pages::new();
    while let Some(page) = pages.next(connection, &query).await? {
        let mut steps = Vec::new();
        let mut external_ids = Vec::new();
        for entry in page.iter().flat_map(crate::ldap::guard::Chunk::entries) {
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
