//! A gateway that reads another one by SCIM: what is pushed into a feed there arrives here, changes and leaves.

use passerelle::services::context::Context;
use passerelle::services::sources::{self, SourceFields};
use passerelle::services::{groups, sync, users};
use passerelle::store::establishment::group;
use passerelle::store::establishment::source::SourceKind;
use passerelle::store::establishment::sync_run::{Mode, Run, State};
use passerelle::store::establishment::user::{Filter, User, UserStatus};
use passerelle::types::page::PageRequest;
use serde_json::{Value, json};

use super::{open_guard, unfed};
use crate::harness::gateway::TestGateway;
use crate::harness::scim_client::{ENTERPRISE, Feed, Pushed, USER};

/// Here, with a source that reads a feed of another gateway.
struct Reader {
    ctx: Context,
    _gateway: TestGateway,
}

impl Reader {
    async fn of(feed: &Feed) -> Self {
        let gateway = TestGateway::start().await;
        let (_, ctx) = gateway.establishment("Lycée Louise Michel").await;
        let settings = json!({ "url": feed.base, "token": feed.token, "page_size": 10 });
        let fields = SourceFields { name: "ailleurs".to_owned(), kind: SourceKind::Scim, settings, guard: open_guard(), ..unfed() };
        sources::create(&ctx, &fields).await.unwrap();
        Self { ctx, _gateway: gateway }
    }

    async fn read(&self, mode: Mode) -> Run {
        let run = sync::run_to_end(&self.ctx, "ailleurs", mode).await.unwrap();
        assert_eq!((run.state, run.error.as_deref()), (State::Done, None));
        run
    }

    async fn user(&self, username: &str) -> User {
        users::resolve(&self.ctx, username).await.unwrap()
    }

    async fn active(&self) -> usize {
        let all = users::list(&self.ctx, &PageRequest::first(500), &Filter::default()).await.unwrap().items;
        all.iter().filter(|user| user.username != "admin" && user.status == UserStatus::Active).count()
    }

    async fn members(&self, name: &str) -> Vec<String> {
        let all = groups::list(&self.ctx, &PageRequest::first(500), &group::Filter::default()).await.unwrap().items;
        let group = all.iter().find(|one| one.name == name).unwrap();
        let members = groups::members(&self.ctx, group.id, true, &PageRequest::first(500)).await.unwrap().items;
        let mut names: Vec<String> = members.into_iter().map(|member| member.username).collect();
        names.sort();
        names
    }

    async fn edit(&self, key: &str, value: Value) {
        let standing = sources::get(&self.ctx, "ailleurs").await.unwrap();
        let mut fields = SourceFields::from(&standing);
        fields.settings[key] = value;
        sources::update(&self.ctx, &standing, &fields).await.unwrap();
    }
}

/// So many people there: their identifiers.
async fn people(feed: &Feed, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for at in 0..count {
        let body = json!({
            "schemas": [USER, ENTERPRISE], "userName": format!("personne{at:02}"), "externalId": format!("x{at}"),
            "name": { "givenName": "Élodie", "familyName": format!("Lefèvre {at}") },
            "emails": [{ "type": "home", "value": "autre@x.fr" }, { "type": "work", "value": format!("p{at}@x.fr"), "primary": true }],
            ENTERPRISE: { "department": "GEA", "employeeNumber": at.to_string() },
        });
        let made = feed.post("/Users", &body).await;
        assert_eq!(made.status, 201, "{:#}", made.body);
        ids.push(made.id());
    }
    ids
}

#[tokio::test]
async fn what_is_pushed_into_a_gateway_is_read_by_another() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let ids = people(&feed, 25).await;
    let inner = feed.group("RT", &[&ids[2], &ids[3]]).await;
    feed.group("ens", &[&ids[0], &inner]).await;
    let reader = Reader::of(&feed).await;
    let steps = sources::check(&reader.ctx, "ailleurs").await.unwrap();
    assert!(steps.iter().all(|step| step.level == connectors::Level::Ok), "{steps:#?}");
    let first = reader.read(Mode::Full).await;
    assert_eq!((first.counts.created, first.counts.memberships_added, first.counts.quarantined), (27, 4, 0));
    assert_eq!(reader.active().await, 25, "whom others state there, or nobody does, is not shown to a feed");
    let person = reader.user("personne07").await;
    assert_eq!((person.display_name.as_str(), person.email.as_deref()), ("Élodie Lefèvre 7", Some("p7@x.fr")));
    assert_eq!((person.home_unit.as_deref(), &person.attributes["externalId"]), (Some("GEA"), &vec!["x7".to_owned()]));
    assert_eq!(reader.members("ens").await, ["personne00", "personne02", "personne03"]);

    // Changes alone, then what leaves no time behind.
    feed.patch(&format!("/Users/{}", ids[7]), &json!([{ "op": "replace", "path": "displayName", "value": "Élo" }])).await;
    feed.patch(&format!("/Users/{}", ids[8]), &json!([{ "op": "replace", "path": "active", "value": false }])).await;
    feed.patch(&format!("/Groups/{inner}"), &json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", ids[2]) }])).await;
    assert_eq!(feed.delete(&format!("/Users/{}", ids[9])).await.status, 204);
    let changes = reader.read(Mode::Changes).await;
    assert_eq!((changes.note.as_deref(), changes.counts.disabled), (None, 1));
    assert_eq!((reader.user("personne07").await.display_name.as_str(), reader.active().await), ("Élo", 24));
    assert_eq!(reader.members("ens").await, ["personne00", "personne03"]);
    assert_eq!(reader.read(Mode::Full).await.counts.disabled, 1);
    assert_eq!((reader.user("personne09").await.status, reader.active().await), (UserStatus::Disabled, 23));
    let again = reader.read(Mode::Full).await.counts;
    assert_eq!((again.created, again.updated, again.disabled, again.memberships_added, again.memberships_removed), (0, 0, 0, 0, 0));

    // Someone who is back there is back here, the same person.
    let known = reader.user("personne09").await.id;
    let back = feed.post("/Users", &json!({ "schemas": [USER], "userName": "personne09", "externalId": "x9" })).await;
    assert_eq!((back.status, back.id()), (201, ids[9].clone()));
    reader.read(Mode::Full).await;
    assert_eq!((reader.user("personne09").await.id, reader.active().await), (known, 24));
}

#[tokio::test]
async fn groups_that_are_asked_for_one_by_one_are_known_again_by_their_version() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let ids = people(&feed, 12).await;
    let group = feed.group("ens", &[&ids[0]]).await;
    let inner = feed.group("RT", &[&ids[1]]).await;
    feed.patch(&format!("/Groups/{group}"), &json!([{ "op": "add", "path": "members", "value": [{ "value": inner }] }])).await;
    let reader = Reader::of(&feed).await;
    reader.edit("groups", json!("each")).await;
    reader.edit("paging", json!("index")).await;
    reader.read(Mode::Full).await;
    assert_eq!(reader.members("ens").await, ["personne00", "personne01"]);
    reader.read(Mode::Full).await;
    feed.patch(&format!("/Groups/{group}"), &json!([{ "op": "add", "path": "members", "value": [{ "value": ids[5] }] }])).await;
    reader.read(Mode::Full).await;
    assert_eq!(reader.members("ens").await, ["personne00", "personne01", "personne05"]);
    assert_eq!(feed.delete(&format!("/Groups/{inner}")).await.status, 204);
    reader.read(Mode::Full).await;
    assert_eq!(reader.members("ens").await, ["personne00", "personne05"], "who is in a group by one that is gone is in it no more");
}
