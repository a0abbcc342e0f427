//! The named changes of a run.

use serde::{Deserialize, Serialize};
use sqlx::QueryBuilder;
use sqlx::types::Json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::store::bulk::{self, Cells, NewRow};
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::fold;
use crate::types::id::{RunId, SourceId};

/// What kind of thing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum ChangeKind {
    /// A person.
    User,
    /// A group.
    Group,
    /// People or groups put into a group or taken out.
    Membership,
}

/// What happened to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum Operation {
    /// New to the gateway.
    Created,
    /// Fields changed; `detail` has the old values.
    Updated,
    /// The entry moved; `detail` has the old place.
    Moved,
    /// Disabled: gone from the source or inactive there.
    Disabled,
    /// Enabled again.
    Enabled,
    /// Removed: a group, or someone new whom an undo takes back.
    Removed,
    /// Set aside; `detail` says why.
    Quarantined,
    /// Put into the group named; `detail` lists them.
    MembersAdded,
    /// Taken out of the group named; `detail` lists them.
    MembersRemoved,
    /// Would hold a role that they do not hold: told by a preview and by a held run; `detail` names application, role and scope.
    RolesGained,
    /// Would not hold a role any more; `detail` names application, role and scope.
    RolesLost,
    /// Not taken back by an undo, because something else touched it since; `detail` says what.
    Skipped,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, sqlx::FromRow)]
pub struct Change {
    /// Its place in the run.
    pub seq: i64,
    /// What kind of thing changed.
    pub kind: ChangeKind,
    /// What happened to it.
    pub operation: Operation,
    /// The thing, when the gateway knows it.
    pub subject_id: Option<Uuid>,
    /// Its name for people.
    pub name: String,
    /// Old values, reasons, members.
    #[sqlx(json(nullable))]
    #[schema(value_type = Option<Object>)]
    pub detail: Option<serde_json::Value>,
}

/// What a list of changes may be narrowed by.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Exact kind.
    pub kind: Option<String>,
    /// Exact operation.
    pub operation: Option<String>,
    /// Exact name.
    pub name: Option<String>,
    /// Folded words to look for in the name.
    pub words: Option<String>,
}

/// A page of a run's changes in their order; `after` is the last place read. The second value counts all of them.
pub async fn list(tx: &mut Tx, run: RunId, after: i64, limit: i64, f: &Filter) -> Result<(Vec<Change>, i64), Error> {
    const SQL: &str = "SELECT seq, kind, operation, subject_id, name, detail FROM changes WHERE run_id = $1 AND seq > $2 \
         AND ($3 IS NULL OR kind = $3) AND ($4 IS NULL OR operation = $4) AND ($5 IS NULL OR name = $5) ORDER BY seq LIMIT $6";
    const COUNT: &str = "SELECT count(*) FROM changes WHERE run_id = $1 AND ($2 IS NULL OR kind = $2) \
         AND ($3 IS NULL OR operation = $3) AND ($4 IS NULL OR name = $4)";
    if let Some(words) = &f.words {
        return search(tx, run, (after, limit), f, words).await;
    }
    let rows = on!(tx, |c| {
        let listed = sqlx::query_as(SQL).bind(run).bind(after).bind(&f.kind).bind(&f.operation).bind(&f.name);
        listed.bind(limit).fetch_all(c).await
    })?;
    let total = on!(tx, |c| sqlx::query_scalar(COUNT).bind(run).bind(&f.kind).bind(&f.operation).bind(&f.name).fetch_one(c).await)?;
    Ok((rows, total))
}

