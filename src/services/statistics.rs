//! Figures of one establishment (SAC-31): people, sign-ins, roles, its last sync, and what its store takes. Counted when asked.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::context::Context;
use super::error::Error;
use crate::store::establishment::statistics::{self, LastSync};
use crate::types::permission::Permission;

/// How far back a sign-in counts as recent, in seconds: 30 days.
const RECENT_S: i64 = 30 * 24 * 3600;

/// People by whether they may sign in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct People {
    /// Invited, and not come yet.
    pub pending: i64,
    /// May sign in.
    pub active: i64,
    /// May not.
    pub disabled: i64,
}

/// People by when they signed in last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignedIn {
    /// Within the last 30 days.
    pub last_30_days: i64,
    /// At any time.
    pub ever: i64,
}

/// Figures of one establishment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Statistics {
    /// People by state.
    pub people: People,
    /// People who signed in.
    pub signed_in: SignedIn,
    /// Sessions that live now.
    pub sessions: i64,
    /// Clients.
    pub clients: i64,
    /// How many people hold each role now, by application and role.
    pub roles: BTreeMap<String, BTreeMap<String, i64>>,
    /// Its last sync, when it had any.
    pub last_sync: Option<LastSync>,
    /// What its store takes, in bytes.
    pub size_bytes: i64,
}

/// Counts an establishment, for operators. All figures are of one moment.
///
/// # Errors
/// When its store fails.
pub async fn count(ctx: &Context) -> Result<Statistics, Error> {
    ctx.require(Permission::ManageEstablishments)?;
    let mut tx = ctx.store.snapshot().await?;
    let counts = statistics::get(&mut tx, ctx.now.plus_s(-RECENT_S), ctx.now).await?;
    let mut roles: BTreeMap<String, BTreeMap<String, i64>> = BTreeMap::new();
    for held in statistics::list_roles(&mut tx, ctx.now).await? {
        roles.entry(held.application).or_default().insert(held.role, held.count);
    }
    Ok(Statistics {
        people: People { pending: counts.pending, active: counts.active, disabled: counts.disabled },
        signed_in: SignedIn { last_30_days: counts.signed_in_since, ever: counts.signed_in_ever },
        sessions: counts.sessions,
        clients: counts.clients,
        roles,
        last_sync: statistics::find_last_sync(&mut tx).await?,
        size_bytes: statistics::get_size(&mut tx).await?,
    })
}
