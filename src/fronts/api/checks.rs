//! `…/check`: whether someone may do something, for applications that ask. Administrators ask with their tokens, an application with the secret of a
//! client of its own.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::extract::{Asking, Here, Of};
use crate::fronts::http::body::{Body, shaped};
use crate::fronts::http::problem::{Problem, Refusals};
use crate::services::error::Error;
use crate::services::roles::{self, Question, Verdict};
use crate::types::Invalid;

/// Several questions.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Questions {
    /// At most 1,000.
    #[schema(max_items = 1000)]
    checks: Vec<Question>,
}

/// One question, or several.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "its variants describe a body, which is read by its members for the sake of its errors")]
pub enum Asked {
    /// One.
    One(Question),
    /// Several.
    Several(Questions),
}

/// The answers to several questions.
#[derive(Debug, Serialize, ToSchema)]
pub struct Verdicts {
    /// In the order of the questions.
    answers: Vec<Verdict>,
}

/// The answer to one question, or to several.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Told {
    /// To one.
    One(Box<Verdict>),
    /// To several.
    Several(Verdicts),
}

/// Tells whether someone may do something: `allowed`, how far (`level`), and why. One question, or `{"checks": […]}` with up to 1,000.
#[utoipa::path(post, path = "/establishments/{slug}/check", operation_id = "check_permission", tag = "applications", params(Of),
    security(("bearer" = []), ("client" = [])), request_body = Asked, responses((status = 200, body = Told), Refusals))]
pub async fn check(Here(ctx): Here, Asking(client): Asking, Body(body): Body<Value>) -> Result<Response, Problem> {
    let several = body.get("checks").is_some();
    let questions = if several { shaped::<Questions>(body)?.checks } else { vec![shaped(body)?] };
    let answered = match client {
        Some(client) => roles::answer_client(&ctx, &client, &questions).await,
        None => roles::answer(&ctx, &questions).await,
    };
    let mut answers = answered.map_err(|error| if several { error } else { of_one(error) })?;
    let told = match answers.pop() {
        Some(only) if !several => Told::One(Box::new(only)),
        last => {
            answers.extend(last);
            Told::Several(Verdicts { answers })
        }
    };
    Ok(Json(told).into_response())
}

/// A question that came alone has no place in a list.
fn of_one(error: Error) -> Error {
    match error {
        Error::Invalid(wrong) => {
            let own = |field: &str| field.strip_prefix("checks[0].").unwrap_or(field).to_owned();
            Error::Invalid(wrong.into_iter().map(|invalid| Invalid::new(own(&invalid.field), invalid.message)).collect())
        }
        other => other,
    }
}