/// The same by words. Names of changes are not kept folded, which would cost every run: they are folded as they are read.
async fn search(tx: &mut Tx, run: RunId, (after, limit): (i64, i64), f: &Filter, words: &str) -> Result<(Vec<Change>, i64), Error> {
    const NAMES: &str = "SELECT seq, name FROM changes WHERE run_id = $1 AND ($2 IS NULL OR kind = $2) \
         AND ($3 IS NULL OR operation = $3) AND ($4 IS NULL OR name = $4) ORDER BY seq";
    let names: Vec<(i64, String)> =
        on!(tx, |c| sqlx::query_as(NAMES).bind(run).bind(&f.kind).bind(&f.operation).bind(&f.name).fetch_all(c).await)?;
    let places: Vec<i64> = names.into_iter().filter(|(_, name)| fold(name).contains(words)).map(|(seq, _)| seq).collect();
    let total = i64::try_from(places.len()).unwrap_or(i64::MAX);
    let most = usize::try_from(limit).unwrap_or_default();
    let wanted: Vec<i64> = places.into_iter().filter(|seq| *seq > after).take(most).collect();
    if wanted.is_empty() {
        return Ok((Vec::new(), total));
    }
    let rows = on!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT seq, kind, operation, subject_id, name, detail FROM changes WHERE run_id = ");
        query.push_bind(run).push(" AND seq IN (");
        let mut listed = query.separated(", ");
        for seq in &wanted {
            listed.push_bind(*seq);
        }
        query.push(") ORDER BY seq");
        query.build_query_as().fetch_all(c).await
    })?;
    Ok((rows, total))
}

/// Changes of a run before a place, the last first.
pub async fn list_before(tx: &mut Tx, run: RunId, before: i64, limit: i64) -> Result<Vec<Change>, Error> {
    const SQL: &str = "SELECT seq, kind, operation, subject_id, name, detail FROM changes WHERE run_id = $1 AND seq < $2 \
         ORDER BY seq DESC LIMIT $3";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(run).bind(before).bind(limit).fetch_all(c).await)?)
}

/// Identifiers of the things one operation of a run touched.
pub async fn subjects(tx: &mut Tx, run: RunId, operation: Operation) -> Result<Vec<Uuid>, Error> {
    const SQL: &str = "SELECT subject_id FROM changes WHERE run_id = $1 AND operation = $2 AND subject_id IS NOT NULL ORDER BY seq";
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).bind(run).bind(operation).fetch_all(c).await)?)
}

/// Writes changes.
pub async fn insert_all(tx: &mut Tx, run: RunId, changes: &[Change]) -> Result<(), Error> {
    let rows: Vec<OfRun<'_>> = changes.iter().map(|change| OfRun { run, change }).collect();
    bulk::insert_all(tx, &rows).await
}

/// A change with its run.
struct OfRun<'a> {
    run: RunId,
    change: &'a Change,
}

impl NewRow for OfRun<'_> {
    const INTO: &'static str = "changes (run_id, seq, kind, operation, subject_id, name, detail)";

    fn put_in(&self, row: &mut impl Cells) {
        let Self { run, change } = self;
        row.put(*run).put(change.seq).put(change.kind).put(change.operation);
        row.put(change.subject_id).put(&change.name).put(change.detail.as_ref().map(Json));
    }
}

/// Forgets the changes of a held run, before it is carried out and names what it does.
pub async fn delete_of_run(tx: &mut Tx, run: RunId) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM changes WHERE run_id = $1";
    on!(tx, |c| sqlx::query(SQL).bind(run).execute(c).await.map(drop))?;
    Ok(())
}

/// Forgets some changes of a source's runs. Answers how many.
pub async fn delete_some_of_source(tx: &mut Tx, source: SourceId, limit: i64) -> Result<u64, Error> {
    const SQL: &str = "DELETE FROM changes WHERE (run_id, seq) IN (SELECT c.run_id, c.seq FROM changes c JOIN runs r ON r.id = c.run_id \
         WHERE r.source_id = $1 LIMIT $2)";
    Ok(on!(tx, |c| sqlx::query(SQL).bind(source).bind(limit).execute(c).await.map(|d| d.rows_affected()))?)
}

/// Forgets what one operation of a run did, before it is told once more.
pub async fn delete_of_operation(tx: &mut Tx, run: RunId, operation: Operation) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM changes WHERE run_id = $1 AND operation = $2";
    on!(tx, |c| sqlx::query(SQL).bind(run).bind(operation).execute(c).await.map(drop))?;
    Ok(())
}

/// Everything one operation of a run did, for the run that carries a held one out.
pub async fn list_of_operation(tx: &mut Tx, run: RunId, operation: Operation) -> Result<Vec<Change>, Error> {
    const SQL: &str =
        "SELECT seq, kind, operation, subject_id, name, detail FROM changes WHERE run_id = $1 AND operation = $2 ORDER BY seq";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(run).bind(operation).fetch_all(c).await)?)
}
