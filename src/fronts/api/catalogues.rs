//! `…/applications/catalogue`, `import`, `export`, `matrix`, `pending`: catalogues as files, as tables, and who waits for a role.

use axum::Json;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::extract::{Here, Key, NamedOf, Of};
use crate::fronts::edge;
use crate::fronts::http::body::{Body, shaped};
use crate::fronts::http::listing::Listing;
use crate::fronts::http::problem::{Problem, Refusals};
use crate::fronts::http::query::{self, Query};
use crate::services::applications::{self, ApplicationFields, Imported, Matrix, Shipped};
use crate::services::oidc::claim_shape::ClaimShape;
use crate::store::establishment::pending::Pending;

/// The media type of TOML (RFC 9618 registers it).
const TOML: &str = "application/toml";

/// A catalogue to import, one of: the name of one that comes with the gateway, the text of a file, an application as it is exported.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "its variants describe a body, which is read member by member for the sake of its errors")]
pub enum CatalogueBody {
    /// One that comes with the gateway.
    Shipped {
        /// Its name.
        catalogue: String,
    },
    /// A file.
    Text {
        /// Its text, in TOML or JSON.
        text: String,
    },
    /// An application.
    Whole(ApplicationFields),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    catalogue: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    text: String,
}

fn read(body: Value) -> Result<ApplicationFields, Problem> {
    let fields = if body.get("catalogue").is_some() {
        applications::shipped_of(&shaped::<Named>(body)?.catalogue)?
    } else if body.get("text").is_some() {
        applications::from_catalogue(&shaped::<Text>(body)?.text)?
    } else {
        shaped(body)?
    };
    ClaimShape::parse(&fields.claim_shape)?;
    Ok(fields)
}

/// How an import goes.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Trial {
    /// Answers what would happen, and writes nothing.
    #[serde(default)]
    dry_run: bool,
    /// How many roles may be taken away: exactly so many, when they are more than the guard lets go.
    confirm_losses: Option<u64>,
}

/// Lists the catalogues that come with the gateway, by name, beside what the establishment has of them.
#[utoipa::path(get, path = "/establishments/{slug}/applications/catalogue", operation_id = "list_catalogues", tag = "applications",
    params(Of), responses((status = 200, body = Listing<Shipped>), Refusals))]
pub async fn list(Here(ctx): Here) -> Result<Json<Listing<Shipped>>, Problem> {
    Ok(Json(Listing::whole(applications::shipped(&ctx).await?)))
}

/// Imports a catalogue: adds the application, or puts this edition in the place of the one that stands. With `dry_run`, tells what would change.
#[utoipa::path(post, path = "/establishments/{slug}/applications/import", operation_id = "import_application", tag = "applications",
    params(Of, Trial), request_body = CatalogueBody, responses((status = 200, body = Imported), Refusals))]
pub async fn import(Here(ctx): Here, Query(trial): Query<Trial>, Body(body): Body<Value>) -> Result<Json<Imported>, Problem> {
    // What a file says is nobody’s to be told who may not bring one.
    applications::may_import(&ctx)?;
    let fields = read(body)?;
    if trial.dry_run {
        return Ok(Json(applications::try_import(&ctx, &fields).await?));
    }
    Ok(Json(applications::import(&ctx, &fields, trial.confirm_losses).await?))
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// As catalogues are kept.
    Toml,
    /// As the API has it.
    Json,
}

/// What an export may be asked.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Written {
    /// `toml` or `json`; what `Accept` asks for when left out, and TOML when that names neither.
    #[param(inline)]
    format: Option<Format>,
}

/// Exports an application as a catalogue file, which can be imported anywhere.
#[utoipa::path(get, path = "/establishments/{slug}/applications/{name}/export", operation_id = "export_application", tag = "applications",
    params(NamedOf, Written), responses((status = 200, content((String = "application/toml"), (ApplicationFields = "application/json"))), Refusals))]
pub async fn export(
    Here(ctx): Here,
    Key(name): Key<String>,
    Query(written): Query<Written>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let fields = applications::export(&ctx, &name).await?;
    let wants_json = || edge::header(&headers, ACCEPT).is_some_and(|accepted| accepted.contains("json") && !accepted.contains("toml"));
    let format = written.format.unwrap_or_else(|| if wants_json() { Format::Json } else { Format::Toml });
    let (extension, media_type, text) = match format {
        Format::Toml => ("toml", TOML, applications::to_toml(&fields)?),
        Format::Json => {
            let text = serde_json::to_string_pretty(&fields).map_err(|e| Problem::internal(format!("fields do not serialise: {e}")))?;
            ("json", "application/json", text)
        }
    };
    let file = format!("attachment; filename=\"{}.{extension}\"", fields.name);
    let headers = [(CONTENT_TYPE, media_type.to_owned()), (CONTENT_DISPOSITION, file), (CACHE_CONTROL, "no-store".to_owned())];
    Ok((headers, text).into_response())
}

/// Shows an application's privileges beside its roles.
#[utoipa::path(get, path = "/establishments/{slug}/applications/{name}/matrix", operation_id = "show_matrix", tag = "applications",
    params(NamedOf), responses((status = 200, body = Matrix), Refusals))]
pub async fn matrix(Here(ctx): Here, Key(name): Key<String>) -> Result<Json<Matrix>, Problem> {
    Ok(Json(applications::matrix(&ctx, &name).await?))
}

/// What a list of those who wait may be asked.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Rows of a page: 1 to 500, 50 when left out.
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Words to look for in names and addresses.
    q: Option<String>,
}

/// Lists those who have nothing but the default role, where that means to wait for an administrator. Any other role ends it.
#[utoipa::path(get, path = "/establishments/{slug}/applications/{name}/pending", operation_id = "list_pending", tag = "applications",
    params(NamedOf, Wanted), responses((status = 200, body = Listing<Pending>), Refusals))]
pub async fn pending(Here(ctx): Here, Key(name): Key<String>, Query(wanted): Query<Wanted>) -> Result<Json<Listing<Pending>>, Problem> {
    let page = query::page(wanted.limit, wanted.cursor.as_deref(), wanted.q.as_deref())?;
    Ok(Json(applications::pending(&ctx, &name, &page).await?.into()))
}
