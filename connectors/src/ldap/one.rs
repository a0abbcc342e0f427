//! One entry on demand: read by its DN as a run would read it, with the way each field came. Applies nothing.

use ldap3::Scope;

use super::Directory;
use super::connection::{Connection, refusal};
use super::dynamic;
use super::error::{Cause, Error};
use super::guard::Chunk;
use super::primary;
use super::search::{Query, run};
use super::settings;
use crate::dn;
use crate::mapping::Traced;
use crate::record::{Kind, Record};

/// One entry, as far as the source states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct One {
    /// What the source states, or why it states nothing of this entry.
    pub found: Result<Record, Absent>,
    /// Where each field of a person comes from.
    pub trace: Vec<Traced>,
}

/// Why a source states nothing of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Absent {
    /// There is no such entry, or this account may not see it.
    #[error("there is no such entry, or `bind_dn` may not see it")]
    NotThere,
    /// It is not under the source's bases.
    #[error("it lies outside of `base_dn` and `group_base_dn`")]
    OutsideBases,
    /// It is there, and matches no filter of the source.
    #[error("it is there, and matches neither `user_filter` nor `group_filter`")]
    OutsideFilters,
    /// A SCIM service has nothing of this `id`.
    #[error("there is no such resource among those that the source reads, or the token may not see it")]
    NoResource,
}

/// Reads one entry.
pub(super) async fn read(directory: &Directory, dn: &str) -> Result<One, Error> {
    let key = dn::normalise(dn).map_err(|error| Cause::NotADn(error).at(directory.first_server()))?;
    let (server, mut connection) = directory.open().await?;
    let one = look(directory, &mut connection, dn, &key).await.map_err(|cause| cause.at(&server))?;
    connection.close().await;
    Ok(one)
}

async fn look(directory: &Directory, connection: &mut Connection, dn: &str, key: &str) -> Result<One, Cause> {
    let mut absent = Absent::OutsideBases;
    for kind in [Kind::Person, Kind::Group] {
        let settings = directory.settings();
        let scope = if kind == Kind::Person { settings.scope } else { settings.group_scope };
        for query in directory.queries(kind).filter(|query| is_below(key, query.base, scope)) {
            let query = Query { base: dn, scope: Scope::Base, page_size: 1, ..query };
            let (entries, answer) = run(connection, &query, 1, 0).await?;
            match answer.rc {
                0 => absent = Absent::OutsideFilters,
                32 => {
                    absent = Absent::NotThere;
                    continue;
                }
                _ => return Err(refusal(answer, dn, 0)),
            }
            let entries = if kind == Kind::Group { dynamic::complete(connection, &query, entries).await? } else { entries };
            if let Some(mut one) = stated(directory, kind, &entries) {
                if let Ok(group @ Record::Group(_)) = &mut one.found {
                    primary::complete(directory, connection, &entries, std::slice::from_mut(group)).await?;
                }
                return Ok(one);
            }
        }
    }
    Ok(One { found: Err(absent), trace: Vec::new() })
}

fn stated(directory: &Directory, kind: Kind, entries: &[Chunk]) -> Option<One> {
    let record = directory.entries().records(kind, entries).into_iter().next()?;
    let trace = if kind == Kind::Person { directory.entries().traces(entries).into_iter().next().unwrap_or_default() } else { Vec::new() };
    Some(One { found: Ok(record), trace })
}

/// Whether a search of the base would reach the entry.
fn is_below(key: &str, base: &str, scope: settings::Scope) -> bool {
    let Ok(base) = dn::normalise(base) else { return false };
    dn::within(key, &base)
        && match scope {
            settings::Scope::Subtree => true,
            settings::Scope::OneLevel => dn::parent(key) == Some(base.as_str()),
        }
}
