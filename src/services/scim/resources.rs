//! The resources of a feed, as whoever answers its requests asks for them: read, listed, changed. It decides nothing itself.

use std::time::Duration;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::change::{Change, Done, Stored, With};
use super::condition;
use super::error::ScimError;
use super::feeds::Feed;
use super::filter::Filter;
use super::patch::Op;
use super::schema::{AttrRef, Kind};
use super::shown::Shown;
use super::turns;
use super::writing::row_kind;
use crate::store::Tx;
use crate::store::establishment::scim_feed;
use crate::store::establishment::scim_resource::{self, Resource};
use crate::store::establishment::scim_search::{self, Slice, Where};

/// Most resources of a page.
pub const COUNT_MAX: i64 = 500;
/// Resources of a page when none are asked for.
pub const COUNT_DEFAULT: i64 = 100;
/// How long everything of a feed is looked through for one page. A filter that takes longer is refused: it names too many comparisons.
const FOUND_WITHIN: Duration = Duration::from_secs(5);

/// Where a page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// At a place, from 1 (RFC 7644 §3.4.2.4).
    Index(i64),
    /// After a cursor; at the beginning without one (RFC 9865).
    Cursor(Option<String>),
}

/// What a list is asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Only those that it names.
    pub filter: Option<Filter>,
    /// Ordered by this, and whether downwards; in the order in which they came otherwise.
    pub sort: Option<(AttrRef, bool)>,
    /// Where the page begins.
    pub start: Start,
    /// How many, 0 to [`COUNT_MAX`]; more is taken as the most.
    pub count: i64,
    /// What is shown.
    pub with: With,
}

impl Default for Asked {
    fn default() -> Self {
        Self { filter: None, sort: None, start: Start::Index(1), count: COUNT_DEFAULT, with: With::USUAL }
    }
}

/// A page of a list.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The resources.
    pub resources: Vec<Stored>,
    /// How many there are in all.
    pub total: i64,
    /// Where the next page begins, when the page was asked for by a cursor and is not the last.
    pub next_cursor: Option<String>,
}

/// Makes a resource. One of the same name that left is back.
///
/// # Errors
/// 400 for a body that does not fit; 409 `uniqueness`; 503 when a person has to decide first.
pub async fn create(feed: &Feed, kind: Kind, body: Map<String, Value>, with: With) -> Result<Stored, ScimError> {
    stored(turns::carry(feed, Change::Create { kind, body }, with).await?)
}

/// One resource.
///
/// # Errors
/// 404, also for one of another feed.
pub async fn read(feed: &Feed, kind: Kind, id: &str, with: With) -> Result<Stored, ScimError> {
    let id = key(kind, id)?;
    let mut tx = feed.ctx.store.read().await?;
    let found = scim_resource::find(&mut tx, feed.source.id, row_kind(kind), id).await?;
    let found = found.filter(|resource| resource.deleted_at.is_none()).ok_or_else(|| unknown(kind, &id.to_string()))?;
    let shown = Shown::load(&mut tx, feed, kind, std::slice::from_ref(&found), with).await?;
    Ok(shown.of(feed, found))
}

/// Puts a whole resource in the place of one.
///
/// # Errors
/// 400, 404, 409 `uniqueness`, 412 for another revision, 503 when a person has to decide first.
pub async fn replace(
    feed: &Feed,
    kind: Kind,
    id: &str,
    body: Map<String, Value>,
    rev: Option<i64>,
    with: With,
) -> Result<Stored, ScimError> {
    stored(turns::carry(feed, Change::Replace { kind, id: id.to_owned(), body, rev }, with).await?)
}

/// Changes some of a resource: all operations or none.
///
/// # Errors
/// As [`replace`].
pub async fn patch(feed: &Feed, kind: Kind, id: &str, ops: Vec<Op>, rev: Option<i64>, with: With) -> Result<Stored, ScimError> {
    stored(turns::carry(feed, Change::Patch { kind, id: id.to_owned(), ops, rev }, with).await?)
}

/// Takes a resource away. People are disabled and kept as their source says; groups go.
///
/// # Errors
/// 404, 412 for another revision, 503 when the guard holds it.
pub async fn remove(feed: &Feed, kind: Kind, id: &str, rev: Option<i64>) -> Result<(), ScimError> {
    turns::carry(feed, Change::Remove { kind, id: id.to_owned(), rev }, With::default()).await.map(drop)
}

/// Carries several changes out in this order, each by itself: one that is refused stops none of the others.
pub async fn carry_all(feed: &Feed, changes: Vec<Change>, with: With) -> Vec<Result<Done, ScimError>> {
    turns::carry_all(feed, changes, with).await
}

