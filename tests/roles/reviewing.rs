//! Reviews (OME-51, OME-52): who decides on what, and what comes of it.

use passerelle::services::applications::{self, ApplicationFields};
use passerelle::services::context::{Actor, Context};
use passerelle::services::error::Error;
use passerelle::services::reviews::{self, NewCampaign, Verdict};
use passerelle::services::roles::exclusions;
use passerelle::services::roles::{assignments, unused};
use passerelle::services::units::{self, UnitFields};
use passerelle::services::{audit, jobs};
use passerelle::store::establishment::application::ScopeKind;
use passerelle::store::establishment::assignment::Origin;
use passerelle::store::establishment::campaign::{CampaignState, Extent};
use passerelle::store::establishment::review_item::{Decision, Filter, Outcome, ReviewItem};
use passerelle::store::establishment::{application, application_use, assignment, audit_event, exclusion};
use passerelle::types::id::CampaignId;
use passerelle::types::page::PageRequest;
use serde_json::json;

use super::assigning::new;
use super::delegating::{acting_as, institute, scoped};
use super::school::School;
use crate::harness::gateway::TestGateway;
use crate::harness::mailbox::Mailbox;

/// A rule gives `membre` to a and b, a hand gave `chef` to a; r and s review.
async fn school(test: TestGateway) -> School {
    let mut school = School::within(test, &["a", "b", "r", "s"], &[("ens", &["a", "b"], &[])]).await;
    school.ctx = Context { now: school.ctx.now.plus_s(24 * 3600), ..school.ctx };
    let roles = json!([{ "name": "chef", "title": "Chef" }, { "name": "membre", "title": "Membre" }, { "name": "tous" }]);
    school.application(json!({ "name": "notes", "title": "Notes", "default_role": "tous", "roles": roles })).await;
    school.rule("notes", "ens", "membre", None).await;
    assignments::add(&school.ctx, &new(school.people["a"], "notes", "chef")).await.unwrap();
    school
}

fn beginning(school: &School, name: &str, reviewers: &[&str]) -> NewCampaign {
    NewCampaign {
        name: name.to_owned(),
        title: "Revue d’automne".to_owned(),
        due_at: school.ctx.now.plus_s(14 * 24 * 3600),
        extent: Extent {
            application: Some("notes".to_owned()),
            reviewers: reviewers.iter().map(|one| school.people[*one]).collect(),
            ..Extent::default()
        },
    }
}

fn acting(school: &School, person: &str) -> Context {
    Context { actor: Actor::User { id: school.people[person], roles: Vec::new() }, ..school.ctx.clone() }
}

async fn items(school: &School, id: CampaignId) -> Vec<ReviewItem> {
    reviews::items(&school.ctx, id, &PageRequest::first(100), &Filter::default()).await.unwrap().items
}

fn verdict(item: &ReviewItem, decision: Decision, reason: &str) -> Verdict {
    Verdict { item: item.id, decision, reason: Some(reason.to_owned()).filter(|words| !words.is_empty()) }
}

