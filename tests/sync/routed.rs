//! One directory of the platform for many establishments: read once, each part run where it belongs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::net::IpAddr;

use passerelle::services::context::{Actor, Context, PlatformContext};
use passerelle::services::error::Error;
use passerelle::services::establishments::{self, NewEstablishment};
use passerelle::services::login::attempt::{Attempt, Outcome as SignIn, sign_in};
use passerelle::services::login::browser::Browser;
use passerelle::services::routing::{self, Outcomes, Passed};
use passerelle::services::sources::{self, SourceFields};
use passerelle::services::{sync, users};
use passerelle::store::establishment::change;
use passerelle::store::establishment::routed_part::{Outcome, RoutedPart};
use passerelle::store::establishment::source::Guard;
use passerelle::store::establishment::sync_run::{Filter as RunFilter, Mode, State};
use passerelle::store::establishment::user::{Filter, User, UserStatus};
use passerelle::types::id::TokenId;
use passerelle::types::page::PageRequest;
use passerelle::types::permission::GatewayRole;
use serde_json::json;

use super::{EMPTY, delete, dn, group, person, roles, settings};
use crate::harness::gateway::TestGateway;
use crate::harness::generator::generate;
use crate::harness::slapd::Slapd;

const A: &str = "0990001N";
const B: &str = "0990002P";
const C: &str = "0990003R";

/// A platform with a source that feeds establishments.
struct Academy {
    slapd: Slapd,
    platform: PlatformContext,
    gateway: TestGateway,
}

impl Academy {
    async fn over(slapd: Slapd, route: &str, change: impl FnOnce(&mut SourceFields)) -> Self {
        let gateway = TestGateway::start().await;
        let platform = gateway.platform().await;
        let mut fields: SourceFields =
            serde_json::from_value(json!({ "name": "academie", "settings": settings(&slapd.url()), "route": route })).unwrap();
        change(&mut fields);
        sources::create(platform.context(), &fields).await.unwrap();
        Self { slapd, platform, gateway }
    }

    /// Over a small directory; everybody's establishments stand in `departmentNumber`.
    async fn with(entries: &str, change: impl FnOnce(&mut SourceFields)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ldif = folder.path().join("academy.ldif");
        std::fs::write(&ldif, format!("{EMPTY}{entries}")).unwrap();
        Self::over(Slapd::start(&ldif), "departmentNumber", change).await
    }

    async fn establishment(&self, uai: &str) -> Context {
        let new = NewEstablishment {
            name: format!("Établissement {uai}"),
            slug: Some(format!("e-{}", uai.to_lowercase())),
            uai: Some(uai.to_owned()),
            ..NewEstablishment::default()
        };
        let made = establishments::create(&self.platform, &new).await.unwrap();
        self.gateway.context(&made.establishment.slug).await
    }

    async fn pass(&self, mode: Mode) -> Passed {
        match routing::run_to_end(self.platform.context(), "academie", mode).await.unwrap() {
            Outcomes::All(passed) => passed,
            Outcomes::One(run) => panic!("one run where a pass was due: {run:?}"),
        }
    }

    async fn aside(&self, passed: &Passed) -> BTreeMap<String, serde_json::Value> {
        let (changes, _) = sync::changes(self.platform.context(), passed.run.id, 0, 500, &change::Filter::default()).await.unwrap();
        changes.into_iter().map(|change| (change.name, change.detail.unwrap())).collect()
    }
}

/// A person with establishments.
fn pupil(uid: &str, to: &[&str]) -> String {
    let places = to.iter().fold(String::new(), |mut lines, place| {
        writeln!(lines, "departmentNumber: {place}").unwrap();
        lines
    });
    format!("{}\n{places}\n", person(uid).trim_end())
}

fn moved(uid: &str, to: &str) -> String {
    format!("dn: {}\nchangetype: modify\nreplace: departmentNumber\ndepartmentNumber: {to}\n\n", dn(uid))
}

