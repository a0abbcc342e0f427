//! Applications that have people and groups written to them over SCIM: where, as whom, and what. What was written, `provisioned` knows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use utoipa::ToSchema;

use super::source::Bound;
use crate::store::dialect::ROWS_MAX;
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::{ApplicationId, ProvisioningId};
use crate::types::time::Timestamp;

/// How the gateway names itself to a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthKind {
    /// With a token that the service gave (RFC 6750).
    Bearer,
    /// With tokens that an authorization server gives for a client's name and secret (RFC 6749 §4.4).
    ClientCredentials,
}

/// What becomes there of whoever is to be there no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnLoss {
    /// The account stays, and is not active (`active` is false).
    Deactivate,
    /// The account is deleted.
    Delete,
}

/// Which groups are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Groups {
    /// None.
    None,
    /// One for each role, with those who hold it.
    Roles,
    /// Groups of the establishment whose name fits a pattern, with those of their people, direct or not, who are written too.
    Groups,
}

/// What that stands in an application already is taken for somebody's here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Adopt {
    /// Only what bears the `externalId` that the gateway writes: of its own making, or given by a person there.
    #[default]
    ExternalId,
    /// Also whatever has the same `userName`, or a group the same `displayName`.
    Name,
}

/// How the gateway signs in at a service, without the secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Auth {
    /// By which way.
    pub kind: AuthKind,
    /// Where tokens are asked for, with client credentials.
    pub token_url: Option<String>,
    /// The client's name there.
    pub client_id: Option<String>,
    /// The scope that is asked for.
    pub scope: Option<String>,
}

/// What is written where, and within which bounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Settings {
    /// The base of the service (RFC 7644 §1.3): `/Users` and `/Groups` are below it.
    pub url: String,
    /// How the gateway signs in there.
    pub auth: Auth,
    /// Whoever holds one of these roles is written; whoever holds any when empty.
    pub roles: Vec<String>,
    /// Attribute of SCIM to template.
    pub mapping: BTreeMap<String, String>,
    /// What becomes of whoever loses the last of these roles.
    pub on_loss: OnLoss,
    /// What stands there already and is taken for somebody's here.
    #[serde(default)]
    pub adopt: Adopt,
    /// Which groups are written.
    pub groups: Groups,
    /// The name of a group there: a template with `{role}`, or with `{name}`.
    pub group_name: String,
    /// Names of groups that are written: a regular expression that matches the whole name.
    pub group_pattern: Option<String>,
    /// Most requests a second.
    pub rate: u32,
    /// Bounds on what is deactivated and deleted at once before a person approves it.
    pub guard: Bound,
    /// Whether a comparison that repairs also removes what the gateway does not know there.
    pub remove_unknown: bool,
    /// Whether nothing is written, and only told what would be.
    pub dry_run: bool,
    /// Hours from one comparison to the next that nobody asked for; 0 is never.
    #[serde(default)]
    pub compare_every: u32,
    /// Whether such a comparison puts right what differs.
    #[serde(default)]
    pub compare_repairs: bool,
}

/// One application's provisioning. Its secret is sealed and never shown.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, sqlx::FromRow)]
pub struct Provisioning {
    /// Key.
    pub id: ProvisioningId,
    /// The application's key.
    #[serde(skip)]
    pub application_id: ApplicationId,
    /// The application's name.
    pub application: String,
    /// What is written where.
    #[sqlx(json)]
    pub settings: Settings,
    /// The sealed token or client secret.
    #[serde(skip)]
    pub secret_sealed: Option<Vec<u8>>,
    /// Whether anything is written.
    pub enabled: bool,
    /// When it was set up.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// One by key.
pub async fn find(tx: &mut Tx, id: ProvisioningId) -> Result<Option<Provisioning>, Error> {
    const SQL: &str = "SELECT p.id, p.application_id, a.name AS application, p.settings, p.secret_sealed, p.enabled, p.created_at, \
         p.updated_at FROM provisionings p JOIN applications a ON a.id = p.application_id WHERE p.id = $1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(id).fetch_optional(c).await)?)
}

/// That of an application.
pub async fn find_of_application(tx: &mut Tx, application: ApplicationId) -> Result<Option<Provisioning>, Error> {
    const SQL: &str = "SELECT p.id, p.application_id, a.name AS application, p.settings, p.secret_sealed, p.enabled, p.created_at, \
         p.updated_at FROM provisionings p JOIN applications a ON a.id = p.application_id WHERE p.application_id = $1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(application).fetch_optional(c).await)?)
}

/// All, by the application's name.
pub async fn list(tx: &mut Tx) -> Result<Vec<Provisioning>, Error> {
    const SQL: &str = "SELECT p.id, p.application_id, a.name AS application, p.settings, p.secret_sealed, p.enabled, p.created_at, \
         p.updated_at FROM provisionings p JOIN applications a ON a.id = p.application_id ORDER BY a.name LIMIT $1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(ROWS_MAX).fetch_all(c).await)?)
}

/// Writes a new one.
///
/// # Errors
/// `Taken` when the application has one.
pub async fn insert(tx: &mut Tx, p: &Provisioning) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO provisionings (id, application_id, settings, secret_sealed, enabled, writes_groups, created_at, \
         updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let writes_groups = p.settings.groups == Groups::Groups;
    on!(tx, |c| {
        let row = sqlx::query(SQL).bind(p.id).bind(p.application_id).bind(Json(&p.settings)).bind(&p.secret_sealed);
        row.bind(p.enabled).bind(writes_groups).bind(p.created_at).bind(p.updated_at).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Writes what may change of it.
///
/// # Errors
/// `NotFound`.
pub async fn update(tx: &mut Tx, p: &Provisioning) -> Result<(), Error> {
    const SQL: &str =
        "UPDATE provisionings SET settings = $2, secret_sealed = $3, enabled = $4, writes_groups = $5, updated_at = $6 WHERE id = $1";
    let writes_groups = p.settings.groups == Groups::Groups;
    let changed = on!(tx, |c| {
        let row = sqlx::query(SQL).bind(p.id).bind(Json(&p.settings)).bind(&p.secret_sealed).bind(p.enabled);
        row.bind(writes_groups).bind(p.updated_at).execute(c).await.map(|d| d.rows_affected())
    })?;
    if changed == 0 { Err(Error::NotFound("provisioning")) } else { Ok(()) }
}

/// Forgets it, with all that is known of what was written. There, everything stays.
pub async fn delete(tx: &mut Tx, id: ProvisioningId) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM provisionings WHERE id = $1";
    on!(tx, |c| sqlx::query(SQL).bind(id).execute(c).await.map(drop))?;
    Ok(())
}