#[tokio::test]
async fn what_is_kept_stays_and_what_is_withdrawn_ends_or_is_excluded() {
    let school = school(TestGateway::start().await).await;
    let begun = reviews::create(&school.ctx, &beginning(&school, "automne", &["r"])).await.unwrap();
    assert_eq!((begun.progress.items, begun.progress.open, begun.campaign.state), (3, 3, CampaignState::Open));
    let id = begun.campaign.id;
    let found = items(&school, id).await;
    let of = |person: &str, role: &str| found.iter().find(|one| one.username == person && one.role == role).unwrap().clone();
    let (chef, membre, other) = (of("a", "chef"), of("a", "membre"), of("b", "membre"));
    assert_eq!((chef.origin, membre.origin), (Origin::Manual, Origin::Rule));
    let ctx = acting(&school, "r");
    let refused = reviews::decide_own(&ctx, id, &[verdict(&chef, Decision::Withdraw, " ")]).await;
    assert!(matches!(refused, Err(Error::Invalid(_))), "no role goes without a reason");
    let all = [
        verdict(&chef, Decision::Withdraw, "n’est plus chef"),
        verdict(&membre, Decision::Withdraw, "n’enseigne plus"),
        verdict(&other, Decision::Keep, ""),
    ];
    let decided = reviews::decide_own(&ctx, id, &all).await.unwrap();
    let mut outcomes: Vec<_> = decided.iter().map(|one| (one.username.as_str(), one.outcome.unwrap())).collect();
    outcomes.sort_by_key(|(name, outcome)| (*name, *outcome as u8));
    assert_eq!(outcomes, [("a", Outcome::Ended), ("a", Outcome::Excluded), ("b", Outcome::Kept)]);
    assert_eq!(school.held("a", "notes").await, ["tous"]);
    assert_eq!(school.held("b", "notes").await, ["membre"]);
    let listed = exclusions::list(&school.ctx, &PageRequest::first(9), &exclusion::Filter::default()).await.unwrap().items;
    assert_eq!(listed[0].reason, "Revue d’automne: n’enseigne plus");
    assert_eq!(listed[0].given_by, format!("user:{}", school.people["r"]));
    // What was kept may still be withdrawn while the review goes on; what was withdrawn is given back by hand alone.
    let back = reviews::decide_own(&ctx, id, &[verdict(&membre, Decision::Keep, "")]).await;
    assert!(matches!(back, Err(Error::Conflict(_))));
    let closed = reviews::close(&school.ctx, id).await.unwrap();
    assert_eq!((closed.progress.kept, closed.progress.withdrawn, closed.progress.open), (1, 2, 0));
    let late = reviews::decide(&school.ctx, id, &[verdict(&other, Decision::Withdraw, "trop tard")]).await;
    assert!(matches!(late, Err(Error::Conflict(_))), "the result stays as it is");
    assert!(matches!(reviews::close(&school.ctx, id).await, Err(Error::Conflict(_))));
    assert_eq!(items(&school, id).await.iter().filter(|one| one.decision.is_some()).count(), 3);
    let filter = audit_event::Filter { subject_kind: Some("review".to_owned()), ..audit_event::Filter::default() };
    let events = audit::list(&school.ctx, &PageRequest::first(9), &filter).await.unwrap().items;
    let actions: Vec<&str> = events.iter().rev().map(|event| event.action.as_str()).collect();
    assert_eq!(actions, ["review.created", "review.decided", "review.closed"]);
    assert_eq!(events[1].detail["decisions"].as_array().unwrap().len(), 3);
}

