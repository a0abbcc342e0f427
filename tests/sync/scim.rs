//! SCIM services that are read: the same plan, guard, history and undo as a directory, and a token that travels nowhere else.

use passerelle::services::context::Context;
use passerelle::services::error::Error;
use passerelle::services::sources::{self, SourceFields, shown};
use passerelle::services::{groups, sync, users};
use passerelle::store::establishment::change::{self, Operation};
use passerelle::store::establishment::group;
use passerelle::store::establishment::source::{Guard, Source, SourceKind};
use passerelle::store::establishment::sync_run::{Mode, Run, State};
use passerelle::store::establishment::user::{Filter, User, UserStatus};
use passerelle::types::page::PageRequest;
use serde_json::{Value, json};

use super::{open_guard, unfed};
use crate::harness::gateway::TestGateway;
use crate::harness::remote_scim::{Fault, Habits, LATELY, LONG_AGO, ScimService, TOKEN};

/// A gateway with an establishment that reads a SCIM service.
struct Reader {
    service: ScimService,
    ctx: Context,
    _gateway: TestGateway,
}

impl Reader {
    async fn with(habits: Habits, guard: Guard) -> Self {
        let (gateway, service) = (TestGateway::start().await, ScimService::with(habits).await);
        let (_, ctx) = gateway.establishment("École Jean-Macé").await;
        sources::create(&ctx, &fields("idp", &service, guard)).await.unwrap();
        Self { service, ctx, _gateway: gateway }
    }

    async fn start() -> Self {
        Self::with(Habits::default(), open_guard()).await
    }

    async fn run(&self, mode: Mode) -> Run {
        sync::run_to_end(&self.ctx, "idp", mode).await.unwrap()
    }

    async fn done(&self, mode: Mode) -> Run {
        let run = self.run(mode).await;
        assert_eq!((run.state, run.error.as_deref()), (State::Done, None));
        run
    }

    async fn user(&self, username: &str) -> User {
        users::resolve(&self.ctx, username).await.unwrap()
    }

    async fn active(&self) -> Vec<String> {
        let all = users::list(&self.ctx, &PageRequest::first(500), &Filter::default()).await.unwrap().items;
        let active = all.into_iter().filter(|user| user.username != "admin" && user.status == UserStatus::Active);
        active.map(|user| user.username).collect()
    }

    async fn members(&self, name: &str, transitive: bool) -> Vec<String> {
        let all = groups::list(&self.ctx, &PageRequest::first(500), &group::Filter::default()).await.unwrap().items;
        let group = all.iter().find(|one| one.name == name).unwrap();
        let members = groups::members(&self.ctx, group.id, transitive, &PageRequest::first(500)).await.unwrap().items;
        let mut names: Vec<String> = members.into_iter().map(|member| member.username).collect();
        names.sort();
        names
    }

    async fn changes(&self, run: &Run) -> Vec<(Operation, String)> {
        let changes = sync::changes(&self.ctx, run.id, 0, 500, &change::Filter::default()).await.unwrap().0;
        changes.into_iter().map(|change| (change.operation, change.name)).collect()
    }

    async fn edit(&self, edit: impl FnOnce(&mut SourceFields)) -> Result<Source, Error> {
        let standing = sources::get(&self.ctx, "idp").await.unwrap();
        let mut fields = SourceFields::from(&standing);
        edit(&mut fields);
        sources::update(&self.ctx, &standing, &fields).await
    }
}

fn fields(name: &str, service: &ScimService, guard: Guard) -> SourceFields {
    let settings = json!({ "url": service.base, "token": TOKEN, "page_size": 10 });
    SourceFields { name: name.to_owned(), kind: SourceKind::Scim, settings, guard, ..unfed() }
}

fn refused(outcome: Result<Source, Error>) -> Vec<String> {
    let Err(Error::Invalid(wrong)) = outcome else { panic!("{outcome:?}") };
    wrong.into_iter().map(|field| field.field).collect()
}

#[tokio::test]
async fn people_groups_and_groups_of_groups_arrive_and_the_same_again_changes_nothing() {
    let reader = Reader::start().await;
    reader.service.users(25);
    reader.service.user("u00003", "anne", LONG_AGO, &json!({"active": false}));
    reader.service.group("g1", "ens", LONG_AGO, &[("User", "u00001"), ("Group", "g2")]);
    reader.service.group("g2", "RT", LONG_AGO, &[("User", "u00002"), ("User", "u00003"), ("User", "absent")]);
    let preview = reader.done(Mode::Preview).await;
    assert_eq!((preview.counts.created, reader.active().await.len()), (27, 0));
    let run = reader.done(Mode::Full).await;
    assert_eq!((run.counts.created, run.counts.memberships_added, run.counts.quarantined), (27, 4, 0));
    assert_eq!(reader.active().await.len(), 24);
    assert_eq!(reader.members("ens", false).await, ["user00001"]);
    assert_eq!(reader.members("ens", true).await, ["anne", "user00001", "user00002"]);
    assert_eq!(reader.user("anne").await.status, UserStatus::Disabled);
    let again = reader.done(Mode::Full).await;
    assert_eq!(reader.changes(&again).await, []);
}

