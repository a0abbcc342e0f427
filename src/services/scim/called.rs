//! How identity providers call whom and what they pushed: their own identifier (`externalId`), for whoever looks something up by it. Writes nothing.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::super::context::Context;
use super::super::error::Error;
use super::super::scim_services::is_pushed;
use super::super::sources;
use crate::store::establishment::scim_resource::{self, Kind};
use crate::types::permission::Permission;

/// What each feed's identity provider calls a person or a group now, by the feed's name.
///
/// # Errors
/// When the store fails.
pub async fn external_ids(ctx: &Context, kind: Kind, id: Uuid) -> Result<BTreeMap<String, String>, Error> {
    ctx.require(Permission::Read)?;
    let feeds: Vec<_> = sources::list(ctx).await?.into_iter().filter(is_pushed).collect();
    let mut tx = ctx.store.read().await?;
    let mut found = BTreeMap::new();
    for feed in feeds {
        let resource = scim_resource::find(&mut tx, feed.id, kind, id).await?.filter(|resource| resource.deleted_at.is_none());
        if let Some(external_id) = resource.and_then(|resource| resource.external_id) {
            found.insert(feed.name, external_id);
        }
    }
    Ok(found)
}

/// Whom or what a feed's identity provider calls so now: one a feed at most.
///
/// # Errors
/// When the store fails.
pub async fn called(ctx: &Context, kind: Kind, external_id: &str) -> Result<Vec<Uuid>, Error> {
    ctx.require(Permission::Read)?;
    let feeds: Vec<_> = sources::list(ctx).await?.into_iter().filter(is_pushed).collect();
    let mut tx = ctx.store.read().await?;
    let mut found = Vec::new();
    for feed in feeds {
        // No name is empty: by the identifier alone.
        let called = scim_resource::called(&mut tx, feed.id, kind, "", Some(external_id)).await?;
        found.extend(called.external.filter(|id| !found.contains(id)));
    }
    Ok(found)
}
