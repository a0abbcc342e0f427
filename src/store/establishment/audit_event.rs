//! The trail: who did what to whom, when.

use serde::Serialize;
use sqlx::types::Json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::store::bulk::{self, Cells, NewRow};
use crate::store::dialect::like_part;
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::page::{Page, PageRequest};
use crate::types::time::Timestamp;

/// One event. It is only ever added.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, sqlx::FromRow)]
pub struct AuditEvent {
    /// Key.
    pub id: Uuid,
    /// When.
    pub at: Timestamp,
    /// Who: `user:…`, `token:…`, `source:…`, `system`.
    pub actor: String,
    /// What: `user.disabled`, `source.created`…
    pub action: String,
    /// What kind of thing it was done to.
    pub subject_kind: String,
    /// Which one.
    pub subject_id: String,
    /// Before and after, without secrets.
    #[sqlx(json)]
    #[schema(value_type = Object)]
    pub detail: serde_json::Value,
}

/// What the trail may be narrowed by.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Exact actor.
    pub actor: Option<String>,
    /// Exact action.
    pub action: Option<String>,
    /// Exact kind of thing.
    pub subject_kind: Option<String>,
    /// The thing.
    pub subject_id: Option<String>,
}

/// Adds an event.
pub async fn insert(tx: &mut Tx, e: &AuditEvent) -> Result<(), Error> {
    const SQL: &str =
        "INSERT INTO audit_events (id, at, actor, action, subject_kind, subject_id, detail) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    on!(tx, |c| {
        let row = sqlx::query(SQL).bind(e.id).bind(e.at).bind(&e.actor).bind(&e.action).bind(&e.subject_kind);
        row.bind(&e.subject_id).bind(Json(&e.detail)).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// When something was last done to something.
pub async fn last_at(tx: &mut Tx, action: &str, (kind, id): (&str, &str)) -> Result<Option<Timestamp>, Error> {
    const SQL: &str = "SELECT max(at) FROM audit_events WHERE subject_kind = $1 AND subject_id = $2 AND action = $3";
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).bind(kind).bind(id).bind(action).fetch_one(c).await)?)
}

/// Adds several events.
pub async fn insert_all(tx: &mut Tx, events: &[AuditEvent]) -> Result<(), Error> {
    bulk::insert_all(tx, events).await
}

impl NewRow for AuditEvent {
    const INTO: &'static str = "audit_events (id, at, actor, action, subject_kind, subject_id, detail)";

    fn put_in(&self, row: &mut impl Cells) {
        row.put(self.id).put(self.at).put(&self.actor).put(&self.action).put(&self.subject_kind);
        row.put(&self.subject_id).put(Json(&self.detail));
    }
}

/// Whether something was ever done to a thing, as far as the trail reaches.
pub async fn any(tx: &mut Tx, action: &str, subject_kind: &str, subject_id: &str) -> Result<bool, Error> {
    const SQL: &str = "SELECT EXISTS (SELECT 1 FROM audit_events WHERE subject_kind = $2 AND subject_id = $3 AND action = $1)";
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).bind(action).bind(subject_kind).bind(subject_id).fetch_one(c).await)?)
}

/// A page of the trail, newest first.
pub async fn list(tx: &mut Tx, page: &PageRequest, f: &Filter) -> Result<Page<AuditEvent>, Error> {
    const SQL: &str = "SELECT id, at, actor, action, subject_kind, subject_id, detail FROM audit_events WHERE ($1 IS NULL OR id < $1) \
         AND ($2 IS NULL OR actor = $2) AND ($3 IS NULL OR action = $3) AND ($4 IS NULL OR subject_kind = $4) \
         AND ($5 IS NULL OR subject_id = $5) \
         AND ($6 IS NULL OR lower(actor || ' ' || action || ' ' || subject_kind || ' ' || subject_id) LIKE $6 ESCAPE '\\') \
         ORDER BY id DESC LIMIT $7";
    const COUNT: &str = "SELECT count(*) FROM audit_events WHERE ($1 IS NULL OR actor = $1) AND ($2 IS NULL OR action = $2) \
         AND ($3 IS NULL OR subject_kind = $3) AND ($4 IS NULL OR subject_id = $4) \
         AND ($5 IS NULL OR lower(actor || ' ' || action || ' ' || subject_kind || ' ' || subject_id) LIKE $5 ESCAPE '\\')";
    let query = page.query.as_deref().map(like_part);
    let rows = on!(tx, |c| {
        let listed = sqlx::query_as(SQL).bind(page.after).bind(&f.actor).bind(&f.action).bind(&f.subject_kind).bind(&f.subject_id);
        listed.bind(&query).bind(page.limit + 1).fetch_all(c).await
    })?;
    let total = on!(tx, |c| {
        let counted = sqlx::query_scalar(COUNT).bind(&f.actor).bind(&f.action).bind(&f.subject_kind).bind(&f.subject_id);
        counted.bind(&query).fetch_one(c).await
    })?;
    Ok(Page::cut(rows, page.limit, total, |e: &AuditEvent| e.id))
}
