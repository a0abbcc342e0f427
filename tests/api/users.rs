//! People.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::kit::Served;

async fn school() -> (Served, String, String) {
    let api = Served::start().await;
    let slug = api.establishment("Lycée Ampère").await;
    let token = api.token(&slug, "administrator").await;
    (api, format!("/api/v1/establishments/{slug}/users"), token)
}

#[tokio::test]
async fn someone_made_by_hand_is_pending_until_they_use_their_link() {
    let (api, users, token) = school().await;
    let new = json!({ "username": "m.curie", "given_name": "Marie", "family_name": "Curie", "email": "marie@acad-test.fr" });
    let made = api.post(&users, &token, &new).await;
    assert_eq!((made.status, &made.body["status"]), (StatusCode::CREATED, &json!("pending")), "{:?}", made.body);
    assert_eq!((&made.body["display_name"], &made.body["links"]), (&json!("Marie Curie"), &json!([])));
    assert!(made.body["link"]["url"].as_str().unwrap().contains("/invitation/"));
    assert_eq!(made.header("location"), format!("{users}/{}", made.body["id"].as_str().unwrap()));
    let shown = api.get(made.header("location"), &token).await;
    assert_eq!((shown.status, &shown.body["username"], shown.body.get("link")), (StatusCode::OK, &json!("m.curie"), None));
    let again = api.post(&users, &token, &json!({ "username": "M.CURIE" })).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn lists_go_by_cursor_search_without_accents_and_filter_exactly() {
    let (api, users, token) = school().await;
    for n in 0..5 {
        let new = json!({ "username": format!("eleve{n}"), "family_name": "Œuvrard", "given_name": format!("Zoé {n}") });
        assert_eq!(api.post(&users, &token, &new).await.status, StatusCode::CREATED);
    }
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = api.get(&format!("{users}?q=oeuvrard&limit=2{cursor}"), &token).await;
        assert_eq!(page.body["total"], 5);
        seen.extend(page.body["items"].as_array().unwrap().iter().map(|u| u["username"].as_str().unwrap().to_owned()));
        let Some(next) = page.body["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, ["eleve0", "eleve1", "eleve2", "eleve3", "eleve4"]);
    for (filter, total) in [("username=ELEVE3", 1), ("status=pending", 6), ("status=disabled", 0), ("given_name=Zo%C3%A9%203", 1)] {
        assert_eq!(api.get(&format!("{users}?{filter}"), &token).await.body["total"], total, "{filter}");
    }
}

#[tokio::test]
async fn changes_are_merge_patches_and_a_stale_one_is_refused() {
    let (api, users, token) = school().await;
    let made = api.post(&users, &token, &json!({ "username": "ampere", "given_name": "André", "email": "a@acad-test.fr" })).await;
    let path = made.header("location").to_owned();
    let read = api.get(&path, &token).await;
    let etag = read.header("etag").to_owned();
    let changed = api.send_with(Method::PATCH, &path, Some(&token), Some(&json!({ "email": null })), &[("if-match", &etag)]).await;
    assert_eq!((changed.status, &changed.body["email"], &changed.body["given_name"]), (StatusCode::OK, &Value::Null, &json!("André")));
    let stale = api.send_with(Method::PATCH, &path, Some(&token), Some(&json!({ "given_name": "X" })), &[("if-match", &etag)]).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    let fresh = changed.header("etag").to_owned();
    let fits = api.send_with(Method::PATCH, &path, Some(&token), Some(&json!({ "given_name": "X" })), &[("if-match", &fresh)]).await;
    assert_eq!((fits.status, &fits.body["given_name"]), (StatusCode::OK, &json!("X")));
    let unknown = api.patch(&path, &token, &json!({ "status": "active" })).await;
    assert_eq!((unknown.status, unknown.fields()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["status"]));
    let wrong = api.patch(&path, &token, &json!({ "email": "nobody" })).await;
    assert_eq!(wrong.fields(), ["email"]);
}

#[tokio::test]
async fn people_are_disabled_enabled_invited_and_removed_by_verbs() {
    let (api, users, token) = school().await;
    let made = api.post(&users, &token, &json!({ "username": "ampere" })).await;
    let path = made.header("location").to_owned();
    let nothing = json!({});
    let invited = api.post(&format!("{path}/invite"), &token, &nothing).await;
    assert!(invited.body["link"]["url"].is_string() && invited.body["link"]["url"] != made.body["link"]["url"]);
    let disabled = api.post(&format!("{path}/disable"), &token, &nothing).await;
    assert_eq!((&disabled.body["status"], &disabled.body["disabled_by"]), (&json!("disabled"), &json!("administrator")));
    assert_eq!(api.post(&format!("{path}/reset"), &token, &nothing).await.status, StatusCode::CONFLICT);
    assert_eq!(api.post(&format!("{path}/enable"), &token, &nothing).await.body["status"], "pending");
    // A verb needs no body at all.
    assert_eq!(api.send(Method::POST, &format!("{path}/delete"), Some(&token), None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(api.get(&path, &token).await.status, StatusCode::NOT_FOUND);
    assert_eq!(api.get(&format!("{users}/not-an-id"), &token).await.status, StatusCode::NOT_FOUND);
    let slug = users.split('/').nth(4).unwrap();
    let trail = api.get(&format!("/api/v1/establishments/{slug}/audit?action=user.disabled"), &token).await;
    assert_eq!((&trail.body["total"], &trail.body["items"][0]["subject_kind"]), (&json!(1), &json!("user")));
}

#[tokio::test]
async fn nobody_takes_over_the_account_of_someone_who_may_do_more() {
    let api = Served::start().await;
    let new = passerelle::services::users::NewUser { username: "webmestre".to_owned(), ..Default::default() };
    let (operator, _) = passerelle::services::establishments::create_operator(&api.test.platform().await, &new).await.unwrap();
    let administrator = api.token("platform", "administrator").await;
    for verb in ["invite", "reset", "disable", "enable", "delete"] {
        let path = format!("/api/v1/establishments/platform/users/{}/{verb}", operator.id);
        assert_eq!(api.post(&path, &administrator, &json!({})).await.status, StatusCode::FORBIDDEN, "{verb}");
    }
    let operators = api.token("platform", "operator").await;
    let path = format!("/api/v1/establishments/platform/users/{}/invite", operator.id);
    assert_eq!(api.post(&path, &operators, &json!({})).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_removal_that_was_only_to_be_tried_removes_nobody() {
    let api = Served::start().await;
    let slug = api.establishment("Lycée des Essais").await;
    let token = api.token(&slug, "administrator").await;
    let base = format!("/api/v1/establishments/{slug}/users");
    let made = api.post(&base, &token, &json!({ "given_name": "Ada", "family_name": "Essai", "username": "ada.essai" })).await;
    let person = format!("{base}/{}", made.body["id"].as_str().unwrap());
    let refused = api.post(&format!("{person}/delete?dry_run=true"), &token, &json!({})).await;
    assert_eq!((refused.status, refused.fields()), (StatusCode::BAD_REQUEST, vec!["dry_run"]));
    assert_eq!(api.get(&person, &token).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_body_of_another_form_and_a_path_that_is_no_text_are_told_in_problems() {
    let api = Served::start().await;
    let slug = api.establishment("Lycée des Formes").await;
    let token = api.token(&slug, "administrator").await;
    let base = format!("/api/v1/establishments/{slug}");
    let missing = api.post(&format!("{base}/tokens"), &token, &json!({ "name": "annuaire", "kind": "api" })).await;
    assert_eq!((missing.status, missing.fields()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["scope"]));
    let list = api.post(&format!("{base}/tokens"), &token, &json!([])).await;
    assert_eq!((list.status, list.fields()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["body"]));
    assert!(list.body["detail"].as_str().unwrap().contains("an object is expected"), "{:?}", list.body);
    let unreadable = api.get(&format!("{base}/users/%ff"), &token).await;
    assert_eq!((unreadable.status, unreadable.header("content-type")), (StatusCode::BAD_REQUEST, "application/problem+json"));
}

#[tokio::test]
async fn a_nul_character_is_refused_in_every_body_with_its_place_named() {
    let (api, users, token) = school().await;
    for (body, field) in [
        (json!({ "username": "a\u{0}b" }), "username"),
        (json!({ "username": "ab", "given_name": "\u{0}" }), "given_name"),
        (json!({ "username": "ab", "attributes": { "a": ["b", "c\u{0}"] } }), "attributes.a[1]"),
        (json!({ "username": "ab", "x\u{0}": 1 }), "x\u{fffd}"),
    ] {
        let refused = api.post(&users, &token, &body).await;
        assert_eq!((refused.status, &refused.body["errors"][0]["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!(field)), "{body}");
        assert!(refused.body["detail"].as_str().unwrap().contains("NUL character"), "{}", refused.body);
    }
    let made = api.post(&users, &token, &json!({ "username": "ab" })).await;
    let patch = json!({ "family_name": "a\u{0}" });
    let refused = api.send(Method::PATCH, made.header("location"), Some(&token), Some(&patch)).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
}
