//! The crate `scim-server` behind HTTP: a SCIM service that the gateway's tests write to. The crate has no HTTP of its own and parses no filters;
//! this program brings the routes and `attribute eq "value"`, and lets the crate do the rest. Its PATCH of members is known to lose some, so the
//! service announces none. It prints its address and runs until it is killed.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use scim_server::multi_tenant::ScimOperation;
use scim_server::operation_handler::{ScimOperationHandler, ScimOperationRequest, ScimOperationResponse};
use scim_server::providers::StandardResourceProvider;
use scim_server::resource_handlers::{create_group_resource_handler, create_user_resource_handler};
use scim_server::storage::InMemoryStorage;
use scim_server::{SchemaRegistry, ScimServer};
use serde_json::{Value, json};

type Handler = ScimOperationHandler<StandardResourceProvider<InMemoryStorage>>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut server = ScimServer::new(StandardResourceProvider::new(InMemoryStorage::new()))?;
    let registry = SchemaRegistry::new()?;
    let all = || {
        let changing = [ScimOperation::Create, ScimOperation::Read, ScimOperation::Update, ScimOperation::Delete];
        changing.into_iter().chain([ScimOperation::List, ScimOperation::Search]).collect::<Vec<_>>()
    };
    server.register_resource_type("User", create_user_resource_handler(registry.get_user_schema().clone()), all())?;
    server.register_resource_type("Group", create_group_resource_handler(registry.get_group_schema().clone()), all())?;
    let handler = Arc::new(ScimOperationHandler::new(server));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, Router::new().fallback(answer).with_state(handler)).await?;
    Ok(())
}

async fn answer(State(handler): State<Arc<Handler>>, method: Method, uri: Uri, body: Bytes) -> Response {
    let parts: Vec<&str> = uri.path().trim_matches('/').split('/').collect();
    let (kind, id) = match parts.as_slice() {
        ["ServiceProviderConfig"] => {
            return told(StatusCode::OK, &json!({ "patch": { "supported": false }, "filter": { "supported": true }, "etag": { "supported": false } }));
        }
        ["Users"] => ("User", None),
        ["Groups"] => ("Group", None),
        ["Users", id] => ("User", Some(*id)),
        ["Groups", id] => ("Group", Some(*id)),
        _ => return refused(StatusCode::NOT_FOUND, "nothing here"),
    };
    let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let (request, good) = match (&method, id) {
        (&Method::POST, None) => (ScimOperationRequest::create(kind, body), StatusCode::CREATED),
        (&Method::GET, None) => return list(&handler, kind, uri.query().unwrap_or_default()).await,
        (&Method::GET, Some(id)) => (ScimOperationRequest::get(kind, id), StatusCode::OK),
        (&Method::PUT, Some(id)) => (ScimOperationRequest::update(kind, id, body), StatusCode::OK),
        (&Method::DELETE, Some(id)) => (ScimOperationRequest::delete(kind, id), StatusCode::NO_CONTENT),
        _ => return refused(StatusCode::NOT_IMPLEMENTED, "not taken"),
    };
    match handler.handle_operation(request).await {
        ScimOperationResponse { success: true, .. } if good == StatusCode::NO_CONTENT => good.into_response(),
        ScimOperationResponse { success: true, data, .. } => told(good, &data.unwrap_or_default()),
        ScimOperationResponse { error, error_code, .. } => failed(&error.unwrap_or_default(), &error_code.unwrap_or_default()),
    }
}

async fn list(handler: &Handler, kind: &str, query: &str) -> Response {
    let query: HashMap<String, String> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let wanted = query.get("filter").and_then(|filter| filter.split_once(" eq "));
    let request = match wanted {
        Some((attribute, value)) => ScimOperationRequest::search(kind, attribute, serde_json::from_str(value).unwrap_or_default()),
        None => ScimOperationRequest::list(kind),
    };
    let found = handler.handle_operation(request).await;
    let all = found.data.as_ref().and_then(Value::as_array).cloned().unwrap_or_default();
    let number = |name: &str, or: usize| query.get(name).and_then(|text| text.parse().ok()).unwrap_or(or);
    let page: Vec<&Value> = all.iter().skip(number("startIndex", 1).saturating_sub(1)).take(number("count", 100)).collect();
    told(StatusCode::OK, &json!({ "totalResults": all.len(), "Resources": page }))
}

fn failed(error: &str, code: &str) -> Response {
    let taken = error.contains("already exists") || error.to_lowercase().contains("duplicate");
    let status = match code {
        _ if taken => StatusCode::CONFLICT,
        "RESOURCE_NOT_FOUND" => StatusCode::NOT_FOUND,
        "VALIDATION_ERROR" | "INVALID_REQUEST" => StatusCode::BAD_REQUEST,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    refused(status, error)
}

fn refused(status: StatusCode, detail: &str) -> Response {
    told(status, &json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": status.as_str(), "detail": detail }))
}

fn told(status: StatusCode, body: &Value) -> Response {
    (status, [("content-type", "application/scim+json")], body.to_string()).into_response()
}
