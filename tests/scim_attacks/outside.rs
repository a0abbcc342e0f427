//! Services that are read and written to: addresses that lead inside, and answers that mean harm.

use passerelle::services::provisioning::{self, ProvisioningFields};
use passerelle::services::sources::{self, SourceFields};
use passerelle::services::{applications, sync};
use passerelle::store::establishment::sync_run::{Mode, State};
use serde_json::{Value, json};

use crate::harness::gateway::TestGateway;
use crate::harness::listener::{Answer, Listener};
use crate::provisioning::Written;

/// Addresses of this machine and of private networks, in many ways of writing them.
const INSIDE: [&str; 24] = [
    "https://127.0.0.1/scim",
    "https://127.1/scim",
    "https://2130706433/scim",
    "https://0x7f.0.0.1/scim",
    "https://0177.0.0.1/scim",
    "https://0.0.0.0/scim",
    "https://localhost/scim",
    "https://LOCALHOST./scim",
    "https://x.localhost/scim",
    "https://10.0.0.1/scim",
    "https://172.16.0.1/scim",
    "https://192.168.0.1/scim",
    "https://100.64.0.1/scim",
    "https://169.254.169.254/latest/meta-data",
    "https://224.0.0.1/scim",
    "https://[::1]/scim",
    "https://[::]/scim",
    "https://[::ffff:127.0.0.1]/scim",
    "https://[::ffff:7f00:1]/scim",
    "https://[::ffff:a9fe:a9fe]/scim",
    "https://[fe80::1]/scim",
    "https://[fd00::1]/scim",
    "https://[64:ff9b::7f00:1]/scim",
    "http://127.0.0.1/scim",
];

/// A gateway that is served to the world, and so may not call itself.
async fn public() -> TestGateway {
    TestGateway::start_with(|config| "https://id.example.fr".clone_into(&mut config.public_url)).await
}

fn written(url: &str, token_url: Option<&str>) -> ProvisioningFields {
    let auth = match token_url {
        None => json!({ "kind": "bearer", "secret": "x" }),
        Some(url) => json!({ "kind": "client_credentials", "token_url": url, "client_id": "x", "secret": "x" }),
    };
    serde_json::from_value(json!({ "url": url, "auth": auth, "rate": 200 })).unwrap()
}

fn read(url: &str, token_url: Option<&str>) -> SourceFields {
    let mut settings = json!({ "url": url });
    match token_url {
        None => settings["token"] = json!("x"),
        Some(url) => settings
            .as_object_mut()
            .unwrap()
            .extend(json!({ "token_url": url, "client_id": "x", "client_secret": "x" }).as_object().unwrap().clone()),
    }
    serde_json::from_value(json!({ "name": "idp", "kind": "scim", "settings": settings })).unwrap()
}

#[tokio::test]
async fn addresses_inside_are_not_registered_and_not_called() {
    let test = public().await;
    let (_, ctx) = test.establishment("Lycée Ampère").await;
    applications::create(&ctx, &serde_json::from_value(json!({ "name": "wiki", "roles": [{ "name": "chef" }] })).unwrap()).await.unwrap();
    for url in INSIDE {
        for (url, token_url) in [(url, None), ("https://wiki.example.fr/scim", Some(url))] {
            let refused = provisioning::put(&ctx, "wiki", None, &written(url, token_url)).await;
            assert!(refused.is_err(), "{url} {token_url:?}");
            assert!(sources::create(&ctx, &read(url, token_url)).await.is_err(), "{url} {token_url:?}");
        }
    }
    // Names that lead to this machine: told when they are called, and nobody was.
    let mut listener = Listener::start(&[]).await;
    let port = listener.origin.rsplit(':').next().unwrap().to_owned();
    for host in ["vm", "runsc", "ip6-localhost"] {
        let url = format!("https://{host}:{port}/scim");
        let Ok(_) = provisioning::put(&ctx, "wiki", provisioning::get(&ctx, "wiki").await.ok().as_ref(), &written(&url, None)).await else {
            continue;
        };
        let steps = provisioning::check(&ctx, "wiki").await.unwrap();
        assert!(steps.iter().all(|step| !step.ok), "{steps:?}");
        assert!(steps.iter().all(|step| !step.detail.contains("127.0.0.1")), "where a name leads to within is not told: {steps:?}");
    }
    assert!(listener.rest().is_empty());
}

