//! What those read to whom something was delegated: units, reasons, answers, exclusions and reviews, of their people and of their applications.

use passerelle::services::context::Context;
use passerelle::services::error::Error;
use passerelle::services::reviews::{self, NewCampaign, Verdict};
use passerelle::services::roles::exclusions::{self, NewExclusion};
use passerelle::services::roles::{self, Because, Enough, Question, assignments};
use passerelle::services::units;
use passerelle::store::establishment::campaign::{self, Extent};
use passerelle::store::establishment::review_item::{self, Decision};
use passerelle::store::establishment::{exclusion, unit};
use passerelle::types::id::{CampaignId, UserId};
use passerelle::types::page::PageRequest;

use super::delegating::{acting_as, institute, scoped, signed_in};
use super::school::School;

#[expect(clippy::needless_pass_by_value, reason = "an answer is looked at where it comes")]
fn hidden<T: std::fmt::Debug>(answer: Result<T, Error>) {
    assert!(matches!(answer, Err(Error::NotFound(_))), "{answer:?}");
}

#[expect(clippy::needless_pass_by_value, reason = "an answer is looked at where it comes")]
fn forbidden<T: std::fmt::Debug>(answer: Result<T, Error>) {
    assert!(matches!(answer, Err(Error::Forbidden(_))), "{answer:?}");
}

fn ten() -> PageRequest {
    PageRequest::first(10)
}

#[tokio::test]
async fn units_are_read_where_people_are_seen() {
    let school = institute().await;
    let names = async |ctx: &Context| {
        let listed = units::list(ctx, &ten(), &unit::Filter::default()).await.unwrap();
        assert_eq!(usize::try_from(listed.total).unwrap(), listed.items.len());
        let mut names: Vec<String> = listed.items.into_iter().map(|unit| unit.name).collect();
        names.sort_unstable();
        names
    };
    let head = acting_as(&school, "chef-rt", "unit_administrator", "rt").await;
    let above = acting_as(&school, "chef-iut", "unit_administrator", "iut").await;
    let desk = acting_as(&school, "aide", "help_desk", "geii").await;
    let clerk = acting_as(&school, "nomade", "responsible", "notes").await;
    assert_eq!((names(&head).await, names(&desk).await), (vec!["rt".to_owned()], vec!["geii".to_owned()]));
    assert_eq!((names(&above).await.len(), names(&clerk).await.len()), (3, 3));
    let all = units::list(&school.ctx, &ten(), &unit::Filter::default()).await.unwrap().items;
    let of = |name: &str| all.iter().find(|unit| unit.name == name).unwrap().id;
    assert_eq!(units::get(&head, of("rt")).await.unwrap().name, "rt");
    hidden(units::get(&head, of("geii")).await);
    let words = PageRequest::parse(Some(9), None, Some("GEII")).unwrap();
    let only = unit::Filter { parent: Some("iut".to_owned()), ..unit::Filter::default() };
    assert_eq!(units::list(&above, &words, &only).await.unwrap().items[0].name, "geii");
    assert_eq!(units::list(&head, &words, &only).await.unwrap().total, 0);
    forbidden(units::list(&signed_in(&school, "prof-rt").await, &ten(), &unit::Filter::default()).await);
}

