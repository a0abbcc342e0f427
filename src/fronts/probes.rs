//! For whoever runs the gateway: is it alive, is it ready, what does it measure.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::time::timeout;

use super::edge;
use crate::services::context::Gateway;
use crate::services::establishments;
use crate::services::keeping_up;
use crate::types::time::Timestamp;

/// How long the stores may take to answer, for the node to be ready.
const READY_DEADLINE: Duration = Duration::from_secs(2);

/// `/healthz`, `/readyz`, `/metrics`.
pub fn routes() -> Router<Arc<Gateway>> {
    Router::new().route("/healthz", get(alive)).route("/readyz", get(ready)).route("/metrics", get(measures))
}

async fn alive() -> Response {
    plain(StatusCode::OK, "alive\n")
}

/// Ready means that this node may be sent requests: it is not about to end, the registry and the platform's store answer, and its master key is
/// the installation's.
async fn ready(State(gateway): State<Arc<Gateway>>) -> Response {
    if gateway.node.is_stopping() {
        return plain(StatusCode::SERVICE_UNAVAILABLE, "stopping\n");
    }
    match timeout(READY_DEADLINE, establishments::reachable(&gateway)).await {
        Ok(Ok(())) => plain(StatusCode::OK, "ready\n"),
        Ok(Err(error)) => {
            tracing::error!(%error, "not ready");
            plain(StatusCode::SERVICE_UNAVAILABLE, "not ready: the log says why\n")
        }
        Err(_) => {
            tracing::error!(deadline_s = READY_DEADLINE.as_secs(), "not ready: the stores do not answer in time");
            plain(StatusCode::SERVICE_UNAVAILABLE, "not ready: the stores do not answer in time\n")
        }
    }
}

/// For the machine itself and its private network: how busy a gateway is and how often sign-ins fail is nobody else's business.
async fn measures(State(gateway): State<Arc<Gateway>>, parts: Parts) -> Response {
    if !nearby(edge::address(&parts, &gateway)) {
        return plain(StatusCode::NOT_FOUND, "not found\n");
    }
    if let Err(error) = keeping_up::measure(&gateway, Timestamp::now()).await {
        tracing::warn!(%error, "how sources keep up is not measured for a moment");
    }
    match crate::telemetry::metrics() {
        Ok(metrics) => ([(CONTENT_TYPE, "text/plain; version=0.0.4"), (CACHE_CONTROL, "no-store")], metrics.render()).into_response(),
        Err(error) => {
            tracing::error!(%error, "no metrics");
            plain(StatusCode::SERVICE_UNAVAILABLE, "metrics are not recorded: the log says why\n")
        }
    }
}

/// Loopback (RFC 1122 §3.2.1.3, RFC 4291 §2.5.3) or private (RFC 1918, RFC 4193).
fn nearby(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_loopback() || address.is_private(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local(),
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response {
    (status, [(CACHE_CONTROL, "no-store")], text).into_response()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]
mod tests {
    use super::*;

    #[test]
    fn only_the_machine_and_private_networks_are_nearby() {
        for address in ["127.0.0.1", "10.1.2.3", "172.31.0.1", "192.168.1.1", "::1", "fd00::1", "::ffff:10.0.0.1"] {
            assert!(nearby(address.parse().unwrap()), "{address}");
        }
        for address in ["0.0.0.0", "172.32.0.1", "192.0.2.1", "203.0.113.9", "2001:db8::1", "::", "::ffff:203.0.113.9"] {
            assert!(!nearby(address.parse().unwrap()), "{address}");
        }
    }
}
