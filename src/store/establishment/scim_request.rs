//! The last requests of SCIM feeds, for whoever looks into what an identity provider does. Decides nothing.

use serde::{Deserialize, Serialize};
use sqlx::QueryBuilder;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::store::dialect::like_part;
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::SourceId;
use crate::types::page::{Page, PageRequest};
use crate::types::time::Timestamp;

/// Most requests written by one statement: each holds two bodies.
const ROWS_PER_INSERT: usize = 40;

/// One request, in short.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, sqlx::FromRow)]
pub struct Seen {
    /// Key: what `X-Request-Id` says to the client, and the log to the operator.
    pub id: Uuid,
    /// The feed.
    #[serde(skip)]
    pub source_id: SourceId,
    /// When it came.
    pub at: Timestamp,
    /// Whose way of writing it is: `entra`, `okta` or `other`.
    pub dialect: String,
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: String,
    /// Its address below the service's, with its query.
    pub path: String,
    /// The status of the answer.
    pub status: i64,
    /// How long the answer took, in microseconds.
    pub duration_us: i64,
    /// The resource it was about, when it was about one.
    pub subject_id: Option<Uuid>,
    /// What was refused of it, and why; which operation, of several. Of what was done, whom it named and was passed over.
    pub failing: Option<String>,
}

/// One request with what it brought.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Whole {
    /// In short.
    #[serde(flatten)]
    pub seen: Seen,
    /// Its body, secrets masked; none when it had none, or when it was too large to be kept.
    #[schema(value_type = Option<Object>)]
    pub request: Option<serde_json::Value>,
    /// The error that was answered.
    #[schema(value_type = Option<Object>)]
    pub answer: Option<serde_json::Value>,
    /// What it changed, as the trail says it.
    pub changes: Vec<Changed>,
}

/// One thing that a request changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Changed {
    /// What was done, as `user.updated`.
    pub action: String,
    /// Of what kind it was done to.
    pub subject_kind: String,
    /// To which.
    pub subject_id: String,
    /// What exactly.
    #[schema(value_type = Object)]
    pub detail: serde_json::Value,
}

/// What a list may be narrowed by.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Exact method.
    pub method: Option<String>,
    /// Exact dialect.
    pub dialect: Option<String>,
    /// Exact status.
    pub status: Option<i64>,
    /// Whether it was refused.
    pub refused: Option<bool>,
    /// The resource it was about.
    pub subject_id: Option<Uuid>,
}

/// Writes requests.
pub async fn insert_all(tx: &mut Tx, requests: &[Whole]) -> Result<(), Error> {
    const HEAD: &str = "INSERT INTO scim_requests (id, source_id, at, dialect, method, path, status, duration_us, subject_id, failing, request, \
         answer, changes) ";
    for chunk in requests.chunks(ROWS_PER_INSERT) {
        on!(tx, |c| {
            let mut query = QueryBuilder::new(HEAD);
            query.push_values(chunk, |mut row, whole| {
                let seen = &whole.seen;
                row.push_bind(seen.id).push_bind(seen.source_id).push_bind(seen.at).push_bind(&seen.dialect).push_bind(&seen.method);
                row.push_bind(&seen.path)
                    .push_bind(seen.status)
                    .push_bind(seen.duration_us)
                    .push_bind(seen.subject_id)
                    .push_bind(&seen.failing);
                row.push_bind(whole.request.as_ref().map(ToString::to_string)).push_bind(whole.answer.as_ref().map(ToString::to_string));
                row.push_bind(serde_json::to_string(&whole.changes).unwrap_or_default());
            });
            query.build().persistent(false).execute(c).await.map(drop)
        })?;
    }
    Ok(())
}

/// Forgets all requests of a feed but the newest ones.
pub async fn keep_newest(tx: &mut Tx, source: SourceId, count: i64) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM scim_requests WHERE source_id = $1 AND id NOT IN \
         (SELECT id FROM scim_requests WHERE source_id = $1 ORDER BY id DESC LIMIT $2)";
    on!(tx, |c| sqlx::query(SQL).bind(source).bind(count).execute(c).await.map(drop))?;
    Ok(())
}

/// Forgets requests that came before a moment.
pub async fn delete_before(tx: &mut Tx, at: Timestamp) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM scim_requests WHERE at < $1";
    on!(tx, |c| sqlx::query(SQL).bind(at).execute(c).await.map(drop))?;
    Ok(())
}

