//! What follows from a change of roles: letters (OME-47), exclusions, and roles that time takes away.

use passerelle::services::context::Context;
use passerelle::services::error::Error;
use passerelle::services::roles::exclusions::{self, NewExclusion};
use passerelle::services::roles::{self, RuleFields, Telling, assignments, rules};
use passerelle::services::{applications, audit, jobs};
use passerelle::store::establishment::assignment::Origin;
use passerelle::store::establishment::audit_event;
use passerelle::store::establishment::exclusion::Filter;
use passerelle::types::id::UserId;
use passerelle::types::page::PageRequest;
use passerelle::types::time::Timestamp;
use serde_json::{Value, json};

use super::assigning::new;
use super::school::{School, rule};
use crate::harness::gateway::TestGateway;
use crate::harness::mailbox::Mailbox;

/// A school that has been there for a day, and its post.
async fn school(people: &[&str], groups: &[(&str, &[&str], &[&str])]) -> (School, Mailbox) {
    let mailbox = Mailbox::start().await;
    let settings = mailbox.settings();
    let test = TestGateway::start_with(|config| config.mail = settings).await;
    let mut school = School::within(test, people, groups).await;
    school.ctx = Context { now: school.ctx.now.plus_s(24 * 3600), ..school.ctx };
    (school, mailbox)
}

async fn application(school: &School, notify: &str, cardinality: &str) {
    let roles = json!([{ "name": "chef", "title": "Chef de département" }, { "name": "membre", "title": "Membre" }, { "name": "tous" }]);
    let policy = json!({ "notify": notify });
    let fields = json!({ "name": "notes", "title": "Relevés de notes", "cardinality": cardinality, "default_role": "tous", "roles": roles,
        "policy": policy });
    school.application(fields).await;
}

async fn sent(school: &School, mailbox: &Mailbox) -> Vec<String> {
    jobs::run_due(&school.test.gateway, Timestamp::now().plus_s(48 * 3600)).await.unwrap();
    mailbox.letters().into_iter().map(|letter| format!("{}\n{}", letter.to.join(" "), letter.text)).collect()
}

async fn told(school: &School, action: &str) -> Vec<Value> {
    let filter = audit_event::Filter { action: Some(action.to_owned()), ..audit_event::Filter::default() };
    let events = audit::list(&school.ctx, &PageRequest::first(100), &filter).await.unwrap();
    events.items.into_iter().map(|event| event.detail).collect()
}

#[tokio::test]
async fn whoever_is_given_a_role_by_hand_reads_of_it_by_its_title() {
    let (school, mailbox) = school(&["a"], &[("ens", &["a"], &[])]).await;
    application(&school, "by_hand", "single").await;
    school.rule("notes", "ens", "membre", None).await;
    assert!(sent(&school, &mailbox).await.is_empty(), "a rule is no hand, and a default role no news");
    let until = school.ctx.now.plus_s(72 * 3600);
    let given =
        assignments::NewAssignment { valid_until: Some(until), scope: Some("RT".to_owned()), ..new(school.people["a"], "notes", "chef") };
    let made = assignments::add(&school.ctx, &given).await.unwrap();
    let letters = sent(&school, &mailbox).await;
    assert_eq!(letters.len(), 1);
    for said in ["a@univ-test.fr", "Relevés de notes : Chef de département (RT), jusqu’au", "Relevés de notes : Membre", "vous a retiré"]
    {
        assert!(letters[0].contains(said), "«{said}» is missing: {}", letters[0]);
    }
    assert!(!letters[0].contains("tous"));
    assignments::end(&school.ctx, made.id).await.unwrap();
    let letters = sent(&school, &mailbox).await;
    assert_eq!(letters.len(), 2);
    assert!(letters[1].contains("vous a donné :\n- Relevés de notes : Membre"), "{}", letters[1]);
}