async fn everyone(ctx: &Context) -> Vec<User> {
    let page = users::list(ctx, &PageRequest::first(500), &Filter::default()).await.unwrap();
    page.items.into_iter().filter(|user| user.username != "admin").collect()
}

async fn active(ctx: &Context) -> Vec<String> {
    let mut names: Vec<String> =
        everyone(ctx).await.into_iter().filter(|user| user.status == UserStatus::Active).map(|user| user.username).collect();
    names.sort();
    names
}

fn outcomes(passed: &Passed) -> Vec<(&str, Outcome)> {
    passed.parts.iter().map(|part| (part.slug.as_str(), part.outcome)).collect()
}

async fn signs_in(ctx: &Context, username: &str, password: &str) -> Result<bool, Error> {
    let (browser, address) = (Browser::new(), IpAddr::from([192, 0, 2, 1]));
    let attempt = Attempt { username, password, address, browser: &browser, session: None, interaction: None };
    sign_in(ctx, &attempt).await.map(|outcome| matches!(outcome, SignIn::SignedIn(_)))
}

#[tokio::test]
async fn an_academy_is_read_once_and_everyone_comes_where_they_belong_with_their_roles() {
    let generated = generate(5, 400, 3);
    let academy = Academy::over(Slapd::start(&generated.ldif), "supannEtablissement{UAI}", |fields| {
        fields.settings["user_filter"] = json!("(objectClass=supannPerson)");
    })
    .await;
    let uais: Vec<&String> = generated.expected["establishments"].as_object().unwrap().keys().collect();
    let (unknown, there) = uais.split_last().unwrap();
    let mut contexts = Vec::new();
    for uai in there {
        let ctx = academy.establishment(uai).await;
        roles::configure(&ctx).await;
        contexts.push((*uai, ctx));
    }
    // Two people belong to two schools.
    let people = generated.expected["users"].as_array().unwrap();
    let of = |uai: &str| -> Vec<&serde_json::Value> {
        people.iter().filter(|one| one["establishments"].as_array().unwrap().contains(&json!(uai))).collect()
    };
    let both: Vec<&str> =
        of(there[0]).into_iter().filter(|one| one["active"] == true).take(2).map(|one| one["uid"].as_str().unwrap()).collect();
    for uid in &both {
        academy.slapd.modify(&format!(
            "dn: {}\nchangetype: modify\nadd: supannEtablissement\nsupannEtablissement: {{UAI}}{}\n\n",
            dn(uid),
            there[1]
        ));
    }

    let passed = academy.pass(Mode::Full).await;
    assert_eq!((passed.run.state, passed.run.error.as_deref()), (State::Done, None), "{:?}", passed.parts);
    assert_eq!(passed.parts.iter().map(|part| part.outcome).collect::<Vec<_>>(), vec![Outcome::Done; there.len()]);
    let named: Vec<_> = passed.unplaced.iter().map(|one| (one.value.as_deref(), usize::try_from(one.people).unwrap())).collect();
    assert_eq!(named, [(Some(unknown.as_str()), of(unknown).len())]);
    let aside = academy.aside(&passed).await;
    assert_eq!(aside[unknown.as_str()]["names"].as_array().unwrap().len(), 3);

    for (uai, ctx) in &contexts {
        let mut expected: BTreeSet<&str> = of(uai).into_iter().map(|one| one["uid"].as_str().unwrap()).collect();
        if *uai == there[1] {
            expected.extend(&both);
        }
        let found = everyone(ctx).await;
        assert_eq!(found.iter().map(|user| user.username.as_str()).collect::<BTreeSet<_>>(), expected, "{uai}");
        // These groups say nothing of establishments: they go wherever one of their members is, and give there what they give.
        let held = roles::held(ctx).await;
        for one in of(uai) {
            let all = one["roles"]["sacoche"].as_array().cloned().unwrap_or_default();
            let expected: BTreeSet<String> = all.iter().filter_map(|role| role.as_str()).map(str::to_owned).collect();
            let found = held[one["uid"].as_str().unwrap()].get("sacoche").cloned().unwrap_or_default();
            assert_eq!(found, expected, "{} in {uai}", one["uid"]);
        }
    }
    let again = academy.pass(Mode::Full).await;
    assert_eq!(again.parts.iter().map(|part| part.outcome).collect::<Vec<_>>(), vec![Outcome::Unchanged; there.len()]);
    assert_eq!(again.run.counts.read, passed.run.counts.read);
}

