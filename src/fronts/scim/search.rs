//! Lists (RFC 7644 §3.4.2, §3.4.3; RFC 9865): of one kind of resource, or of every kind at the root of the service.

use axum::response::Response;
use serde_json::{Map, Value, json};

use super::answer::{self, Refusal};
use super::body::Sent;
use super::caller::Caller;
use super::query::Wanted;
use crate::services::scim::discovery::LIST_URN;
use crate::services::scim::error::ScimError;
use crate::services::scim::feeds::Feed;
use crate::services::scim::filter;
use crate::services::scim::resources::{self, Asked, COUNT_DEFAULT, COUNT_MAX, Start};
use crate::services::scim::schema::Kind;
use crate::services::scim::sorting;

/// `GET /Users`, `GET /Groups`.
pub(super) async fn list(kind: Kind, Caller(feed): Caller, wanted: Wanted) -> Result<Response, Refusal> {
    of_kind(&feed, kind, &wanted).await
}

/// `POST /Users/.search`, `POST /Groups/.search`.
pub(super) async fn list_by_body(kind: Kind, Caller(feed): Caller, Sent(body): Sent) -> Result<Response, Refusal> {
    of_kind(&feed, kind, &Wanted::of_search(&body)?).await
}

/// `GET /?filter=…`.
pub(super) async fn everything(Caller(feed): Caller, wanted: Wanted) -> Result<Response, Refusal> {
    of_every_kind(&feed, &wanted).await
}

/// `POST /.search`.
pub(super) async fn everything_by_body(Caller(feed): Caller, Sent(body): Sent) -> Result<Response, Refusal> {
    of_every_kind(&feed, &Wanted::of_search(&body)?).await
}

async fn of_kind(feed: &Feed, kind: Kind, wanted: &Wanted) -> Result<Response, Refusal> {
    let projection = wanted.projection(kind);
    let sort = wanted.sort_by.as_deref().map(|by| sorting::parse(kind, by, wanted.sort_order.as_deref())).transpose()?;
    let start = match &wanted.cursor {
        Some(cursor) => Start::Cursor(Some(cursor.clone()).filter(|cursor| !cursor.is_empty())),
        None => Start::Index(first(wanted)),
    };
    let asked = Asked {
        filter: wanted.filter.as_deref().map(|text| filter::parse(kind, text)).transpose()?,
        sort: sort.map(|sort| (sort.attr, sort.descending)),
        start,
        count: count(wanted),
        with: super::resources::with(&projection),
    };
    let found = resources::list(feed, kind, &asked).await?;
    let shown = found.resources.into_iter().map(|one| Value::Object(projection.apply(kind, &one.resource))).collect();
    let mut body = listed(found.total, shown);
    if wanted.cursor.is_none() {
        body.insert("startIndex".to_owned(), first(wanted).into());
    }
    body.extend(found.next_cursor.map(|cursor| ("nextCursor".to_owned(), Value::String(cursor))));
    Ok(answer::private(&body))
}

/// People, then groups. What a filter asks of an attribute that a kind of resource does not have is not so there.
async fn of_every_kind(feed: &Feed, wanted: &Wanted) -> Result<Response, Refusal> {
    if wanted.cursor.is_some() {
        return Err(ScimError::invalid_cursor("lists of every kind of resource have no cursors: ask /Users and /Groups").into());
    }
    if wanted.sort_by.is_some() {
        return Err(ScimError::invalid_value("sortBy: lists of every kind of resource have no order: ask /Users and /Groups").into());
    }
    let (first, mut room) = (first(wanted), count(wanted));
    let (mut total, mut shown) = (0, Vec::new());
    for kind in Kind::ALL {
        let projection = wanted.projection(kind);
        let asked = Asked {
            filter: wanted.filter.as_deref().map(|text| filter::parse_among_all(kind, text)).transpose()?,
            sort: None,
            start: Start::Index((first - total).max(1)),
            // Past the end of the page, only how many there are is asked.
            count: room,
            with: super::resources::with(&projection),
        };
        let found = resources::list(feed, kind, &asked).await?;
        room -= i64::try_from(found.resources.len()).unwrap_or(room);
        total += found.total;
        shown.extend(found.resources.into_iter().map(|one| Value::Object(projection.apply(kind, &one.resource))));
    }
    let mut body = listed(total, shown);
    body.insert("startIndex".to_owned(), first.into());
    Ok(answer::private(&body))
}

/// RFC 7644 §3.4.2.4: less than one is one.
fn first(wanted: &Wanted) -> i64 {
    wanted.start_index.unwrap_or(1).max(1)
}

/// RFC 7644 §3.4.2.4: less than none is none. More than the most is the most.
fn count(wanted: &Wanted) -> i64 {
    wanted.count.unwrap_or(COUNT_DEFAULT).clamp(0, COUNT_MAX)
}

fn listed(total: i64, shown: Vec<Value>) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("schemas".to_owned(), json!([LIST_URN]));
    body.insert("totalResults".to_owned(), total.into());
    body.insert("itemsPerPage".to_owned(), shown.len().into());
    body.insert("Resources".to_owned(), Value::Array(shown));
    body
}
