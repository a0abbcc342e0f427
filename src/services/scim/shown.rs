//! Resources as answers show them: what the feed states, with what the gateway knows beside it. It leaves nothing out: that is for projection.

use std::collections::HashMap;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::super::roles;
use super::change::{Stored, With};
use super::error::ScimError;
use super::feeds::Feed;
use super::schema::{Kind, PASSERELLE_URN};
use super::versions::tag_beside;
use crate::store::Tx;
use crate::store::establishment::member::{self, GroupOfUser, MemberRow};
use crate::store::establishment::scim_resource::Resource;
use crate::store::establishment::user;
use crate::types::id::{GroupId, UserId};

/// Most members that one answer shows.
pub const MEMBERS_MAX: i64 = 100_000;

/// What is shown of several resources beside what their feed states.
#[derive(Debug, Default)]
pub struct Shown {
    with: With,
    members: HashMap<Uuid, Vec<MemberRow>>,
    groups: HashMap<Uuid, Vec<GroupOfUser>>,
    assignments: HashMap<Uuid, Vec<Value>>,
}

impl Shown {
    /// Reads it.
    ///
    /// # Errors
    /// `tooMany` for groups of more members than an answer shows.
    pub async fn load(tx: &mut Tx, feed: &Feed, kind: Kind, resources: &[Resource], with: With) -> Result<Self, ScimError> {
        let (shown, fit) = Self::load_first(tx, feed, kind, resources, with).await?;
        if fit < resources.len() { Err(too_many_members()) } else { Ok(shown) }
    }

    /// Reads it for as many of them, from the first, as one answer shows together. Answers how many these are: one at least.
    ///
    /// # Errors
    /// `tooMany` when the first alone is a group of more members than an answer shows.
    pub async fn load_first(tx: &mut Tx, feed: &Feed, kind: Kind, resources: &[Resource], with: With) -> Result<(Self, usize), ScimError> {
        let mut shown = Self { with, ..Self::default() };
        if resources.is_empty() {
            return Ok((shown, 0));
        }
        if kind == Kind::Group {
            let fit = if with.members { shown.load_members(tx, resources).await? } else { resources.len() };
            return Ok((shown, fit));
        }
        let ids: Vec<UserId> = resources.iter().map(|one| UserId::from(one.id)).collect();
        if with.groups {
            for row in member::groups_of_users(tx, feed.source.id, &ids).await? {
                shown.groups.entry(row.user_id.uuid()).or_default().push(row);
            }
        }
        if with.assignments {
            for user in user::list_by_ids(tx, &ids).await? {
                let held = roles::all_held_in(tx, &feed.ctx, &user).await?;
                let rows = held.into_iter().map(|(application, held)| {
                    let mut row = Map::new();
                    row.insert("application".to_owned(), Value::String(application));
                    row.insert("role".to_owned(), Value::String(held.role));
                    row.extend(held.scope.map(|scope| ("scope".to_owned(), Value::String(scope))));
                    row.extend(held.until.map(|until| ("until".to_owned(), json!(until))));
                    Value::Object(row)
                });
                shown.assignments.insert(user.id.uuid(), rows.collect());
            }
        }
        Ok((shown, resources.len()))
    }

    async fn load_members(&mut self, tx: &mut Tx, resources: &[Resource]) -> Result<usize, ScimError> {
        let mut room = MEMBERS_MAX;
        for (at, one) in resources.iter().enumerate() {
            let rows = member::list(tx, GroupId::from(one.id), room + 1).await?;
            room -= i64::try_from(rows.len()).unwrap_or(i64::MAX);
            if room < 0 {
                return if at == 0 { Err(too_many_members()) } else { Ok(at) };
            }
            self.members.insert(one.id, rows);
        }
        Ok(resources.len())
    }

    /// One of them.
    pub fn of(&self, feed: &Feed, resource: Resource) -> Stored {
        let base = feed.base_url();
        let Resource { id, body, rev, created_at, updated_at, .. } = resource;
        let kind = match resource.kind {
            crate::store::establishment::scim_resource::Kind::User => Kind::User,
            crate::store::establishment::scim_resource::Kind::Group => Kind::Group,
        };
        let mut shown = body;
        shown.insert("id".to_owned(), Value::String(id.to_string()));
        shown.insert(
            "meta".to_owned(),
            json!({
                "resourceType": kind.name(), "created": created_at, "lastModified": updated_at,
                "location": format!("{base}/{}/{id}", kind.endpoint()),
            }),
        );
        let mut beside = Vec::new();
        if let Some(members) = self.members.get(&id).filter(|rows| !rows.is_empty()) {
            shown.insert("members".to_owned(), members.iter().map(|row| member(&base, row)).collect());
            // Who is in a group is its revision's; what they are called is not.
            beside.extend(shown.get("members").filter(|_| self.with.member_names).cloned());
        }
        if let Some(groups) = self.groups.get(&id) {
            let groups: Value = groups.iter().map(|row| group(&base, row)).collect();
            beside.push(groups.clone());
            shown.insert("groups".to_owned(), groups);
        }
        if let Some(held) = self.assignments.get(&id).filter(|held| !held.is_empty()) {
            beside.push(Value::Array(held.clone()));
            let own = shown.entry(PASSERELLE_URN).or_insert_with(|| json!({}));
            if let Value::Object(own) = own {
                own.insert("assignments".to_owned(), Value::Array(held.clone()));
            }
            add_schema(&mut shown);
        }
        let version = tag_beside(rev, &beside.iter().collect::<Vec<_>>());
        if let Some(Value::Object(meta)) = shown.get_mut("meta") {
            meta.insert("version".to_owned(), Value::String(version.clone()));
        }
        Stored { kind, id, resource: shown, rev, version, updated_at }
    }
}

fn too_many_members() -> ScimError {
    ScimError::too_many(format!("an answer shows at most {MEMBERS_MAX} members: leave them out with excludedAttributes=members"))
}

fn add_schema(shown: &mut Map<String, Value>) {
    if let Some(Value::Array(schemas)) = shown.get_mut("schemas")
        && !schemas.iter().any(|urn| urn == PASSERELLE_URN)
    {
        schemas.push(Value::String(PASSERELLE_URN.to_owned()));
    }
}

fn member(base: &str, row: &MemberRow) -> Value {
    let kind = if row.is_group { Kind::Group } else { Kind::User };
    json!({ "value": row.id, "$ref": format!("{base}/{}/{}", kind.endpoint(), row.id), "type": kind.name(), "display": row.display })
}

fn group(base: &str, row: &GroupOfUser) -> Value {
    let (id, name) = (row.group_id, &row.name);
    json!({ "value": id, "$ref": format!("{base}/{}/{id}", Kind::Group.endpoint()), "display": name, "type": "direct" })
}
