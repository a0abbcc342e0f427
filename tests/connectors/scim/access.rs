//! Tokens: given, or come by with client credentials, and renewed when they end; never sent after a redirect, never told.

use std::sync::Arc;

use connectors::Cause;
use connectors::scim::{Fault as Told, Scim};
use serde_json::{Value, json};

use super::{Anybody, fault, settings, source_of, whole};
use crate::harness::remote_scim::{Habits, ScimService, TOKEN};

fn client(service: &ScimService, method: &str) -> Value {
    json!({ "token_url": service.base.replace("/scim/v2", "/token"), "client_id": "client", "token_endpoint_auth_method": method, "scope": "scim.read" })
}

#[tokio::test]
async fn a_token_by_client_credentials_is_renewed_when_it_ends_in_the_middle() {
    for method in ["client_secret_basic", "client_secret_post"] {
        let service = ScimService::with(Habits { tokens_end_after: Some(4), ..Habits::default() }).await;
        service.users(47);
        let scim = source_of(settings(&service.base, &client(&service, method)), "s+é").await;
        assert_eq!(whole(&scim).await.0.len(), 47);
        let asked: Vec<_> = service.heard().into_iter().filter(|one| one.path == "/token").collect();
        assert!(asked.len() > 2 && asked.iter().all(|one| one.body.contains("scope=scim.read")), "{method}: {}", asked.len());
    }
}

#[tokio::test]
async fn a_wrong_secret_and_a_wrong_token_are_told_apart() {
    let service = ScimService::with(Habits { tokens_end_after: Some(100), ..Habits::default() }).await;
    let wrong = source_of(settings(&service.base, &client(&service, "client_secret_basic")), "other").await;
    let told = fault(&wrong).await;
    assert!(matches!(&told, Told::TokenNotGiven { status: 401, text, .. } if text == "invalid_client: unknown"), "{told:?}");
    let service = ScimService::start().await;
    assert!(matches!(fault(&source_of(settings(&service.base, &json!({})), "other").await).await, Told::TokenRefused(_)));
    assert!(matches!(fault(&source_of(settings(&service.base, &json!({})), "two\nlines").await).await, Told::TokenRefused(_)));
    assert!(service.heard().iter().all(|one| one.headers["authorization"] != TOKEN));
}

#[tokio::test]
async fn a_client_without_its_secret_is_refused_before_anything_is_called() {
    let service = ScimService::start().await;
    let refused = Scim::new(settings(&service.base, &client(&service, "client_secret_basic")), None, Arc::new(Anybody)).await;
    assert!(matches!(refused.unwrap_err().cause, Cause::Service(Told::SecretMissing)));
    assert!(service.heard().is_empty());
}
