//! Versions of what is shown: the `ETag` that a reader gets and the `If-Match` that a change may bring (RFC 9110 §8.8.3, §13.1.1).

use aws_lc_rs::digest;
use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::header::{CACHE_CONTROL, ETAG, IF_MATCH};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Serialize;
use utoipa::IntoParams;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::problem::Problem;
use crate::services::error::Error;

/// Bytes of a hash that are enough to tell versions apart.
const TAG_BYTES: usize = 16;
/// How often a change without a precondition is tried again when another came between.
const ATTEMPTS_MAX: u32 = 20;

/// The entity tag of something shown: it changes with what is shown.
fn tag(shown: &impl Serialize) -> String {
    let text = serde_json::to_vec(shown).unwrap_or_default();
    let hash = digest::digest(&digest::SHA256, &text);
    let short = hash.as_ref().get(..TAG_BYTES).unwrap_or_default();
    format!("\"{}\"", BASE64_URL_SAFE_NO_PAD.encode(short))
}

/// One thing, shown with its entity tag.
#[derive(Debug)]
pub struct Versioned<T>(pub T);

impl<T: Serialize> IntoResponse for Versioned<T> {
    fn into_response(self) -> Response {
        ([(ETAG, tag(&self.0)), (CACHE_CONTROL, "no-store".to_owned())], Json(self.0)).into_response()
    }
}

/// One thing with what changes about it by itself: only the first makes its entity tag.
#[derive(Debug)]
pub struct VersionedBy<K, T>(pub K, pub T);

impl<K: Serialize, T: Serialize> IntoResponse for VersionedBy<K, T> {
    fn into_response(self) -> Response {
        ([(ETAG, tag(&self.0)), (CACHE_CONTROL, "no-store".to_owned())], Json(self.1)).into_response()
    }
}

/// The `If-Match` of a request, when it has one.
#[derive(Clone, Debug)]
pub struct IfMatch(Option<String>);

impl IfMatch {
    /// Reads, changes what was read, and writes. A change whose caller named a version is tried once; another is tried again on what stands by
    /// then, when someone else changed it between reading and writing.
    ///
    /// # Errors
    /// Those of the attempt; `Stale`, which is 412, when others came between each time.
    pub async fn change<T, F: Future<Output = Result<T, Problem>>>(&self, attempt: impl Fn() -> F) -> Result<T, Problem> {
        for _ in 1..ATTEMPTS_MAX {
            match attempt().await {
                Err(problem) if problem.is_stale() && self.0.is_none() => {}
                outcome => return outcome,
            }
        }
        attempt().await
    }

    /// Whether the caller named a version.
    pub fn is_given(&self) -> bool {
        self.0.is_some()
    }

    /// Whether what stands is what the caller read.
    ///
    /// # Errors
    /// `Stale`, which is 412.
    pub fn check(&self, standing: &impl Serialize) -> Result<(), Problem> {
        let Some(wanted) = &self.0 else { return Ok(()) };
        let current = tag(standing);
        if wanted.split(',').map(str::trim).any(|one| one == "*" || one == current) { Ok(()) } else { Err(Error::Stale.into()) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let given = parts.headers.get(IF_MATCH).map(|value| value.to_str().map(str::to_owned));
        given.transpose().map(Self).map_err(|_| Problem::malformed("If-Match is not text", Vec::new()))
    }
}

impl IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let told = "The `ETag` that was read: what changed meanwhile is not written over, and the answer is 412.";
        let text = ObjectBuilder::new().schema_type(Type::String);
        let header = ParameterBuilder::new().name("If-Match").parameter_in(ParameterIn::Header).required(Required::False);
        vec![header.description(Some(told)).schema(Some(text)).build()]
    }
}
