//! What is seen of a request of a feed on its way, for whoever looks into what an identity provider does. It changes nothing of the answer.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{Method, Uri};
use axum::response::Response;
use uuid::Uuid;

use crate::services::scim::error::ScimError;
use crate::services::scim::feeds::Feed;
use crate::services::scim::inspector::{self, BODY_MAX_BYTES, Sight};

/// Where the service begins within an address.
const SERVICE: &str = "/scim/v2";

/// Travels with a request, and is told what is found out about it.
#[derive(Clone, Debug, Default)]
pub(super) struct Witness(Arc<Mutex<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    feed: Option<Feed>,
    body: Option<Bytes>,
}

/// What a request says of itself before anyone reads it.
#[derive(Debug)]
pub(super) struct Head {
    method: Method,
    path: String,
    agent: Option<String>,
}

impl Head {
    /// Of this request.
    pub(super) fn new(method: &Method, uri: &Uri, agent: Option<&str>) -> Self {
        let whole = uri.path_and_query().map_or_else(|| uri.path().to_owned(), ToString::to_string);
        let below = whole.split_once(SERVICE).map_or(whole.as_str(), |(_, below)| below);
        let path = if below.starts_with('/') { below.to_owned() } else { format!("/{below}") };
        Self { method: method.clone(), path, agent: agent.map(str::to_owned) }
    }
}

impl Witness {
    /// Tells whose request it is.
    pub(super) fn saw_feed(&self, feed: &Feed) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).feed = Some(feed.clone());
    }

    /// Tells what it brings.
    pub(super) fn saw_body(&self, body: &Bytes) {
        if body.len() <= BODY_MAX_BYTES {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).body = Some(body.clone());
        }
    }

    /// Notes what became of the request, when it was a feed's.
    pub(super) fn testify(&self, id: Uuid, head: Head, response: &mut Response, took: Duration) {
        let seen = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let Some(feed) = seen.feed else { return };
        let sight = Sight {
            id,
            at: feed.ctx.now,
            method: head.method.to_string(),
            path: head.path,
            agent: head.agent,
            body: seen.body.map(|body| body.to_vec()),
            status: response.status().as_u16(),
            took,
            error: response.extensions_mut().remove::<ScimError>(),
        };
        inspector::note(&feed, sight);
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_told_below_the_service() {
        let path = |uri: &str| Head::new(&Method::GET, &Uri::try_from(uri).unwrap(), None).path;
        assert_eq!(path("/e/lycee/scim/v2/Users?count=1"), "/Users?count=1");
        assert_eq!(path("/e/lycee/scim/v2"), "/");
        assert_eq!(path("/e/lycee/scim/v2?filter=x"), "/?filter=x");
    }
}
