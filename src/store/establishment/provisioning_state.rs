//! How it goes with the provisioning of an application: what its service can do, whether it is left alone for a while, how it compared.

use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use utoipa::ToSchema;

use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::ProvisioningId;
use crate::types::time::Timestamp;

/// What is asked for beside the daily work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum Asked {
    /// To compare everything there with what is to be, and tell.
    Report,
    /// The same, and then to put it right.
    Repair,
}

/// What a service says it can do (RFC 7643 §5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Abilities {
    /// Whether it takes PATCH.
    pub patch: bool,
    /// Whether it filters lists.
    pub filter: bool,
    /// Whether it tells versions apart.
    pub etag: bool,
}

/// What a comparison found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Report {
    /// When it began.
    pub at: Timestamp,
    /// Whether what it found is put right.
    pub repairs: bool,
    /// Accounts read.
    pub users_read: u64,
    /// Groups read.
    pub groups_read: u64,
    /// What is to be there and is not.
    pub missing: u64,
    /// What is there and the gateway did not write.
    pub unknown: u64,
    /// What is there and otherwise than it is to be.
    pub differs: u64,
    /// Why it ended early, if it did.
    pub error: Option<String>,
}

/// How it goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema, sqlx::FromRow)]
pub struct ProvisioningState {
    /// When everyone was last looked at; never when null: then everyone is, at the next round.
    pub looked_at: Option<Timestamp>,
    /// Why nothing is written until a person sees to it; null when all is well.
    pub paused: Option<String>,
    /// Since when.
    pub paused_at: Option<Timestamp>,
    /// Until when the service is left alone, because it asked for it or does not answer.
    pub rest_until: Option<Timestamp>,
    /// How often in a row it did not answer.
    pub failures: i64,
    /// What it says it can do.
    #[sqlx(json(nullable))]
    pub abilities: Option<Abilities>,
    /// When it said so.
    pub abilities_at: Option<Timestamp>,
    /// What is asked for beside the daily work, and not done yet.
    pub asked: Option<Asked>,
    /// What the last comparison found.
    #[sqlx(json(nullable))]
    pub report: Option<Report>,
    /// When something was last written there.
    pub written_at: Option<Timestamp>,
}

/// How it goes with one.
pub async fn get(tx: &mut Tx, id: ProvisioningId) -> Result<ProvisioningState, Error> {
    const SQL: &str = "SELECT looked_at, paused, paused_at, rest_until, failures, abilities, abilities_at, asked, report, written_at \
         FROM provisioning_states WHERE provisioning_id = $1";
    let found: Option<ProvisioningState> = on!(tx, |c| sqlx::query_as(SQL).bind(id).fetch_optional(c).await)?;
    Ok(found.unwrap_or_default())
}

/// Writes how it goes.
pub async fn put(tx: &mut Tx, id: ProvisioningId, s: &ProvisioningState) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO provisioning_states (provisioning_id, looked_at, paused, paused_at, rest_until, failures, abilities, \
         abilities_at, asked, report, written_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
         ON CONFLICT (provisioning_id) DO UPDATE SET looked_at = excluded.looked_at, paused = excluded.paused, \
         paused_at = excluded.paused_at, rest_until = excluded.rest_until, failures = excluded.failures, abilities = excluded.abilities, \
         abilities_at = excluded.abilities_at, asked = excluded.asked, report = excluded.report, written_at = excluded.written_at";
    on!(tx, |c| {
        let row = sqlx::query(SQL).bind(id).bind(s.looked_at).bind(&s.paused).bind(s.paused_at).bind(s.rest_until);
        let row = row.bind(s.failures).bind(s.abilities.as_ref().map(Json)).bind(s.abilities_at).bind(s.asked);
        row.bind(s.report.as_ref().map(Json)).bind(s.written_at).execute(c).await.map(drop)
    })?;
    Ok(())
}