#[tokio::test]
async fn rules_are_told_of_where_the_application_says_so_and_never_to_a_crowd() {
    let people: Vec<String> = (0..250).map(|n| format!("p{n}")).collect();
    let names: Vec<&str> = people.iter().map(String::as_str).collect();
    let groups: [(&str, &[&str], &[&str]); 2] = [("tous", &names, &[]), ("deux", &["p1", "p2"], &[])];
    let (school, mailbox) = school(&names, &groups).await;
    application(&school, "all", "multi").await;
    school.rule("notes", "tous", "membre", None).await;
    assert!(sent(&school, &mailbox).await.is_empty());
    assert_eq!(told(&school, "roles.letters_left_out").await, [json!({ "people": 250, "most": 200 })]);
    let chef = school.rule("notes", "deux", "chef", None).await;
    assert_eq!(sent(&school, &mailbox).await.len(), 2);
    rules::delete(&school.ctx, chef.id).await.unwrap();
    let letters = sent(&school, &mailbox).await;
    assert_eq!(letters.len(), 4);
    assert!(letters[3].contains("vous a retiré :\n- Relevés de notes : Chef de département"), "{}", letters[3]);
    // Nobody reads of anything where the application wants silence.
    let standing = applications::get(&school.ctx, "notes").await.unwrap();
    let mut fields = applications::ApplicationFields::from(&standing);
    fields.policy.notify = passerelle::store::establishment::application::Notify::None;
    applications::update(&school.ctx, &standing, &fields).await.unwrap();
    assignments::add(&school.ctx, &new(school.people["p3"], "notes", "chef")).await.unwrap();
    assert_eq!(sent(&school, &mailbox).await.len(), 4);
}