/// What a service says to a check of its provisioning, which gives each of these answers in turn.
async fn checked(answers: &[Answer]) -> (Vec<Value>, usize) {
    let test = TestGateway::start().await;
    let (_, ctx) = test.establishment("Lycée Ampère").await;
    applications::create(&ctx, &serde_json::from_value(json!({ "name": "wiki", "roles": [{ "name": "chef" }] })).unwrap()).await.unwrap();
    let mut listener = Listener::start(answers).await;
    provisioning::put(&ctx, "wiki", None, &written(&format!("{}/scim", listener.origin), None)).await.unwrap();
    let steps = provisioning::check(&ctx, "wiki").await.unwrap();
    let steps = steps.into_iter().map(|step| serde_json::to_value(step).unwrap()).collect();
    (steps, listener.rest().len())
}

#[tokio::test]
async fn an_answer_leads_nowhere_else_and_ends() {
    let mut elsewhere = Listener::start(&[]).await;
    let (steps, asked) = checked(&[Answer::Redirect(elsewhere.uri()), Answer::Redirect(elsewhere.uri())]).await;
    // What a service does not say of itself is taken for the least; that there is no list is told.
    assert!(steps.iter().all(|step| step["name"] == "service" || step["ok"] == false) && asked > 1, "{steps:#?}");
    assert!(elsewhere.rest().is_empty(), "no redirect is followed, and no token travels");
    let (steps, _) = checked(&[Answer::Endless, Answer::Endless]).await;
    assert!(steps.iter().any(|step| step["ok"] == false && step["detail"].as_str().unwrap().contains("longer")), "{steps:#?}");
}

#[tokio::test]
async fn a_source_that_is_read_is_bounded_too() {
    for answer in [Answer::Endless, Answer::Status(200), Answer::Redirect("http://127.0.0.1:1/".to_owned())] {
        let test = TestGateway::start().await;
        let (_, ctx) = test.establishment("Lycée Ampère").await;
        let listener = Listener::start(&[answer.clone(), answer.clone(), answer.clone(), answer.clone()]).await;
        sources::create(&ctx, &read(&format!("{}/scim", listener.origin), None)).await.unwrap();
        let run = sync::run_to_end(&ctx, "idp", Mode::Full).await.unwrap();
        assert!(run.state == State::Failed && run.error.is_some(), "{answer:?}: {run:?}");
    }
}

#[tokio::test]
async fn what_a_service_answers_is_kept_only_where_a_store_can_keep_it() {
    let mut written = Written::new(&["anne"], &[], &["anne"], json!({ "remove_unknown": true })).await;
    let long: String = (0..4_000_u32).map(|n| char::from_u32(0x4e00 + n * 7 % 20_000).unwrap()).collect();
    for id in [long.as_str(), "../../Users/x", "a b?c#d", "é"] {
        written.service.inner().users.insert(id.to_owned(), json!({ "id": id, "userName": long, "active": true }));
    }
    provisioning::reconcile(written.ctx(), "wiki", true).await.unwrap();
    written.later(1).await;
    let report = written.shown().await.state.report.unwrap();
    assert_eq!((report.unknown, report.error), (4, None));
    // A character that PostgreSQL keeps in no text is told, whoever sent it.
    written.service.inner().users.insert("nul".to_owned(), json!({ "id": "nul", "userName": "a\u{0}b", "active": true }));
    provisioning::reconcile(written.ctx(), "wiki", true).await.unwrap();
    written.later(1).await;
    let report = written.shown().await.state.report.unwrap();
    assert!(report.error.as_deref().is_some_and(|error| error.contains("NUL")), "{report:?}");
    assert!(written.named().contains(&"anne".to_owned()));
}
