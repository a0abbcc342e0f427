//! Archives over the API: streamed out, streamed in, and refused in problems that scripts can tell apart.

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::api::kit::Served;

const PASSPHRASE: &str = "cheval pile agrafe correct";

struct Caller {
    api: Served,
    token: String,
}

impl Caller {
    async fn post(&self, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Response {
        let mut request = reqwest::Client::new().post(format!("{}/api/v1/{path}", self.api.base)).bearer_auth(&self.token).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    }

    async fn export(&self, slug: &str) -> Vec<u8> {
        let json = ("content-type", "application/json");
        let wanted = json!({ "passphrase": PASSPHRASE }).to_string().into_bytes();
        let answer = self.post(&format!("establishments/{slug}/export"), &[json], wanted).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()["content-type"], "application/octet-stream");
        assert_eq!(answer.headers()["content-disposition"], format!("attachment; filename=\"{slug}.age\""));
        answer.bytes().await.unwrap().to_vec()
    }
}

async fn problem(answer: Response) -> (u16, Value) {
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap())
}

#[tokio::test]
async fn what_is_exported_is_imported_rehearsed_and_restored() {
    let api = Served::start().await;
    let slug = api.establishment("Lycée Ampère").await;
    let caller = Caller { token: api.token("platform", "operator").await, api };
    let archive = caller.export(&slug).await;
    let opens = ("passerelle-passphrase", PASSPHRASE);
    let made = caller.post("establishments/import?slug=copie", &[opens], archive.clone()).await;
    assert_eq!(made.status(), StatusCode::CREATED);
    assert_eq!(made.headers()["location"], "/api/v1/establishments/copie");
    let made: Value = made.json().await.unwrap();
    assert_eq!(made["establishment"]["slug"], "copie");
    let tried = caller.post("establishments/import?rehearse=true", &[opens], archive.clone()).await;
    assert_eq!((tried.status(), tried.json::<Value>().await.unwrap()["whole"].clone()), (StatusCode::OK, json!(true)));
    let back = caller.post(&format!("establishments/{slug}/restore"), &[opens], archive.clone()).await;
    assert_eq!((back.status(), back.json::<Value>().await.unwrap()["slug"].clone()), (StatusCode::OK, json!(slug)));
    let (status, told) = problem(caller.post("establishments/copie/restore", &[opens], archive.clone()).await).await;
    assert_eq!((status, told["type"].as_str().unwrap()), (422, "urn:passerelle:problem:archive-unfit"));
    let other = [("passerelle-passphrase", "another passphrase")];
    let (status, told) = problem(caller.post(&format!("establishments/{slug}/restore"), &other, archive.clone()).await).await;
    assert_eq!((status, told["type"].as_str().unwrap()), (422, "urn:passerelle:problem:archive-key"));
    let short = archive[..archive.len() - 20].to_vec();
    let (status, told) = problem(caller.post("establishments/import?slug=short", &[opens], short).await).await;
    assert_eq!((status, told["type"].as_str().unwrap()), (422, "urn:passerelle:problem:archive-damaged"));
    let (status, told) = problem(caller.post("establishments/import", &[], archive).await).await;
    assert_eq!((status, told["errors"][0]["field"].as_str().unwrap()), (422, "passphrase"));
    let left: Vec<_> = std::fs::read_dir(&caller.api.test.gateway.folder).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with("upload-")), "{left:?}");
}

#[tokio::test]
async fn an_archive_larger_than_other_bodies_is_taken_and_keys_do_not_keep_it() {
    let api = Served::start().await;
    let slug = api.establishment("Lycée Ampère").await;
    let caller = Caller { token: api.token(&slug, "administrator").await, api };
    let large = vec![7; caller.api.test.gateway.limits.body_max_bytes * 2];
    let headers = [("passerelle-passphrase", PASSPHRASE), ("idempotency-key", "once")];
    let (status, told) = problem(caller.post(&format!("establishments/{slug}/restore"), &headers, large).await).await;
    assert_eq!((status, told["type"].as_str().unwrap()), (422, "urn:passerelle:problem:archive-foreign"));
}