#[tokio::test]
async fn who_leaves_is_disabled_comes_back_the_same_person_and_a_run_is_taken_back() {
    let reader = Reader::start().await;
    reader.service.users(12);
    reader.service.group("g1", "ens", LONG_AGO, &[("User", "u00001"), ("User", "u00002")]);
    reader.done(Mode::Full).await;
    let known = reader.user("user00001").await.id;
    reader.service.remove("u00001");
    reader.service.user("u00002", "renamed", LONG_AGO, &json!({}));
    let left = reader.done(Mode::Full).await;
    assert_eq!((left.counts.disabled, left.counts.updated), (1, 1));
    assert_eq!(reader.members("ens", false).await, ["renamed"]);
    let undone = sync::undo_to_end(&reader.ctx, left.id, false).await.unwrap();
    assert_eq!(undone.state, State::Done);
    assert_eq!(reader.user("user00001").await.status, UserStatus::Active);
    reader.service.user("u00001", "user00001", LONG_AGO, &json!({}));
    reader.done(Mode::Full).await;
    assert_eq!((reader.user("user00001").await.id, reader.user("user00001").await.status), (known, UserStatus::Active));
}

#[tokio::test]
async fn a_service_that_empties_is_held_and_one_that_contradicts_itself_fails_with_nothing_changed() {
    let reader = Reader::with(Habits::default(), Guard::default()).await;
    reader.service.users(40);
    reader.done(Mode::Full).await;
    for number in 0..20 {
        reader.service.remove(&format!("u{number:05}"));
    }
    assert_eq!(reader.run(Mode::Full).await.state, State::Held);
    reader.service.users(40);
    reader.service.habit(|habits| habits.shrinks = true);
    let failed = reader.run(Mode::Full).await;
    let said = failed.error.clone().unwrap();
    assert!(failed.state == State::Failed && said.contains("do not fit together") && said.contains("nothing was changed"), "{failed:?}");
    reader.service.habit(|habits| *habits = Habits { announces_more: 3, ..Habits::default() });
    assert_eq!(reader.run(Mode::Full).await.state, State::Failed);
    reader.service.habit(|habits| *habits = Habits::default());
    reader.service.fail("/Groups", &[Fault::Truncated]);
    assert_eq!(reader.run(Mode::Full).await.state, State::Failed);
    assert_eq!(reader.active().await.len(), 40);
}

#[tokio::test]
async fn changes_alone_are_applied_and_removals_by_the_next_whole_reading() {
    let reader = Reader::start().await;
    reader.service.users(30);
    reader.service.group("g1", "ens", LONG_AGO, &[("User", "u00001")]);
    let first = reader.done(Mode::Changes).await;
    assert_eq!(first.note.as_deref(), Some("Everything was read: there is no bookmark of an earlier reading"));
    reader.service.heard();
    reader.service.user("u00007", "anne", LATELY, &json!({}));
    reader.service.user("new", "zoe", LATELY, &json!({}));
    reader.service.group("g1", "ens", LATELY, &[("User", "new")]);
    reader.service.remove("u00009");
    let run = reader.done(Mode::Changes).await;
    assert_eq!((run.note.as_deref(), run.counts.read), (None, 3));
    assert_eq!((run.counts.created, run.counts.updated, run.counts.disabled), (1, 1, 0));
    assert_eq!((reader.members("ens", false).await, reader.active().await.len()), (vec!["zoe".to_owned()], 31));
    assert!(
        reader.service.heard().iter().filter(|one| one.path == "/Users").all(|one| one.query["filter"].contains("meta.lastModified gt"))
    );
    assert_eq!(reader.done(Mode::Full).await.counts.disabled, 1, "a removal leaves no time behind");
    reader.edit(|fields| fields.settings["user_filter"] = json!("name.familyName eq \"Essai\"")).await.unwrap();
    let other = reader.done(Mode::Changes).await;
    assert_eq!(other.note.as_deref(), Some("Everything was read: the source's settings changed since the last run"));
}

#[tokio::test]
async fn one_bad_resource_stops_nobody_and_one_resource_alone_is_applied() {
    let reader = Reader::start().await;
    reader.service.users(5);
    reader.service.user("bad", "", LONG_AGO, &json!({}));
    reader.service.user("same", "user00001", LONG_AGO, &json!({}));
    let run = reader.done(Mode::Full).await;
    assert_eq!((run.counts.created, run.counts.quarantined), (5, 2));
    reader.service.user("u00003", "anne", LONG_AGO, &json!({}));
    reader.service.user("u00004", "zoe", LONG_AGO, &json!({}));
    let one = sync::run_one(&reader.ctx, "idp", "u00003").await.unwrap();
    assert_eq!((one.run.counts.updated, one.trace.is_empty()), (1, false));
    assert!(reader.active().await.contains(&"user00004".to_owned()), "only the one that was asked for");
    assert!(matches!(sync::run_one(&reader.ctx, "idp", "nobody").await, Err(Error::Invalid(_))));
}

