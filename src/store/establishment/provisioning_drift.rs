//! How an application differed from what it is to have when it was last compared.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::QueryBuilder;
use sqlx::types::Json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::provisioned::Kind;
use crate::store::dialect::{NARROW_ROWS_PER_INSERT, like_part};
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::fold;
use crate::types::id::ProvisioningId;
use crate::types::page::{Page, PageRequest};

/// In which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum What {
    /// It is to be there, and is not.
    Missing,
    /// It is there, and the gateway did not write it.
    Unknown,
    /// It is there, and otherwise than it is to be.
    Differs,
}

/// An attribute as it is there and as it is to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Differing {
    /// As it is there.
    #[schema(value_type = Object)]
    pub there: Value,
    /// As it is to be.
    #[schema(value_type = Object)]
    pub wanted: Value,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, sqlx::FromRow)]
pub struct Drift {
    /// Key.
    pub id: Uuid,
    /// A person's account, or a group.
    pub kind: Kind,
    /// In which way.
    pub what: What,
    /// The user name or the group's name.
    pub name: String,
    /// Its identifier there.
    pub remote_id: Option<String>,
    /// The attributes that differ.
    #[sqlx(json)]
    pub fields: BTreeMap<String, Differing>,
}

/// What a list may be narrowed by.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Exact kind.
    pub kind: Option<String>,
    /// In which way.
    pub what: Option<String>,
    /// Exact name.
    pub name: Option<String>,
}

/// Forgets what the comparison before found.
pub async fn clear(tx: &mut Tx, of: ProvisioningId) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM provisioning_drifts WHERE provisioning_id = $1";
    on!(tx, |c| sqlx::query(SQL).bind(of).execute(c).await.map(drop))?;
    Ok(())
}

/// Writes differences.
pub async fn insert_all(tx: &mut Tx, of: ProvisioningId, drifts: &[Drift]) -> Result<(), Error> {
    const HEAD: &str = "INSERT INTO provisioning_drifts (id, provisioning_id, kind, what, name, search, remote_id, fields) ";
    for chunk in drifts.chunks(NARROW_ROWS_PER_INSERT) {
        on!(tx, |c| {
            let mut rows = QueryBuilder::new(HEAD);
            rows.push_values(chunk, |mut row, d| {
                row.push_bind(d.id).push_bind(of).push_bind(d.kind).push_bind(d.what).push_bind(&d.name).push_bind(fold(&d.name));
                row.push_bind(&d.remote_id).push_bind(Json(&d.fields));
            });
            rows.build().persistent(false).execute(c).await.map(drop)
        })?;
    }
    Ok(())
}

/// A page of what was found, in the order it was.
pub async fn list(tx: &mut Tx, of: ProvisioningId, page: &PageRequest, f: &Filter) -> Result<Page<Drift>, Error> {
    const SQL: &str = "SELECT id, kind, what, name, remote_id, fields FROM provisioning_drifts WHERE provisioning_id = $1 \
         AND ($2 IS NULL OR id > $2) AND ($3 IS NULL OR search LIKE $3 ESCAPE '\\') AND ($4 IS NULL OR kind = $4) \
         AND ($5 IS NULL OR what = $5) AND ($6 IS NULL OR name = $6) ORDER BY id LIMIT $7";
    const COUNT: &str = "SELECT count(*) FROM provisioning_drifts WHERE provisioning_id = $1 \
         AND ($2 IS NULL OR search LIKE $2 ESCAPE '\\') AND ($3 IS NULL OR kind = $3) AND ($4 IS NULL OR what = $4) \
         AND ($5 IS NULL OR name = $5)";
    let words = page.query.as_deref().map(like_part);
    let rows = on!(tx, |c| {
        let listed = sqlx::query_as(SQL).bind(of).bind(page.after).bind(&words).bind(&f.kind).bind(&f.what).bind(&f.name);
        listed.bind(page.limit + 1).fetch_all(c).await
    })?;
    let total = on!(tx, |c| {
        let counted = sqlx::query_scalar(COUNT).bind(of).bind(&words).bind(&f.kind).bind(&f.what).bind(&f.name);
        counted.fetch_one(c).await
    })?;
    Ok(Page::cut(rows, page.limit, total, |d: &Drift| d.id))
}
