//! A fresh thing for every call, so that no caller finds what another has changed.

use std::sync::atomic::{AtomicU64, Ordering};

use connectors::Content;
use passerelle::services::bulk::{self, Act};
use passerelle::services::context::{Context, PlatformContext};
use passerelle::services::outbox::{self, Kind, New, Outcome, Outgoing};
use passerelle::services::roles::{RuleFields, assignments, exclusions, rules};
use passerelle::services::tokens::{self, NewToken};
use passerelle::services::users::{self, NewUser};
use passerelle::services::{applications, clients, establishments, provisioning, relations, rule_sets, source_files, sources, units};
use passerelle::store::establishment::campaign::{self, Campaign, CampaignState, Extent};
use passerelle::store::establishment::group::{self, Group};
use passerelle::store::establishment::proposal::{self, Proposal, ProposalState};
use passerelle::store::establishment::scim_request::{self, Seen, Whole};
use passerelle::store::establishment::sync_run::{self, Counts, Mode, Run, StartedBy, State};
use passerelle::store::establishment::unit::{self, Unit};
use passerelle::store::registry::zone::Zone;
use passerelle::types::id::ProposalId;
use passerelle::types::id::{CampaignId, GroupId, OutboxId, RunId, UnitId, UserId};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::Uuid;

use super::callers::UNIT;
use super::table::{Row, TABLE};
use crate::api::kit::Served;

/// Makes things in one establishment.
pub struct Targets {
    ctx: Context,
    platform: PlatformContext,
    made: AtomicU64,
}

/// One thing to be called upon.
pub struct Target {
    key: String,
    request: String,
    user: String,
    other: String,
    number: u64,
}

impl Target {
    /// The path with this thing's key in it.
    pub fn path(&self, path: &str, slug: &str) -> String {
        let path = path.replace("{slug}", slug).replace("/requests/{id}", &format!("/requests/{}", self.request));
        ["{id}", "{name}", "{client_id}", "{batch}"].iter().fold(path, |path, part| path.replace(part, &self.key))
    }

    /// The row's body for this thing.
    pub fn body(&self, row: &Row) -> Option<Value> {
        let text = row.body.replace("USER", &self.user).replace("OTHER", &self.other).replace("new-N", &format!("new-{}", self.number));
        let text = text.replace("nobody-N", &format!("nobody-{}", self.number)).replace("École N", &format!("École {}", self.number));
        (!text.is_empty()).then(|| serde_json::from_str(&text).unwrap())
    }
}

