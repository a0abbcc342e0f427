//! The face of provisioning: API and command line.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::api::kit::Served;
use crate::cli::Shell;
use crate::harness::scim_service::{ScimService, TOKEN};

#[tokio::test]
async fn a_provisioning_is_set_up_changed_and_forgotten_and_its_secret_never_shown() {
    let api = Served::start().await;
    let slug = api.establishment("Lycée Ampère").await;
    let token = api.token(&slug, "administrator").await;
    let service = ScimService::start().await;
    let base = format!("/api/v1/establishments/{slug}/applications");
    let made = api.post(&base, &token, &json!({ "name": "wiki", "roles": [{ "name": "chef" }] })).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let path = format!("{base}/wiki/provisioning");
    assert_eq!(api.get(&path, &token).await.status, 404);
    let fields = json!({ "url": service.url, "auth": { "kind": "bearer", "secret": TOKEN } });
    let set = api.send(Method::PUT, &path, Some(&token), Some(&fields)).await;
    assert_eq!((set.status, &set.body["on_loss"], &set.body["rate"]), (StatusCode::OK, &json!("deactivate"), &json!(10)), "{}", set.body);
    assert_eq!((&set.body["adopt"], &set.body["compare_every"]), (&json!("external_id"), &json!(24)));
    assert!(!set.body.to_string().contains(TOKEN));
    let shown = api.get(&path, &token).await;
    assert_eq!(shown.body["mapping"]["userName"], "{username}");
    let patched = api.patch(&path, &token, &json!({ "groups": "roles", "mapping": { "title": "{display_name}" } })).await;
    assert_eq!(
        (&patched.body["groups"], &patched.body["mapping"]["title"]),
        (&json!("roles"), &json!("{display_name}")),
        "{}",
        patched.body
    );
    for (patch, field) in [
        (json!({ "url": "http://exemple.fr/scim" }), "url"),
        (json!({ "url": "http://127.0.0.1:9/scim" }), "auth.secret"),
        (json!({ "url": format!("{}/autre", service.url) }), "auth.secret"),
        (
            json!({ "auth": { "kind": "client_credentials", "token_url": format!("{}/token", service.url), "client_id": "p" } }),
            "auth.secret",
        ),
        (json!({ "compare_every": 745 }), "compare_every"),
        (json!({ "roles": ["roi"] }), "roles"),
        (json!({ "rate": 0 }), "rate"),
        (json!({ "group_pattern": "(" }), "group_pattern"),
        (json!({ "group_name": "sans champ" }), "group_name"),
        (json!({ "mapping": { "password": "{username}" } }), "mapping.password"),
        (json!({ "auth": { "kind": "client_credentials" } }), "auth.client_id"),
        (json!({ "guard": { "max_percent": 101 } }), "guard.max_percent"),
    ] {
        let refused = api.patch(&path, &token, &patch).await;
        assert!(refused.status == 422 && refused.fields().contains(&field), "{patch}: {}", refused.body);
    }
    let steps = api.post(&format!("{path}/check"), &token, &json!({})).await;
    assert!(steps.body.as_array().unwrap().iter().all(|step| step["ok"] == true), "{}", steps.body);
    assert_eq!(api.post(&format!("{path}/reconcile"), &token, &json!({ "repair": true })).await.status, 202);
    assert_eq!(api.get(&format!("{path}/queue?state=done&kind=user"), &token).await.body["total"], 0);
    assert_eq!(api.get(&format!("{path}/drift?what=unknown"), &token).await.body["total"], 0);
    assert_eq!(api.post(&format!("{path}/approve"), &token, &json!({ "rows": 5 })).await.status, 409);
    assert_eq!(api.post(&format!("{path}/approve"), &token, &json!({})).await.status, 422, "of how many it is known");
    assert_eq!(api.post(&format!("{path}/retry"), &token, &json!({})).await.body, json!({ "rows": 0 }));
    assert_eq!(api.send(Method::DELETE, &format!("{base}/wiki"), Some(&token), None).await.status, 409, "it is provisioned");
    assert_eq!(api.send(Method::DELETE, &path, Some(&token), None).await.status, 204);
    assert_eq!(api.send(Method::DELETE, &format!("{base}/wiki"), Some(&token), None).await.status, 204);
}

fn words<'a>(rest: &[&'a str]) -> Vec<&'a str> {
    [&["application", "provisioning"], rest].concat()
}

#[test]
fn a_provisioning_is_set_up_at_the_terminal() {
    let shell = Shell::new();
    shell.says(&["establishment", "create", "Lycée Ampère", "--contact-email", "elodie@acad-test.fr"]);
    shell.says(&["application", "add", "lycee-ampere", "wiki", "--role", "chef"]);
    let secret = shell.folder().join("jeton");
    std::fs::write(&secret, format!("{TOKEN}\n")).unwrap();
    let name = ["lycee-ampere", "wiki"];
    let file = secret.to_str().unwrap();
    let set = shell.says(&words(&[
        "set",
        name[0],
        name[1],
        "https://wiki.exemple.fr/scim/v2",
        "--secret-file",
        file,
        "--dry-run",
        "--adopt",
        "name",
        "--compare-every",
        "0",
    ]));
    assert!(set.contains("wiki.exemple.fr"), "{set}");
    let shown = shell.json(&words(&["show", name[0], name[1]]));
    assert_eq!((&shown["dry_run"], &shown["auth"]["kind"]), (&json!(true), &json!("bearer")));
    assert_eq!((&shown["adopt"], &shown["compare_every"], &shown["compare_repairs"]), (&json!("name"), &json!(0), &json!(false)));
    assert!(!shown.to_string().contains(TOKEN));
    shell.says(&words(&["edit", name[0], name[1], r#"{"groups":"roles"}"#]));
    assert_eq!(shell.json(&words(&["show", name[0], name[1]]))["groups"], "roles");
    let (code, told) = shell.fails(&words(&["edit", name[0], name[1], r#"{"url":"https://ailleurs.exemple.fr/scim"}"#]));
    assert!(code == 2 && told.contains("secret"), "{told}");
    assert!(shell.says(&words(&["reconcile", name[0], name[1]])).contains("drift"));
    assert_eq!(shell.json(&words(&["queue", name[0], name[1]])), json!([]));
    assert_eq!(shell.json(&words(&["drift", name[0], name[1]])), json!([]));
    assert_eq!(shell.json(&words(&["retry", name[0], name[1]])), json!({ "rows": 0 }));
    assert_eq!(shell.fails(&words(&["approve", name[0], name[1], "--rows", "3"])).0, 1);
    shell.says(&words(&["delete", name[0], name[1]]));
    assert_eq!(shell.fails(&words(&["show", name[0], name[1]])).0, 1);
}
