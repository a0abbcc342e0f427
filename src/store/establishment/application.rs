//! Applications and their catalogues of roles.

use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use utoipa::ToSchema;

use super::role::KeptRoles;
pub use super::role::{ACCESS_PRIVILEGE, EVERY_PRIVILEGE, Level, Role, RoleScope};
use crate::store::dialect::ROWS_MAX;
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::ApplicationId;
use crate::types::time::Timestamp;

/// How many roles one person may hold in an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum Cardinality {
    /// As many as rules give.
    Multi,
    /// One; the catalogue's order decides.
    Single,
    /// One in each scope; the catalogue's order decides.
    SinglePerScope,
}

/// What a scope of this application's roles is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum ScopeKind {
    /// Roles hold everywhere.
    #[default]
    None,
    /// An establishment.
    Establishment,
    /// A unit inside an establishment, such as a department.
    Unit,
    /// One of the application's services.
    Service,
    /// A relation between people, such as "own apprentices".
    Relation,
}

/// What becomes of someone's account in an application when the person is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeletionPolicy {
    /// It stays, and is only closed: old histories must be traceable (SCO-20).
    #[default]
    Forbid,
    /// It loses its name; what refers to it stays (OME-67).
    AnonymiseKeepRefs,
    /// It goes with everything.
    Purge,
}

/// What happens to someone's sign-ins when they lose a role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnRoleLoss {
    /// The next answer to the application tells the new roles.
    #[default]
    Refresh,
    /// What the application holds is revoked, and it is told to end its sessions.
    EndSessions,
}

/// Which roles people are written to about (OME-47).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Notify {
    /// None.
    None,
    /// Those that a person gave or took away.
    #[default]
    ByHand,
    /// All.
    All,
}

/// What an application declares beside its roles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Which edition of its catalogue this is, as its makers number it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Whether administrators may add roles of their own (OME-72).
    pub roles_editable: bool,
    /// Whether whoever has nothing but the default role waits for an administrator (OME-43).
    pub pending_until_validated: bool,
    /// What becomes of accounts of people who are deleted.
    pub deletion_policy: DeletionPolicy,
    /// Whether a role in a unit holds in the units below it.
    pub scope_inherits: bool,
    /// The relation that the level `own` speaks of: `tutor`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relation: Option<String>,
    /// What happens when someone loses a role.
    pub on_role_loss: OnRoleLoss,
    /// Which roles people are written to about.
    pub notify: Notify,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            version: None,
            roles_editable: true,
            pending_until_validated: false,
            deletion_policy: DeletionPolicy::default(),
            scope_inherits: false,
            relation: None,
            on_role_loss: OnRoleLoss::default(),
            notify: Notify::default(),
        }
    }
}

/// How people come to a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Whoever has any role of the application may use it (VAU-30).
    Open,
    /// Someone responsible allows it, person by person (VAU-11).
    Protected,
}

/// One service of an application: what the canton of Vaud calls a prestation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Its name: the scope of roles that hold for it.
    pub name: String,
    /// What people read.
    #[serde(default)]
    pub title: String,
    /// How people come to it.
    pub access: Access,
}

/// One application.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, sqlx::FromRow)]
pub struct Application {
    /// Key.
    pub id: ApplicationId,
    /// Its name in addresses and commands.
    pub name: String,
    /// What people read.
    pub title: String,
    /// How many roles one person may hold.
    pub cardinality: Cardinality,
    /// The role of everyone active whom no rule gives one.
    pub default_role: Option<String>,
    /// What a scope is.
    pub scope_kind: ScopeKind,
    /// The catalogue, strongest role first.
    #[sqlx(try_from = "KeptRoles")]
    pub roles: Vec<Role>,
    /// How claims are shaped for its clients.
    #[sqlx(json)]
    #[schema(value_type = Object)]
    pub claim_shape: serde_json::Value,
    /// What else it declares.
    #[sqlx(json)]
    pub policy: Policy,
    /// What its roles give access to, one by one.
    #[sqlx(json)]
    pub services: Vec<Service>,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Application {
    /// A role of its catalogue.
    pub fn role(&self, name: &str) -> Option<&Role> {
        self.roles.iter().find(|role| role.name == name)
    }

    /// What a scope of a role is.
    pub fn scope_kind_of(&self, role: &Role) -> ScopeKind {
        role.scope_kind.unwrap_or(self.scope_kind)
    }
}

/// One application by key.
pub async fn find(tx: &mut Tx, id: ApplicationId) -> Result<Option<Application>, Error> {
    const SQL: &str = "SELECT id, name, title, cardinality, default_role, scope_kind, roles, claim_shape, policy, services, created_at, updated_at \
         FROM applications WHERE id = $1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(id).fetch_optional(c).await)?)
}

/// One application by name.
pub async fn find_by_name(tx: &mut Tx, name: &str) -> Result<Option<Application>, Error> {
    const SQL: &str = "SELECT id, name, title, cardinality, default_role, scope_kind, roles, claim_shape, policy, services, created_at, updated_at \
         FROM applications WHERE name = $1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(name).fetch_optional(c).await)?)
}

/// All applications, by name.
pub async fn list(tx: &mut Tx) -> Result<Vec<Application>, Error> {
    const SQL: &str = "SELECT id, name, title, cardinality, default_role, scope_kind, roles, claim_shape, policy, services, created_at, updated_at \
         FROM applications ORDER BY name LIMIT $1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(ROWS_MAX).fetch_all(c).await)?)
}

/// Writes a new application.
///
/// # Errors
/// `Taken` when the name is another's.
pub async fn insert(tx: &mut Tx, a: &Application) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO applications (id, name, title, cardinality, default_role, scope_kind, roles, claim_shape, policy, \
         services, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    on!(tx, |c| {
        let row = sqlx::query(SQL).bind(a.id).bind(&a.name).bind(&a.title).bind(a.cardinality).bind(&a.default_role);
        let row = row.bind(a.scope_kind).bind(Json(&a.roles)).bind(Json(&a.claim_shape));
        let row = row.bind(Json(&a.policy)).bind(Json(&a.services));
        row.bind(a.created_at).bind(a.updated_at).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Writes what may change of an application.
///
/// # Errors
/// `Taken`, `NotFound`.
pub async fn update(tx: &mut Tx, a: &Application) -> Result<(), Error> {
    const SQL: &str = "UPDATE applications SET name = $2, title = $3, cardinality = $4, default_role = $5, scope_kind = $6, roles = $7, \
         claim_shape = $8, policy = $9, services = $10, updated_at = $11 WHERE id = $1";
    let changed = on!(tx, |c| {
        let row = sqlx::query(SQL).bind(a.id).bind(&a.name).bind(&a.title).bind(a.cardinality).bind(&a.default_role);
        let row = row.bind(a.scope_kind).bind(Json(&a.roles)).bind(Json(&a.claim_shape));
        let row = row.bind(Json(&a.policy)).bind(Json(&a.services)).bind(a.updated_at);
        row.execute(c).await.map(|d| d.rows_affected())
    })?;
    if changed == 0 { Err(Error::NotFound("application")) } else { Ok(()) }
}

/// Removes an application.
///
/// # Errors
/// `Referenced` while rules, clients or assignments name it, `NotFound`.
pub async fn delete(tx: &mut Tx, id: ApplicationId) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM applications WHERE id = $1";
    let gone = on!(tx, |c| sqlx::query(SQL).bind(id).execute(c).await.map(|d| d.rows_affected()))?;
    if gone == 0 { Err(Error::NotFound("application")) } else { Ok(()) }
}