/// Rules give `Ens` in scodoc and `reader` in notes to prof-rt; a hand gave `writer` in notes.
async fn explained() -> School {
    let school = institute().await;
    school.rule("scodoc", r#"[{"unit": "(?<unit>rt)"}]"#, "Ens", Some("{unit}")).await;
    school.rule("notes", r#"[{"attribute": "username", "matches": "prof-rt"}]"#, "reader", None).await;
    school.rule("notes", r#"[{"attribute": "email", "matches": "doyen@.*"}]"#, "writer", Some("absences")).await;
    assignments::add(&school.ctx, &scoped(school.people["prof-rt"], "notes", "writer", "bulletins")).await.unwrap();
    school
}

#[tokio::test]
async fn reasons_are_read_of_ones_people_and_of_ones_applications() {
    let school = explained().await;
    let head = acting_as(&school, "chef-rt", "unit_administrator", "rt").await;
    let clerk = acting_as(&school, "nomade", "responsible", "notes").await;
    let narrow = acting_as(&school, "aide", "responsible", "notes/bulletins").await;
    let person = school.people["prof-rt"];
    let whole = roles::explain(&school.ctx, person, None, None).await.unwrap();
    assert!(!whole.nearest_misses.is_empty());
    assert_eq!(roles::explain(&head, person, None, None).await.unwrap(), whole, "their administrator is told all");
    hidden(roles::explain(&head, school.people["prof-geii"], None, None).await);
    let told = roles::explain(&clerk, person, None, None).await.unwrap();
    let mut shown: Vec<_> = told.assignments.iter().map(|one| (one.application.as_str(), one.role.as_str(), one.path.len())).collect();
    shown.sort_unstable();
    assert_eq!(shown, [("notes", "reader", 0), ("notes", "writer", 2)], "of their application, without facts");
    assert!(told.nearest_misses.is_empty() && told.losers.iter().all(|one| one.application == "notes"));
    assert_eq!(roles::explain(&narrow, person, None, None).await.unwrap().assignments.len(), 1);
    forbidden(roles::explain(&acting_as(&school, "prof-geii", "help_desk", "").await, person, None, None).await);
}

fn question(user: UserId, application: &str, privilege: &str, scope: &str) -> Question {
    Question {
        user: Some(user),
        username: None,
        application: application.to_owned(),
        privilege: privilege.to_owned(),
        scope: Some(scope.to_owned()),
        relation_to: None,
        level: Enough::Read,
    }
}

#[tokio::test]
async fn questions_are_answered_of_ones_people_and_of_ones_applications() {
    let school = explained().await;
    let head = acting_as(&school, "chef-rt", "unit_administrator", "rt").await;
    let clerk = acting_as(&school, "nomade", "responsible", "notes").await;
    let person = school.people["prof-rt"];
    let asked = [
        question(person, "scodoc", "AbsChange", "rt"),
        question(person, "notes", "access", "bulletins"),
        question(school.people["prof-geii"], "notes", "access", "bulletins"),
    ];
    let why = |answers: &[roles::Verdict]| answers.iter().map(|one| one.reason.because).collect::<Vec<_>>();
    let all = roles::answer(&school.ctx, &asked).await.unwrap();
    let of_head = roles::answer(&head, &asked).await.unwrap();
    assert_eq!(of_head[..2], all[..2]);
    assert!(all[0].allowed && !all[0].reason.path.is_empty());
    assert_eq!(of_head[2].reason.because, Because::UnknownPerson, "of another unit");
    let of_clerk = roles::answer(&clerk, &asked).await.unwrap();
    assert_eq!(why(&of_clerk)[0], Because::UnknownPerson, "of another application");
    assert_eq!(why(&of_clerk)[1..], why(&all)[1..]);
    assert!(of_clerk.iter().all(|one| one.reason.path.is_empty()));
    forbidden(roles::answer(&acting_as(&school, "aide", "help_desk", "").await, &asked).await);
}

#[tokio::test]
async fn exclusions_are_read_of_ones_people_and_of_ones_applications() {
    let school = explained().await;
    let head = acting_as(&school, "chef-rt", "unit_administrator", "rt").await;
    let clerk = acting_as(&school, "nomade", "responsible", "notes").await;
    let decided = |who: &str, application: &str, role: &str| NewExclusion {
        user: school.people[who],
        application: application.to_owned(),
        role: role.to_owned(),
        scope: None,
        reason: "ne l’est plus".to_owned(),
        valid_until: None,
    };
    let mut made = Vec::new();
    for (who, application, role) in [("prof-rt", "scodoc", "Ens"), ("prof-rt", "notes", "reader"), ("prof-geii", "notes", "writer")] {
        made.push(exclusions::add(&school.ctx, &decided(who, application, role)).await.unwrap().id);
    }
    let read = async |ctx: &Context, page: PageRequest, filter: exclusion::Filter| {
        let listed = exclusions::list(ctx, &page, &filter).await.unwrap();
        assert_eq!(usize::try_from(listed.total).unwrap(), listed.items.len());
        listed.items.into_iter().map(|one| one.id).collect::<Vec<_>>()
    };
    assert_eq!(read(&head, ten(), exclusion::Filter::default()).await, made[..2]);
    assert_eq!(read(&clerk, ten(), exclusion::Filter::default()).await, made[1..]);
    let words = PageRequest::parse(Some(9), None, Some("geii")).unwrap();
    assert_eq!(read(&clerk, words.clone(), exclusion::Filter::default()).await, made[2..]);
    let address = PageRequest::parse(Some(9), None, Some("univ-test")).unwrap();
    assert!(read(&clerk, address, exclusion::Filter::default()).await.is_empty(), "not by addresses");
    let only = exclusion::Filter { role: Some("reader".to_owned()), ..exclusion::Filter::default() };
    assert_eq!(read(&clerk, ten(), only).await, made[1..2]);
    assert_eq!(exclusions::get(&head, made[0]).await.unwrap().role, "Ens");
    hidden(exclusions::get(&head, made[2]).await);
    hidden(exclusions::get(&clerk, made[0]).await);
    forbidden(exclusions::end(&head, made[0]).await);
}

#[tokio::test]
async fn reviews_are_read_and_decided_by_those_before_whom_they_were_laid() {
    let school = explained().await;
    let head = acting_as(&school, "chef-rt", "unit_administrator", "rt").await;
    let clerk = acting_as(&school, "nomade", "responsible", "notes").await;
    let begun = |name: &str, reviewers: Vec<UserId>, by_unit| NewCampaign {
        name: name.to_owned(),
        title: String::new(),
        due_at: school.ctx.now.plus_s(14 * 24 * 3600),
        extent: Extent { application: Some("notes".to_owned()), by_unit, reviewers, ..Extent::default() },
    };
    let ours = reviews::create(&school.ctx, &begun("automne", vec![], true)).await.unwrap().campaign.id;
    reviews::create(&school.ctx, &begun("autre", vec![school.people["aide"]], false)).await.unwrap();
    let listed = reviews::list(&head, &ten(), &campaign::Filter::default()).await.unwrap();
    assert_eq!((listed.total, listed.items[0].campaign.id, listed.items[0].progress.items), (1, ours, 2));
    let closed = campaign::Filter { state: Some("closed".to_owned()), ..campaign::Filter::default() };
    assert_eq!(reviews::list(&head, &ten(), &closed).await.unwrap().total, 0);
    assert_eq!(reviews::list(&clerk, &ten(), &campaign::Filter::default()).await.unwrap().total, 0, "nothing was laid before them");
    assert_eq!(reviews::get(&head, "automne").await.unwrap().progress.open, 2);
    for other in ["autre", "rien"] {
        hidden(reviews::get(&head, other).await);
    }
    hidden(reviews::items(&clerk, ours, &ten(), &review_item::Filter::default()).await);
    let items = reviews::items(&head, ours, &ten(), &review_item::Filter::default()).await.unwrap().items;
    assert_eq!(items.len(), 2);
    let keep = |id: CampaignId, ctx: Context| {
        let verdicts = [Verdict { item: items[0].id, decision: Decision::Keep, reason: None }];
        async move { reviews::decide(&ctx, id, &verdicts).await }
    };
    hidden(keep(ours, clerk).await);
    keep(ours, head.clone()).await.unwrap();
    assert_eq!(reviews::get(&head, &ours.to_string()).await.unwrap().progress.open, 1);
    forbidden(reviews::close(&head, ours).await);
}
