//! What every SCIM request gets: an identifier that ties answer and log together, a deadline after which it is told to come back, and a witness.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::USER_AGENT;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::Instrument;
use uuid::Uuid;

use super::answer::Refusal;
use super::witness::{Head, Witness};
use crate::fronts::edge;
use crate::fronts::http::request::RequestId;
use crate::services::context::Gateway;
use crate::services::scim::error::ScimError;

/// The header that repeats the identifier.
const HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// When a request that took too long may be sent again, in seconds.
const LATE_RETRY_S: u32 = 30;

/// Bounds a request in time and names it.
pub(super) async fn attend(State(gateway): State<Arc<Gateway>>, mut request: Request, next: Next) -> Response {
    // A little before the edge cuts every request off, so that the caller reads why.
    let longest = Duration::from_secs(gateway.limits.request_timeout_s.into()) * 19 / 20;
    let id = Uuid::now_v7();
    let (witness, began) = (Witness::default(), Instant::now());
    request.extensions_mut().insert(RequestId(id));
    request.extensions_mut().insert(witness.clone());
    let head = Head::new(request.method(), request.uri(), edge::header(request.headers(), USER_AGENT));
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned()).unwrap_or_default();
    let holds_nul = edge::holds_nul(request.uri());
    let span = tracing::info_span!("request", request.id = %id, method = %request.method(), route);
    let mut response = if holds_nul {
        Refusal::from(ScimError::invalid_value("the address holds the NUL character (%00), which no text may hold: leave it out"))
            .into_response()
    } else {
        let answered = tokio::time::timeout(longest, next.run(request)).instrument(span.clone()).await;
        answered.unwrap_or_else(|_| span.in_scope(|| late(longest).into_response()))
    };
    witness.testify(id, head, &mut response, began.elapsed());
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}

fn late(longest: Duration) -> Refusal {
    let told = format!("the answer was not ready after {} seconds: look whether it was carried out before repeating it", longest.as_secs());
    ScimError::new(503, told).after_s(LATE_RETRY_S).into()
}
