//! A service of another project (PyPI `scim2-server`), read as any other: what it was given comes back, whole and for its changes.

use std::process::Command;

use connectors::{Level, Record, Step};
use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::{DEADLINE, settings, source_of, whole};
use crate::harness::daemon::Daemon;
use crate::harness::scim_tools;

const TOKEN: &str = "peer-token";
/// Its own program tells the port that it was asked for; this one the port that it got.
const PROGRAM: &str = "\
import scim2_server.testserver.cli as cli
make = cli.make_server
def telling(*given, **named):
    server = make(*given, **named)
    print('listening at', server.server_port, flush=True)
    return server
cli.make_server = telling
cli.main()
";

/// The service, and how it is written to.
struct Peer {
    base: String,
    http: Client,
    _daemon: Daemon,
}

impl Peer {
    fn start() -> Self {
        let mut command = Command::new(scim_tools::command("scim2-server").get_program());
        command.args(["-c", PROGRAM, "--port", "0", "--bearer-token", TOKEN]);
        let ready = |line: &str| line.strip_prefix("listening at ")?.trim().parse::<u16>().ok();
        let (daemon, port) = Daemon::start(command, "python3-venv", ready).unwrap();
        Self { base: format!("http://127.0.0.1:{port}/v2"), http: Client::new(), _daemon: daemon }
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> Value {
        let request = self.http.request(method, format!("{}{path}", self.base)).bearer_auth(TOKEN);
        let answer = request.header("content-type", "application/scim+json").body(body.to_string()).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    async fn user(&self, name: &str, more: &Value) -> String {
        let mut body = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.send(Method::POST, "/Users", &body).await["id"].as_str().unwrap().to_owned()
    }

    async fn group(&self, name: &str, members: &[&String]) -> String {
        let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
        let body = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name, "members": members });
        self.send(Method::POST, "/Groups", &body).await["id"].as_str().unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_projects_service_holds_comes_whole_and_for_its_changes() {
    let peer = Peer::start();
    let mut ids = Vec::new();
    for number in 0..35 {
        ids.push(peer.user(&format!("user{number}"), &json!({ "name": { "familyName": "Noël", "givenName": "Léa" } })).await);
    }
    let inner = peer.group("École-Jean", &[&ids[0], &ids[1]]).await;
    peer.group("ens", &[&ids[2], &inner]).await;
    let scim = source_of(settings(&peer.base, &json!({})), TOKEN).await;
    let steps = scim.check(passerelle::types::time::Timestamp::now().seconds()).await;
    assert!(steps.iter().all(|step| step.level == Level::Ok), "{steps:?}");
    let (people, groups, aside, summary) = whole(&scim).await;
    assert_eq!((people.len(), groups.len(), aside.len()), (35, 2, 0));
    assert!(people.iter().all(|person| person.display_name == "Léa Noël"), "{people:?}");
    let outer = groups.iter().find(|group| group.name == "ens").unwrap();
    assert!(groups.iter().any(|group| group.name == "École-Jean" && group.members.len() >= 2) && outer.members.len() >= 2, "{groups:?}");
    let holds_inner = outer.members.contains(&connectors::Member::Dn(format!("uid={inner},ou=groups")));
    assert!(holds_inner, "{outer:?}");

    // Everything was written a moment ago, and ten minutes are asked for again.
    let bookmark = summary.bookmark.expect("it compares times");
    peer.send(Method::DELETE, &format!("/Users/{}", ids[5]), &Value::Null).await;
    let mut changes = scim.changes(&bookmark, DEADLINE).unwrap();
    let mut stated = 0;
    while let Some(said) = changes.steps.recv().await {
        stated += said.iter().filter(|step| matches!(step, Step::Stated(Record::Person(_)))).count();
    }
    changes.outcome.await.unwrap().unwrap();
    assert_eq!(stated, 34);
}
