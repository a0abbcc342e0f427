//! What every request gets: an identifier that ties answer and log together, a deadline, and an end in the log when it failed.

use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::Instrument;
use uuid::Uuid;

use super::problem::Problem;

/// The header that repeats the identifier.
const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Where SCIM is: its refusals have a form of their own.
pub const SCIM_BASE: &str = "/e/{slug}/scim/v2";

/// Time for a request whose body or answer is a whole archive.
const ARCHIVE_DEADLINE: Duration = Duration::from_mins(30);
/// The routes of those.
const ARCHIVE_ROUTES: [&str; 3] =
    ["/api/v1/establishments/import", "/api/v1/establishments/{slug}/export", "/api/v1/establishments/{slug}/restore"];

/// The route on which a source is given its file: large too, but small enough to be held in memory.
const FILE_ROUTE: &str = "/api/v1/establishments/{slug}/sources/{name}/file";
/// Time for such a request.
const FILE_DEADLINE: Duration = Duration::from_mins(5);

/// Whether the bodies or answers of a route are whole archives: they take long, and are not kept.
pub fn carries_archives(route: &str) -> bool {
    ARCHIVE_ROUTES.contains(&route)
}

/// How long a request of a route may take, where others may take so long.
pub fn deadline(route: &str, ordinary: Duration) -> Duration {
    match route {
        route if carries_archives(route) => ARCHIVE_DEADLINE.max(ordinary),
        FILE_ROUTE => FILE_DEADLINE.max(ordinary),
        _ => ordinary,
    }
}

/// The identifier of a request, among its extensions.
#[derive(Clone, Copy, Debug)]
pub struct RequestId(pub Uuid);

/// Gives a request its identifier and its deadline; completes the problem it may end with.
pub async fn accompany(State(longest): State<Duration>, mut request: Request, next: Next) -> Response {
    let id = Uuid::now_v7();
    request.extensions_mut().insert(RequestId(id));
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned()).unwrap_or_default();
    let longest = deadline(&route, longest);
    let span = tracing::info_span!("request", request.id = %id, method = %request.method(), route);
    let answered = tokio::time::timeout(longest, next.run(request)).instrument(span.clone()).await;
    let mut response = answered.unwrap_or_else(|_| late(longest).into_response());
    if let Some(mut problem) = response.extensions_mut().remove::<Problem>() {
        let _entered = span.enter();
        if problem.status >= 500 {
            tracing::error!(status = problem.status, cause = problem.cause.as_deref().unwrap_or(&problem.detail), "request failed");
        } else {
            tracing::debug!(status = problem.status, problem = problem.kind, "request refused");
        }
        problem.instance = Some(id);
        response = problem.into_response();
    }
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}

fn late(longest: Duration) -> Problem {
    let detail =
        format!("the answer was not ready after {} seconds: look whether it was carried out before repeating it", longest.as_secs());
    Problem::new("late", "The request took too long", StatusCode::SERVICE_UNAVAILABLE, detail)
}

/// The answer where no route is.
pub async fn nowhere() -> Problem {
    Problem::new("not-found", "There is no such thing here", StatusCode::NOT_FOUND, "there is no such route: /api/docs lists them")
}

/// The answer to a method that a route does not have.
pub async fn other_method() -> Problem {
    let detail = "this route does not have this method: /api/docs lists them";
    Problem::new("method", "Another method is needed", StatusCode::METHOD_NOT_ALLOWED, detail)
}
