//! Requests that were answered and are still to be written. One task a store writes them, as long as there are any.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::super::super::context::Context;
use super::super::super::error::Error;
use super::super::dialect;
use super::super::error::ScimError;
use super::super::feeds::Feed;
use super::mask::{mask, masked_detail, masked_path};
use crate::store::establishment::scim_request::{self, Changed, Seen, Whole};
use crate::store::establishment::source;
use crate::types::id::{EstablishmentId, SourceId};
use crate::types::time::Timestamp;

/// Requests of a feed that are kept.
pub const KEPT_MAX: usize = 200;
/// Largest body that is kept, in bytes.
pub const BODY_MAX_BYTES: usize = 16_384;
/// Longest address that is kept, in characters.
const PATH_MAX_CHARS: usize = 2_000;
/// Longest reason that is kept, in characters.
const FAILING_MAX_CHARS: usize = 1_000;
/// Most of what one request changed that is kept, in bytes; of what is beyond, only what was done and to whom.
const CHANGES_MAX_BYTES: usize = 65_536;
/// How long requests are gathered before they are written.
const GATHERED: Duration = Duration::from_secs(1);

/// A request as whoever answered it saw it.
#[derive(Debug)]
pub struct Sight {
    /// Its key.
    pub id: Uuid,
    /// When it came.
    pub at: Timestamp,
    /// Its method.
    pub method: String,
    /// Its address below the service's, with its query.
    pub path: String,
    /// What its client calls itself.
    pub agent: Option<String>,
    /// Its body, unless it is larger than [`BODY_MAX_BYTES`].
    pub body: Option<Vec<u8>>,
    /// The status of the answer.
    pub status: u16,
    /// How long the answer took.
    pub took: Duration,
    /// What it was refused with.
    pub error: Option<ScimError>,
}

/// A request that waits to be written, with what was found out on its way.
#[derive(Debug)]
struct Waiting {
    sight: Sight,
    changes: Vec<Changed>,
    /// What was refused of it, or passed over.
    remark: Option<String>,
}

/// What waits for one store.
#[derive(Debug)]
struct Buffer {
    /// Where the store was when the last request came: establishments move.
    ctx: Mutex<Context>,
    /// By feed; of each no more than are kept.
    waiting: Mutex<HashMap<SourceId, VecDeque<Waiting>>>,
    /// Held while they are written, so that whoever reads afterwards finds them.
    writing: tokio::sync::Mutex<()>,
}

/// Which store: of this process's gateway, since tests have several.
type Key = (usize, EstablishmentId);

/// What waits, by store. A store with an entry has a task that writes.
static BUFFERS: LazyLock<Mutex<HashMap<Key, Arc<Buffer>>>> = LazyLock::new(Mutex::default);

fn key_of(ctx: &Context) -> Key {
    (Arc::as_ptr(&ctx.gateway).addr(), ctx.establishment.id)
}

/// Notes a request of a feed. It is written within a second or two.
pub fn note(feed: &Feed, sight: Sight) {
    let found = feed.trail.take();
    let key = key_of(&feed.ctx);
    let mut buffers = BUFFERS.lock().unwrap_or_else(PoisonError::into_inner);
    let idle = !buffers.contains_key(&key);
    let buffer = buffers.entry(key).or_insert_with(|| Arc::new(Buffer::new(&feed.ctx))).clone();
    buffer.ctx.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&feed.ctx);
    {
        let mut waiting = buffer.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let of_feed = waiting.entry(feed.source.id).or_default();
        if of_feed.len() >= KEPT_MAX {
            of_feed.pop_front();
        }
        of_feed.push_back(Waiting { sight, changes: found.changes, remark: found.refused.or(found.passed_over) });
    }
    drop(buffers);
    if idle {
        tokio::spawn(write_while_any(key, buffer));
    }
}

/// Writes what waits for a store, so that whoever reads next finds it.
///
/// # Errors
/// When the store fails.
pub async fn flush(ctx: &Context) -> Result<(), Error> {
    let buffer = BUFFERS.lock().unwrap_or_else(PoisonError::into_inner).get(&key_of(ctx)).cloned();
    match buffer {
        Some(buffer) => write(ctx, &buffer).await,
        None => Ok(()),
    }
}

impl Buffer {
    fn new(ctx: &Context) -> Self {
        Self { ctx: Mutex::new(ctx.clone()), waiting: Mutex::default(), writing: tokio::sync::Mutex::default() }
    }
}

async fn write_while_any(key: Key, buffer: Arc<Buffer>) {
    loop {
        tokio::time::sleep(GATHERED).await;
        let ctx = buffer.ctx.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Err(error) = write(&ctx, &buffer).await {
            tracing::warn!(establishment = ctx.slug(), %error, "the last requests of feeds were not kept");
        }
        let mut buffers = BUFFERS.lock().unwrap_or_else(PoisonError::into_inner);
        if buffer.waiting.lock().unwrap_or_else(PoisonError::into_inner).is_empty() {
            buffers.remove(&key);
            return;
        }
    }
}

async fn write(ctx: &Context, buffer: &Buffer) -> Result<(), Error> {
    let _alone = buffer.writing.lock().await;
    let waiting = std::mem::take(&mut *buffer.waiting.lock().unwrap_or_else(PoisonError::into_inner));
    if waiting.is_empty() {
        return Ok(());
    }
    let mut tx = ctx.store.begin().await?;
    for (source, requests) in waiting {
        // A feed that was removed meanwhile takes its requests along, and nobody else's.
        if source::find(&mut tx, source).await?.is_none() {
            continue;
        }
        let rows: Vec<Whole> = requests.into_iter().map(|one| row(source, one)).collect();
        scim_request::insert_all(&mut tx, &rows).await?;
        scim_request::keep_newest(&mut tx, source, i64::try_from(KEPT_MAX).unwrap_or(i64::MAX)).await?;
    }
    Ok(tx.commit().await?)
}

