//! People who leave, runs taken back and sources removed, as scripts ask for them.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::kit::Served;
use crate::harness::gateway::TestGateway;
use crate::harness::slapd::{ADMIN_DN, ADMIN_PASSWORD, BASE, Slapd};

const DIRECTORY: &str = "dn: dc=acad-test,dc=fr\nobjectClass: dcObject\nobjectClass: organization\no: Test\ndc: acad-test\n\n";

struct School {
    served: Served,
    slapd: Slapd,
    slug: String,
    token: String,
}

impl School {
    async fn with(people: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ldif = folder.path().join("small.ldif");
        let entry = |uid: &&str| format!("dn: uid={uid},{BASE}\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {uid}\nsn: {uid}\n\n");
        std::fs::write(&ldif, format!("{DIRECTORY}{}", people.iter().map(entry).collect::<String>())).unwrap();
        let served = Served::over(TestGateway::start().await).await;
        let slug = served.establishment("Lycée Louise Michel").await;
        let token = served.token(&slug, "administrator").await;
        let school = Self { served, slapd: Slapd::start(&ldif), slug, token };
        let settings = json!({
            "urls": [school.slapd.url()], "bind_dn": ADMIN_DN, "bind_password": ADMIN_PASSWORD, "base_dn": BASE, "tls": { "mode": "none" },
            "user_filter": "(objectClass=inetOrgPerson)",
        });
        let all = json!({ "max_count": 1000, "max_percent": 100 });
        let source = json!({
            "name": "ldap", "settings": settings, "leaving": { "grace_days": 30, "then": "anonymise" },
            "guard": { "people": all, "groups": all, "memberships": all, "shrink_percent": 100 },
        });
        school.answers(Method::POST, "sources", Some(source), StatusCode::CREATED).await;
        school
    }

    async fn answers(&self, method: Method, path: &str, body: Option<Value>, status: StatusCode) -> Value {
        let path = format!("/api/v1/establishments/{}/{path}", self.slug);
        let answer = self.served.send(method, &path, Some(&self.token), body.as_ref()).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
        answer.body
    }

    async fn get(&self, path: &str) -> Value {
        self.answers(Method::GET, path, None, StatusCode::OK).await
    }

    /// Starts a run and waits for its end.
    async fn run(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let begun = self.answers(method, path, body, StatusCode::ACCEPTED).await;
        let path = format!("runs/{}", begun["id"].as_str().unwrap());
        let deadline = std::time::Instant::now() + std::time::Duration::from_mins(1);
        loop {
            let run = self.get(&path).await;
            if run["state"] != "running" {
                return run;
            }
            assert!(std::time::Instant::now() < deadline, "the run does not end");
        }
    }

    async fn sync(&self) -> Value {
        self.run(Method::POST, "sources/ldap/sync", Some(json!({ "mode": "full" }))).await
    }

    async fn person(&self, username: &str) -> Value {
        let mut found = self.get(&format!("users?username={username}")).await;
        found["items"][0].take()
    }
}

#[tokio::test]
async fn a_run_is_previewed_taken_back_and_the_source_goes_on_when_it_is_told_to() {
    let school = School::with(&["anne", "bob", "chloe"]).await;
    school.sync().await;
    school.slapd.modify(&format!("dn: uid=anne,{BASE}\nchangetype: delete\n\n"));
    let run = school.sync().await;
    let anne = school.person("anne").await;
    assert_eq!((&anne["status"], &anne["leaves_then"]), (&json!("disabled"), &json!("anonymise")));
    assert!(anne["leaves_on"].is_string() && anne["links"][0]["left_at"].is_string(), "{anne}");

    let undo = format!("runs/{}/undo", run["id"].as_str().unwrap());
    let preview = school.run(Method::POST, &format!("{undo}?dry_run=true"), None).await;
    assert_eq!((&preview["mode"], &preview["undoes"], &preview["enabled"]), (&json!("preview"), &run["id"], &json!(1)));
    assert_eq!(school.person("anne").await["status"], "disabled");
    let undone = school.run(Method::POST, &undo, None).await;
    assert_eq!((&undone["mode"], &undone["state"], &undone["skipped"]), (&json!("undo"), &json!("done"), &json!(0)));
    let anne = school.person("anne").await;
    assert_eq!((&anne["status"], &anne["leaves_on"]), (&json!("active"), &Value::Null));
    assert_eq!(school.get(&format!("runs/{}", run["id"].as_str().unwrap())).await["state"], "undone");
    school.answers(Method::POST, &undo, None, StatusCode::CONFLICT).await;
    school.answers(Method::POST, "sources/ldap/resume", None, StatusCode::OK).await;
}

#[tokio::test]
async fn other_fields_are_tried_and_a_source_goes_with_its_people() {
    let school = School::with(&["anne", "bob", "chloe"]).await;
    school.sync().await;
    let narrower = json!({ "settings": { "user_filter": "(uid=anne)" } });
    let preview = school.run(Method::PATCH, "sources/ldap?dry_run=true", Some(narrower)).await;
    assert_eq!((&preview["mode"], &preview["disabled"]), (&json!("preview"), &json!(2)));
    assert_eq!(school.get("sources/ldap").await["settings"]["user_filter"], "(objectClass=inetOrgPerson)");

    school.answers(Method::DELETE, "sources/ldap", None, StatusCode::CONFLICT).await;
    school.answers(Method::DELETE, "sources/ldap?people=purge", None, StatusCode::UNPROCESSABLE_ENTITY).await;
    school.answers(Method::DELETE, "sources/ldap?people=forget", None, StatusCode::BAD_REQUEST).await;
    let counted = school.answers(Method::DELETE, "sources/ldap?people=purge&dry_run=true", None, StatusCode::OK).await;
    assert_eq!((&counted["people"], &counted["purged"]), (&json!(3), &json!(3)));
    let removal = school.answers(Method::DELETE, "sources/ldap?people=keep", None, StatusCode::OK).await;
    assert_eq!((&removal["kept"], &removal["without_password"]), (&json!(3), &json!(3)));
    school.answers(Method::GET, "sources/ldap", None, StatusCode::NOT_FOUND).await;
    assert_eq!(school.person("bob").await["links"], json!([]));
}