#[tokio::test]
async fn someone_who_moves_is_gone_in_one_school_and_new_in_the_other() {
    let entries = [pupil("ana", &[A]), pupil("bob", &[A, B]), pupil("cid", &[B]), group("club", &[&dn("ana"), &dn("cid")])].concat();
    let academy = Academy::with(&entries, |fields| fields.guard = super::open_guard()).await;
    let (a, b) = (academy.establishment(A).await, academy.establishment(B).await);
    let passed = academy.pass(Mode::Full).await;
    assert_eq!((passed.parts[0].people, passed.parts[0].groups, passed.parts[0].counts.created), (2, 1, 3));
    assert_eq!((active(&a).await, active(&b).await), (vec!["ana".into(), "bob".into()], vec!["bob".into(), "cid".into()]));

    academy.slapd.modify(&moved("ana", B));
    let passed = academy.pass(Mode::Full).await;
    let counts: Vec<_> = passed.parts.iter().map(|part| (part.counts.created, part.counts.disabled)).collect();
    assert_eq!(counts, [(0, 1), (1, 0)]);
    assert_eq!((active(&a).await, active(&b).await), (vec!["bob".into()], vec!["ana".into(), "bob".into(), "cid".into()]));
    // The group that nobody of the first school is in any more is gone there.
    assert_eq!(passed.parts.iter().map(|part| part.groups).collect::<Vec<_>>(), [0, 1]);
    let run = sync::run(&b, passed.parts[1].run_id.unwrap()).await.unwrap();
    assert_eq!((run.source.as_str(), run.state), ("academie", State::Done));

    // Taken back in one school, it is not done again there before somebody says so.
    assert_eq!(sync::undo_to_end(&b, run.id, false).await.unwrap().state, State::Done);
    assert_eq!(active(&b).await, ["bob", "cid"]);
    let again = academy.pass(Mode::Full).await;
    assert_eq!(outcomes(&again), [("e-0990001n", Outcome::Unchanged), ("e-0990002p", Outcome::Skipped)]);
    assert!(again.parts[1].error.as_deref().unwrap().contains("was taken back"));
    sources::resume(&b, "academie").await.unwrap();
    assert_eq!(academy.pass(Mode::Full).await.parts[1].outcome, Outcome::Done);
    assert_eq!(active(&b).await, ["ana", "bob", "cid"]);
    assert!(matches!(sync::undo_to_end(academy.platform.context(), passed.run.id, false).await, Err(Error::Conflict(_))));
}

