//! `/establishments/{slug}/export|restore` and `/establishments/import`: whole establishments as encrypted files.

use std::fmt;
use std::sync::Arc;

use axum::Json;
use axum::body::Body as RawBody;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use serde::Deserialize;
use tracing::Instrument;
use utoipa::{IntoParams, ToSchema};

use super::extract::{Here, Of, OnPlatform};
use crate::fronts::http::answer::Created;
use crate::fronts::http::body::Body;
use crate::fronts::http::problem::{Problem, Refusals};
use crate::fronts::http::query::Query;
use crate::services::archives::{self, Imported, Key, Lock, Progress, Rehearsed, Restored, Upload};
use crate::services::context::Context;

/// The passphrase of an archive that is sent: the body is the archive itself, and an address would stand in logs.
const PASSPHRASE: HeaderName = HeaderName::from_static("passerelle-passphrase");

/// What closes the archive: exactly one of the two.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Closing {
    /// A passphrase of at least 12 characters.
    #[serde(default)]
    passphrase: Option<String>,
    /// A public key of age, `age1…`.
    #[serde(default)]
    recipient: Option<String>,
}

impl fmt::Debug for Closing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A passphrase stands in no log.
        f.debug_struct("Closing").field("recipient", &self.recipient).finish_non_exhaustive()
    }
}

impl Closing {
    fn lock(self) -> Result<Lock, Problem> {
        match (self.passphrase, self.recipient) {
            (Some(passphrase), None) => Ok(Lock::passphrase(passphrase)?),
            (None, Some(recipient)) => Ok(Lock::recipient(&recipient)?),
            _ => Err(crate::types::Invalid::new("passphrase", "give either a passphrase or a recipient").into()),
        }
    }
}

/// What an import may be asked.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Incoming {
    /// Its name in addresses here; that of the archive when left out.
    slug: Option<String>,
    /// Try the archive in a store of its own, compare, and change nothing.
    #[serde(default)]
    rehearse: bool,
}

/// What a restore may be asked.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Returning {
    /// Try the archive in a store of its own, compare, and change nothing.
    #[serde(default)]
    rehearse: bool,
}

/// Answers the whole establishment as an encrypted archive (age around gzip around tar). An operator's archive holds secrets open, for any
/// installation; an administrator's keeps them sealed, for this one. The stream breaks off when something goes wrong: such a file is refused later.
#[utoipa::path(post, path = "/establishments/{slug}/export", operation_id = "export_establishment", tag = "archives", params(Of),
    request_body = Closing, responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"), Refusals))]
pub async fn export(Here(ctx): Here, Body(closing): Body<Closing>) -> Result<Response, Problem> {
    let mut chunks = archives::stream(&ctx, &closing.lock()?)?;
    let body = RawBody::from_stream(futures::stream::poll_fn(move |cx| chunks.poll_recv(cx)));
    let headers = [
        (CONTENT_TYPE, "application/octet-stream".to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{}.age\"", ctx.slug())),
        (CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, body).into_response())
}

/// Puts an archive of this establishment back in the place of what is there, whole or not at all; everyone signs in again. The body is the archive,
/// at most 4 GiB; its passphrase comes in the header `Passerelle-Passphrase`.
#[utoipa::path(post, path = "/establishments/{slug}/restore", operation_id = "restore_establishment", tag = "archives",
    params(Of, Returning, ("Passerelle-Passphrase" = Option<String>, Header, description = "What opens the archive")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = RestoreView), Refusals))]
pub async fn restore(
    Here(ctx): Here,
    Query(wanted): Query<Returning>,
    headers: HeaderMap,
    body: RawBody,
) -> Result<Json<RestoreView>, Problem> {
    let (mut upload, key) = receive(&ctx, &headers, body).await?;
    let work = async move {
        let (path, unwatched) = (upload.end().await?, Arc::new(Progress::default()));
        Ok(Json(if wanted.rehearse {
            RestoreView::Rehearsed(archives::rehearse(&ctx, path, &key, &unwatched).await?)
        } else {
            RestoreView::Restored(archives::restore(&ctx, path, &key, &unwatched).await?)
        }))
    };
    carried_out(work).await
}

/// Takes an archive in as a new establishment. The body is the archive, at most 4 GiB; its passphrase comes in the header `Passerelle-Passphrase`.
#[utoipa::path(post, path = "/establishments/import", operation_id = "import_establishment", tag = "archives",
    params(Incoming, ("Passerelle-Passphrase" = Option<String>, Header, description = "What opens the archive")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 201, body = Imported), (status = 200, body = Rehearsed), Refusals))]
pub async fn import(
    OnPlatform(platform): OnPlatform,
    Query(wanted): Query<Incoming>,
    headers: HeaderMap,
    body: RawBody,
) -> Result<Response, Problem> {
    let (mut upload, key) = receive(platform.context(), &headers, body).await?;
    let work = async move {
        let (path, unwatched) = (upload.end().await?, Arc::new(Progress::default()));
        if wanted.rehearse {
            return Ok(Json(archives::rehearse(platform.context(), path, &key, &unwatched).await?).into_response());
        }
        let made = archives::import(&platform, path, &key, wanted.slug.as_deref(), &unwatched).await?;
        Ok(Created { location: format!("/api/v1/establishments/{}", made.establishment.slug), body: made }.into_response())
    };
    carried_out(work).await
}

/// What became of the archive.
#[derive(Debug, serde::Serialize, ToSchema)]
#[serde(untagged)]
pub enum RestoreView {
    /// It was put back.
    Restored(Restored),
    /// It was only tried.
    Rehearsed(Rehearsed),
}

/// Carries work on an archive out to its end, whether or not its caller waits: else one who hangs up would free the place of the archive while a
/// thread still reads it.
async fn carried_out<T: Send + 'static>(work: impl Future<Output = Result<T, Problem>> + Send + 'static) -> Result<T, Problem> {
    let ended = tokio::spawn(work.in_current_span()).await;
    ended.map_err(|error| Problem::internal(format!("work on an archive ended early: {error}")))?
}

/// Takes the body into a file, piece by piece.
async fn receive(ctx: &Context, headers: &HeaderMap, body: RawBody) -> Result<(Upload, Key), Problem> {
    let mut upload = Upload::begin(ctx).await?;
    let given = headers.get(PASSPHRASE).and_then(|value| String::from_utf8(value.as_bytes().to_vec()).ok());
    let key = Key::passphrase(given.unwrap_or_default())?;
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|e| Problem::malformed(format!("the body ended early: {e}"), Vec::new()))?;
        upload.take(&piece).await?;
    }
    Ok((upload, key))
}

#[cfg(test)]
mod tests {
    use super::Closing;

    #[test]
    fn a_passphrase_is_not_shown() {
        let closing = Closing { passphrase: Some("cheval pile agrafe".to_owned()), recipient: Some("age1abc".to_owned()) };
        let shown = format!("{closing:?}");
        assert!(!shown.contains("cheval") && shown.contains("age1abc"), "{shown}");
    }
}
