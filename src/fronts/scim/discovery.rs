//! What the service says of itself (RFC 7644 §4), to anyone: `/ServiceProviderConfig`, `/ResourceTypes`, `/Schemas`.

use axum::response::Response;

use super::answer::{self, Refusal};
use super::caller::{Anyone, Named};
use super::query::Wanted;
use crate::services::scim::discovery::{self, Bounds};
use crate::services::scim::error::ScimError;
use crate::services::scim::feeds::base_url;
use crate::services::scim::limits::{BULK_OPERATIONS_MAX, CURSOR_LIFETIME_S, PAYLOAD_MAX_BYTES};
use crate::services::scim::resources::{COUNT_DEFAULT, COUNT_MAX};

/// `GET /ServiceProviderConfig`.
pub(super) async fn service_provider_config(Anyone(ctx): Anyone, wanted: Wanted) -> Result<Response, Refusal> {
    unfiltered(&wanted)?;
    Ok(answer::public(&discovery::service_provider_config(&base_url(&ctx), &bounds())))
}

/// `GET /ResourceTypes`.
pub(super) async fn resource_types(Anyone(ctx): Anyone, wanted: Wanted) -> Result<Response, Refusal> {
    unfiltered(&wanted)?;
    Ok(answer::public(&discovery::resource_types(&base_url(&ctx))))
}

/// `GET /ResourceTypes/{name}`.
pub(super) async fn resource_type(Anyone(ctx): Anyone, Named(name): Named) -> Result<Response, Refusal> {
    let found = discovery::resource_type(&base_url(&ctx), &name);
    Ok(answer::public(&found.ok_or_else(|| ScimError::not_found(format!("there is no type of resource «{name}»")))?))
}

/// `GET /Schemas`.
pub(super) async fn schemas(Anyone(ctx): Anyone, wanted: Wanted) -> Result<Response, Refusal> {
    unfiltered(&wanted)?;
    Ok(answer::public(&discovery::schemas(&base_url(&ctx))))
}

/// `GET /Schemas/{urn}`.
pub(super) async fn schema(Anyone(ctx): Anyone, Named(urn): Named) -> Result<Response, Refusal> {
    let found = discovery::schema(&base_url(&ctx), &urn);
    Ok(answer::public(&found.ok_or_else(|| ScimError::not_found(format!("there is no schema «{urn}»")))?))
}

/// RFC 7644 §4: a filter there is 403, so that nobody takes the whole list for what was asked.
fn unfiltered(wanted: &Wanted) -> Result<(), ScimError> {
    match wanted.filter {
        Some(_) => Err(ScimError::new(403, "what the service says of itself is not filtered: ask without a filter")),
        None => Ok(()),
    }
}

/// How much may be asked for at once.
fn bounds() -> Bounds {
    Bounds {
        bulk_operations_max: BULK_OPERATIONS_MAX,
        bulk_payload_max_bytes: PAYLOAD_MAX_BYTES,
        page_max: usize::try_from(COUNT_MAX).unwrap_or_default(),
        page_default: usize::try_from(COUNT_DEFAULT).unwrap_or_default(),
        cursor_lifetime_s: CURSOR_LIFETIME_S,
    }
}
