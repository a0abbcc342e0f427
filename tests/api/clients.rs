//! Clients.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::kit::Served;

async fn school() -> (Served, String, String) {
    let api = Served::start().await;
    let slug = api.establishment("Lycée Ampère").await;
    let token = api.token(&slug, "administrator").await;
    (api, format!("/api/v1/establishments/{slug}/clients"), token)
}

#[tokio::test]
async fn a_clients_secret_is_shown_when_it_is_made_and_when_it_is_rotated() {
    let (api, clients, token) = school().await;
    let new =
        json!({ "client_id": "notes", "name": "Notes", "redirect_uris": ["https://notes.example.fr/cb"], "application": "passerelle" });
    let made = api.post(&clients, &token, &new).await;
    assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.body);
    let first = made.body["client_secret"].as_str().unwrap().to_owned();
    assert_eq!((&made.body["pkce"], &made.body["consent"], &made.body["enabled"]), (&json!("required"), &json!("ask"), &json!(true)));
    let path = format!("{clients}/notes");
    let shown = api.get(&path, &token).await;
    assert!(
        shown.body.get("client_secret").is_none() && !shown.body.to_string().contains(&first) && shown.body.get("secret_hash").is_none()
    );
    let rotated = api.post(&format!("{path}/rotate_secret"), &token, &json!({})).await;
    assert!(rotated.body["client_secret"].is_string() && rotated.body["client_secret"] != first);
    let again = api.post(&clients, &token, &new).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert_eq!(api.send(Method::DELETE, &path, Some(&token), None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(api.get(&path, &token).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn careless_clients_are_refused_with_every_reason() {
    let (api, clients, token) = school().await;
    let careless = json!({
        "name": " ", "client_id": "a b", "application": "nothing", "token_endpoint_auth_method": "none", "pkce": "optional",
        "redirect_uris": ["https://ok.example.fr/", "https://*.example.fr/"], "post_logout_redirect_uris": ["http://example.fr/"],
        "scopes": ["openid", "everything"], "claim_shape": { "claims": { "iss": { "value": "x" } } },
        "backchannel_logout_uri": "https://10.0.0.1/bye"
    });
    let refused = api.post(&clients, &token, &careless).await;
    let named = ["name", "client_id", "backchannel_logout_uri", "pkce", "redirect_uris[1]", "post_logout_redirect_uris[0]", "scopes"];
    assert_eq!((refused.status, &refused.fields()[..7]), (StatusCode::UNPROCESSABLE_ENTITY, &named[..]), "{:?}", refused.body);
    let unknown_application = api.post(&clients, &token, &json!({ "name": "Notes", "application": "nothing" })).await;
    assert_eq!(unknown_application.fields(), ["application"]);
}

#[tokio::test]
async fn a_patch_changes_what_it_names_and_a_public_client_has_no_secret() {
    let (api, clients, token) = school().await;
    let public =
        json!({ "client_id": "spa", "name": "Page", "token_endpoint_auth_method": "none", "redirect_uris": ["https://spa.example.fr/"] });
    let made = api.post(&clients, &token, &public).await;
    assert!(made.status == StatusCode::CREATED && made.body.get("client_secret").is_none());
    let path = format!("{clients}/spa");
    assert_eq!(api.post(&format!("{path}/rotate_secret"), &token, &json!({})).await.status, StatusCode::CONFLICT);
    let renamed = api.patch(&path, &token, &json!({ "name": "Page d’accueil", "consent": "skip" })).await;
    assert_eq!((&renamed.body["name"], &renamed.body["redirect_uris"]), (&json!("Page d’accueil"), &json!(["https://spa.example.fr/"])));
    assert_eq!(api.patch(&path, &token, &json!({ "client_id": "other" })).await.fields(), ["client_id"]);
    let confidential = api.patch(&path, &token, &json!({ "token_endpoint_auth_method": "client_secret_post" })).await;
    assert!(confidential.body["client_secret"].is_string(), "{:?}", confidential.body);
    let listed = api.get(&format!("{clients}?q=accueil&enabled=true"), &token).await;
    assert_eq!((&listed.body["total"], &listed.body["items"][0]["client_id"]), (&json!(1), &json!("spa")));
}

#[tokio::test]
async fn a_client_says_where_it_hears_of_sign_outs() {
    let (api, clients, token) = school().await;
    let uri = "https://notes.example.fr/bye";
    let new =
        json!({ "client_id": "notes", "name": "Notes", "redirect_uris": ["https://notes.example.fr/"], "backchannel_logout_uri": uri });
    let made = api.post(&clients, &token, &new).await;
    let told = |body: &Value| (body["backchannel_logout_uri"].clone(), body["backchannel_logout_session_required"].clone());
    assert_eq!((made.status, told(&made.body)), (StatusCode::CREATED, (json!(uri), json!(false))));
    let path = format!("{clients}/notes");
    let changed = api.patch(&path, &token, &json!({ "backchannel_logout_session_required": true })).await;
    assert_eq!(told(&changed.body), (json!(uri), json!(true)));
    for private in ["http://notes.example.fr/bye", "https://192.168.1.1/bye", "https://localhost.example.fr/bye#here", "notes"] {
        let refused = api.patch(&path, &token, &json!({ "backchannel_logout_uri": private })).await;
        assert_eq!(refused.fields(), ["backchannel_logout_uri"], "{private}");
    }
    let alone = api.patch(&path, &token, &json!({ "backchannel_logout_uri": null })).await;
    assert_eq!(alone.fields(), ["backchannel_logout_session_required"]);
    let off = json!({ "backchannel_logout_uri": null, "backchannel_logout_session_required": false });
    assert_eq!(told(&api.patch(&path, &token, &off).await.body), (Value::Null, json!(false)));
}
