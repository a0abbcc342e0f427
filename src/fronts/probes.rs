//! For whoever runs the gateway: is it alive, is it ready, what does it measure.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::services::context::Gateway;
use crate::services::establishments;

/// `/healthz`, `/readyz`, `/metrics`.
pub fn routes() -> Router<Arc<Gateway>> {
    Router::new().route("/healthz", get(alive)).route("/readyz", get(ready)).route("/metrics", get(measures))
}

async fn alive() -> Response {
    plain(StatusCode::OK, "alive\n")
}

/// Ready means that the registry and the platform's store answer, their migrations done when they were opened.
async fn ready(State(gateway): State<Arc<Gateway>>) -> Response {
    match establishments::reachable(&gateway).await {
        Ok(()) => plain(StatusCode::OK, "ready\n"),
        Err(error) => {
            tracing::error!(%error, "not ready");
            plain(StatusCode::SERVICE_UNAVAILABLE, "a store does not answer: the log says why\n")
        }
    }
}

async fn measures() -> Response {
    match crate::telemetry::metrics() {
        Ok(metrics) => ([(CONTENT_TYPE, "text/plain; version=0.0.4"), (CACHE_CONTROL, "no-store")], metrics.render()).into_response(),
        Err(error) => {
            tracing::error!(%error, "no metrics");
            plain(StatusCode::SERVICE_UNAVAILABLE, "metrics are not recorded: the log says why\n")
        }
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response {
    (status, [(CACHE_CONTROL, "no-store")], text).into_response()
}
