//! One resource on demand: read by its `id` as a run would read it, with the way each field came. Applies nothing.

use std::time::Duration;

use tokio::time::Instant;

use super::client::{Client, Got, segment};
use super::paging::{self, Page};
use super::place::{ID_BYTES_MAX, id_of};
use super::reading::kinds;
use super::{Scim, resource};
use crate::ldap::{Absent, Cause, One};
use crate::record::Kind;
use serde_json::Value;

/// How long it may take.
const DEADLINE: Duration = Duration::from_mins(2);

pub(super) async fn read(scim: &Scim, named: &str) -> Result<One, Cause> {
    let absent = || One { found: Err(Absent::NoResource), trace: Vec::new() };
    let id = id_of(named);
    if id.is_empty() || id.len() > ID_BYTES_MAX {
        return Ok(absent());
    }
    let mut client = Client::new(scim, Instant::now() + DEADLINE);
    let is_group = crate::dn::values(named, "ou").last().is_some_and(|branch| branch == "groups");
    for kind in kinds(scim.settings()).iter().filter(|kind| **kind == Kind::Group || !is_group) {
        if let Some(found) = look(&mut client, *kind, &id).await? {
            let trace = if *kind == Kind::Person { resource::trace(scim.settings(), &found) } else { Vec::new() };
            return Ok(One { found: Ok(resource::record(scim.settings(), *kind, &found)), trace });
        }
    }
    Ok(absent())
}

async fn look(client: &mut Client, kind: Kind, id: &str) -> Result<Option<Value>, Cause> {
    let path = paging::path(kind);
    // Whoever the source does not take up is not read by their `id` either.
    let by_id = format!("id eq {}", Value::from(id));
    let settings = client.scim().settings();
    if paging::filter(settings, kind, None).is_some() {
        let filter = paging::filter(settings, kind, Some(&by_id)).unwrap_or_default();
        let page = Page::read(&client.get(path, &[("filter", &filter)]).await?)?;
        return Ok(page.resources.into_iter().find(|found| resource::id(found).as_deref() == Some(id)));
    }
    match client.look(&format!("{path}/{}", segment(id)), &[], None).await? {
        Got::Resource(found, _) => Ok(Some(found)),
        Got::Unchanged | Got::Missing => Ok(None),
    }
}