#[tokio::test]
async fn one_schools_guard_holds_its_run_while_the_others_go_on_and_its_approval_is_its_own() {
    let people: String = (0..10).map(|n| pupil(&format!("a{n}"), &[A])).chain((0..10).map(|n| pupil(&format!("b{n}"), &[B]))).collect();
    let academy = Academy::with(&people, |_| {}).await;
    let (a, b) = (academy.establishment(A).await, academy.establishment(B).await);
    academy.pass(Mode::Full).await;

    academy.slapd.modify(
        &[delete("a1"), delete("a2"), delete("a3"), pupil("b10", &[B]).replacen("objectClass", "changetype: add\nobjectClass", 1)].concat(),
    );
    let passed = academy.pass(Mode::Full).await;
    assert_eq!(outcomes(&passed), [("e-0990001n", Outcome::Held), ("e-0990002p", Outcome::Done)]);
    assert_eq!(passed.run.state, State::Done);
    assert!(passed.run.note.as_deref().unwrap().contains("held: 1 (e-0990001n)"), "{:?}", passed.run.note);
    assert!(passed.parts[0].error.as_deref().unwrap().contains("3 of 10 people"));
    assert_eq!((active(&a).await.len(), active(&b).await.len()), (10, 11));

    // Approved by the school's own administrator: the directory is read again, for this school alone.
    let administrator = Actor::token(TokenId::new(), GatewayRole::Administrator);
    let theirs = Context { actor: administrator, ..a.clone() };
    let run = sync::approve_to_end(&theirs, passed.parts[0].run_id.unwrap()).await.unwrap();
    assert_eq!((run.state, run.counts.disabled, run.counts.read), (State::Done, 3, 7));
    assert_eq!((active(&a).await.len(), active(&b).await.len()), (7, 11));
    // To run it at will, or to change what is the platform's, they have no say.
    assert!(matches!(sync::run_to_end(&theirs, "academie", Mode::Full).await, Err(Error::Forbidden(_))));
    assert!(matches!(sources::check(&theirs, "academie").await, Err(Error::Conflict(_))));
    // An operator may run one school alone.
    assert_eq!(sync::run_to_end(&a, "academie", Mode::Full).await.unwrap().counts.read, 7);
}

#[tokio::test]
async fn a_school_that_nobody_belongs_to_any_more_is_held_and_not_emptied() {
    let academy = Academy::with(&[pupil("ana", &[A]), pupil("bob", &[B])].concat(), |fields| fields.guard = super::open_guard()).await;
    let (a, _) = (academy.establishment(A).await, academy.establishment(B).await);
    academy.pass(Mode::Full).await;
    academy.slapd.modify(&moved("ana", "nowhere"));
    let passed = academy.pass(Mode::Full).await;
    assert_eq!(outcomes(&passed), [("e-0990001n", Outcome::Held), ("e-0990002p", Outcome::Unchanged)]);
    assert!(passed.parts[0].error.as_deref().unwrap().contains("without a single person"));
    assert_eq!(active(&a).await, ["ana"]);
    assert_eq!(academy.aside(&passed).await["nowhere"]["names"], json!(["ana"]));
}

#[tokio::test]
async fn people_sign_in_with_the_platforms_directory_as_long_as_both_sources_are_enabled() {
    let academy = Academy::with(&[pupil("ana", &[A]), pupil("bob", &[B])].concat(), |_| {}).await;
    let (a, b) = (academy.establishment(A).await, academy.establishment(B).await);
    academy.pass(Mode::Full).await;
    assert!(signs_in(&a, "ana", "Essai-ana").await.unwrap());
    assert!(!signs_in(&a, "ana", "Essai-bob").await.unwrap());
    assert!(!signs_in(&a, "bob", "Essai-bob").await.unwrap(), "Bob is at the other school");
    assert!(signs_in(&b, "bob", "Essai-bob").await.unwrap());

    // What the school may read of its source holds nothing of the platform's directory.
    let source = sources::get(&a, "academie").await.unwrap();
    assert_eq!((&source.settings, source.secret_sealed.as_ref()), (&json!({}), None));
    assert_eq!(sources::shown(&source)["routed"], true);
    let mut off = SourceFields::from(&source);
    off.enabled = false;
    sources::update(&a, &source, &off).await.unwrap();
    assert!(!signs_in(&a, "ana", "Essai-ana").await.unwrap());
    assert_eq!(outcomes(&academy.pass(Mode::Full).await), [("e-0990001n", Outcome::Skipped), ("e-0990002p", Outcome::Unchanged)]);
    let platform = academy.platform.context();
    let feeding = sources::get(platform, "academie").await.unwrap();
    let mut off = SourceFields::from(&feeding);
    off.enabled = false;
    sources::update(platform, &feeding, &off).await.unwrap();
    assert!(!signs_in(&b, "bob", "Essai-bob").await.unwrap());
}