impl Targets {
    /// What all things stand on.
    pub async fn prepare(api: &Served, slug: &str) -> Self {
        let ctx = api.test.context(slug).await;
        applications::create(&ctx, &read(r#"{"name":"notes","roles":[{"name":"reader"}]}"#)).await.unwrap();
        let targets = Self { ctx, platform: api.test.platform().await, made: AtomicU64::new(0) };
        targets.unit(UNIT).await;
        targets
    }

    /// Adds a unit.
    pub async fn unit(&self, name: &str) {
        let added = Unit {
            id: UnitId::new(),
            name: name.to_owned(),
            title: name.to_uppercase(),
            parent_id: None,
            parent: None,
            source_id: None,
            source: None,
            created_at: self.ctx.now,
            updated_at: self.ctx.now,
        };
        let mut tx = self.ctx.store.begin().await.unwrap();
        unit::insert_all(&mut tx, &[added]).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// The thing that a row is about.
    pub async fn fresh(&self, row: &Row) -> Target {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let name = format!("thing-{number}");
        let user = if row.body.contains("USER") { self.user(&name).await.to_string() } else { String::new() };
        let other = if row.body.contains("OTHER") { self.user(&format!("other-{number}")).await.to_string() } else { String::new() };
        let key = match row.path.split('/').find(|part| !matches!(*part, "" | "establishments" | "{slug}")) {
            Some(kind) if row.path.contains(&format!("/{kind}/{{")) => self.thing(kind, &name, row).await,
            _ => String::new(),
        };
        let request = if row.path.contains("/requests/{id}") { self.request(&key).await.to_string() } else { String::new() };
        Target { key, request, user, other, number }
    }

    async fn thing(&self, kind: &str, name: &str, row: &Row) -> String {
        let ctx = &self.ctx;
        match kind {
            "zones" => {
                establishments::save_zone(&self.platform, &Zone { name: name.to_owned(), title: "Zone".to_owned() }).await.unwrap();
                name.to_owned()
            }
            "users" => self.user(name).await.to_string(),
            "groups" => self.group(name).await.to_string(),
            "sources" if ["/requests", "/held"].iter().any(|part| row.path.contains(part)) => self.feed(name).await,
            "sources" if row.path.ends_with("/file") => self.source_of_files(name).await,
            "sources" => self.source(name).await,
            "runs" => self.run(name).await.to_string(),
            "proposals" => self.proposal(name).await.to_string(),
            "applications" => self.application(name, row).await,
            "rules" => {
                let like_the_table = TABLE.iter().find(|r| r.path.ends_with("/rules") && r.method == "POST").unwrap().body;
                // No two rules say the same.
                let fields: RuleFields = read(&like_the_table.replace("nobody-N", &format!("nobody-{name}")));
                rules::create(ctx, &fields).await.unwrap().id.to_string()
            }
            "rule-sets" => rule_sets::create(ctx, &read(&format!(r#"{{"name":"{name}","rules":[]}}"#))).await.unwrap().name,
            "assignments" => {
                let user = self.user(name).await;
                let new = read(&format!(r#"{{"user":"{user}","application":"notes","role":"reader"}}"#));
                assignments::add(ctx, &new).await.unwrap().id.to_string()
            }
            "campaigns" => self.review(name).await.to_string(),
            "exclusions" => {
                let user = self.user(name).await;
                let new = read(&format!(r#"{{"user":"{user}","application":"notes","role":"reader","reason":"essai"}}"#));
                exclusions::add(ctx, &new).await.unwrap().id.to_string()
            }
            "units" => units::create(ctx, &read(&format!(r#"{{"name":"{name}"}}"#))).await.unwrap().id.to_string(),
            "relations" => {
                let (user, other) = (self.user(name).await, self.user(&format!("{name}-other")).await);
                let new = read(&format!(r#"{{"kind":"tutor","user":"{user}","other":"{other}"}}"#));
                relations::add(ctx, &new).await.unwrap().id.to_string()
            }
            "clients" => clients::create(ctx, &read(r#"{"name":"A client"}"#)).await.unwrap().0.client_id,
            "tokens" => {
                let new: NewToken = read(r#"{"name":"A token","scope":"auditor"}"#);
                tokens::create(ctx, &new).await.unwrap().0.id.to_string()
            }
            "outbox" => self.given_up(name).await.to_string(),
            "bulk" => {
                let choice = read(r#"{"slugs":["nowhere"]}"#);
                bulk::start(&self.platform, &choice, Act::Stats).await.unwrap().id.to_string()
            }
            "receipts" => Uuid::now_v7().to_string(),
            _ => panic!("{} is about {kind}, of which this test can make none: teach it", row.path),
        }
    }

    async fn application(&self, name: &str, row: &Row) -> String {
        let fields = read(&format!(r#"{{"name":"{name}","roles":[{{"name":"reader"}}]}}"#));
        let made = applications::create(&self.ctx, &fields).await.unwrap();
        if row.path.contains("/provisioning") {
            let like_the_table = TABLE.iter().find(|r| r.path.ends_with("/provisioning") && r.method == "PUT").unwrap().body;
            provisioning::put(&self.ctx, name, None, &read(like_the_table)).await.unwrap();
        }
        made.name
    }

    async fn feed(&self, name: &str) -> String {
        sources::create(&self.ctx, &read(&format!(r#"{{"name":"{name}","kind":"scim","settings":{{}}}}"#))).await.unwrap().name
    }

    /// A request that a feed made.
    async fn request(&self, feed: &str) -> Uuid {
        let source_id = sources::get(&self.ctx, feed).await.unwrap().id;
        let seen = Seen {
            id: Uuid::now_v7(),
            source_id,
            at: self.ctx.now,
            dialect: "other".to_owned(),
            method: "POST".to_owned(),
            path: "/Groups".to_owned(),
            status: 201,
            duration_us: 1,
            subject_id: None,
            failing: None,
        };
        let body = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": feed});
        let whole = Whole { seen, request: Some(body), answer: None, changes: Vec::new() };
        let mut tx = self.ctx.store.begin().await.unwrap();
        scim_request::insert_all(&mut tx, std::slice::from_ref(&whole)).await.unwrap();
        tx.commit().await.unwrap();
        whole.seen.id
    }

    async fn source_of_files(&self, name: &str) -> String {
        let fields = read(&format!(r#"{{"name":"{name}","kind":"csv","settings":{{"profile":"sacoche-pupils"}}}}"#));
        let source = sources::create(&self.ctx, &fields).await.unwrap();
        source_files::give(&self.ctx, name, Content { name: "pupils.csv".to_owned(), bytes: b"nom;prenom".as_slice().into() })
            .await
            .unwrap();
        source.name
    }

    async fn review(&self, name: &str) -> CampaignId {
        let made = Campaign {
            id: CampaignId::new(),
            name: format!("review-{name}"),
            title: "Review".to_owned(),
            extent: Extent::default(),
            state: CampaignState::Open,
            due_at: self.ctx.now.plus_s(3600),
            reminded_at: None,
            created_by: "system".to_owned(),
            created_at: self.ctx.now,
            closed_at: None,
        };
        let mut tx = self.ctx.store.begin().await.unwrap();
        campaign::insert(&mut tx, &made).await.unwrap();
        tx.commit().await.unwrap();
        made.id
    }

    async fn user(&self, name: &str) -> UserId {
        let new = NewUser { username: name.to_owned(), home_unit: Some(UNIT.to_owned()), ..NewUser::default() };
        users::create(&self.ctx, &new).await.unwrap().0.id
    }

    async fn source(&self, name: &str) -> String {
        let like_the_table = TABLE.iter().find(|r| r.path.ends_with("/sources") && r.method == "POST").unwrap().body;
        sources::create(&self.ctx, &read(&like_the_table.replace("new-N", name))).await.unwrap().name
    }

    async fn group(&self, name: &str) -> GroupId {
        let made = Group::new(GroupId::new(), name, self.ctx.now);
        let mut tx = self.ctx.store.begin().await.unwrap();
        group::upsert_all(&mut tx, std::slice::from_ref(&made)).await.unwrap();
        tx.commit().await.unwrap();
        made.id
    }

    /// A notice that was given up.
    async fn given_up(&self, name: &str) -> OutboxId {
        let (recipient, topic) = (format!("{name}@acad-test.fr"), "test".to_owned());
        let new = New { kind: Kind::Logout, recipient, topic, content: Value::Null, batch: None };
        let mut tx = self.ctx.store.begin().await.unwrap();
        let id = outbox::put_in(&mut tx, &self.ctx, &new).await.unwrap();
        tx.commit().await.unwrap();
        outbox::deliver(&self.ctx, async |_: &Outgoing, _: &Value| Outcome::Refused("refused by the test".to_owned())).await.unwrap();
        id
    }

    /// An entry that may be someone.
    async fn proposal(&self, name: &str) -> ProposalId {
        let (source, user_id) = (self.source(name).await, self.user(name).await);
        let source = sources::get(&self.ctx, &source).await.unwrap();
        let entry = serde_json::json!({ "external_id": name, "dn": "", "dn_key": "", "username": name, "display_name": name, "active": true,
            "units": [], "attributes": {} });
        let open = Proposal {
            id: ProposalId::new(),
            source_id: source.id,
            source: source.name,
            external_id: name.to_owned(),
            user_id,
            username: name.to_owned(),
            rule: "email".to_owned(),
            detail: serde_json::json!({ "entry": entry }),
            state: ProposalState::Open,
            created_at: self.ctx.now,
            decided_at: None,
            decided_by: None,
        };
        let mut tx = self.ctx.store.begin().await.unwrap();
        proposal::propose(&mut tx, &open).await.unwrap();
        tx.commit().await.unwrap();
        open.id
    }

    /// A run that the guard holds.
    async fn run(&self, name: &str) -> RunId {
        let source = self.source(name).await;
        let source = sources::get(&self.ctx, &source).await.unwrap();
        let held = Run {
            id: RunId::new(),
            source_id: source.id,
            source: source.name,
            mode: Mode::Full,
            state: State::Held,
            counts: Counts::default(),
            error: Some("held by the test".to_owned()),
            approved_by: None,
            started_at: self.ctx.now,
            duration_ms: Some(1),
            progress: None,
            undoes: None,
            started_by: StartedBy::Hand,
            note: None,
        };
        let mut tx = self.ctx.store.begin().await.unwrap();
        sync_run::insert(&mut tx, &held).await.unwrap();
        tx.commit().await.unwrap();
        held.id
    }
}

fn read<T: DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).unwrap()
}
