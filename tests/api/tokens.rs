//! API tokens: shown once, no stronger than their maker, at home in one establishment.

use passerelle::services::tokens::{self, NewToken};
use passerelle::store::establishment::api_token::TokenKind;
use passerelle::types::time::Timestamp;
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::kit::Served;

#[tokio::test]
async fn a_token_is_shown_once_used_listed_and_revoked() {
    let api = Served::start().await;
    let slug = api.establishment("Lycée Ampère").await;
    let administrator = api.token(&slug, "administrator").await;
    let tokens = format!("/api/v1/establishments/{slug}/tokens");
    let made = api.post(&tokens, &administrator, &json!({ "name": "export", "scope": "auditor" })).await;
    assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.body);
    let secret = made.body["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with(&format!("psl_{slug}_")));
    let users = format!("/api/v1/establishments/{slug}/users");
    assert_eq!(api.get(&users, &secret).await.status, StatusCode::OK);
    assert_eq!(api.post(&users, &secret, &json!({ "username": "x" })).await.status, StatusCode::FORBIDDEN);
    let listed = api.get(&format!("{tokens}?name=export"), &administrator).await;
    assert_eq!(listed.body["total"], 1);
    assert!(listed.body["items"][0]["last_used_at"].is_string() && !listed.body.to_string().contains(&secret));
    let path = made.header("location").to_owned();
    assert_eq!(api.send(Method::DELETE, &path, Some(&administrator), None).await.status, StatusCode::NO_CONTENT);
    let revoked = api.get(&users, &secret).await;
    assert_eq!((revoked.status, revoked.header("www-authenticate")), (StatusCode::UNAUTHORIZED, "Bearer realm=\"passerelle\""));
}

#[tokio::test]
async fn nobody_makes_a_token_stronger_than_they_are() {
    let api = Served::start().await;
    let slug = api.establishment("Lycée Ampère").await;
    let there = api.token(&slug, "administrator").await;
    let of_the_platform = api.token("platform", "administrator").await;
    let operator = json!({ "name": "x", "scope": "operator" });
    let refused = api.post(&format!("/api/v1/establishments/{slug}/tokens"), &there, &operator).await;
    assert_eq!((refused.status, refused.fields()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["scope"]));
    let stronger = api.post("/api/v1/establishments/platform/tokens", &of_the_platform, &operator).await;
    assert_eq!(stronger.status, StatusCode::FORBIDDEN);
    let auditor = api.token(&slug, "auditor").await;
    let by_an_auditor =
        api.post(&format!("/api/v1/establishments/{slug}/tokens"), &auditor, &json!({ "name": "x", "scope": "auditor" })).await;
    assert_eq!(by_an_auditor.status, StatusCode::FORBIDDEN);
    let past = json!({ "name": "x", "scope": "auditor", "expires_at": "2020-01-01T00:00:00Z", "kind": "scim" });
    let wrong = api.post(&format!("/api/v1/establishments/{slug}/tokens"), &there, &past).await;
    assert_eq!(wrong.fields(), ["expires_at", "scope", "source"]);
}

#[tokio::test]
async fn what_is_not_a_live_token_opens_nothing() {
    let api = Served::start().await;
    let slug = api.establishment("Lycée Ampère").await;
    let path = format!("/api/v1/establishments/{slug}/users");
    let ctx = api.test.context(&slug).await;
    let end = Timestamp::now().plus_s(3600);
    let new = NewToken {
        name: "short".to_owned(),
        kind: TokenKind::Api,
        source: None,
        scope: "auditor".to_owned(),
        within: None,
        expires_at: Some(end),
    };
    let (_, secret) = tokens::create(&ctx, &new).await.unwrap();
    assert!(tokens::authenticate(&api.test.gateway, secret.expose(), end.plus_s(-1)).await.unwrap().is_some());
    assert!(tokens::authenticate(&api.test.gateway, secret.expose(), end).await.unwrap().is_none());
    let other_home = secret.expose().replacen(&slug, "platform", 1);
    let truncated = &secret.expose()[..secret.expose().len() - 1];
    for wrong in ["", "x", "psl_", "psl__", "psl_nulle-part_x", "psl_../registry_x", &other_home, truncated] {
        let refused = api.get(&path, wrong).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{wrong}");
    }
    assert_eq!(api.send(Method::GET, &path, None, None).await.status, StatusCode::UNAUTHORIZED);
    let in_query = api.send(Method::GET, &format!("{path}?access_token={}", secret.expose()), None, None).await;
    assert_eq!(in_query.status, StatusCode::UNAUTHORIZED);
}