/// What was laid before a reviewer is what is held, whatever it was renamed to since.
#[tokio::test]
async fn a_review_goes_on_under_new_names() {
    let school = school(TestGateway::start().await).await;
    let ctx = &school.ctx;
    for name in ["RT", "GEII"] {
        units::create(ctx, &UnitFields { name: name.to_owned(), ..UnitFields::default() }).await.unwrap();
    }
    school.change("b", |user| user.home_unit = Some("RT".to_owned())).await;
    let standing = applications::get(ctx, "notes").await.unwrap();
    let fields = ApplicationFields { scope_kind: ScopeKind::Unit, ..ApplicationFields::from(&standing) };
    let standing = applications::update(ctx, &standing, &fields).await.unwrap();
    school.rule("notes", r#"[{"unit": "(?<unit>R.*)"}]"#, "chef", Some("{unit}")).await;
    let in_unit = assignments::NewAssignment { scope: Some("RT".to_owned()), ..new(school.people["a"], "notes", "membre") };
    assignments::add(ctx, &in_unit).await.unwrap();
    let begun = reviews::create(ctx, &beginning(&school, "automne", &["r"])).await.unwrap();

    let unit = units::named(ctx, "RT").await.unwrap();
    units::update(ctx, &unit, &UnitFields { name: "R&T".to_owned(), ..UnitFields::from(&unit) }).await.unwrap();
    let fields = ApplicationFields { name: "releves".to_owned(), ..ApplicationFields::from(&standing) };
    applications::update(ctx, &standing, &fields).await.unwrap();
    let found = items(&school, begun.campaign.id).await;
    let verdicts: Vec<Verdict> = found.iter().map(|one| verdict(one, Decision::Withdraw, "plus ici")).collect();
    let decided = reviews::decide_own(&acting(&school, "r"), begun.campaign.id, &verdicts).await.unwrap();
    assert_eq!(decided.len(), 5);
    assert!(decided.iter().all(|one| one.application == "releves" && one.outcome != Some(Outcome::Gone)), "{decided:?}");
    assert_eq!((school.held("a", "releves").await, school.held("b", "releves").await), (vec!["tous".to_owned()], vec!["tous".to_owned()]));
}

#[tokio::test]
async fn nobody_decides_on_their_own_roles_or_on_what_was_laid_before_another() {
    let school = school(TestGateway::start().await).await;
    let begun = reviews::create(&school.ctx, &beginning(&school, "automne", &["a", "r"])).await.unwrap();
    let found = items(&school, begun.campaign.id).await;
    let id = begun.campaign.id;
    let reviewer = |name: &str| Some(school.people[name]);
    for one in found.iter().filter(|one| one.username == "a") {
        assert_eq!(one.reviewer_id, reviewer("r"), "never they themselves");
    }
    let other = found.iter().find(|one| one.username == "b").unwrap();
    assert_eq!(other.reviewer_id, reviewer("a"), "each in turn");
    let own = found.iter().find(|one| one.username == "a").unwrap();
    let refused = reviews::decide_own(&acting(&school, "r"), id, &[verdict(other, Decision::Keep, "")]).await;
    assert!(matches!(refused, Err(Error::NotFound(_))));
    // An administrator decides on anybody's but their own.
    let administrator = Context {
        actor: Actor::User { id: school.people["a"], roles: vec![passerelle::types::permission::GatewayRole::Administrator.into()] },
        ..school.ctx.clone()
    };
    assert!(matches!(reviews::decide(&administrator, id, &[verdict(own, Decision::Keep, "")]).await, Err(Error::Forbidden(_))));
    reviews::decide(&administrator, id, &[verdict(other, Decision::Keep, "")]).await.unwrap();
    assert!(matches!(reviews::decide(&acting(&school, "r"), id, &[verdict(other, Decision::Keep, "")]).await, Err(Error::Forbidden(_))));
    let laid = reviews::own(&acting(&school, "r")).await.unwrap();
    assert_eq!((laid.len(), laid[0].progress.items, laid[0].progress.open), (1, 2, 2));
    assert!(reviews::own(&acting(&school, "s")).await.unwrap().is_empty());
    let strange = reviews::own_items(&acting(&school, "s"), id, &PageRequest::first(9), None).await;
    assert!(matches!(strange, Err(Error::NotFound(_))));
    assert!(matches!(reviews::own(&school.ctx).await, Err(Error::Unauthenticated)), "the program itself reviews nothing");
}

#[tokio::test]
async fn a_review_looks_at_one_unit_or_at_what_nobody_uses() {
    let school = school(TestGateway::start().await).await;
    school.change("b", |user| user.home_unit = Some("RT".to_owned())).await;
    let of_unit = NewCampaign {
        extent: Extent { unit: Some("RT".to_owned()), ..beginning(&school, "", &["r"]).extent },
        ..beginning(&school, "rt", &["r"])
    };
    let begun = reviews::create(&school.ctx, &of_unit).await.unwrap();
    assert_eq!(items(&school, begun.campaign.id).await.iter().map(|one| one.username.as_str()).collect::<Vec<_>>(), ["b"]);
    let ctx = &school.ctx;
    let mut tx = ctx.store.begin().await.unwrap();
    let notes = application::find_by_name(&mut tx, "notes").await.unwrap().unwrap();
    application_use::note(&mut tx, school.people["a"], notes.id, ctx.now).await.unwrap();
    tx.commit().await.unwrap();
    let later = Context { now: ctx.now.plus_s(2 * 24 * 3600), ..ctx.clone() };
    let since = Some(application_use::day(ctx.now));
    let dormant = |name: &str| NewCampaign {
        extent: Extent { unused_since: since, ..beginning(&school, "", &["r"]).extent },
        ..beginning(&school, name, &["r"])
    };
    let begun = reviews::create(&later, &dormant("dormants")).await.unwrap();
    let found = items(&school, begun.campaign.id).await;
    assert_eq!(found.iter().map(|one| (one.username.as_str(), one.last_used_at)).collect::<Vec<_>>(), [("b", None)]);
    let notes = application_use::Filter { application: Some("notes".to_owned()), ..application_use::Filter::default() };
    let since = Some(application_use::day(ctx.now).plus_s(24 * 3600 - 1));
    let listed = unused::list(&later, &PageRequest::first(9), since, &notes).await.unwrap();
    assert_eq!(listed.items.iter().map(|one| one.username.as_str()).collect::<Vec<_>>(), ["b"]);
    let refused = unused::list(ctx, &PageRequest::first(9), Some(ctx.now.plus_s(1)), &application_use::Filter::default()).await;
    assert!(matches!(refused, Err(Error::Invalid(_))));
}

#[tokio::test]
async fn a_review_that_does_not_fit_is_refused_field_by_field() {
    let school = school(TestGateway::start().await).await;
    let fields = async |new: NewCampaign| match reviews::create(&school.ctx, &new).await {
        Err(Error::Invalid(wrong)) => wrong.into_iter().map(|one| one.field).collect::<Vec<_>>(),
        other => panic!("it does not fit: {other:?}"),
    };
    let ordinary = || beginning(&school, "automne", &["r"]);
    let wrong = NewCampaign { name: "À moi".to_owned(), title: "a\nb".to_owned(), due_at: school.ctx.now, extent: Extent::default() };
    assert_eq!(fields(wrong).await, ["name", "title", "due_at", "extent.reviewers"]);
    let crowd = Extent { reviewers: vec![school.people["r"]; 101], ..ordinary().extent };
    assert_eq!(fields(NewCampaign { extent: crowd, ..ordinary() }).await, ["extent.reviewers"]);
    let nowhere = Extent { application: Some("rien".to_owned()), ..ordinary().extent };
    assert_eq!(fields(NewCampaign { extent: nowhere, ..ordinary() }).await, ["extent.application"]);
    let nothing = Extent { role: Some("roi".to_owned()), ..ordinary().extent };
    assert_eq!(fields(NewCampaign { extent: nothing, ..ordinary() }).await, ["extent.role"]);
    let empty = Extent { unit: Some("GEA".to_owned()), ..ordinary().extent };
    assert_eq!(fields(NewCampaign { extent: empty, ..ordinary() }).await, ["extent"]);
    school.change("r", |user| user.status = passerelle::store::establishment::user::UserStatus::Disabled).await;
    assert_eq!(fields(ordinary()).await, ["extent.reviewers"]);
    reviews::create(&school.ctx, &beginning(&school, "automne", &["s"])).await.unwrap();
    assert!(matches!(reviews::create(&school.ctx, &beginning(&school, "automne", &["s"])).await, Err(Error::Conflict(_))));
}

#[tokio::test]
async fn reviewers_read_of_it_at_the_beginning_halfway_and_two_days_before() {
    let mailbox = Mailbox::start().await;
    let settings = mailbox.settings();
    let school = school(TestGateway::start_with(|config| config.mail = settings).await).await;
    let begun = reviews::create(&school.ctx, &beginning(&school, "automne", &["r", "s"])).await.unwrap();
    let to_reviewers = async |days: i64| {
        jobs::run_due(&school.test.gateway, school.ctx.now.plus_s(days * 24 * 3600)).await.unwrap();
        let letters = mailbox.letters().into_iter().filter(|letter| letter.text.contains("/reviews/"));
        letters.map(|letter| (letter.to.join(" "), letter.header("subject").contains("rappel"), letter.text.clone())).collect::<Vec<_>>()
    };
    let mut sent = to_reviewers(0).await;
    // Letters of one round go out side by side.
    sent.sort();
    assert_eq!(
        sent.iter().map(|(to, again, _)| (to.as_str(), *again)).collect::<Vec<_>>(),
        [("r@univ-test.fr", false), ("s@univ-test.fr", false)]
    );
    let link = format!("{}/reviews/{}", school.ctx.issuer(), begun.campaign.id);
    assert!(sent[0].2.lines().any(|line| line == link) && sent[0].2.contains("Revue d’automne"), "{}", sent[0].2);
    assert_eq!(to_reviewers(6).await.len(), 2, "not yet");
    let found = items(&school, begun.campaign.id).await;
    let of_r: Vec<Verdict> =
        found.iter().filter(|one| one.reviewer_id == Some(school.people["r"])).map(|one| verdict(one, Decision::Keep, "")).collect();
    reviews::decide_own(&acting(&school, "r"), begun.campaign.id, &of_r).await.unwrap();
    let sent = to_reviewers(7).await;
    assert_eq!((sent.len(), sent[2].0.as_str(), sent[2].1), (3, "s@univ-test.fr", true), "only who has still to decide");
    assert_eq!(to_reviewers(11).await.len(), 3);
    assert_eq!(to_reviewers(12).await.len(), 4);
    assert_eq!(to_reviewers(13).await.len(), 4, "no more than that");
    let day = |days: i64| Context { now: school.ctx.now.plus_s(days * 24 * 3600), ..school.ctx.clone() };
    reviews::remind(&day(13), begun.campaign.id).await.unwrap();
    assert!(matches!(reviews::remind(&day(13), begun.campaign.id).await, Err(Error::TooMany { retry_after_s: 86_400 })), "once a day");
    assert_eq!(to_reviewers(13).await.len(), 5);
    reviews::close(&school.ctx, begun.campaign.id).await.unwrap();
    assert!(matches!(reviews::remind(&school.ctx, begun.campaign.id).await, Err(Error::Conflict(_))));
}

/// Roles of the gateway are decided on by whoever is named and holds them; a unit's administrators decide as long as they are that.
#[tokio::test]
async fn reviewers_decide_no_more_than_they_may_when_they_come_to_it() {
    let school = institute().await;
    let head = acting_as(&school, "chef-rt", "unit_administrator", "rt").await;
    let admin = acting_as(&school, "chef-iut", "administrator", "").await;
    assignments::add(&school.ctx, &scoped(school.people["prof-rt"], "passerelle", "help_desk", "rt")).await.unwrap();
    assignments::add(&school.ctx, &new(school.people["prof-rt"], "passerelle", "auditor")).await.unwrap();
    assignments::add(&school.ctx, &new(school.people["prof-rt"], "notes", "reader")).await.unwrap();
    let extent = Extent { by_unit: true, reviewers: vec![school.people["aide"], school.people["chef-iut"]], ..Extent::default() };
    let all = NewCampaign { extent, ..beginning_with(&school, "tout") };
    let begun = reviews::create(&school.ctx, &all).await.unwrap();
    let (id, of) = (begun.campaign.id, |role: &'static str, found: &[ReviewItem]| {
        found.iter().find(|one| one.username == "prof-rt" && one.role == role).unwrap().clone()
    });
    let found = items(&school, id).await;
    let (desk, auditor, reader) = (of("help_desk", &found), of("auditor", &found), of("reader", &found));
    assert_eq!([&desk, &auditor].map(|one| one.reviewer_id), [Some(school.people["chef-iut"]); 2], "neither the unit’s nor the help desk");
    assert_eq!(reader.reviewer_id, Some(school.people["chef-rt"]));
    let own = found.iter().find(|one| one.username == "chef-iut" && one.role == "administrator").unwrap();
    assert_eq!(own.reviewer_id, None, "nobody else holds it");
    // The named one is administrator no more.
    let given = assignments::list(&school.ctx, &PageRequest::first(50), &assignment::Filter::default()).await.unwrap().items;
    let end = async |person: &str, role: &str| {
        let one = given.iter().find(|one| one.user_id == school.people[person] && one.role == role).unwrap();
        assignments::end(&school.ctx, one.id).await.unwrap();
    };
    end("chef-iut", "administrator").await;
    for decision in [Decision::Keep, Decision::Withdraw] {
        let refused = reviews::decide_own(&admin, id, &[verdict(&auditor, decision, "au revoir")]).await;
        assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    }
    assert_eq!(reviews::own(&head).await.unwrap().len(), 1);
    end("chef-rt", "unit_administrator").await;
    let refused = reviews::decide_own(&head, id, &[verdict(&reader, Decision::Withdraw, "au revoir")]).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    assert!(reviews::own(&head).await.unwrap().is_empty());
    let read = reviews::own_items(&head, id, &PageRequest::first(9), None).await;
    assert!(matches!(read, Err(Error::NotFound(_))), "{read:?}");
    // The next reminder leaves it to administrators.
    reviews::remind_when_due(&Context { now: school.ctx.now.plus_s(8 * 24 * 3600), ..school.ctx.clone() }, &id.to_string()).await.unwrap();
    assert!(items(&school, id).await.iter().filter(|one| one.username == "prof-rt").all(|one| one.reviewer_id.is_none()));
    reviews::decide(&school.ctx, id, &[verdict(&reader, Decision::Withdraw, "au revoir")]).await.unwrap();
}