#[tokio::test]
async fn an_establishment_that_is_not_there_is_made_when_the_source_says_so() {
    let entries = [pupil("ana", &[A]), pupil("bob", &[B]), pupil("cid", &["0990003X"]), pupil("dan", &["platform"])].concat();
    let academy = Academy::with(&entries, |fields| {
        fields.settings["unknown_establishments"] = json!("create");
        fields.settings["new_establishments"] = json!({ "name": "Collège {uai}" });
    })
    .await;
    academy.establishment(A).await;
    // A preview makes nothing, neither establishments nor sources.
    let preview = academy.pass(Mode::Preview).await;
    assert_eq!(preview.parts.iter().map(|part| (part.counts.created, part.run_id)).collect::<Vec<_>>(), [(1, None)]);
    assert!(academy.gateway.platform().await.enter("0990002p").await.is_err());

    let passed = academy.pass(Mode::Full).await;
    assert_eq!(outcomes(&passed), [("0990002p", Outcome::Done), ("e-0990001n", Outcome::Done)]);
    let made = academy.gateway.context("0990002p").await;
    assert_eq!((made.establishment.name.as_str(), made.establishment.uai.as_deref()), ("Collège 0990002P", Some(B)));
    assert_eq!(active(&made).await, ["bob"]);
    // Neither a wrong check letter nor a reserved name makes one, and nobody becomes a person of the platform.
    let values: BTreeSet<_> = passed.unplaced.iter().filter_map(|one| one.value.as_deref()).collect();
    assert_eq!(values, BTreeSet::from(["0990003X", "platform"]));
    assert!(everyone(academy.platform.context()).await.iter().all(|user| user.username != "dan"));
}

#[tokio::test]
async fn what_fails_in_one_establishment_stops_no_other() {
    let academy = Academy::with(&[pupil("ana", &[A]), pupil("bob", &[B])].concat(), |_| {}).await;
    let (a, b) = (academy.establishment(A).await, academy.establishment(B).await);
    // A source of the same name stands there already.
    sources::create(&a, &SourceFields { name: "academie".to_owned(), ..super::fields(&academy.slapd, Guard::default()) }).await.unwrap();
    let passed = academy.pass(Mode::Full).await;
    assert_eq!(outcomes(&passed), [("e-0990001n", Outcome::Failed), ("e-0990002p", Outcome::Done)]);
    assert!(passed.parts[0].error.as_deref().unwrap().contains("another source is named «academie» here"));
    assert!(passed.run.error.as_deref().unwrap().contains("failed: 1 (e-0990001n)"));
    assert_eq!(active(&b).await, ["bob"]);
    let listed = routing::parts(academy.platform.context(), "academie").await.unwrap();
    assert_eq!(listed.iter().map(|part: &RoutedPart| part.outcome).collect::<Vec<_>>(), [Outcome::Failed, Outcome::Done]);
}

#[tokio::test]
async fn a_directory_that_cannot_be_read_changes_nothing_anywhere() {
    let academy = Academy::with(&pupil("ana", &[A]), |_| {}).await;
    let a = academy.establishment(A).await;
    academy.pass(Mode::Full).await;
    let Academy { slapd, platform, gateway: _gateway } = academy;
    drop(slapd);
    let Outcomes::All(passed) = routing::run_to_end(platform.context(), "academie", Mode::Full).await.unwrap() else { panic!("no pass") };
    assert_eq!((passed.run.state, passed.parts.len()), (State::Failed, 0));
    assert_eq!(active(&a).await, ["ana"]);
    let runs = sync::runs(&a, &PageRequest::first(10), &RunFilter::default()).await.unwrap();
    assert_eq!(runs.total, 1, "nothing began there");
}

