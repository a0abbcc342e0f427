//! What the service says of itself (RFC 7644 §4), which anyone may read.

use serde_json::{Value, json};

use crate::harness::scim_client::{ENTERPRISE, ERROR, GROUP, LIST, OWN, Pushed, USER};

#[tokio::test]
async fn what_it_can_do_is_told_to_anyone() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let config = feed.with_token("").get("/ServiceProviderConfig").await;
    assert_eq!(config.status, 200);
    for name in ["patch", "bulk", "filter", "sort", "etag", "pagination"] {
        let told = config.body.get(name).unwrap_or_else(|| panic!("{name} is not told: {:#}", config.body));
        assert!(name == "pagination" || told["supported"] == true, "{name}: {told}");
    }
    assert_eq!(config.body["changePassword"]["supported"], false);
    assert_eq!(config.body["pagination"]["cursor"], true, "RFC 9865 §4");
    assert_eq!(config.body["authenticationSchemes"][0]["type"], "oauthbearertoken");
    assert!(config.body["filter"]["maxResults"].as_u64().unwrap() > 0);
    assert_eq!(feed.with_token("wrong").get("/ServiceProviderConfig").await.status, 401, "a token that comes is looked at");
}

#[tokio::test]
async fn every_type_leads_to_an_endpoint_and_to_its_schemas() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let types = feed.get("/ResourceTypes").await;
    assert_eq!((&types.body["schemas"], types.counts()), (&json!([LIST]), (2, 2)));
    for shown in types.body["Resources"].as_array().unwrap() {
        let name = shown["name"].as_str().unwrap();
        assert_eq!(&feed.get(&format!("/ResourceTypes/{name}")).await.body, shown);
        assert_eq!(feed.get(shown["endpoint"].as_str().unwrap()).await.status, 200);
        let extensions = shown["schemaExtensions"].as_array().cloned().unwrap_or_default();
        for urn in extensions.iter().map(|extension| &extension["schema"]).chain([&shown["schema"]]) {
            let schema = feed.get(&format!("/Schemas/{}", urn.as_str().unwrap())).await;
            assert_eq!((schema.status, &schema.body["id"]), (200, urn));
        }
    }
    let schemas = feed.get("/Schemas").await;
    let told = schemas.texts("/Resources", "id");
    assert!([USER, GROUP, ENTERPRISE, OWN].iter().all(|urn| told.contains(&(*urn).to_owned())), "{told:?}");
    for shown in schemas.body["Resources"].as_array().unwrap() {
        assert_eq!(shown["meta"]["location"], format!("{}/Schemas/{}", feed.base, shown["id"].as_str().unwrap()));
    }
}

#[tokio::test]
async fn discovery_is_not_filtered() {
    let (_pushed, feed) = Pushed::with_feed().await;
    // RFC 7644 §4: a filter there is 403, other parameters are passed over.
    for path in ["/Schemas", "/ResourceTypes", "/ServiceProviderConfig"] {
        assert_eq!(feed.find(path, "name eq \"User\"").await.status, 403, "{path}");
        assert_eq!(feed.get(&format!("{path}?count=1&startIndex=2")).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn the_own_extension_tells_what_the_gateway_knows() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let schema = feed.get(&format!("/Schemas/{OWN}")).await;
    let attributes = schema.body["attributes"].as_array().unwrap();
    let mutability = |name: &str| -> Value {
        let found = attributes.iter().find(|attribute| attribute["name"] == name);
        found.unwrap_or_else(|| panic!("{name} is not told"))["mutability"].clone()
    };
    assert_eq!(mutability("assignments"), "readOnly");
    for name in ["units", "homeUnit", "uai"] {
        assert!(!mutability(name).is_null());
    }
}

/// Whoever gives an identity provider a wrong address reads which is right, in its own form; whether there is such an establishment is not told.
#[tokio::test]
async fn addresses_beside_the_service_tell_where_it_is() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let (issuer, _) = feed.base.split_once("/scim/v2").unwrap();
    let (root, slug) = issuer.split_once("/e/").unwrap();
    for (path, named) in [
        (format!("/e/{slug}/scim"), slug),
        (format!("/e/{slug}/scim/"), slug),
        (format!("/e/{slug}/scim/Users"), slug),
        (format!("/e/{slug}/scim/v1/Users/7?count=1"), slug),
        ("/e/nowhere-at-all/scim/Users".to_owned(), "nowhere-at-all"),
        ("/scim/v2/Users".to_owned(), "{establishment}"),
        ("/scim".to_owned(), "{establishment}"),
    ] {
        for method in ["GET", "POST", "PATCH"] {
            let request = reqwest::Client::new().request(method.parse().unwrap(), format!("{root}{path}"));
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), 404, "{method} {path}");
            assert_eq!(answer.headers()["content-type"], "application/scim+json", "{method} {path}");
            let body: Value = answer.json().await.unwrap();
            let told = format!(
                "there is nothing of SCIM at this address: the base of the service is {root}/e/{named}/scim/v2, and /Users, /Groups and the \
                 others stand below it"
            );
            assert_eq!(body, json!({ "schemas": [ERROR], "status": "404", "detail": told }), "{method} {path}");
        }
    }
    assert_eq!(feed.get("/Users").await.status, 200, "the service itself is where it was");
    assert_eq!(feed.get("/Nothing").await.status, 404);
}
