//! `Idempotency-Key`: a repeated POST is carried out once.

use std::sync::Arc;

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::kit::Served;

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer() {
    let api = Served::start().await;
    let slug = api.establishment("Lycée Ampère").await;
    let token = api.token(&slug, "administrator").await;
    let users = format!("/api/v1/establishments/{slug}/users");
    let key = [("idempotency-key", "rentree-1")];
    let new = json!({ "username": "ampere" });
    let first = api.send_with(Method::POST, &users, Some(&token), Some(&new), &key).await;
    let second = api.send_with(Method::POST, &users, Some(&token), Some(&new), &key).await;
    assert_eq!((first.status, second.status), (StatusCode::CREATED, StatusCode::CREATED));
    assert_eq!((&first.body, first.header("location")), (&second.body, second.header("location")));
    assert_eq!(second.header("idempotent-replayed"), "true");
    let another = api.send_with(Method::POST, &users, Some(&token), Some(&json!({ "username": "other" })), &key).await;
    assert_eq!((another.status, another.fields()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["Idempotency-Key"]));
    // Another caller's key is another key.
    let auditor = api.token(&slug, "auditor").await;
    let by_another = api.send_with(Method::POST, &users, Some(&auditor), Some(&new), &key).await;
    assert_eq!(by_another.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_refused_request_may_be_sent_again_put_right() {
    let api = Served::start().await;
    let slug = api.establishment("Lycée Ampère").await;
    let token = api.token(&slug, "administrator").await;
    let users = format!("/api/v1/establishments/{slug}/users");
    let key = [("idempotency-key", "k")];
    let wrong = api.send_with(Method::POST, &users, Some(&token), Some(&json!({ "username": "a b" })), &key).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let right = api.send_with(Method::POST, &users, Some(&token), Some(&json!({ "username": "ab" })), &key).await;
    assert_eq!(right.status, StatusCode::CREATED);
}

#[tokio::test]
async fn of_many_at_once_one_is_carried_out() {
    let api = Arc::new(Served::start().await);
    let slug = api.establishment("Lycée Ampère").await;
    let token = api.token(&slug, "administrator").await;
    let tokens = format!("/api/v1/establishments/{slug}/tokens");
    let sent = (0..16).map(|_| {
        let (api, tokens, token) = (api.clone(), tokens.clone(), token.clone());
        tokio::spawn(async move {
            let new = json!({ "name": "once", "scope": "auditor" });
            api.send_with(Method::POST, &tokens, Some(&token), Some(&new), &[("idempotency-key", "k")]).await
        })
    });
    for answer in futures::future::join_all(sent).await {
        let status = answer.unwrap().status;
        assert!(status == StatusCode::CREATED || status == StatusCode::CONFLICT, "{status}");
    }
    assert_eq!(api.get(&format!("{tokens}?name=once"), &token).await.body["total"], 1);
}
