//! Who may call: the tokens of a feed, for what that feed made, in its own establishment.

use passerelle::services::{establishments, sources, tokens};
use passerelle::types::page::PageRequest;
use serde_json::json;

use crate::harness::scim_client::{PATCH, Pushed, USER, feed_of, token_of};

/// Every endpoint that needs a token, with a method of each kind.
const ENDPOINTS: [(&str, &str); 22] = [
    ("GET", "/Users"),
    ("POST", "/Users"),
    ("GET", "/Users/x"),
    ("PUT", "/Users/x"),
    ("PATCH", "/Users/x"),
    ("DELETE", "/Users/x"),
    ("POST", "/Users/.search"),
    ("GET", "/Groups"),
    ("POST", "/Groups"),
    ("GET", "/Groups/x"),
    ("POST", "/Groups/.search"),
    ("PUT", "/Groups/x"),
    ("PATCH", "/Groups/x"),
    ("DELETE", "/Groups/x"),
    ("POST", "/.search"),
    ("POST", "/Bulk"),
    ("GET", "/Me"),
    ("POST", "/Me"),
    ("PUT", "/Me"),
    ("PATCH", "/Me"),
    ("DELETE", "/Me"),
    ("GET", "/?filter=userName+pr"),
];

#[tokio::test]
async fn nobody_reaches_people_without_the_token_of_a_feed() {
    let (pushed, feed) = Pushed::with_feed().await;
    let new = serde_json::from_value(json!({ "name": "api", "kind": "api", "scope": "administrator" })).unwrap();
    let api = tokens::create(&pushed.place.ctx, &new).await.unwrap().1.expose().to_owned();
    let elsewhere = pushed.server.establishment("Lycée Ampère").await;
    let other = feed_of(&elsewhere, "entra").await;
    for token in ["", "x", "psl__", "psl_ecole-jean-mace_AAAA", api.as_str(), other.token.as_str(), "é"] {
        for (method, path) in ENDPOINTS {
            let nobody = feed.with_token("");
            let said = match token {
                "" => nobody.said(nobody.request(method, path)).await,
                token => nobody.said(nobody.request(method, path).header("authorization", format!("Bearer {token}").into_bytes())).await,
            };
            assert_eq!(said.status, 401, "{method} {path} with {token:?}");
        }
    }
    // And the feed's own does not open the API.
    let answer = reqwest::Client::new().get(format!("{}/api/v1/establishments/{}/users", pushed.server.public_url, pushed.place.slug()));
    assert_eq!(answer.bearer_auth(&feed.token).send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn tokens_are_taken_from_the_header_alone() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let nobody = feed.with_token("");
    assert_eq!(nobody.get(&format!("/Users?access_token={}", feed.token)).await.status, 401);
    let basic = nobody.said(nobody.request("GET", "/Users").basic_auth("feed", Some(&feed.token))).await;
    assert_eq!(basic.status, 401);
    let lower = nobody.said(nobody.request("GET", "/Users").header("authorization", format!("bearer {}", feed.token))).await;
    assert_eq!(lower.status, 200, "the scheme is written in any case (RFC 9110 §11.1)");
    let challenge = nobody.get("/Users").await;
    assert!(challenge.header("www-authenticate").starts_with("Bearer"), "{}", challenge.header("www-authenticate"));
    assert!(!challenge.header("www-authenticate").contains("error"), "RFC 6750 §3.1: who brings no token reads no error");
    assert!(feed.with_token("psl_x_y").get("/Users").await.header("www-authenticate").contains("invalid_token"));
}

#[tokio::test]
async fn a_revoked_token_opens_nothing_from_now_on_and_another_of_the_feed_does() {
    let (pushed, feed) = Pushed::with_feed().await;
    let second = feed.with_token(token_of(&pushed.place, "entra").await.expose());
    let id = feed.person("élodie").await;
    assert_eq!(second.get(&format!("/Users/{id}")).await.status, 200, "both are of the same feed");
    let page = PageRequest::parse(None, None, None).unwrap();
    let all = tokens::list(&pushed.place.ctx, &page, &tokens_filter()).await.unwrap().items;
    let first = all.iter().min_by_key(|token| token.id).unwrap();
    tokens::revoke(&pushed.place.ctx, first.id).await.unwrap();
    assert_eq!(feed.get(&format!("/Users/{id}")).await.status, 401);
    assert_eq!(second.get(&format!("/Users/{id}")).await.status, 200);
}

fn tokens_filter() -> passerelle::store::establishment::api_token::Filter {
    passerelle::store::establishment::api_token::Filter { kind: Some("scim".into()), ..Default::default() }
}

#[tokio::test]
async fn a_feed_sees_and_touches_only_what_it_made() {
    let (pushed, feed) = Pushed::with_feed().await;
    let other = pushed.feed("okta").await;
    let (person, group) = (feed.person("élodie").await, feed.group("Élèves", &[]).await);
    let theirs = other.person("paul").await;
    // Whoever is local belongs to no feed.
    let local = pushed.place.user().await.id.to_string();
    let title = json!({ "schemas": [PATCH], "Operations": [{ "op": "replace", "path": "displayName", "value": "x" }] });
    let whole = json!({ "schemas": [USER], "userName": "x" });
    for path in [format!("/Users/{person}"), format!("/Groups/{group}"), format!("/Users/{local}"), format!("/Groups/{person}")] {
        assert_eq!(other.get(&path).await.status, 404, "{path}");
        assert_eq!(other.send("PATCH", &path, &title, &[]).await.status, 404, "{path}");
        assert_eq!(other.delete(&path).await.status, 404, "{path}");
    }
    assert_eq!(other.put(&format!("/Users/{person}"), &whole).await.status, 404);
    assert_eq!(other.get("/Users").await.texts("/Resources", "id"), [theirs]);
    assert_eq!(other.get("/Groups").await.counts(), (0, 0));
    assert_eq!(other.find("/Users", "userName eq \"élodie\"").await.counts(), (0, 0));
    assert_eq!(feed.get(&format!("/Users/{person}")).await.status, 200);
}

#[tokio::test]
async fn external_identifiers_are_each_feeds_own() {
    let (pushed, feed) = Pushed::with_feed().await;
    let other = pushed.feed("okta").await;
    let body = |name: &str| json!({ "schemas": [USER], "userName": name, "externalId": "42" });
    assert_eq!(feed.post("/Users", &body("élodie.jean")).await.status, 201);
    assert_eq!(other.post("/Users", &body("paul.durand")).await.status, 201);
    assert_eq!(feed.find("/Users", "externalId eq \"42\"").await.text("/Resources/0/userName"), "élodie.jean");
    assert_eq!(other.find("/Users", "externalId eq \"42\"").await.text("/Resources/0/userName"), "paul.durand");
}

#[tokio::test]
async fn a_name_that_somebody_else_holds_is_taken() {
    let (pushed, feed) = Pushed::with_feed().await;
    let other = pushed.feed("okta").await;
    other.person("paul").await;
    // The person of the harness is local.
    for name in ["elodie", "ELODIE", "paul"] {
        let said = feed.post("/Users", &json!({ "schemas": [USER], "userName": name })).await;
        assert_eq!(said.refusal(), (409, "uniqueness"), "{name}");
    }
}

#[tokio::test]
async fn a_blocked_establishment_answers_nobody() {
    let (pushed, feed) = Pushed::with_feed().await;
    establishments::block(&pushed.place.ctx).await.unwrap();
    for (method, path) in ENDPOINTS.into_iter().filter(|(_, path)| *path != "/Me") {
        assert_eq!(feed.said(feed.request(method, path)).await.status, 403, "{method} {path}");
    }
    establishments::unblock(&pushed.place.ctx).await.unwrap();
    assert_eq!(feed.get("/Users").await.status, 200);
}

#[tokio::test]
async fn a_paused_feed_is_asked_to_come_back() {
    let (pushed, feed) = Pushed::with_feed().await;
    let id = feed.person("élodie").await;
    let set = async |enabled: bool| {
        let standing = sources::get(&pushed.place.ctx, "entra").await.unwrap();
        let mut fields = sources::SourceFields::from(&standing);
        fields.enabled = enabled;
        sources::update(&pushed.place.ctx, &standing, &fields).await.unwrap();
    };
    set(false).await;
    let paused = feed.get(&format!("/Users/{id}")).await;
    assert_eq!(paused.status, 503);
    assert!(paused.header("retry-after").parse::<u32>().unwrap() > 0);
    set(true).await;
    assert_eq!(feed.get(&format!("/Users/{id}")).await.status, 200);
}

#[tokio::test]
async fn an_establishment_that_is_not_there_has_no_service() {
    let (pushed, feed) = Pushed::with_feed().await;
    let mut nowhere = feed.clone();
    for slug in ["nowhere", "platform", "École"] {
        nowhere.base = format!("{}/e/{slug}/scim/v2", pushed.server.public_url);
        for path in ["/Users", "/ServiceProviderConfig"] {
            assert_eq!(nowhere.get(path).await.status, 404, "{slug} {path}");
        }
    }
}

#[tokio::test]
async fn who_tries_tokens_for_ever_has_to_wait_and_the_feed_does_not() {
    let pushed = Pushed::start_with(|config| config.limits.sign_in_attempts_max = 1).await;
    let feed = pushed.feed("entra").await;
    let stranger = feed.with_token("psl_x_y");
    let mut told = Vec::new();
    for _ in 0..25 {
        told.push(stranger.get("/Users").await);
    }
    let last = told.last().unwrap();
    assert_eq!((told[0].status, last.status), (401, 429));
    assert!(!last.header("retry-after").is_empty());
    assert_eq!(feed.get("/Users").await.status, 200);
}
