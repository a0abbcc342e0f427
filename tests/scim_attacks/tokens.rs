//! Tokens of feeds: how they come, and when they open nothing any more.

use futures::future::join_all;
use passerelle::services::context::Context;
use passerelle::services::error::Error;
use passerelle::services::scim::inspector;
use passerelle::services::{sources, tokens};
use passerelle::store::establishment::api_token::{ApiToken, Filter, TokenKind};
use passerelle::store::establishment::scim_request;
use passerelle::types::page::PageRequest;
use passerelle::types::time::Timestamp;
use serde_json::json;

use super::{raw, status, written};
use crate::harness::scim_client::{Pushed, USER};

async fn only_token(ctx: &Context, source: &str) -> ApiToken {
    let filter = Filter { kind: Some("scim".into()), scope: Some(source.into()), ..Filter::default() };
    tokens::list(ctx, &PageRequest::first(50), &filter).await.unwrap().items.pop().unwrap()
}

fn now(ctx: &Context) -> Context {
    Context { now: Timestamp::now(), ..ctx.clone() }
}

#[tokio::test]
async fn a_token_comes_once_and_in_the_header() {
    let (pushed, feed) = Pushed::with_feed().await;
    let nobody = feed.with_token("");
    let token = &feed.token;
    for (headers, expected) in [
        (vec![format!("Authorization: bearer {token}")], 200),
        (vec![format!("Authorization: BEARER   {token}  ")], 200),
        (vec![format!("authorization: Bearer {token}"), format!("authorization: Bearer {token}")], 401),
        (vec![format!("authorization: Bearer {token}"), "authorization: Bearer psl_x_y".to_owned()], 401),
        (vec!["authorization: Basic x".to_owned(), format!("authorization: Bearer {token}")], 401),
        (vec![format!("authorization: Bearer {token}, Bearer {token}")], 401),
        (vec![format!("authorization: Bearer \"{token}\"")], 401),
        (vec![format!("authorization: {token}")], 401),
        (vec![format!("authorization: Bearer{token}")], 401),
        (vec!["authorization: Bearer".to_owned()], 401),
        (vec!["authorization: Bearer ".to_owned()], 401),
        (vec!["authorization:".to_owned()], 401),
        (vec![format!("x-authorization: Bearer {token}")], 401),
        (vec![format!("cookie: token={token}")], 401),
        (vec![format!("authorization: Bearer {}", "x".repeat(20_000))], 401),
    ] {
        let told = raw(&pushed, &written(&pushed, &nobody, "GET /Users", &headers, b"")).await;
        assert_eq!(status(&told), expected, "{headers:?}");
    }
    for query in [format!("access_token={token}"), format!("token={token}"), format!("Authorization=Bearer%20{token}")] {
        assert_eq!(nobody.get(&format!("/Users?{query}")).await.status, 401);
        assert_eq!(feed.get(&format!("/Users?{query}")).await.status, 200, "a flag that SCIM does not know");
    }
    let seen = inspector::list(&pushed.place.ctx, "entra", &PageRequest::first(50), &scim_request::Filter::default()).await.unwrap();
    assert!(seen.total > 0 && seen.items.iter().all(|one| !one.path.contains(token.as_str())), "a token in an address is not kept");
}

#[tokio::test]
async fn a_token_that_ended_opens_nothing_whichever_way_it_ended() {
    let (pushed, feed) = Pushed::with_feed().await;
    let ctx = now(&pushed.place.ctx);
    let id = feed.person("élodie").await;
    let paths = ["/Users".to_owned(), format!("/Users/{id}"), "/Me".to_owned()];
    let opens = async |token: &str| {
        let mut told = Vec::new();
        for path in &paths {
            told.push(feed.with_token(token).get(path).await.status);
        }
        told
    };
    let (works, nothing) = (vec![200, 200, 501], vec![401, 401, 401]);
    // Replaced at once.
    let first = only_token(&ctx, "entra").await;
    let (second, secret) = tokens::rotate(&ctx, first.id, 0).await.unwrap();
    assert_eq!((opens(&feed.token).await, opens(secret.expose()).await), (nothing.clone(), works.clone()));
    // One that ended is not made to live again by being replaced, and what replaces one is replaced in its turn.
    assert!(matches!(tokens::rotate(&ctx, first.id, 3600).await, Err(Error::Conflict(_))));
    let (third, after) = tokens::rotate(&ctx, second.id, 3600).await.unwrap();
    assert!(matches!(tokens::rotate(&ctx, second.id, 90 * 24 * 3600).await, Err(Error::Conflict(_))), "nor is its end put off");
    assert_eq!((opens(secret.expose()).await, opens(after.expose()).await), (works.clone(), works.clone()));
    tokens::revoke(&ctx, second.id).await.unwrap();
    assert_eq!((opens(secret.expose()).await, opens(after.expose()).await), (nothing.clone(), works));
    // Paused: it is said to whoever has a token, and to nobody else.
    let set = async |enabled: bool| {
        let standing = sources::get(&ctx, "entra").await.unwrap();
        let fields = sources::SourceFields { enabled, ..sources::SourceFields::from(&standing) };
        sources::update(&ctx, &standing, &fields).await.unwrap();
    };
    set(false).await;
    assert_eq!((opens(after.expose()).await, opens(secret.expose()).await), (vec![503; 3], nothing.clone()));
    set(true).await;
    tokens::revoke(&ctx, third.id).await.unwrap();
    assert_eq!(opens(after.expose()).await, nothing);
}

#[tokio::test]
async fn a_feed_that_is_removed_takes_its_tokens_and_nothing_of_another() {
    let (pushed, feed) = Pushed::with_feed().await;
    let other = pushed.feed("okta").await;
    // Noted, and not written yet, when the feed goes.
    feed.get("/Users").await;
    other.get("/Users").await;
    sources::delete(&pushed.place.ctx, "entra").await.unwrap();
    let seen = inspector::list(&pushed.place.ctx, "okta", &PageRequest::first(50), &scim_request::Filter::default()).await.unwrap();
    assert_eq!(seen.total, 1, "the other feed's requests are kept");
    for (method, path) in [("GET", "/Users"), ("POST", "/Bulk"), ("GET", "/Me"), ("GET", "/Schemas")] {
        assert_eq!(feed.said(feed.request(method, path)).await.status, 401, "{method} {path}");
    }
    assert_eq!(other.post("/Users", &json!({ "schemas": [USER], "userName": "paul" })).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_replace_a_token_at_once_one_does() {
    let (pushed, feed) = Pushed::with_feed().await;
    let ctx = now(&pushed.place.ctx);
    let first = only_token(&ctx, "entra").await;
    let rotated = join_all((0..16).map(|_| tokens::rotate(&ctx, first.id, 3600))).await;
    let (made, refused): (Vec<_>, Vec<_>) = rotated.into_iter().partition(Result::is_ok);
    assert_eq!((made.len(), refused.len()), (1, 15));
    assert!(refused.iter().all(|one| matches!(one, Err(Error::Conflict(_)))));
    let (fresh, secret) = made.into_iter().next().unwrap().unwrap();
    assert_eq!((fresh.kind, fresh.scope.as_str(), fresh.expires_at), (TokenKind::Scim, "entra", None));
    for token in [secret.expose(), feed.token.as_str()] {
        assert_eq!(feed.with_token(token).get("/Users").await.status, 200, "without a gap");
    }
}
