//! `…/sources/{name}/file`: the file of a source that reads files. Its content is taken, and shown to nobody.

use axum::Json;
use axum::body::{Body as RawBody, to_bytes};
use axum::http::StatusCode;
use connectors::Content;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Here, Key, NamedOf};
use crate::fronts::http::problem::{Problem, Refusals};
use crate::fronts::http::query::Query;
use crate::services::source_files;
use crate::store::establishment::source_file::SourceFile;
use crate::types::time::Timestamp;

/// What is said of a file that is given.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Named {
    /// Its name, for messages; the source's when left out.
    file_name: Option<String>,
}

/// The file a source was given last, without its content.
#[derive(Debug, Serialize, ToSchema)]
pub struct SourceFileView {
    /// Its name.
    name: String,
    /// Its size in bytes.
    size: i64,
    /// SHA-256 of its content, in hexadecimal.
    sha256: String,
    /// Who gave it.
    given_by: String,
    /// When.
    given_at: Timestamp,
}

impl From<&SourceFile> for SourceFileView {
    fn from(file: &SourceFile) -> Self {
        let SourceFile { name, size, given_by, given_at, .. } = file.clone();
        Self { name, size, sha256: source_files::sha256(file), given_by, given_at }
    }
}

/// Shows what is known of the file a source was given last.
#[utoipa::path(get, path = "/establishments/{slug}/sources/{name}/file", operation_id = "show_source_file", tag = "sources", params(NamedOf),
    responses((status = 200, body = SourceFileView), Refusals))]
pub async fn show(Here(ctx): Here, Key(name): Key<String>) -> Result<Json<SourceFileView>, Problem> {
    Ok(Json(SourceFileView::from(&source_files::given(&ctx, &name).await?)))
}

/// Gives a source of files its file: the body is the file itself, at most `limits.source_file_max_bytes`. The next run reads it.
#[utoipa::path(put, path = "/establishments/{slug}/sources/{name}/file", operation_id = "give_source_file", tag = "sources",
    params(NamedOf, Named), request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = SourceFileView), Refusals))]
pub async fn give(
    Here(ctx): Here,
    Key(name): Key<String>,
    Query(said): Query<Named>,
    body: RawBody,
) -> Result<Json<SourceFileView>, Problem> {
    // Whoever may not give a file is told before it is read.
    source_files::may_be_given(&ctx, &name).await?;
    let most = usize::try_from(ctx.gateway.limits.source_file_max_bytes).unwrap_or(usize::MAX);
    let too_large = |_| {
        let detail = format!("the file did not arrive, or is larger than {most} bytes (`limits.source_file_max_bytes`)");
        Problem::new("too-large", "The body is too large", StatusCode::PAYLOAD_TOO_LARGE, detail)
    };
    let bytes = to_bytes(body, most).await.map_err(too_large)?;
    let content = Content { name: said.file_name.unwrap_or_else(|| name.clone()), bytes: bytes.as_ref().into() };
    Ok(Json(SourceFileView::from(&source_files::give(&ctx, &name, content).await?)))
}

/// Forgets the file a source was given. People and groups stay as they are.
#[utoipa::path(delete, path = "/establishments/{slug}/sources/{name}/file", operation_id = "forget_source_file", tag = "sources", params(NamedOf),
    responses((status = 204), Refusals))]
pub async fn forget(Here(ctx): Here, Key(name): Key<String>) -> Result<StatusCode, Problem> {
    source_files::forget(&ctx, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}
