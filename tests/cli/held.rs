//! `passerelle source held|proposals`, `check` and lists: what feeds wait for, how what is pushed goes, and words that no list knows.

use std::process::{Command, Stdio};

use passerelle::config::Config;
use passerelle::services::context::{Actor, Context};
use passerelle::services::provisioning;
use passerelle::services::sources;
use passerelle::store::establishment::provisioning_state::{self, ProvisioningState};
use passerelle::store::establishment::scim_held::{self, Held, HeldReason, HeldState};
use passerelle::types::time::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Shell;

fn school() -> Shell {
    let shell = Shell::new();
    shell.says(&["establishment", "create", "Lycée Michel"]);
    shell.says(&["source", "add", "lycee-michel", "entra", "--kind", "scim"]);
    shell.says(&["source", "add", "lycee-michel", "idp", "--kind", "scim", "--url", "http://127.0.0.1:9/scim/v2"]);
    // Nobody answers there: it is not to be asked.
    shell.says(&["source", "enable", "lycee-michel", "idp", "--off"]);
    shell
}

async fn inside(shell: &Shell) -> Context {
    let config = Config::load(None, std::iter::empty(), Some(shell.folder())).unwrap();
    let gateway = passerelle::app::open(&config).await.unwrap();
    Context::open(&gateway, "lycee-michel", Actor::System, Timestamp::now()).await.unwrap()
}

