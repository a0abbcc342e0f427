//! The API's description of itself: what no single handler states is added here, and queries are held to what it declares.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{self, RefOr, Required};
use utoipa::{Modify, OpenApi};

use super::idempotency::HEADER_NAME;
use crate::fronts::http::problem::{FieldError, Problem, refusal};
use crate::fronts::http::request::carries_archives;
use crate::services::idempotency::KEY_MAX_BYTES;

/// The frame of the description; the routes fill it.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Passerelle admin API",
        description = "Establishments, people, sources, roles and clients of an identity gateway. Answers that refuse are \
                       problem+json (RFC 9457); changes are merge patches (RFC 7396); lists go by cursor. The slug `platform` reaches \
                       the platform's own people, tokens and clients."
    ),
    components(schemas(Problem, FieldError)),
    security(("bearer" = [])),
    modifiers(&Bearer)
)]
pub struct Description;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut openapi::OpenApi) {
        let description = "An API token (`passerelle token create`, or POST …/tokens), or an access token with the scope passerelle:admin.";
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(description)).build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme));
        let description = "A confidential client's identifier and secret (RFC 6749 §2.3.1), for what it may ask about its own application.";
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Basic).description(Some(description)).build();
        components.add_security_scheme("client", SecurityScheme::Http(scheme));
    }
}

/// Adds what layers do for every operation of a kind: keys on POST, refusals of bodies.
pub fn complete(document: &mut openapi::OpenApi) {
    for (path, item) in &mut document.paths.paths {
        let archives = carries_archives(path);
        if let Some(post) = item.post.as_mut().filter(|_| !archives) {
            post.parameters.get_or_insert_default().push(RefOr::T(idempotency_key()));
        }
        for operation in [&mut item.put, &mut item.post, &mut item.patch].into_iter().flatten() {
            if operation.request_body.is_some() {
                let answers = &mut operation.responses.responses;
                answers.insert("413".to_owned(), refusal("The body is too large"));
                if archives && !path.ends_with("/export") {
                    continue;
                }
                answers.insert("415".to_owned(), refusal("The body is not JSON by its `Content-Type`"));
            }
        }
    }
}

fn idempotency_key() -> Parameter {
    let told = "A name for this request, chosen by the caller: sent again with the same key, it is not carried out twice and gets the first \
                one's answer.";
    let text = ObjectBuilder::new().schema_type(Type::String).max_length(Some(KEY_MAX_BYTES));
    ParameterBuilder::new()
        .name(HEADER_NAME)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(told))
        .schema(Some(text))
        .build()
}

/// The query parameters of each operation, by method and path.
#[derive(Debug)]
pub struct Declared(HashMap<(Method, String), BTreeSet<String>>);

impl Declared {
    /// Those that a description states.
    pub fn of(document: &openapi::OpenApi) -> Self {
        let named = document.paths.paths.iter().flat_map(|(path, item)| {
            operations(item).map(move |(method, operation)| {
                let names = operation.parameters.iter().flatten().filter_map(|parameter| match parameter {
                    RefOr::T(stated) if stated.parameter_in == ParameterIn::Query => Some(stated.name.clone()),
                    RefOr::T(_) | RefOr::Ref(_) => None,
                });
                ((method, path.clone()), names.collect())
            })
        });
        Self(named.collect())
    }

    fn check(&self, request: &Request) -> Result<(), Problem> {
        let Some(query) = request.uri().query() else { return Ok(()) };
        let Some(path) = request.extensions().get::<MatchedPath>() else { return Ok(()) };
        // HEAD is answered by what answers GET (RFC 9110 §9.3.2).
        let method = if *request.method() == Method::HEAD { Method::GET } else { request.method().clone() };
        let Some(known) = self.0.get(&(method, path.as_str().to_owned())) else { return Ok(()) };
        let given = url::form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name);
        let Some(field) = given.into_iter().find(|name| !known.contains(name.as_ref())) else { return Ok(()) };
        let names: Vec<&str> = known.iter().map(String::as_str).collect();
        let advice = if names.is_empty() { "no query parameter is".to_owned() } else { format!("these are: {}", names.join(", ")) };
        let message = format!("is not taken here, {advice}");
        let detail = format!("the query parameter {field}: {message}");
        Err(Problem::malformed(detail, vec![FieldError { field: field.into_owned(), message }]))
    }
}

fn operations(item: &PathItem) -> impl Iterator<Item = (Method, &Operation)> {
    let all = [
        (Method::GET, &item.get),
        (Method::PUT, &item.put),
        (Method::POST, &item.post),
        (Method::PATCH, &item.patch),
        (Method::DELETE, &item.delete),
    ];
    all.into_iter().filter_map(|(method, operation)| operation.as_ref().map(|operation| (method, operation)))
}

/// Refuses a query with a parameter that the operation does not declare: one passed over, such as `dry_run`, would do harm.
pub async fn declared_only(State(declared): State<Arc<Declared>>, request: Request, next: Next) -> Response {
    match declared.check(&request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}
