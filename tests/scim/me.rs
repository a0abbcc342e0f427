//! `/Me` (RFC 7644 §3.11): people read what is known of them.

use passerelle::store::establishment::access_token;
use passerelle::store::establishment::grant;
use passerelle::types::secret::Secret;
use serde_json::json;

use crate::harness::scim_client::{Feed, Pushed, USER};
use crate::harness::server::grant_of;

/// An access token of the harness's person, with a scope.
async fn access_token(pushed: &Pushed, client: &str, scope: &str) -> String {
    let place = &pushed.place;
    place.client(client, |_| {}).await;
    let (_, session) = place.session(&place.user().await, 0).await;
    let given = grant::Grant { scope: scope.into(), ..grant_of(client, &session, place.ctx.now) };
    let secret = Secret::random("");
    let mut tx = place.ctx.store.begin().await.unwrap();
    assert!(grant::insert_in_session(&mut tx, &given, place.ctx.now).await.unwrap());
    access_token::insert(&mut tx, secret.hash(), given.id, scope, place.ctx.now.plus_s(300)).await.unwrap();
    tx.commit().await.unwrap();
    secret.expose().to_owned()
}

async fn me(feed: &Feed, token: &str) -> crate::harness::scim_client::Said {
    feed.with_token(token).get("/Me").await
}

#[tokio::test]
async fn a_person_reads_their_own_resource() {
    let (pushed, feed) = Pushed::with_feed().await;
    let token = access_token(&pushed, "portal", "openid profile email groups roles").await;
    let read = me(&feed, &token).await;
    assert_eq!(read.status, 200, "{:#}", read.body);
    let person = pushed.place.user().await;
    assert_eq!((read.id(), read.text("/userName")), (person.id.to_string(), "elodie"));
    assert_eq!((read.text("/name/familyName"), read.text("/name/givenName")), ("Lefèvre", "Élodie"));
    assert_eq!(read.text("/emails/0/value"), "elodie.lefevre@acad-test.fr");
    assert_eq!((read.text("/meta/resourceType"), &read.body["active"]), ("User", &json!(true)));
    assert!(read.body["schemas"].as_array().unwrap().contains(&json!(USER)));
    let some = feed.with_token(&token).get("/Me?attributes=userName").await;
    assert_eq!(some.body.as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>(), ["id", "schemas", "userName"]);
    let again = feed.said(feed.with_token(&token).request("GET", "/Me").header("if-none-match", read.header("etag"))).await;
    assert_eq!(again.status, 304);
}

#[tokio::test]
async fn what_the_token_is_not_for_is_not_told() {
    let (pushed, feed) = Pushed::with_feed().await;
    let read = me(&feed, &access_token(&pushed, "portal", "openid profile").await).await;
    assert_eq!(read.status, 200);
    assert!(read.body.get("emails").is_none(), "{:#}", read.body);
    let refused = me(&feed, &access_token(&pushed, "other", "email").await).await;
    assert_eq!(refused.status, 403);
}

#[tokio::test]
async fn a_feed_is_nobody_and_people_change_nothing_here() {
    let (pushed, feed) = Pushed::with_feed().await;
    let token = access_token(&pushed, "portal", "openid profile email").await;
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
        assert_eq!(feed.send(method, "/Me", &json!({}), &[]).await.status, 501, "{method} by a feed");
        let by_person = feed.with_token(&token).send(method, "/Me", &json!({}), &[]).await;
        assert_eq!(by_person.status, if method == "GET" { 200 } else { 501 }, "{method} by a person");
    }
    // And a person's token opens nothing of the feed's.
    assert_eq!(feed.with_token(&token).get("/Users").await.status, 401);
    assert_eq!(me(&feed, "unknown").await.status, 401);
}

#[tokio::test]
async fn who_is_switched_off_reads_nothing() {
    let (pushed, feed) = Pushed::with_feed().await;
    let token = access_token(&pushed, "portal", "openid profile email").await;
    passerelle::services::users::disable(&pushed.place.ctx, pushed.place.user().await.id).await.unwrap();
    assert_eq!(me(&feed, &token).await.status, 401);
}
