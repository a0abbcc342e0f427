//! `POST /Bulk` (RFC 7644 §3.7).

use axum::response::Response;

use super::answer::{self, Refusal};
use super::body::Sent;
use super::caller::Caller;
use crate::services::scim::batch;

/// `POST /Bulk`.
pub(super) async fn carry_out(Caller(feed): Caller, Sent(body): Sent) -> Result<Response, Refusal> {
    Ok(answer::private(&batch::carry_out(&feed, &body).await?))
}
