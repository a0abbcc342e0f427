//! `passerelle source requests`: what an identity provider asked of a feed, on the terminal, while the gateway serves.

use passerelle::config::Config;
use passerelle::services::context::{Actor, Context};
use passerelle::services::scim::inspector;
use passerelle::types::time::Timestamp;
use reqwest::Client;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::Shell;
use crate::harness::scim_client::{BULK, PATCH, USER};

/// What an identity provider sends: a person, a change that is refused, a Bulk. Whatever was answered is kept when it is over.
async fn pushed(shell: &Shell, token: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let mut config = Config::load(None, std::iter::empty(), Some(shell.folder())).unwrap();
    config.public_url.clone_from(&base);
    let gateway = passerelle::app::open(&config).await.unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn({
        let gateway = gateway.clone();
        async move { passerelle::app::serve(gateway, listener, async { drop(stopped.await) }).await.unwrap() }
    });
    let client = Client::new();
    let send = async |method: &str, path: &str, body: Value| {
        let address = format!("{base}/e/lycee-michel/scim/v2{path}");
        let request = client.request(method.parse().unwrap(), address).bearer_auth(token).header("content-type", "application/scim+json");
        let answer = request.body(body.to_string()).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let (status, made) = send("POST", "/Users", json!({ "schemas": [USER], "userName": "élodie", "password": "hunter2" })).await;
    assert_eq!(status, 201, "{made:#}");
    let id = made["id"].as_str().unwrap().to_owned();
    let refused = json!([{ "op": "Replace", "path": "title", "value": "x" }, { "op": "Remove", "path": "emails[type eq \"home\"]" }]);
    assert_eq!(send("PATCH", &format!("/Users/{id}"), json!({ "schemas": [PATCH], "Operations": refused })).await.0, 400);
    let creation = json!({ "method": "POST", "path": "/Users", "bulkId": "z", "data": { "schemas": [USER], "userName": "zoé", "externalId": "objet-7" } });
    let removal = json!({ "method": "DELETE", "path": format!("/Users/{id}") });
    assert_eq!(send("POST", "/Bulk", json!({ "schemas": [BULK], "Operations": [creation, removal] })).await.0, 200);
    let ctx = Context::open(&gateway, "lycee-michel", Actor::System, Timestamp::now()).await.unwrap();
    inspector::flush(&ctx).await.unwrap();
    stop.send(()).unwrap();
    serving.await.unwrap();
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_a_feed_are_listed_shown_and_tried_again() {
    let shell = Shell::new();
    shell.says(&["establishment", "create", "Lycée Michel"]);
    let added = shell.json(&["source", "add", "lycee-michel", "entra", "--kind", "scim", "--map", "town=addresses.locality"]);
    assert_eq!(added["settings"], json!({ "mapping": { "town": "addresses.locality" } }));
    let made = shell.json(&["token", "create", "lycee-michel", "Entra ID", "--kind", "scim", "--source", "entra"]);
    let person = pushed(&shell, made["secret"].as_str().unwrap()).await;

    let listed = shell.json(&["source", "requests", "lycee-michel", "entra"]);
    let rows = listed.as_array().unwrap();
    let told: Vec<(&str, &str)> = rows.iter().map(|row| (row["method"].as_str().unwrap(), row["path"].as_str().unwrap())).collect();
    assert_eq!(told, [("POST", "/Bulk"), ("PATCH", format!("/Users/{person}").as_str()), ("POST", "/Users")], "newest first");
    let table = shell.says(&["source", "requests", "lycee-michel", "entra", "--refused"]);
    assert!(table.contains("noTarget") && table.contains("entra") && !table.contains("/Bulk"), "{table}");
    let refused = shell.json(&["source", "requests", "lycee-michel", "entra", "--refused"]);
    assert_eq!((refused.as_array().unwrap().len(), &refused[0]["status"]), (1, &json!(400)));
    assert_eq!(shell.json(&["source", "requests", "lycee-michel", "entra", "--limit", "1"]).as_array().unwrap().len(), 1);

    let shown = shell.json(&["source", "requests", "lycee-michel", "entra", "--show", rows[2]["id"].as_str().unwrap()]);
    assert_eq!((&shown["request"]["userName"], &shown["request"]["password"]), (&json!("élodie"), &json!("***")));
    assert_eq!(shown["changes"][0]["subject_id"], json!(person));
    let replay = |row: usize| shell.json(&["source", "requests", "lycee-michel", "entra", "--replay", rows[row]["id"].as_str().unwrap()]);
    let of_who_left = replay(1);
    assert_eq!((&of_who_left["status"], &of_who_left["changes"]), (&json!(404), &json!([])), "they left since");
    let (again, bulk) = (replay(2), replay(0));
    assert_eq!(
        (&again["status"], &again["resource"]["userName"], &again["resource"]["id"]),
        (&json!(201), &json!("élodie"), &json!(person))
    );
    let statuses: Vec<&Value> = bulk["answer"]["Operations"].as_array().unwrap().iter().map(|one| &one["status"]).collect();
    assert_eq!(statuses, [&json!("409"), &json!("404")], "zoé is there by now, and élodie is not: {bulk:#}");
    let standing = shell.json(&["user", "list", "lycee-michel"]);
    let active = standing.as_array().unwrap().iter().filter(|user| user["status"] == "active" && user["username"] != "admin");
    assert_eq!(active.map(|user| user["username"].as_str().unwrap()).collect::<Vec<_>>(), ["zoé"], "trying leaves nothing");

    let by_method = shell.json(&["source", "requests", "lycee-michel", "entra", "--method", "patch", "--status", "400"]);
    assert_eq!(by_method.as_array().unwrap().len(), 1, "{by_method}");
    assert_eq!(shell.json(&["source", "requests", "lycee-michel", "entra", "-q", "bulk"]).as_array().unwrap().len(), 1);
    let readable = shell.says(&["source", "requests", "lycee-michel", "entra", "--show", rows[2]["id"].as_str().unwrap()]);
    assert!(readable.contains("Ce qu’elle apportait") && readable.contains("user.stated") && !readable.starts_with('{'), "{readable}");
    let readable = shell.says(&["source", "requests", "lycee-michel", "entra", "--replay", rows[1]["id"].as_str().unwrap()]);
    assert!(readable.contains("404") && readable.contains("Ce qu’elle changerait"), "{readable}");
    found_and_removed(&shell);

    let nobody = "00000000-0000-0000-0000-000000000000";
    let (code, told) = shell.fails(&["source", "requests", "lycee-michel", "entra", "--replay", nobody]);
    assert!(code == 1 && told.contains(nobody), "{code} {told}");
    shell.fails(&["source", "requests", "lycee-michel", "entra", "--show", nobody, "--replay", nobody]);
    shell.fails(&["source", "requests", "lycee-michel", "okta"]);
}

/// Whom the feed pushed is found by what its identity provider calls them, and is asked about before a removal of the feed disables them.
fn found_and_removed(shell: &Shell) {
    let found = shell.json(&["user", "list", "lycee-michel", "--external-id", "objet-7"]);
    assert_eq!((found.as_array().unwrap().len(), &found[0]["username"]), (1, &json!("zoé")));
    assert_eq!(shell.json(&["user", "list", "lycee-michel", "--external-id", "objet-8"]), json!([]));
    assert!(shell.says(&["user", "show", "lycee-michel", "zoé"]).contains("entra objet-7"));
    assert_eq!(shell.json(&["user", "show", "lycee-michel", "zoé"])["external_ids"]["entra"], "objet-7");
    let (code, told) = shell.fails(&["user", "invite", "lycee-michel", "zoé"]);
    assert!(code == 1 && told.contains("no password yet") && told.contains("`reset`"), "{told}");
    assert!(shell.says(&["source", "list", "lycee-michel"]).contains("poussé vers nous"));
    let given = ["assignment", "add", "lycee-michel", "zoé", "passerelle", "auditor", "--reason", "accueil"];
    let said = shell.says(&given);
    assert!(said.contains("zoé a le rôle auditor (partout) de passerelle"), "{said}");
    let table = shell.says(&["assignment", "list", "lycee-michel", "--user", "zoé"]);
    assert!(table.contains("zoé") && table.contains("à la main"), "{table}");
    assert!(shell.says(&["user", "show", "lycee-michel", "zoé"]).contains("passerelle: auditor"));

    let (code, told) = shell.fails(&["source", "delete", "lycee-michel", "entra"]);
    assert!(code == 1 && told.contains("--people keep, disable ou purge") && told.contains("--off") && !told.contains('`'), "{told}");
    let (code, told) = shell.fails(&["source", "delete", "lycee-michel", "entra", "--people", "disable"]);
    assert!(code == 2 && told.contains("--yes") && told.contains("personnes"), "{told}");
    assert_eq!(shell.json(&["user", "list", "lycee-michel", "--external-id", "objet-7"])[0]["status"], "active", "nothing was done");
    let counted = shell.json(&["source", "delete", "lycee-michel", "entra", "--people", "disable", "--dry-run"]);
    assert!(counted["disabled"].as_u64().unwrap() >= 1, "{counted}");
}
