//! The roles of a catalogue: what each may do, and where it may be held. They stand in their application's row.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sqlx::error::BoxDynError;
use sqlx::types::Json;
use sqlx::{Database, Decode, Type};
use utoipa::ToSchema;

use super::application::ScopeKind;

/// How far a privilege goes, strongest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Whole.
    Yes,
    /// Reading only.
    Read,
    /// For people whom the application's relation names, and for oneself.
    Own,
    /// Not at all.
    #[default]
    No,
}

/// Whether a role is bound to a scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RoleScope {
    /// Always: it is given in a scope.
    Required,
    /// In a scope or everywhere.
    #[default]
    Optional,
    /// Never: it holds everywhere.
    Forbidden,
}

impl RoleScope {
    /// Whether it says nothing but what is usual.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over by reference")]
    fn is_usual(&self) -> bool {
        *self == Self::Optional
    }

    /// Whether a role may be held there; an empty scope is everywhere.
    pub fn admits(self, scope: &str) -> bool {
        match self {
            Self::Required => !scope.is_empty(),
            Self::Optional => true,
            Self::Forbidden => scope.is_empty(),
        }
    }
}

/// The privilege that stands for every other.
pub const EVERY_PRIVILEGE: &str = "*";
/// The privilege that services give: no role's to declare where there are services.
pub const ACCESS_PRIVILEGE: &str = "access";

/// One role of a catalogue. The order of a catalogue is the order of precedence, strongest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// Its name in tokens.
    pub name: String,
    /// What people read.
    #[serde(default)]
    pub title: String,
    /// Whether it is given in a scope, everywhere, or either.
    #[serde(default, skip_serializing_if = "RoleScope::is_usual")]
    pub scope: RoleScope,
    /// What its scopes are, where that differs from the application's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope_kind: Option<ScopeKind>,
    /// Privilege → level (`yes`, `read`, `own`, `no`); the privilege `*` is every other.
    #[serde(default)]
    pub privileges: BTreeMap<String, Level>,
}

impl Role {
    /// How far it has a privilege: what it says of it, or else of every privilege.
    pub fn level(&self, privilege: &str) -> Level {
        let said = self.privileges.get(privilege).or_else(|| self.privileges.get(EVERY_PRIVILEGE));
        said.copied().unwrap_or_default()
    }
}

/// A role as it is kept. A level written before levels were a closed set gives nothing.
#[derive(Debug, Deserialize)]
pub struct Kept {
    name: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    scope: RoleScope,
    #[serde(default)]
    scope_kind: Option<ScopeKind>,
    #[serde(default)]
    privileges: BTreeMap<String, serde_json::Value>,
}

/// The column of an application's roles, as it is read.
#[derive(Debug)]
pub struct KeptRoles(Vec<Kept>);

impl From<KeptRoles> for Vec<Role> {
    fn from(read: KeptRoles) -> Self {
        let level = |kept: serde_json::Value| serde_json::from_value(kept).unwrap_or_default();
        let role = |kept: Kept| Role {
            name: kept.name,
            title: kept.title,
            scope: kept.scope,
            scope_kind: kept.scope_kind,
            privileges: kept.privileges.into_iter().map(|(name, kept)| (name, level(kept))).collect(),
        };
        read.0.into_iter().map(role).collect()
    }
}

impl<DB: Database> Type<DB> for KeptRoles
where
    Json<Vec<Kept>>: Type<DB>,
{
    fn type_info() -> DB::TypeInfo {
        <Json<Vec<Kept>> as Type<DB>>::type_info()
    }
    fn compatible(ty: &DB::TypeInfo) -> bool {
        <Json<Vec<Kept>> as Type<DB>>::compatible(ty)
    }
}

impl<'r, DB: Database> Decode<'r, DB> for KeptRoles
where
    Json<Vec<Kept>>: Decode<'r, DB>,
{
    fn decode(value: <DB as Database>::ValueRef<'r>) -> Result<Self, BoxDynError> {
        Json::<Vec<Kept>>::decode(value).map(|Json(kept)| Self(kept))
    }
}
