//! Addresses that the service gives out are those of its configuration, whatever a request says of itself.

use serde_json::{Value, json};

use super::{body, raw, status, written};
use crate::harness::scim_client::{BULK, GROUP, MEDIA_TYPE, Pushed, USER};

const EVIL: &str = "evil.example";

fn forged() -> Vec<String> {
    [
        format!("content-type: {MEDIA_TYPE}"),
        format!("x-forwarded-host: {EVIL}"),
        "x-forwarded-proto: https".to_owned(),
        format!("x-forwarded-server: {EVIL}"),
        format!("forwarded: for=192.0.2.1;host={EVIL};proto=https"),
        format!("x-original-url: https://{EVIL}/"),
        format!("x-rewrite-url: https://{EVIL}/"),
        format!("origin: https://{EVIL}"),
        format!("referer: https://{EVIL}/"),
    ]
    .to_vec()
}

#[tokio::test]
async fn no_header_moves_an_address() {
    let (pushed, feed) = Pushed::with_feed().await;
    let base = feed.base.clone();
    let send = async |line: &str, sent: Value| {
        let bytes = written(&pushed, &feed, line, &forged(), sent.to_string().as_bytes());
        let bytes = String::from_utf8(bytes).unwrap().replace("host: x\r\n", &format!("host: {EVIL}\r\n"));
        raw(&pushed, bytes.as_bytes()).await
    };
    let told = send("POST /Users", json!({ "schemas": [USER], "userName": "élodie" })).await;
    assert_eq!(status(&told), 201, "{told}");
    let id = body(&told)["id"].as_str().unwrap().to_owned();
    assert!(told.contains(&format!("location: {base}/Users/{id}\r\n")), "{told}");
    assert_eq!(body(&told)["meta"]["location"], format!("{base}/Users/{id}"));
    let group = send("POST /Groups", json!({ "schemas": [GROUP], "displayName": "Élèves", "members": [{ "value": id }] })).await;
    assert_eq!(body(&group)["members"][0]["$ref"], format!("{base}/Users/{id}"), "{group}");
    let operation = json!({ "method": "POST", "path": "/Users", "bulkId": "a", "data": { "schemas": [USER], "userName": "paul" } });
    let bulk = send("POST /Bulk", json!({ "schemas": [BULK], "Operations": [operation] })).await;
    assert!(body(&bulk)["Operations"][0]["location"].as_str().unwrap().starts_with(&format!("{base}/Users/")), "{bulk}");
    let mut all = vec![told, group, bulk];
    for line in
        ["GET /Users", "GET /Groups", "GET /Schemas", "GET /ResourceTypes", "GET /ServiceProviderConfig", "GET /Users/none", "GET /nowhere"]
    {
        all.push(send(line, Value::Null).await);
    }
    assert!(all.iter().all(|told| !told.contains(EVIL)), "{all:#?}");
}

#[tokio::test]
async fn an_absolute_target_and_another_host_are_the_same_service() {
    let (pushed, feed) = Pushed::with_feed().await;
    let slug = pushed.place.slug();
    let request = format!(
        "GET http://{EVIL}/e/{slug}/scim/v2/ServiceProviderConfig HTTP/1.1\r\nhost: {EVIL}\r\nauthorization: Bearer {}\r\nconnection: close\r\n\r\n",
        feed.token
    );
    let told = raw(&pushed, request.as_bytes()).await;
    assert_eq!(status(&told), 200, "{told}");
    assert_eq!(body(&told)["meta"]["location"], format!("{}/ServiceProviderConfig", feed.base));
}
