//! Whoever is not the feed: strangers, other establishments, other feeds, people and programs with tokens for something else.

use passerelle::services::users::{self, NewUser};
use passerelle::services::{establishments, sources};
use passerelle::store::establishment::{access_token, grant};
use passerelle::types::secret::Secret;
use serde_json::{Value, json};

use super::api_token;
use crate::harness::scim_client::{BULK, Feed, GROUP, Pushed, SEARCH, USER, feed_of};
use crate::harness::server::grant_of;

/// An access token of the harness's person, of a client.
async fn access_token(pushed: &Pushed, client: &str, scope: &str) -> String {
    let place = &pushed.place;
    let (_, session) = place.session(&place.user().await, 0).await;
    let given = grant::Grant { scope: scope.into(), ..grant_of(client, &session, place.ctx.now) };
    let secret = Secret::random("");
    let mut tx = place.ctx.store.begin().await.unwrap();
    assert!(grant::insert_in_session(&mut tx, &given, place.ctx.now).await.unwrap());
    access_token::insert(&mut tx, secret.hash(), given.id, scope, place.ctx.now.plus_s(300)).await.unwrap();
    tx.commit().await.unwrap();
    secret.expose().to_owned()
}

async fn asked(feed: &Feed, path: &str) -> (u16, Value) {
    let said = feed.get(path).await;
    (said.status, said.body)
}

#[tokio::test]
async fn every_token_that_opens_nothing_reads_the_same() {
    let (pushed, feed) = Pushed::with_feed().await;
    pushed.place.client("portal", |_| {}).await;
    let elsewhere = feed_of(&pushed.server.establishment("Lycée Ampère").await, "entra").await;
    let mut wrong = vec![elsewhere.token.clone(), format!("{}x", feed.token), feed.token[..feed.token.len() - 1].to_owned()];
    for role in ["administrator", "auditor"] {
        wrong.push(api_token(&pushed.place, role, None).await);
    }
    wrong.push(access_token(&pushed, "portal", "openid profile email passerelle:admin").await);
    wrong.push(format!("psl_{}_{}", pushed.place.slug(), "A".repeat(43)));
    wrong.push(feed.token.to_uppercase());
    wrong.push("psl_platform_x".to_owned());
    let mut told = Vec::new();
    for token in &wrong {
        let said = feed.with_token(token).get("/Users").await;
        told.push((said.status, said.header("www-authenticate").to_owned(), said.body));
    }
    assert!(told.iter().all(|one| *one == told[0] && one.0 == 401), "{told:#?}");
    // At /Me too: who has no access token there reads the same of every one.
    for token in wrong.iter().filter(|token| token.starts_with("psl_")) {
        assert_eq!(feed.with_token(token).get("/Me").await.status, 401, "{token}");
    }
    // A feed opens nothing else of the gateway.
    let http = reqwest::Client::new();
    let (base, slug) = (&pushed.server.public_url, pushed.place.slug());
    for path in [format!("/e/{slug}/userinfo"), format!("/api/v1/establishments/{slug}"), format!("/api/v1/establishments/{slug}/tokens")] {
        assert_eq!(http.get(format!("{base}{path}")).bearer_auth(&feed.token).send().await.unwrap().status(), 401, "{path}");
    }
}

#[tokio::test]
async fn people_read_themselves_with_a_live_token_alone() {
    let (pushed, feed) = Pushed::with_feed().await;
    pushed.place.client("portal", |_| {}).await;
    let with_scope = access_token(&pushed, "portal", "openid").await;
    let without = access_token(&pushed, "portal", "profile").await;
    assert_eq!(feed.with_token(&with_scope).get("/Me").await.status, 200);
    assert_eq!(feed.with_token(&without).get("/Me").await.status, 403);
    let elsewhere = feed_of(&pushed.server.establishment("Lycée Ampère").await, "entra").await;
    assert_eq!(elsewhere.with_token(&with_scope).get("/Me").await.status, 401, "of another establishment");
    pushed.place.change_client("portal", |client| client.enabled = false).await;
    assert_eq!(feed.with_token(&with_scope).get("/Me").await.status, 401, "its client is off");
    pushed.place.change_client("portal", |client| client.enabled = true).await;
    users::disable(&pushed.place.ctx, pushed.place.user().await.id).await.unwrap();
    assert_eq!(feed.with_token(&with_scope).get("/Me").await.status, 401, "the person is off");
}

