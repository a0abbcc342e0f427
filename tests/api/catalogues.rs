//! Catalogues: listed, imported, exported, shown as tables; and who waits for a role.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::kit::Served;

async fn school() -> (Served, String, String) {
    let api = Served::start().await;
    let slug = api.establishment("Lycée Ampère").await;
    let token = api.token(&slug, "administrator").await;
    (api, format!("/api/v1/establishments/{slug}"), token)
}

#[tokio::test]
async fn a_shipped_catalogue_is_found_tried_imported_and_listed_as_installed() {
    let (api, base, token) = school().await;
    let listed = async || api.get(&format!("{base}/applications/catalogue"), &token).await.body;
    let names = listed().await["items"].as_array().unwrap().iter().map(|i| i["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert!(names.len() == 9 && names.contains(&"espace-securise".to_owned()), "{names:?}");
    let import = format!("{base}/applications/import");
    let tried = api.post(&format!("{import}?dry_run=true"), &token, &json!({ "catalogue": "grafana" })).await;
    assert_eq!((tried.status, &tried.body["created"], &tried.body["written"]), (StatusCode::OK, &json!(true), &json!(false)));
    assert_eq!(api.get(&format!("{base}/applications/grafana"), &token).await.status, StatusCode::NOT_FOUND);
    let imported = api.post(&import, &token, &json!({ "catalogue": "grafana" })).await;
    assert_eq!(imported.body["written"], true, "{:?}", imported.body);
    let grafana = listed().await["items"].as_array().unwrap().iter().find(|i| i["name"] == "grafana").unwrap().clone();
    assert_eq!((&grafana["installed"], &grafana["installed_version"]), (&json!(true), &json!("1")));
    let unknown = api.post(&import, &token, &json!({ "catalogue": "nothing" })).await;
    assert_eq!((unknown.status, unknown.fields()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["catalogue"]));
    let events = api.get(&format!("{base}/audit?action=application.created"), &token).await;
    assert_eq!(events.body["total"], 1);
}

#[tokio::test]
async fn what_is_exported_imports_elsewhere_as_it_was() {
    let (api, base, token) = school().await;
    api.post(&format!("{base}/applications/import"), &token, &json!({ "catalogue": "espace-securise" })).await;
    let export = format!("{base}/applications/espace-securise/export");
    let toml = api.get(&export, &token).await;
    assert_eq!(
        (toml.header("content-type"), toml.header("content-disposition")),
        ("application/toml", "attachment; filename=\"espace-securise.toml\"")
    );
    let by_header = api.send_with(Method::GET, &export, Some(&token), None, &[("accept", "application/json")]).await;
    let json = api.get(&format!("{export}?format=json"), &token).await;
    assert_eq!((json.header("content-type"), &json.body), ("application/json", &by_header.body));
    let other = api.establishment("École Curie").await;
    let import = format!("/api/v1/establishments/{other}/applications/import");
    let token = api.token(&other, "administrator").await;
    let imported = api.post(&import, &token, &json.body).await;
    assert_eq!(imported.body["written"], true, "{:?}", imported.body);
    let text = json!({ "text": toml.body.as_str().unwrap() });
    let again = api.post(&import, &token, &text).await;
    assert_eq!((&again.body["written"], &again.body["created"]), (&json!(false), &json!(false)), "{:?}", again.body);
    let wrong = api.post(&import, &token, &json!({ "text": "name = \"x\"\n[[roles]]\nname = 3\n" })).await;
    assert!(wrong.fields() == ["catalogue"] && wrong.body.to_string().contains("line 3"), "{:?}", wrong.body);
    let mut level = json.body.clone();
    level["roles"][0]["privileges"]["units.manage"] = json!("write");
    assert_eq!(api.post(&import, &token, &level).await.fields(), ["roles[0].privileges.units.manage"]);
}

#[tokio::test]
async fn a_newer_edition_is_tried_refused_while_roles_are_given_and_imported_after() {
    let (api, base, token) = school().await;
    let import = format!("{base}/applications/import");
    api.post(&import, &token, &json!({ "catalogue": "omenori" })).await;
    let person = api.post(&format!("{base}/users"), &token, &json!({ "username": "zoe" })).await.body["id"].clone();
    let given = json!({ "user": person, "application": "omenori", "role": "MA" });
    let assignment = api.post(&format!("{base}/assignments"), &token, &given).await.body["id"].as_str().unwrap().to_owned();
    let mut edition = api.get(&format!("{base}/applications/omenori/export?format=json"), &token).await.body;
    edition["policy"]["version"] = json!("2");
    edition["roles"].as_array_mut().unwrap().retain(|role| role["name"] != "MA");
    let tried = api.post(&format!("{import}?dry_run=true"), &token, &edition).await;
    assert_eq!((tried.status, &tried.body["difference"]["roles_removed"]), (StatusCode::OK, &json!(["MA"])));
    assert_eq!(tried.body["in_the_way"].as_array().unwrap().len(), 1, "{:?}", tried.body);
    assert_eq!(api.post(&import, &token, &edition).await.status, StatusCode::CONFLICT);
    api.post(&format!("{base}/assignments/{assignment}/end"), &token, &json!({})).await;
    assert_eq!(api.post(&import, &token, &edition).await.body["written"], true);
    let patched = api.patch(&format!("{base}/applications/omenori"), &token, &json!({ "roles": [] , "default_role": null })).await;
    assert!(matches!(patched.status, StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY), "{:?}", patched.body);
}

#[tokio::test]
async fn the_matrix_and_those_who_wait_are_shown() {
    let (api, base, token) = school().await;
    api.post(&format!("{base}/applications/import"), &token, &json!({ "catalogue": "omenori" })).await;
    let matrix = api.get(&format!("{base}/applications/omenori/matrix"), &token).await.body;
    let published: Value = serde_json::from_str(include_str!("../data/omenori_matrix.json")).unwrap();
    assert_eq!(matrix["roles"], published["roles"]);
    for row in matrix["rows"].as_array().unwrap() {
        let wanted = published["matrix"][row["privilege"].as_str().unwrap()].as_array().unwrap();
        for (role, level) in published["roles"].as_array().unwrap().iter().zip(wanted) {
            assert_eq!(&row["levels"][role.as_str().unwrap()], level, "{row}");
        }
    }
    let waiting = api.get(&format!("{base}/applications/omenori/pending?q=nobody"), &token).await;
    assert_eq!((waiting.status, &waiting.body["total"]), (StatusCode::OK, &json!(0)));
    assert_eq!(api.get(&format!("{base}/applications/nothing/pending"), &token).await.status, StatusCode::NOT_FOUND);
}
