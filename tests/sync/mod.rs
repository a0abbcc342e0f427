//! Tests of: sources and sync runs, against a real directory server.

mod active_directory;
mod bad_input;
mod beside_feed;
mod changes;
mod erased_elsewhere;
mod files;
mod foreseen_roles;
mod guard;
mod held_letters;
mod leaving;
mod lifecycle;
mod live;
mod odd;
mod outcome;
mod preview;
mod removal;
mod roles;
mod routed;
mod schedules;
mod scim;
mod scim_gateway;
mod several;
mod sources;
mod undo;
mod units;

use passerelle::services::context::Context;
use passerelle::services::sources::{SourceFields, create, get, update};
use passerelle::services::sync;
use passerelle::services::users;
use passerelle::store::establishment::change::{self, Change};
use passerelle::store::establishment::source::{Guard, SourceKind};
use passerelle::store::establishment::sync_run::{Mode, Run, State};
use passerelle::store::establishment::user::{Filter, User};
use passerelle::types::leaving::Leaving;
use passerelle::types::matching::Matching;
use passerelle::types::page::PageRequest;
use serde_json::{Value, json};

use crate::harness::gateway::TestGateway;
use crate::harness::slapd::{ADMIN_DN, ADMIN_PASSWORD, BASE, Slapd};

/// A small directory: an unit for people, one for groups, and nothing else.
const EMPTY: &str = "dn: dc=acad-test,dc=fr\nobjectClass: dcObject\nobjectClass: organization\no: Test\ndc: acad-test\n\n\
    dn: ou=people,dc=acad-test,dc=fr\nobjectClass: organizationalUnit\nou: people\n\n\
    dn: ou=groups,dc=acad-test,dc=fr\nobjectClass: organizationalUnit\nou: groups\n\n";

/// A gateway with an establishment fed by a directory.
struct Fed {
    slapd: Slapd,
    ctx: Context,
    gateway: TestGateway,
}

impl Fed {
    /// Over a small directory with these people, and a guard that lets everything pass.
    async fn with_people(people: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ldif = folder.path().join("small.ldif");
        let entries: String = people.iter().map(|uid| person(uid)).collect();
        std::fs::write(&ldif, format!("{EMPTY}{entries}")).unwrap();
        Self::over(Slapd::start(&ldif)).await
    }

    async fn over(slapd: Slapd) -> Self {
        Self::within(slapd, TestGateway::start().await).await
    }

    async fn within(slapd: Slapd, gateway: TestGateway) -> Self {
        let (_, ctx) = gateway.establishment("Lycée Louise Michel").await;
        create(&ctx, &fields(&slapd, open_guard())).await.unwrap();
        Self { slapd, ctx, gateway }
    }

    /// A full run to its end, which must be `done`.
    async fn sync(&self) -> Run {
        let run = self.run(Mode::Full).await;
        assert_eq!((run.state, run.error.as_deref()), (State::Done, None));
        run
    }

    async fn run(&self, mode: Mode) -> Run {
        sync::run_to_end(&self.ctx, "ldap", mode).await.unwrap()
    }

    /// Changes the source as it stands.
    async fn change(&self, edit: impl FnOnce(&mut SourceFields)) {
        let standing = get(&self.ctx, "ldap").await.unwrap();
        let mut fields = SourceFields::from(&standing);
        edit(&mut fields);
        update(&self.ctx, &standing, &fields).await.unwrap();
    }

    async fn changes(&self, run: &Run) -> Vec<Change> {
        sync::changes(&self.ctx, run.id, 0, 500, &change::Filter::default()).await.unwrap().0
    }

    async fn user(&self, username: &str) -> User {
        users::resolve(&self.ctx, username).await.unwrap()
    }

    /// Everyone but the administrator who was invited first.
    async fn everyone(&self) -> Vec<User> {
        let page = users::list(&self.ctx, &PageRequest::first(500), &Filter::default()).await.unwrap();
        page.items.into_iter().filter(|user| user.username != "admin").collect()
    }
}

fn person(uid: &str) -> String {
    format!(
        "dn: uid={uid},ou=people,{BASE}\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {uid}\nsn: {uid}\nmail: {uid}@acad-test.fr\nuserPassword: Essai-{uid}\n\n"
    )
}

fn group(name: &str, members: &[&str]) -> String {
    let members = members.iter().fold(String::new(), |lines, dn| format!("{lines}member: {dn}\n"));
    format!("dn: cn={name},ou=groups,{BASE}\nobjectClass: groupOfNames\ncn: {name}\n{members}\n")
}

fn dn(uid: &str) -> String {
    format!("uid={uid},ou=people,{BASE}")
}

/// LDIF entries as change records.
fn add(entries: &str) -> String {
    entries
        .replace("\nobjectClass: inetOrgPerson", "\nchangetype: add\nobjectClass: inetOrgPerson")
        .replace("\nobjectClass: groupOfNames", "\nchangetype: add\nobjectClass: groupOfNames")
}

fn delete(uid: &str) -> String {
    format!("dn: {}\nchangetype: delete\n\n", dn(uid))
}

fn rename(uid: &str, to: &str) -> String {
    format!("dn: {}\nchangetype: modrdn\nnewrdn: uid={to}\ndeleteoldrdn: 1\n\n", dn(uid))
}

fn settings(url: &str) -> Value {
    json!({ "urls": [url], "bind_dn": ADMIN_DN, "bind_password": ADMIN_PASSWORD, "base_dn": BASE, "profile": "supann", "user_filter": "(objectClass=inetOrgPerson)" })
}

/// A source that has no settings yet.
fn unfed() -> SourceFields {
    serde_json::from_value(json!({ "name": "ldap", "settings": {} })).unwrap()
}

fn fields(slapd: &Slapd, guard: Guard) -> SourceFields {
    SourceFields {
        name: "ldap".to_owned(),
        kind: SourceKind::Ldap,
        settings: settings(&slapd.url()),
        schedule: None,
        guard,
        route: None,
        leaving: Leaving::default(),
        matching: Matching::default(),
        enabled: true,
    }
}

fn open_guard() -> Guard {
    serde_json::from_value(json!({
        "people": { "max_count": 100_000, "max_percent": 100 },
        "groups": { "max_count": 100_000, "max_percent": 100 },
        "memberships": { "max_count": 1_000_000, "max_percent": 100 },
        "shrink_percent": 100,
    }))
    .unwrap()
}