#[tokio::test]
async fn the_token_is_sealed_never_shown_and_asked_again_for_another_receiver() {
    let reader = Reader::start().await;
    let stored = sources::get(&reader.ctx, "idp").await.unwrap();
    let view = shown(&stored);
    assert!(!view.to_string().contains(TOKEN), "{view}");
    assert_eq!((&view["has_secret"], &view["has_bind_password"]), (&json!(true), &json!(false)));
    reader.edit(|fields| fields.settings["page_size"] = json!(50)).await.unwrap();
    reader.service.users(3);
    reader.done(Mode::Full).await;
    let elsewhere = |url: &str| json!(reader.service.base.replace("127.0.0.1", url));
    assert_eq!(refused(reader.edit(|fields| fields.settings["url"] = elsewhere("127.0.0.2")).await), ["settings.token"]);
    // Another path of the same server may be another's; a slash at its end is none.
    for path in ["/scim/v1", "/scim/v2/other", "/"] {
        let other = reader.service.base.replace("/scim/v2", path);
        assert_eq!(refused(reader.edit(|fields| fields.settings["url"] = json!(other)).await), ["settings.token"], "{path}");
    }
    let slash = format!("{}/", reader.service.base);
    reader.edit(|fields| fields.settings["url"] = json!(slash)).await.unwrap();
    let client = |fields: &mut SourceFields| {
        fields.settings["token_url"] = json!(reader.service.base.replace("/scim/v2", "/token"));
        fields.settings["client_id"] = json!("client");
    };
    assert_eq!(refused(reader.edit(client).await), ["settings.client_secret"]);
    reader.service.habit(|habits| habits.tokens_end_after = Some(100));
    let given = |fields: &mut SourceFields| {
        client(fields);
        fields.settings["client_secret"] = json!("s+é");
    };
    let granted = reader.edit(given).await.unwrap();
    assert!(!shown(&granted).to_string().contains("s+é"));
    reader.done(Mode::Full).await;
    assert_eq!(refused(reader.edit(|fields| fields.settings["client_id"] = json!("other")).await), ["settings.client_secret"]);
    let echo = reader.service.base.replace("/scim/v2", "/echo");
    assert_eq!(refused(reader.edit(|fields| fields.settings["token_url"] = json!(echo)).await), ["settings.client_secret"]);
    assert_eq!(refused(reader.edit(|fields| fields.settings["url"] = json!(echo)).await), ["settings.client_secret"]);
    let both = |fields: &mut SourceFields| {
        given(fields);
        fields.settings["token"] = json!("x");
    };
    assert_eq!(refused(reader.edit(both).await), ["settings.token"]);
}

#[tokio::test]
async fn an_address_within_is_refused_and_what_is_read_stays_read() {
    let reader = Reader::start().await;
    let with = |url: &str| SourceFields {
        name: "other".to_owned(),
        settings: json!({"url": url}),
        ..fields("other", &reader.service, open_guard())
    };
    for within in ["https://10.1.2.3/scim", "https://169.254.169.254/v2", "https://[fd00::1]/v2"] {
        assert_eq!(refused(sources::create(&reader.ctx, &with(within)).await), ["settings.url"], "{within}");
    }
    assert_eq!(refused(sources::create(&reader.ctx, &with("http://idp.example.fr/scim")).await), ["settings.url"]);
    assert_eq!(refused(reader.edit(|fields| fields.kind = SourceKind::Ldap).await), ["kind"]);
    let pushed = reader.edit(|fields| fields.settings = json!({})).await;
    assert_eq!(refused(pushed), ["settings.url"]);
    // A name that leads within is found out when it is called.
    let named = SourceFields { settings: json!({"url": "https://localhost/scim", "token": "x"}), ..with("") };
    let allowed = sources::create(&reader.ctx, &named).await;
    assert!(allowed.is_ok() || refused(allowed) == ["settings.url"]);
}

#[tokio::test]
async fn a_check_tells_each_step_and_what_to_do() {
    let reader = Reader::start().await;
    reader.service.users(12);
    let steps = sources::check(&reader.ctx, "idp").await.unwrap();
    assert!(steps.iter().all(|step| step.level == connectors::Level::Ok), "{steps:?}");
    let french = |step| passerelle::services::source_words::detail(step, passerelle::types::locale::Locale::Fr);
    let service = steps.iter().find(|step| step.name == "service").unwrap();
    assert_eq!(french(service), "il dit savoir : filter, sort, etag");
    reader.service.fail("/Users", &[Fault::Refused(403, "scope scim.read is missing")]);
    let steps = sources::check(&reader.ctx, "idp").await.unwrap();
    let last: Value = serde_json::to_value(steps.last().unwrap()).unwrap();
    assert_eq!((&last["name"], &last["code"]), (&json!("people"), &json!("token_forbidden")));
}
