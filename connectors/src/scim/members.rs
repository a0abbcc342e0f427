//! Members of groups where lists leave them out: each group is read by itself, unless it is known to be what it was.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use super::client::{Client, Got, segment};
use super::paging;
use super::path::member;
use super::resource;
use super::settings::Groups;
use crate::ldap::Cause;
use crate::record::Kind;

/// Members that are kept of one service's groups, all in all.
const MEMBERS_KEPT_MAX: usize = 200_000;

/// Groups as they were read last, by their `id`: what is of the same version is not read again.
#[derive(Debug, Default)]
pub(super) struct Kept(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    by_id: HashMap<String, KeptGroup>,
    members: usize,
}

#[derive(Clone, Debug)]
struct KeptGroup {
    etag: String,
    resource: Value,
}

impl Kept {
    fn find(&self, id: &str) -> Option<KeptGroup> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).by_id.get(id).cloned()
    }

    fn keep(&self, id: &str, etag: String, resource: &Value) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = kept.by_id.remove(id) {
            kept.members = kept.members.saturating_sub(size(&before.resource));
        }
        let more = size(resource);
        if kept.members + more <= MEMBERS_KEPT_MAX {
            kept.members += more;
            kept.by_id.insert(id.to_owned(), KeptGroup { etag, resource: resource.clone() });
        }
    }
}

/// What a group costs to keep: its members, and itself.
fn size(group: &Value) -> usize {
    1 + member(group, "members").and_then(Value::as_array).map_or(0, Vec::len)
}

/// The same resources, of groups with their members when the settings say that they have to be asked for. Whichever is gone meanwhile is left out.
pub(super) async fn complete(client: &mut Client, kind: Kind, resources: Vec<Value>) -> Result<Vec<Value>, Cause> {
    if kind != Kind::Group || client.scim().settings().groups != Groups::Each {
        return Ok(resources);
    }
    let mut complete = Vec::with_capacity(resources.len());
    for listed in resources {
        match resource::id(&listed) {
            Some(id) => complete.extend(one(client, &id, &listed).await?),
            None => complete.push(listed),
        }
    }
    Ok(complete)
}

async fn one(client: &mut Client, id: &str, listed: &Value) -> Result<Option<Value>, Cause> {
    let kept = client.scim().kept().find(id);
    let version = member(listed, "meta").and_then(|meta| member(meta, "version")).and_then(Value::as_str);
    if let Some(kept) = kept.as_ref().filter(|kept| version == Some(kept.etag.as_str())) {
        return Ok(Some(kept.resource.clone()));
    }
    let path = format!("{}/{}", paging::path(Kind::Group), segment(id));
    match client.look(&path, &[], kept.as_ref().map(|kept| kept.etag.as_str())).await? {
        Got::Resource(resource, etag) => {
            let version = member(&resource, "meta").and_then(|meta| member(meta, "version")).and_then(Value::as_str);
            if let Some(etag) = etag.or_else(|| version.map(str::to_owned)) {
                client.scim().kept().keep(id, etag, &resource);
            }
            Ok(Some(resource))
        }
        Got::Unchanged => Ok(kept.map(|kept| kept.resource)),
        Got::Missing => Ok(None),
    }
}
