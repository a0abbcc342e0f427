//! The format is a standard one: any program that reads age, gzip and tar reads an archive, and finds what it says of itself.

use std::io::Read;

use age::secrecy::SecretString;
use passerelle::services::archives::Lock;
use serde_json::Value;

use super::school::{BIND_PASSWORD, School};

const PASSPHRASE: &str = "correct horse battery staple";

#[tokio::test]
async fn age_and_tar_alone_open_it() {
    let school = School::start().await;
    let file = school.save("galois.age", &Lock::passphrase(PASSPHRASE.to_owned()).unwrap()).await;
    let identity = age::scrypt::Identity::new(SecretString::from(PASSPHRASE.to_owned()));
    let decryptor = age::Decryptor::new(std::fs::File::open(&file).unwrap()).unwrap();
    let opened = decryptor.decrypt(std::iter::once(&identity as &dyn age::Identity)).unwrap();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(opened));
    let mut entries: Vec<(String, String)> = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        entries.push((entry.path().unwrap().display().to_string(), text));
    }
    let header: Value = serde_json::from_str(&entries.first().unwrap().1).unwrap();
    assert_eq!((entries.first().unwrap().0.as_str(), header["format"].as_str()), ("archive.json", Some("passerelle-archive")));
    assert_eq!(header["establishment"]["slug"], school.ctx.slug());
    let manifest: Value = serde_json::from_str(&entries.last().unwrap().1).unwrap();
    assert_eq!(entries.last().unwrap().0, "manifest.json");
    let people: Vec<Value> = entries.iter().find(|(name, _)| name == "users/000001.jsonl").unwrap().1.lines().map(line).collect();
    let counted = manifest["tables"].as_array().unwrap().iter().find(|table| table["name"] == "users").unwrap();
    assert_eq!(counted["rows"], people.len());
    assert!(people.iter().any(|person| person["username"] == "elodie"));
    let feed = line(&entries.iter().find(|(name, _)| name.starts_with("sources/")).unwrap().1);
    let secret = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, feed["secret_sealed"].as_str().unwrap()).unwrap();
    assert_eq!(secret, BIND_PASSWORD.as_bytes(), "an operator's archive needs no master key");
    for fleeting in ["sessions", "grants", "one_time_links", "idempotency_keys", "outbox"] {
        assert!(entries.iter().all(|(name, _)| !name.starts_with(fleeting)), "{fleeting}");
    }
}

fn line(text: &str) -> Value {
    serde_json::from_str(text.trim_end()).unwrap()
}