#[tokio::test]
async fn people_follow_the_groups_and_the_branch_that_the_expression_names() {
    let branch = format!("dn: ou={B},ou=people,dc=acad-test,dc=fr\nobjectClass: organizationalUnit\nou: {B}\n\n");
    let there = person("bob").replacen("uid=bob,", &format!("uid=bob,ou={B},"), 1);
    let entries = [person("ana"), branch, there, person("cid"), group(&format!("{A}_profs"), &[&dn("ana")])].concat();
    let academy = Academy::with(&entries, |fields| {
        fields.route = Some("dn:ou=*,ou=people,dc=acad-test,dc=fr|group:(?<uai>[0-9]{7}[A-Z])_(profs|eleves)".to_owned());
    })
    .await;
    let (a, b, c) = (academy.establishment(A).await, academy.establishment(B).await, academy.establishment(C).await);
    let passed = academy.pass(Mode::Full).await;
    assert_eq!((active(&a).await, active(&b).await, active(&c).await), (vec!["ana".to_owned()], vec!["bob".to_owned()], vec![]));
    let nowhere: Vec<_> = passed.unplaced.iter().map(|one| (one.value.as_deref(), one.names.join(" "))).collect();
    assert_eq!(nowhere, [(None, "cid".to_owned())]);
}

#[tokio::test]
async fn what_a_routed_source_needs_is_refused_elsewhere_and_by_its_field() {
    let academy = Academy::with(&pupil("ana", &[A]), |_| {}).await;
    let a = academy.establishment(A).await;
    let platform = academy.platform.context();
    let wrong = async |ctx: &Context, change: &dyn Fn(&mut SourceFields)| {
        let mut fields = SourceFields { name: "other".to_owned(), ..super::fields(&academy.slapd, Guard::default()) };
        change(&mut fields);
        match sources::create(ctx, &fields).await {
            Err(Error::Invalid(wrong)) => wrong.into_iter().map(|one| one.field.clone()).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        }
    };
    let route = |text: &'static str| move |fields: &mut SourceFields| fields.route = Some(text.to_owned());
    assert_eq!(wrong(&a, &route("ou")).await, ["route"]);
    assert_eq!(wrong(platform, &route("supann{")).await, ["route"]);
    assert_eq!(wrong(platform, &route("group:(?<uai>[")).await, ["route"]);
    assert_eq!(
        wrong(platform, &|fields| fields.settings["unknown_establishments"] = json!("create")).await,
        ["settings.unknown_establishments"]
    );

    academy.pass(Mode::Full).await;
    let fed = sources::get(&a, "academie").await.unwrap();
    let mut changed = SourceFields::from(&fed);
    changed.settings = json!({ "urls": ["ldaps://elsewhere.test"], "base_dn": "dc=x" });
    assert!(matches!(sources::update(&a, &fed, &changed).await, Err(Error::Invalid(wrong)) if wrong[0].field == "settings"));
    changed.settings = json!({});
    changed.guard.people.max_count = 7;
    assert_eq!(sources::update(&a, &fed, &changed).await.unwrap().guard.people.max_count, 7);
    // As long as it feeds anyone, it neither goes nor becomes a source of the platform's own people.
    assert!(matches!(sources::delete(platform, "academie").await, Err(Error::Conflict(_))));
    assert!(matches!(sources::delete(&a, "academie").await, Err(Error::Conflict(_))));
    assert!(matches!(sync::run_one(&a, "academie", &dn("ana")).await, Err(Error::Conflict(_))));
    let feeding = sources::get(platform, "academie").await.unwrap();
    let mut own = SourceFields::from(&feeding);
    own.route = None;
    assert!(matches!(sources::update(platform, &feeding, &own).await, Err(Error::Conflict(_))));
    assert!(matches!(sync::run_to_end(platform, "academie", Mode::Full).await, Err(Error::Conflict(_))));
}