/// A request of the feed that its guard holds.
async fn hold(shell: &Shell) -> Uuid {
    let ctx = inside(shell).await;
    let feed = sources::get(&ctx, "entra").await.unwrap();
    let held = Held {
        id: Uuid::now_v7(),
        source_id: feed.id,
        reason: HeldReason::Guard,
        operation: "deactivate".to_owned(),
        subject_id: None,
        subject: Uuid::now_v7().to_string(),
        name: "zoé".to_owned(),
        detail: json!({ "why": "501 of 800 people in a day (limits: 500 people, 10 %)" }),
        state: HeldState::Open,
        times: 1,
        first_at: ctx.now,
        last_at: ctx.now,
        decided_at: None,
        decided_by: None,
    };
    let mut tx = ctx.store.begin().await.unwrap();
    scim_held::hold(&mut tx, &held).await.unwrap();
    tx.commit().await.unwrap();
    held.id
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_told_with_its_reason_and_the_way_out() {
    let shell = school();
    let id = hold(&shell).await.to_string();
    let table = shell.says(&["source", "held", "lycee-michel", "entra"]);
    for part in [id.as_str(), "garde-fou", "désactiver", "à décider", "501 of 800", "passerelle source held lycee-michel entra --approve"]
    {
        assert!(table.contains(part), "{part}: {table}");
    }
    let findings = shell.json(&["check"]);
    let waits = |finding: &&Value| {
        finding["what"] == "source entra" && finding["detail"].as_str().unwrap().contains("source held lycee-michel entra")
    };
    assert!(findings.as_array().unwrap().iter().any(|finding| waits(&finding)), "{findings:#}");
    let (code, told) = shell.fails(&["source", "held", "lycee-michel", "entra", "--approve", "nope"]);
    assert!(code == 2 && told.contains("01890a5d-") && !told.contains("invalid character"), "{told}");
    assert!(shell.says(&["source", "held", "lycee-michel", "entra", "--approve", &id]).contains("décidée"));
    assert_eq!(shell.json(&["source", "held", "lycee-michel", "entra"]), json!([]));
    for state in ["approved", "all"] {
        let table = shell.says(&["source", "held", "lycee-michel", "entra", "--state", state]);
        assert!(table.contains(&id) && table.contains("approuvé") && table.contains("system"), "{state}: {table}");
        assert!(!table.contains("--approve"), "nothing waits any more: {table}");
    }
    assert_eq!(shell.json(&["source", "held", "lycee-michel", "entra", "--state", "refused"]), json!([]));
}

#[test]
fn a_source_that_is_not_there_or_is_no_feed_is_told() {
    let shell = school();
    for command in ["held", "requests", "proposals"] {
        let (code, told) = shell.fails(&["source", command, "lycee-michel", "nope"]);
        assert!(code == 1 && told.contains("no such source «nope»"), "{command}: {told}");
    }
    for command in ["held", "requests"] {
        let (code, told) = shell.fails(&["source", command, "lycee-michel", "idp"]);
        assert!(code == 1 && told.contains("on n’y pousse rien"), "{command}: {told}");
    }
    assert_eq!(shell.json(&["source", "proposals", "lycee-michel", "idp"]), json!([]), "a source that is read has proposals too");
}

#[test]
fn words_that_a_list_does_not_know_are_refused_with_those_it_knows() {
    let shell = school();
    let queue = ["application", "provisioning", "queue", "lycee-michel", "wiki"];
    let drift = ["application", "provisioning", "drift", "lycee-michel", "wiki"];
    for (command, option, known) in [
        (&queue[..], "--state", "given_up"),
        (&queue, "--kind", "group"),
        (&drift, "--what", "differs"),
        (&["user", "list", "lycee-michel"], "--status", "pending"),
        (&["source", "held", "lycee-michel", "entra"], "--state", "refused"),
        (&["source", "proposals", "lycee-michel", "entra"], "--state", "rejected"),
        (&["source", "requests", "lycee-michel", "entra"], "--method", "PATCH"),
        (&["source", "requests", "lycee-michel", "entra"], "--dialect", "okta"),
    ] {
        let (code, told) = shell.fails(&[command, &[option, "foo"]].concat());
        assert!(code == 2 && told.contains("foo") && told.contains(known), "{command:?} {option}: {told}");
    }
}

/// A feed that never asked is a remark; an application to which nothing is written any more is wrong.
#[tokio::test(flavor = "multi_thread")]
async fn check_tells_how_what_is_pushed_goes() {
    let shell = school();
    let findings = shell.json(&["check"]);
    let about = |findings: &Value, what: &str| {
        let found = findings.as_array().unwrap().iter().find(|finding| finding["what"] == what).cloned();
        found.unwrap_or_else(|| panic!("nothing about {what}: {findings:#}"))
    };
    let feed = about(&findings, "source entra");
    assert_eq!((&feed["ok"], &feed["level"]), (&json!(true), &json!("notice")), "{feed}");
    assert!(feed["detail"].as_str().unwrap().contains("/e/lycee-michel/scim/v2"), "{feed}");

    shell.says(&["application", "add", "lycee-michel", "wiki", "--role", "reader"]);
    let secret = shell.folder().join("secret");
    std::fs::write(&secret, "s3cr3t").unwrap();
    let url = "https://wiki.example.fr/scim/v2";
    let set = ["application", "provisioning", "set", "lycee-michel", "wiki", url, "--secret-file", secret.to_str().unwrap()];
    let told = shell.says(&[&set[..], &["--groups", "roles", "--dry-run"]].concat());
    assert!(told.contains("à blanc"), "{told}");
    let (code, told) = shell.fails(&set);
    assert!(code == 1 && told.contains("provisioning edit lycee-michel wiki"), "what was set up is not lost by the way: {told}");
    let edit = ["application", "provisioning", "edit", "lycee-michel", "wiki"];
    shell.says(&[&edit[..], &["--secret-file", secret.to_str().unwrap()]].concat());
    shell.says(&[&edit[..], &[r#"{"dry_run":false}"#]].concat());
    let kept = shell.json(&["application", "provisioning", "show", "lycee-michel", "wiki"]);
    assert_eq!((&kept["groups"], &kept["dry_run"], &kept["url"]), (&json!("roles"), &json!(false), &json!(url)), "{kept:#}");
    let shown = shell.says(&["application", "provisioning", "show", "lycee-michel", "wiki"]);
    assert!(shown.contains(url) && shown.contains("dernière écriture") && !shown.contains('{'), "{shown}");
    let standing = about(&shell.json(&["check"]), "provisioning wiki");
    assert_eq!(standing["level"], "well", "{standing}");

    let ctx = inside(&shell).await;
    let wiki = provisioning::get(&ctx, "wiki").await.unwrap();
    let mut tx = ctx.store.begin().await.unwrap();
    let state = provisioning_state::get(&mut tx, wiki.id).await.unwrap();
    let paused = ProvisioningState { paused: Some("it does not accept the token.".to_owned()), paused_at: Some(ctx.now), ..state };
    provisioning_state::put(&mut tx, wiki.id, &paused).await.unwrap();
    tx.commit().await.unwrap();
    let failed = shell.run("en_US.UTF-8", &["check", "--json"]);
    assert_eq!(failed.status.code(), Some(1));
    let findings: Value = serde_json::from_slice(&failed.stdout).unwrap();
    let standing = about(&findings, "provisioning wiki");
    let told = standing["detail"].as_str().unwrap();
    assert_eq!(standing["ok"], false, "{standing}");
    assert!(told.contains("it does not accept the token. Waiting: ") && told.contains("provisioning check lycee-michel wiki"), "{told}");
}

/// Whoever reads the first lines alone, as `head` does, makes no failure of it.
#[test]
fn whoever_stops_reading_is_told_nothing() {
    let shell = school();
    for arguments in
        [&["source", "list", "lycee-michel"][..], &["completions", "bash"], &["openapi"], &["source", "list", "lycee-michel", "--json"]]
    {
        let mut command = Command::new(env!("CARGO_BIN_EXE_passerelle"));
        command.env("LC_ALL", "C").arg("--data").arg(shell.folder()).args(arguments);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let done = command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
        assert!(done.status.success(), "{arguments:?}: {done:?}");
        assert_eq!(String::from_utf8(done.stderr).unwrap(), "", "{arguments:?}");
    }
}