#[tokio::test]
async fn what_a_run_takes_and_gives_back_is_no_news() {
    let (school, mailbox) = school(&["a"], &[("ens", &["a"], &[]), ("chefs", &[], &[])]).await;
    application(&school, "all", "multi").await;
    school.rule("notes", "ens", "membre", None).await;
    assert_eq!(sent(&school, &mailbox).await.len(), 1);
    let person = [school.people["a"]];
    let mut telling = Telling::default();
    for inside in [false, true] {
        let mut tx = school.ctx.store.begin().await.unwrap();
        let group = school.groups["ens"];
        if inside {
            passerelle::store::establishment::membership::insert_all(&mut tx, &[(group, person[0])]).await.unwrap();
        } else {
            passerelle::store::establishment::membership::delete(&mut tx, group, person[0]).await.unwrap();
        }
        let changed = roles::recompute_part_in(&mut tx, &school.ctx, &person, &mut telling).await.unwrap();
        assert_eq!((changed.gained, changed.lost), (1, 1));
        if inside {
            std::mem::take(&mut telling).write_in(&mut tx, &school.ctx).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
    assert_eq!(sent(&school, &mailbox).await.len(), 1);
}

#[tokio::test]
async fn a_role_that_ends_by_itself_is_felt_when_its_hour_comes() {
    let (school, mailbox) = school(&["a"], &[]).await;
    application(&school, "all", "multi").await;
    let until = school.ctx.now.plus_s(3600);
    let given = assignments::NewAssignment { valid_until: Some(until), ..new(school.people["a"], "notes", "chef") };
    assignments::add(&school.ctx, &given).await.unwrap();
    // The hour comes with the jobs that are due by then.
    let letters = sent(&school, &mailbox).await;
    assert_eq!(letters.len(), 2);
    for said in ["vous a donné :\n- Relevés de notes : Chef de département", "vous a retiré :\n- Relevés de notes : Chef de département"]
    {
        assert!(letters.iter().any(|letter| letter.contains(said)), "«{said}» is missing: {letters:?}");
    }
}

fn exclusion(user: UserId, role: &str, scope: Option<&str>) -> NewExclusion {
    NewExclusion {
        user,
        application: "notes".to_owned(),
        role: role.to_owned(),
        scope: scope.map(str::to_owned),
        reason: "décision du conseil".to_owned(),
        valid_until: None,
    }
}

#[tokio::test]
async fn what_someone_is_not_to_hold_no_rule_gives_them() {
    let (school, mailbox) = school(&["a", "b"], &[("rt-ens", &["a", "b"], &[]), ("gea-ens", &["a"], &[])]).await;
    application(&school, "by_hand", "multi").await;
    school.rule("notes", "(?<unit>\\w+)-ens", "membre", Some("{unit}")).await;
    let (ctx, a) = (&school.ctx, school.people["a"]);
    let made = exclusions::add(ctx, &exclusion(a, "membre", Some("rt"))).await.unwrap();
    assert_eq!(
        (school.held("a", "notes").await, school.held("b", "notes").await),
        (vec!["membre_gea".to_owned()], vec!["membre_rt".to_owned()])
    );
    let letters = sent(&school, &mailbox).await;
    assert!(letters.len() == 1 && letters[0].contains("Membre (rt)"), "{letters:?}");
    let listed = exclusions::list(ctx, &PageRequest::first(10), &Filter { user: Some(a), ..Filter::default() }).await.unwrap();
    assert_eq!((listed.total, listed.items[0].username.as_str(), &listed.items[0]), (1, "a", &made));
    assert!(matches!(exclusions::add(ctx, &exclusion(a, "membre", Some("rt"))).await, Err(Error::Conflict(_))));
    let by_hand = assignments::NewAssignment { scope: Some("rt".to_owned()), ..new(a, "notes", "membre") };
    let refused = assignments::add(ctx, &by_hand).await.unwrap_err().to_string();
    assert!(refused.contains("décision du conseil") && refused.contains(&made.id.to_string()), "{refused}");
    // A new rule gives it no more than an old one, also in the simulation.
    let another = RuleFields { priority: -1, ..rule("notes", "rt-ens", "membre", Some("rt")) };
    let simulated = roles::simulate_change(ctx, None, &another).await.unwrap();
    assert_eq!((simulated.gained_count, simulated.lost_count), (0, 0));
    exclusions::end(ctx, made.id).await.unwrap();
    assert_eq!(school.held("a", "notes").await, ["membre_gea", "membre_rt"]);
    assert_eq!((told(&school, "exclusion.added").await.len(), told(&school, "exclusion.ended").await.len()), (1, 1));
    assert!(matches!(exclusions::end(ctx, made.id).await, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn an_exclusion_ends_by_itself_and_stands_in_nobodys_way_then() {
    let (school, _mailbox) = school(&["a"], &[("ens", &["a"], &[])]).await;
    application(&school, "none", "multi").await;
    school.rule("notes", "ens", "membre", None).await;
    let (ctx, a) = (&school.ctx, school.people["a"]);
    let until = ctx.now.plus_s(60);
    exclusions::add(ctx, &NewExclusion { valid_until: Some(until), ..exclusion(a, "membre", None) }).await.unwrap();
    assert_eq!(school.held("a", "notes").await, ["tous"]);
    let told = roles::explain(ctx, a, Some("notes"), None).await.unwrap();
    assert_eq!(
        told.nearest_misses.iter().map(|miss| (miss.why, miss.value.as_deref())).collect::<Vec<_>>(),
        [(roles::WhyNot::Excluded, Some("membre"))]
    );
    let after = Context { now: until, ..ctx.clone() };
    let mut tx = after.store.begin().await.unwrap();
    roles::recompute_since_in(&mut tx, &after, &[a], ctx.now).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(school.held("a", "notes").await, ["membre"]);
    assert_eq!(school.recorded("a").await.iter().filter(|one| one.origin == Origin::Rule).count(), 1);
    exclusions::add(&after, &exclusion(a, "membre", None)).await.unwrap();
    assert_eq!(school.held("a", "notes").await, ["tous"], "in the place of the one that ended");
}

#[tokio::test]
async fn exclusions_that_do_not_fit_are_refused_field_by_field() {
    let (school, _mailbox) = school(&["a"], &[]).await;
    application(&school, "none", "multi").await;
    let (ctx, a) = (&school.ctx, school.people["a"]);
    let fields = |refused: Result<_, Error>| match refused {
        Err(Error::Invalid(wrong)) => wrong.into_iter().map(|one| one.field).collect::<Vec<_>>(),
        other => panic!("it does not fit: {other:?}"),
    };
    let refused = exclusions::add(ctx, &exclusion(a, "tous", None)).await;
    assert_eq!(fields(refused), ["role"], "everyone has the default role");
    let wrong = NewExclusion { reason: " ".to_owned(), valid_until: Some(ctx.now), ..exclusion(UserId::new(), "roi", Some(" x")) };
    assert_eq!(fields(exclusions::add(ctx, &wrong).await), ["role", "scope", "valid_until", "reason", "user"]);
    exclusions::add(ctx, &exclusion(a, "chef", None)).await.unwrap();
    applications::delete(ctx, "notes").await.unwrap();
    let left = exclusions::list(ctx, &PageRequest::first(10), &Filter::default()).await.unwrap();
    assert_eq!(left.total, 0, "what is gone is excluded nowhere");
}
