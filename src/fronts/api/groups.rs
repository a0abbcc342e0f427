//! `…/groups`: groups as sources state them, for reading.

use std::collections::HashMap;

use axum::Json;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Here, Key, Of, OneOf};
use crate::fronts::http::listing::Listing;
use crate::fronts::http::problem::{Problem, Refusals};
use crate::fronts::http::query::{self, Query};
use crate::fronts::http::version::Versioned;
use crate::services::context::Context;
use crate::services::{groups, sources};
use crate::store::establishment::group::{Filter, Group};
use crate::store::establishment::membership::Member;
use crate::types::id::{GroupId, SourceId};

/// What a list of groups may be asked.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Rows of a page: 1 to 500, 50 when left out.
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Words to look for in the name.
    q: Option<String>,
    /// Exact name.
    name: Option<String>,
    /// The source's name.
    source: Option<String>,
    /// The source's immutable key.
    external_id: Option<String>,
    /// Exact display name.
    display_name: Option<String>,
    /// Exact distinguished name.
    dn: Option<String>,
}

/// What a list of members may be asked.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WantedMembers {
    /// Rows of a page: 1 to 500, 50 when left out.
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Words to look for in user name, names and address.
    q: Option<String>,
    /// Whether people of the groups inside are listed too.
    transitive: Option<bool>,
}

/// A group with its source's name.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroupView {
    /// The group.
    #[serde(flatten)]
    group: Group,
    /// The source it comes from; none when made by hand.
    source: Option<String>,
}

/// The names of sources, of which there are few.
struct Names(HashMap<SourceId, String>);

impl Names {
    async fn read(ctx: &Context) -> Result<Self, Problem> {
        Ok(Self(sources::list(ctx).await?.into_iter().map(|source| (source.id, source.name)).collect()))
    }

    fn of(&self, name: &str) -> Option<SourceId> {
        self.0.iter().find(|(_, known)| *known == name).map(|(id, _)| *id)
    }

    fn view(&self, group: Group) -> GroupView {
        let source = group.source_id.and_then(|id| self.0.get(&id).cloned());
        GroupView { group, source }
    }
}

/// Lists groups.
#[utoipa::path(get, path = "/establishments/{slug}/groups", operation_id = "list_groups", tag = "groups", params(Of, Wanted),
    responses((status = 200, body = Listing<GroupView>), Refusals))]
pub async fn list(Here(ctx): Here, Query(wanted): Query<Wanted>) -> Result<Json<Listing<GroupView>>, Problem> {
    let page = query::page(wanted.limit, wanted.cursor.as_deref(), wanted.q.as_deref())?;
    let names = Names::read(&ctx).await?;
    let source_id = wanted.source.as_deref().map(|name| names.of(name));
    if source_id == Some(None) {
        // A source that is not there has no groups.
        return Ok(Json(Listing::whole(Vec::new())));
    }
    let Wanted { name, external_id, display_name, dn, .. } = wanted;
    let filter = Filter { name, source_id: source_id.flatten(), external_id, display_name, dn };
    Ok(Json(groups::list(&ctx, &page, &filter).await?.map(|group| names.view(group)).into()))
}

/// Shows one group.
#[utoipa::path(get, path = "/establishments/{slug}/groups/{id}", operation_id = "show_group", tag = "groups", params(OneOf),
    responses((status = 200, body = GroupView), Refusals))]
pub async fn show(Here(ctx): Here, Key(id): Key<GroupId>) -> Result<Versioned<GroupView>, Problem> {
    let group = groups::get(&ctx, id).await?;
    Ok(Versioned(Names::read(&ctx).await?.view(group)))
}

/// Lists a group's people: direct ones, or with `transitive` those of the groups inside it too.
#[utoipa::path(get, path = "/establishments/{slug}/groups/{id}/members", operation_id = "list_group_members", tag = "groups",
    params(OneOf, WantedMembers), responses((status = 200, body = Listing<Member>), Refusals))]
pub async fn members(
    Here(ctx): Here,
    Key(id): Key<GroupId>,
    Query(wanted): Query<WantedMembers>,
) -> Result<Json<Listing<Member>>, Problem> {
    let page = query::page(wanted.limit, wanted.cursor.as_deref(), wanted.q.as_deref())?;
    Ok(Json(groups::members(&ctx, id, wanted.transitive.unwrap_or_default(), &page).await?.into()))
}