fn row(source: SourceId, one: Waiting) -> Whole {
    let Waiting { sight, changes, remark } = one;
    let mut request: Option<Value> = sight.body.as_deref().and_then(|body| serde_json::from_slice(body).ok());
    let query = sight.path.split_once('?').map(|(_, query)| query);
    let dialect = dialect::recognise(sight.agent.as_deref(), query, request.as_ref());
    if let Some(body) = &mut request {
        mask(body);
    }
    let failing = sight.error.as_ref().map(|error| failing(error, request.as_ref())).or(remark);
    Whole {
        seen: Seen {
            id: sight.id,
            source_id: source,
            at: sight.at,
            dialect: dialect.as_str().to_owned(),
            subject_id: subject(&sight.path, &changes),
            path: shortened(&masked_path(&sight.path), PATH_MAX_CHARS),
            method: sight.method,
            status: i64::from(sight.status),
            duration_us: i64::try_from(sight.took.as_micros()).unwrap_or(i64::MAX),
            failing: failing.map(|text| shortened(&masked_detail(&text), FAILING_MAX_CHARS)),
        },
        answer: sight.error.map(|error| {
            let detail = masked_detail(&error.detail);
            Value::Object(ScimError { detail, ..error }.body())
        }),
        request,
        changes: bounded(changes),
    }
}

/// Changes whose details fit into what is kept.
fn bounded(mut changes: Vec<Changed>) -> Vec<Changed> {
    let mut room = CHANGES_MAX_BYTES;
    for change in &mut changes {
        match room.checked_sub(change.detail.to_string().len()) {
            Some(left) => room = left,
            None => change.detail = json!({ "left_out": true }),
        }
    }
    changes
}

/// Why a request was refused; of a PATCH, which operation it was.
fn failing(error: &ScimError, body: Option<&Value>) -> String {
    let operations = body.and_then(|body| body.get("Operations"));
    let operation = error.operation.and_then(|at| operations?.get(at));
    let part = |name: &str| operation.and_then(|one| one.get(name)).and_then(Value::as_str);
    let word = error.scim_type.map(|word| format!("{}: ", word.as_str())).unwrap_or_default();
    match (part("op"), part("path")) {
        (Some(op), Some(path)) => format!("{word}{} ({op} {path})", error.detail),
        (Some(op), None) => format!("{word}{} ({op})", error.detail),
        _ => format!("{word}{}", error.detail),
    }
}

/// The resource that a request was about: that of its address, or the one it made.
fn subject(path: &str, changes: &[Changed]) -> Option<Uuid> {
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    let named = path.rsplit('/').next().and_then(|last| Uuid::parse_str(last).ok());
    let bulk = path.eq_ignore_ascii_case("/Bulk");
    named.or_else(|| changes.first().filter(|_| !bulk).and_then(|change| Uuid::parse_str(&change.subject_id).ok()))
}

fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::filter;
    use super::super::super::schema::Kind;
    use super::*;

    fn seen(path: &str, body: &Value, error: Option<ScimError>) -> Whole {
        let sight = Sight {
            id: Uuid::now_v7(),
            at: Timestamp::default(),
            method: "PATCH".to_owned(),
            path: path.to_owned(),
            agent: None,
            body: Some(body.to_string().into_bytes()),
            status: error.as_ref().map_or(200, |error| error.status),
            took: Duration::from_micros(1_500),
            error,
        };
        row(SourceId::new(), Waiting { sight, changes: Vec::new(), remark: None })
    }

    #[test]
    fn the_operation_that_failed_is_named() {
        let body = json!({
            "schemas": [super::super::super::patch::PATCH_URN],
            "Operations": [{"op": "Replace", "path": "title", "value": "x"}, {"op": "Remove", "path": "emails[type eq \"x\"]"}]
        });
        let id = Uuid::now_v7();
        let kept = seen(&format!("/Users/{id}?x=1"), &body, Some(ScimError::no_target("nothing is selected").at_operation(1)));
        assert_eq!(kept.seen.failing.as_deref(), Some("noTarget: operation 2: nothing is selected (Remove emails[type eq \"x\"])"));
        assert_eq!((kept.seen.dialect.as_str(), kept.seen.subject_id, kept.seen.duration_us), ("entra", Some(id), 1_500));
        assert_eq!(kept.answer.and_then(|answer| answer.get("scimType").cloned()), Some(json!("noTarget")));
    }

    #[test]
    fn secrets_are_not_kept() {
        let kept = seen("/Users?token=abc", &json!({"userName": "a", "password": "hunter2"}), None);
        let text = format!("{kept:?}");
        assert!(!text.contains("hunter2") && !text.contains("abc"), "{text}");
        assert_eq!(kept.seen.subject_id, None);
        let wrong = filter::parse(Kind::User, "pin eq hunter2").err();
        let kept = seen("/Users?filter=pin%20eq%20hunter2", &json!({}), wrong);
        let text = format!("{kept:?}");
        assert!(!text.contains("hunter2") && text.contains("invalidFilter"), "{text}");
    }

    #[test]
    fn what_is_kept_of_changes_is_bounded() {
        let change = |size: usize| Changed {
            action: "user.updated".to_owned(),
            subject_kind: "user".to_owned(),
            subject_id: "7".to_owned(),
            detail: json!({ "title": "x".repeat(size) }),
        };
        let kept = bounded(vec![change(10), change(CHANGES_MAX_BYTES), change(20)]);
        let told: Vec<bool> = kept.iter().map(|one| one.detail.get("left_out").is_some()).collect();
        assert_eq!(told, [false, true, false]);
    }
}