#[tokio::test]
async fn another_feeds_resources_are_there_for_nobody_else_by_any_way() {
    let (pushed, feed) = Pushed::with_feed().await;
    let other = pushed.feed("okta").await;
    let (person, group) = (feed.person("élodie.secrète").await, feed.group("Élèves", &[]).await);
    feed.patch(&format!("/Groups/{group}"), &json!([{ "op": "add", "path": "members", "value": [{ "value": person }] }])).await;
    let local = pushed.place.user().await.id.to_string();
    let mine = other.group("Les miens", &[]).await;
    let before = [asked(&feed, &format!("/Users/{person}")).await, asked(&feed, &format!("/Groups/{group}")).await];
    for id in [&person, &group, &local] {
        for path in [format!("/Users/{id}"), format!("/Groups/{id}"), format!("/Users/{}", id.to_uppercase())] {
            assert_eq!(other.get(&path).await.status, 404, "{path}");
            assert_eq!(other.delete(&path).await.status, 404, "{path}");
            let stale = other.send("PATCH", &path, &json!({}), &[("if-match", "W/\"999\"")]).await;
            assert!(matches!(stale.status, 400 | 404), "whether it is there is not told by its version: {}", stale.status);
            let kind = if path.starts_with("/Users") {
                json!({ "schemas": [USER], "userName": "x" })
            } else {
                json!({ "schemas": [GROUP], "displayName": "x" })
            };
            assert_eq!(other.send("PUT", &path, &kind, &[("if-match", "W/\"1\", W/\"2\"")]).await.status, 404, "{path}");
        }
        // Into a group of one's own nobody else's come, whichever way they are named.
        let add = json!([{ "op": "add", "path": "members", "value": [{ "value": id, "type": "User" }] }]);
        assert!(matches!(other.patch(&format!("/Groups/{mine}"), &add).await.status, 200 | 204));
        assert!(other.members(&mine).await.is_empty(), "{id}");
        for path in ["/Users", "/Groups", "/"] {
            for filter in [
                format!("id eq \"{id}\""),
                format!("members.value eq \"{id}\""),
                format!("groups.value eq \"{id}\""),
                format!("not (id eq \"{id}\") and displayName eq \"Élèves\""),
            ] {
                let said = other.find(path, &filter).await;
                assert!(said.status == 400 || said.counts() == (0, 0), "{path} {filter}: {:#}", said.body);
            }
        }
    }
    let operations = json!([
        { "method": "DELETE", "path": format!("/Users/{person}") },
        { "method": "PATCH", "path": format!("/Groups/{group}"), "data": { "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [{ "op": "remove", "path": "members" }] } },
        { "method": "PUT", "path": format!("/Users/{local}"), "data": { "schemas": [USER], "userName": "x" } },
    ]);
    let bulk = other.post("/Bulk", &json!({ "schemas": [BULK], "Operations": operations })).await;
    assert_eq!(bulk.texts("/Operations", "status"), ["404", "404", "404"], "{:#}", bulk.body);
    assert!(!bulk.body.to_string().contains("secrète"));
    assert_eq!([asked(&feed, &format!("/Users/{person}")).await, asked(&feed, &format!("/Groups/{group}")).await], before);
}

#[tokio::test]
async fn filters_tell_nothing_of_people_whom_the_feed_does_not_state() {
    let (pushed, feed) = Pushed::with_feed().await;
    users::create(
        &pushed.place.ctx,
        &NewUser { username: "directrice".into(), email: Some("d@acad-test.fr".into()), ..NewUser::default() },
    )
    .await
    .unwrap();
    feed.person("paul").await;
    for filter in [
        "userName eq \"directrice\"",
        "userName sw \"d\"",
        "emails.value co \"acad\"",
        "emails[value eq \"d@acad-test.fr\"]",
        "not (userName eq \"paul\")",
        "userName ne \"paul\"",
        "meta.lastModified gt \"2000-01-01T00:00:00Z\" and userName ne \"paul\"",
    ] {
        assert_eq!(feed.find("/Users", filter).await.counts(), (0, 0), "{filter}");
        assert_eq!(feed.post("/.search", &json!({ "schemas": [SEARCH], "filter": filter })).await.counts(), (0, 0), "{filter}");
    }
    // That a name is taken has to be told, and nothing else of whoever has it.
    let taken = feed.post("/Users", &json!({ "schemas": [USER], "userName": "DIRECTRICE" })).await;
    assert_eq!(taken.refusal(), (409, "uniqueness"));
    assert!(!taken.body.to_string().contains("acad-test"), "{:#}", taken.body);
}

#[tokio::test]
async fn discovery_tells_of_an_establishment_what_its_pages_tell_and_no_more() {
    let (pushed, feed) = Pushed::with_feed().await;
    let gone = pushed.server.establishment("Lycée Disparu").await;
    let nobody = |slug: &str| {
        let mut nobody = feed.with_token("");
        nobody.base = format!("{}/e/{slug}/scim/v2", pushed.server.public_url);
        nobody
    };
    let gone_slug = gone.slug().to_owned();
    establishments::block(&gone.ctx).await.unwrap();
    let mut told = Vec::new();
    for path in ["/ServiceProviderConfig", "/Schemas", "/ResourceTypes", "/Users", "/Schemas/x"] {
        for slug in ["never-was", "platform", "a%2Fb", "É", "x%FF", "%C0%AE"] {
            let said = nobody(slug).get(path).await;
            assert_eq!(said.status, 404, "{slug}{path}: {:#}", said.body);
            told.push(said.text("/detail").len());
        }
        let blocked = nobody(&gone_slug).get(path).await;
        assert!(matches!(blocked.status, 200 | 401 | 404), "{path}: {}", blocked.status);
        assert!(!blocked.body.to_string().contains("Disparu"), "a stranger is not told its name: {:#}", blocked.body);
    }
    assert!(told.iter().all(|length| *length < 200), "what was asked is not answered at length");
    // The platform takes no feed: no token makes an operator.
    let platform = passerelle::services::context::PlatformContext::open(
        &pushed.server.gateway,
        passerelle::services::context::Actor::System,
        pushed.place.ctx.now,
    )
    .await
    .unwrap();
    let fields = serde_json::from_value(json!({ "name": "entra", "kind": "scim", "settings": {} })).unwrap();
    assert!(sources::create(platform.context(), &fields).await.is_err());
    let root =
        reqwest::Client::new().get(format!("{}/scim/v2/Users", pushed.server.public_url)).bearer_auth(&feed.token).send().await.unwrap();
    assert_eq!(root.status(), 404);
}