fn beginning_with(school: &School, name: &str) -> NewCampaign {
    NewCampaign { name: name.to_owned(), title: name.to_owned(), due_at: school.ctx.now.plus_s(14 * 24 * 3600), extent: Extent::default() }
}

/// What nobody decided until the day stays as it is, and is listed as such.
#[tokio::test]
async fn a_review_ends_by_itself_when_it_is_due() {
    let school = school(TestGateway::start().await).await;
    let begun = reviews::create(&school.ctx, &beginning(&school, "automne", &["r"])).await.unwrap();
    let due = begun.campaign.due_at;
    let state = async || reviews::get(&school.ctx, "automne").await.unwrap();
    jobs::run_due(&school.test.gateway, due.plus_s(-1)).await.unwrap();
    assert_eq!(state().await.campaign.state, CampaignState::Open);
    jobs::run_due(&school.test.gateway, due).await.unwrap();
    let ended = state().await;
    assert_eq!((ended.campaign.state, ended.campaign.closed_at), (CampaignState::Closed, Some(due)));
    assert_eq!((ended.progress.open, ended.progress.withdrawn), (3, 0), "nothing was taken away");
    let late = Context { now: due, ..acting(&school, "r") };
    assert!(matches!(reviews::own_items(&late, begun.campaign.id, &PageRequest::first(9), None).await, Err(Error::NotFound(_))));
    let filter = audit_event::Filter { action: Some("review.closed".to_owned()), ..audit_event::Filter::default() };
    assert_eq!(audit::list(&school.ctx, &PageRequest::first(9), &filter).await.unwrap().items[0].actor, "system");
}