/// Forgets what requests brought about one person or group.
pub async fn delete_of_subject(tx: &mut Tx, subject: Uuid) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM scim_requests WHERE subject_id = $1";
    on!(tx, |c| sqlx::query(SQL).bind(subject).execute(c).await.map(drop))?;
    Ok(())
}

/// Everything that is written of one request.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Texts {
    /// Key.
    pub id: Uuid,
    /// Its address below the service's, with its query.
    pub path: String,
    /// What was refused of it, and why.
    pub failing: Option<String>,
    /// Its body.
    pub request: Option<String>,
    /// The error that was answered.
    pub answer: Option<String>,
    /// What it changed.
    pub changes: Option<String>,
}

/// What is written of the requests of all feeds, after a key and in bounded steps.
pub async fn list_texts_after(tx: &mut Tx, after: Option<Uuid>, limit: i64) -> Result<Vec<Texts>, Error> {
    const SQL: &str =
        "SELECT id, path, failing, request, answer, changes FROM scim_requests WHERE ($1 IS NULL OR id > $1) ORDER BY id LIMIT $2";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(after).bind(limit).fetch_all(c).await)?)
}

/// Forgets one request.
pub async fn delete(tx: &mut Tx, id: Uuid) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM scim_requests WHERE id = $1";
    on!(tx, |c| sqlx::query(SQL).bind(id).execute(c).await.map(drop))?;
    Ok(())
}

/// A page of a feed's requests, newest first.
pub async fn list(tx: &mut Tx, source: SourceId, page: &PageRequest, f: &Filter) -> Result<Page<Seen>, Error> {
    const SQL: &str = "SELECT id, source_id, at, dialect, method, path, status, duration_us, subject_id, failing FROM scim_requests \
         WHERE source_id = $1 AND ($2 IS NULL OR id < $2) AND ($3 IS NULL OR lower(path) LIKE $3 ESCAPE '\\' OR lower(failing) LIKE $3 ESCAPE '\\') \
         AND ($4 IS NULL OR method = $4) AND ($5 IS NULL OR dialect = $5) AND ($6 IS NULL OR status = $6) AND ($7 IS NULL OR subject_id = $7) \
         AND ($8 IS NULL OR (status >= 400) = $8) ORDER BY id DESC LIMIT $9";
    const COUNT: &str = "SELECT count(*) FROM scim_requests WHERE source_id = $1 \
         AND ($2 IS NULL OR lower(path) LIKE $2 ESCAPE '\\' OR lower(failing) LIKE $2 ESCAPE '\\') AND ($3 IS NULL OR method = $3) \
         AND ($4 IS NULL OR dialect = $4) AND ($5 IS NULL OR status = $5) AND ($6 IS NULL OR subject_id = $6) AND ($7 IS NULL OR (status >= 400) = $7)";
    let query = page.query.as_deref().map(like_part);
    let rows = on!(tx, |c| {
        let listed = sqlx::query_as(SQL).bind(source).bind(page.after).bind(&query).bind(&f.method).bind(&f.dialect).bind(f.status);
        listed.bind(f.subject_id).bind(f.refused).bind(page.limit + 1).fetch_all(c).await
    })?;
    let total = on!(tx, |c| {
        let counted = sqlx::query_scalar(COUNT).bind(source).bind(&query).bind(&f.method).bind(&f.dialect).bind(f.status);
        counted.bind(f.subject_id).bind(f.refused).fetch_one(c).await
    })?;
    Ok(Page::cut(rows, page.limit, total, |seen: &Seen| seen.id))
}

/// One request of a feed.
pub async fn find(tx: &mut Tx, source: SourceId, id: Uuid) -> Result<Option<Whole>, Error> {
    const SQL: &str = "SELECT id, source_id, at, dialect, method, path, status, duration_us, subject_id, failing, request, answer, changes \
         FROM scim_requests WHERE source_id = $1 AND id = $2";
    let row: Option<Row> = on!(tx, |c| sqlx::query_as(SQL).bind(source).bind(id).fetch_optional(c).await)?;
    Ok(row.map(Whole::from))
}

/// A row as it is kept: bodies as texts.
#[derive(sqlx::FromRow)]
struct Row {
    #[sqlx(flatten)]
    seen: Seen,
    request: Option<String>,
    answer: Option<String>,
    changes: Option<String>,
}

impl From<Row> for Whole {
    fn from(row: Row) -> Self {
        let read = |text: Option<String>| text.and_then(|text| serde_json::from_str(&text).ok());
        let changes = row.changes.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        Self { seen: row.seen, request: read(row.request), answer: read(row.answer), changes }
    }
}