/// A page of resources. It is shorter than was asked for where its groups hold more members together than one answer shows.
///
/// # Errors
/// 400 `invalidFilter` for what cannot be filtered, `tooMany` for what takes too long to find, `invalidCursor`, `invalidValue` for an order that is none.
pub async fn list(feed: &Feed, kind: Kind, asked: &Asked) -> Result<Listed, ScimError> {
    let wanted = asked.filter.as_ref().map(|filter| condition::of(kind, filter)).transpose()?.unwrap_or(Where::Constant(true));
    let sort = asked.sort.as_ref().map(|(by, descending)| Ok::<_, ScimError>((condition::sort_key(kind, by)?, *descending))).transpose()?;
    let limit = asked.count.clamp(0, COUNT_MAX);
    let mark = condition::mark(feed.source.id, kind, &wanted, sort.as_ref());
    let (after, offset) = match &asked.start {
        Start::Index(index) => (None, index.max(&1) - 1),
        Start::Cursor(None) => (None, 0),
        Start::Cursor(Some(cursor)) => condition::read_cursor(cursor, mark)?,
    };
    let by_cursor = matches!(asked.start, Start::Cursor(_));
    let ordered = sort.is_some();
    let slice = Slice { sort, after, offset, from_end: false, limit: limit + i64::from(by_cursor) };
    let mut tx = feed.ctx.store.read().await?;
    let (mut found, total) = found_in(&mut tx, feed, kind, &wanted, slice).await?;
    let in_all = found.len();
    found.truncate(usize::try_from(limit).unwrap_or_default());
    let (shown, fit) = Shown::load_first(&mut tx, feed, kind, &found, asked.with).await?;
    found.truncate(fit);
    let many = i64::try_from(found.len()).unwrap_or(limit);
    let next_cursor = found
        .last()
        .filter(|_| by_cursor && in_all > found.len())
        .map(|last| if ordered { condition::offset_cursor(offset + many, mark) } else { condition::key_cursor(last.id, mark) });
    Ok(Listed { resources: found.into_iter().map(|one| shown.of(feed, one)).collect(), total, next_cursor })
}

/// The same slice of so many, read from whichever end is nearer: a store walks past all that an offset leaves out.
fn nearer(slice: Slice, total: i64) -> Slice {
    if slice.sort.is_some() || slice.after.is_some() {
        return slice;
    }
    let limit = slice.limit.min(total.saturating_sub(slice.offset));
    if slice.offset <= total / 2 || limit <= 0 {
        return Slice { limit, ..slice };
    }
    Slice { offset: total - slice.offset - limit, from_end: true, limit, ..slice }
}

/// What a list is made of, and how many there are in all, found within [`FOUND_WITHIN`] unless an index leads there.
async fn found_in(tx: &mut Tx, feed: &Feed, kind: Kind, wanted: &Where, slice: Slice) -> Result<(Vec<Resource>, i64), ScimError> {
    let (source, row) = (feed.source.id, row_kind(kind));
    let is_looked_through = !wanted.is_looked_up() || slice.sort.is_some();
    if is_looked_through {
        tx.give_up_after(FOUND_WITHIN).await?;
    }
    let total = match wanted {
        Where::Constant(true) => {
            let state = scim_feed::get(tx, source).await?;
            if kind == Kind::User { state.users } else { state.groups }
        }
        other => scim_search::count(tx, source, row, other).await?,
    };
    let slice = nearer(slice, total);
    let nothing = slice.limit <= 0 || total == 0;
    let found = if nothing { Vec::new() } else { scim_search::list(tx, source, row, wanted, &slice).await? };
    tx.take_time();
    Ok((found, total))
}

fn stored(done: Done) -> Result<Stored, ScimError> {
    match done {
        Done::Stored(stored) => Ok(*stored),
        Done::Removed => Err(ScimError::new(500, "a resource was removed where it was to be kept")),
    }
}

/// The key that a text names.
pub(super) fn key(kind: Kind, id: &str) -> Result<Uuid, ScimError> {
    Uuid::parse_str(id).map_err(|_| unknown(kind, id))
}

pub(super) fn unknown(kind: Kind, id: &str) -> ScimError {
    let id: String = id.chars().take(64).collect();
    ScimError::not_found(format!("this feed has no {} «{id}»", kind.name()))
}

/// Where whoever reads in a transaction finds a resource that stands.
pub(super) async fn standing_in(tx: &mut Tx, feed: &Feed, kind: Kind, id: &str) -> Result<Resource, super::change::Stop> {
    let id = key(kind, id).map_err(super::change::Stop::refused)?;
    let found = scim_resource::find(tx, feed.source.id, row_kind(kind), id).await?;
    found.filter(|one| one.deleted_at.is_none()).ok_or_else(|| super::change::Stop::refused(unknown(kind, &id.to_string())))
}
