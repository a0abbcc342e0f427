//! What follows an application or a unit to another name, and what is wiped with a person.

use passerelle::store::establishment::api_token::{self, ApiToken, TokenKind};
use passerelle::store::establishment::application::{self, Application, ScopeKind};
use passerelle::store::establishment::assignment::{self, Assignment, Origin};
use passerelle::store::establishment::campaign::{self, Campaign, CampaignState};
use passerelle::store::establishment::ended_assignment::{self, Span};
use passerelle::store::establishment::exclusion::{self, Exclusion};
use passerelle::store::establishment::review_item::{self, ReviewItem};
use passerelle::store::establishment::user::{self, User};
use passerelle::store::establishment::{application_use, assignment_by_hand};
use passerelle::types::id::{ExclusionId, ReviewItemId};
use passerelle::types::page::PageRequest;
use passerelle::types::permission::APPLICATION;

use super::engine::{Bed, on_every_engine};
use super::exclusions::excluded;
use super::relying_parties::api_token;
use super::reviews::{campaign, item, withdrawn};
use super::samples::{self, LATER, NOW, person, token};

/// The gateway's own application, notes, and two people.
async fn place(bed: &Bed) -> (Application, Application, [User; 2]) {
    let own = Application { scope_kind: ScopeKind::Unit, ..samples::application(APPLICATION) };
    let notes = samples::application("notes");
    let people = ["une", "deux"].map(person);
    bed.write(async |tx| {
        user::insert_all(tx, &people).await?;
        application::insert(tx, &own).await?;
        application::insert(tx, &notes).await
    })
    .await;
    (own, notes, people)
}

fn answering(user: &User, own: &Application, role: &str, scope: &str) -> Assignment {
    Assignment { scope: scope.to_owned(), ..samples::assignment(user, own, role) }
}

fn not_answering(user: &User, own: &Application, role: &str, scope: &str) -> Exclusion {
    Exclusion { scope: scope.to_owned(), ..excluded(user, own, role) }
}

fn of(role: &str, within: &str, name: &str) -> ApiToken {
    ApiToken { scope: role.to_owned(), within: Some(within.to_owned()), ..api_token(name, TokenKind::Api, None) }
}

async fn scopes(bed: &Bed, user: &User) -> Vec<String> {
    let mut held: Vec<String> =
        assignment::list_of_user(&mut bed.read().await, user.id).await.unwrap().into_iter().map(|one| one.scope).collect();
    held.sort();
    held
}

async fn excluded_from(bed: &Bed) -> Vec<String> {
    let found = exclusion::list(&mut bed.read().await, &PageRequest::first(20), &exclusion::Filter::default()).await.unwrap();
    let mut scopes: Vec<String> = found.items.into_iter().map(|one| one.scope).collect();
    scopes.sort();
    scopes
}

async fn places(bed: &Bed, tokens: &[ApiToken]) -> Vec<Option<String>> {
    let mut tx = bed.read().await;
    let mut places = Vec::new();
    for one in tokens {
        places.push(api_token::find(&mut tx, one.id).await.unwrap().and_then(|found| found.within));
    }
    places
}

/// Names that only begin alike, and roles in units of the same name, stay.
#[tokio::test]
async fn whoever_answers_for_an_application_follows_it_to_another_name() {
    on_every_engine(async |bed| {
        let (own, _, [one, two]) = place(bed).await;
        let held = ["notes", "notes/bulletins", "notes2", "no%es/x"].map(|scope| answering(&one, &own, "responsible", scope));
        let unit = answering(&two, &own, "help_desk", "notes");
        let twice = ["notes/x", "marks/x"].map(|scope| answering(&two, &own, "responsible", scope));
        let out = ["notes/bulletins", "notes2"].map(|scope| not_answering(&one, &own, "responsible", scope));
        let in_unit = not_answering(&two, &own, "help_desk", "notes");
        let tokens = [of("responsible", "notes", "a"), of("responsible", "notes/é", "b"), of("help_desk", "notes", "c")];
        bed.write(async |tx| {
            assignment::insert_all(tx, &held).await?;
            assignment::insert_all(tx, &twice).await?;
            assignment::insert_all(tx, std::slice::from_ref(&unit)).await?;
            for one in out.iter().chain([&in_unit]) {
                exclusion::insert(tx, one).await?;
            }
            for one in &tokens {
                api_token::insert(tx, token(&one.name), one).await?;
            }
            Ok(())
        })
        .await;
        let mut tx = bed.read().await;
        assert_eq!(assignment_by_hand::count_answering_for(&mut tx, "notes").await.unwrap(), 3);
        assert_eq!(api_token::count_answering_for(&mut tx, "notes", NOW).await.unwrap(), 2);
        assert_eq!(api_token::count_in_unit(&mut tx, "notes", NOW).await.unwrap(), 1);
        assert_eq!(exclusion::count_in_unit(&mut tx, "notes", NOW).await.unwrap(), 1);
        assert_eq!(exclusion::count_in_unit(&mut tx, "notes", LATER).await.unwrap(), 0, "what has ended stands in nothing");
        drop(tx);
        bed.write(async |tx| {
            assignment_by_hand::rename_application(tx, "notes", "marks").await?;
            exclusion::rename_application(tx, "notes", "marks").await?;
            api_token::rename_application(tx, "notes", "marks").await
        })
        .await;
        assert_eq!(scopes(bed, &one).await, ["marks", "marks/bulletins", "no%es/x", "notes2"]);
        assert_eq!(scopes(bed, &two).await, ["marks/x", "notes"], "once, and the unit's stays");
        assert_eq!(excluded_from(bed).await, ["marks/bulletins", "notes", "notes2"]);
        assert_eq!(places(bed, &tokens).await, ["marks", "marks/é", "notes"].map(|place| Some(place.to_owned())));
        bed.write(async |tx| {
            exclusion::delete_answering_for(tx, "marks").await?;
            api_token::delete_answering_for(tx, "marks").await
        })
        .await;
        assert_eq!(excluded_from(bed).await, ["notes", "notes2"]);
        assert_eq!(places(bed, &tokens).await, [None, None, Some("notes".to_owned())]);
    })
    .await;
}

#[tokio::test]
async fn what_goes_on_in_reviews_follows_and_what_has_ended_stays() {
    on_every_engine(async |bed| {
        let (own, notes, [one, two]) = place(bed).await;
        let (open, ended) = (campaign("automne"), Campaign { state: CampaignState::Closed, ..campaign("printemps") });
        let stale = ReviewItem { application: "marks".to_owned(), ..item(&open, &one, None, "chef") };
        let kept = ReviewItem { application: "marks".to_owned(), ..item(&open, &two, None, "chef") };
        let answering_for =
            ReviewItem { application: APPLICATION.to_owned(), scope: "notes/x".to_owned(), ..item(&open, &one, None, "responsible") };
        let of_notes = [item(&open, &one, None, "chef"), item(&open, &two, None, "membre"), item(&ended, &one, None, "chef")];
        let renamed = [&of_notes[0], &of_notes[1], &of_notes[2], &stale, &kept, &answering_for];
        bed.write(async |tx| {
            campaign::insert(tx, &open).await?;
            campaign::insert(tx, &ended).await?;
            for one in renamed {
                review_item::insert_all(tx, std::slice::from_ref(one)).await?;
            }
            review_item::rename_application(tx, "notes", "marks").await
        })
        .await;
        let mut tx = bed.read().await;
        let mut found = Vec::new();
        for one in renamed {
            found.push(review_item::find(&mut tx, one.id).await.unwrap().map(|now| (now.application, now.scope)));
        }
        drop(tx);
        let at = |application: &str, scope: &str| Some((application.to_owned(), scope.to_owned()));
        let expected = [at("marks", "RT"), at("marks", "RT"), at("notes", "RT"), None, at("marks", "RT"), at(APPLICATION, "marks/x")];
        assert_eq!(found, expected);

        // A scope is followed by what is held there and not where it was.
        let moved = Assignment { origin: Origin::Rule, scope: "R&T".to_owned(), ..samples::assignment(&one, &notes, "chef") };
        let back =
            |scope: &str, user: &User| ReviewItem { id: ReviewItemId::new(), scope: scope.to_owned(), ..item(&open, user, None, "chef") };
        let (followed, elsewhere) = (back("RT", &one), back("RT", &two));
        bed.write(async |tx| {
            assignment::insert_all(tx, &[moved, samples::assignment(&two, &own, "chef")]).await?;
            review_item::insert_all(tx, &[followed.clone(), elsewhere.clone()]).await?;
            review_item::follow_scope(tx, "RT", "R&T").await
        })
        .await;
        let mut tx = bed.read().await;
        assert_eq!(review_item::find(&mut tx, followed.id).await.unwrap().unwrap().scope, "R&T");
        assert_eq!(review_item::find(&mut tx, elsewhere.id).await.unwrap().unwrap().scope, "RT");
    })
    .await;
}

#[tokio::test]
async fn what_is_wiped_with_a_person_leaves_the_decisions_of_reviews() {
    on_every_engine(async |bed| {
        let (own, notes, [one, two]) = place(bed).await;
        let open = campaign("automne");
        let decided = item(&open, &one, Some(&two), "chef");
        let waiting = item(&open, &two, Some(&one), "chef");
        let held = samples::assignment(&one, &notes, "chef");
        bed.write(async |tx| {
            campaign::insert(tx, &open).await?;
            review_item::insert_all(tx, &[decided.clone(), waiting.clone()]).await?;
            review_item::decide(tx, &withdrawn(&decided)).await?;
            assignment::insert_all(tx, std::slice::from_ref(&held)).await?;
            ended_assignment::keep_all(tx, &[held.id], LATER).await?;
            application_use::note(tx, one.id, notes.id, NOW).await?;
            application_use::note(tx, two.id, notes.id, NOW).await?;
            exclusion::insert(tx, &excluded(&one, &notes, "chef")).await?;
            exclusion::insert(tx, &Exclusion { id: ExclusionId::new(), ..excluded(&two, &own, "chef") }).await
        })
        .await;
        bed.write(async |tx| {
            assignment::delete_of_user(tx, one.id).await?;
            ended_assignment::delete_of_user(tx, one.id).await?;
            application_use::delete_of_user(tx, one.id).await?;
            exclusion::delete_of_user(tx, one.id).await?;
            review_item::erase_user(tx, one.id).await
        })
        .await;
        let mut tx = bed.read().await;
        let span = Span { from: NOW, to: LATER.plus_s(9), ..Span::default() };
        assert_eq!(ended_assignment::compare(&mut tx, &span, 0, 10).await.unwrap().1, 0, "nothing is known of what they held");
        assert_eq!(application_use::last(&mut tx, one.id, notes.id).await.unwrap(), None);
        assert!(application_use::last(&mut tx, two.id, notes.id).await.unwrap().is_some());
        let left = exclusion::list(&mut tx, &PageRequest::first(9), &exclusion::Filter::default()).await.unwrap();
        assert_eq!(left.items.iter().map(|x| x.user_id).collect::<Vec<_>>(), [two.id]);
        let wiped = ReviewItem { reason: None, last_used_at: None, last_sign_in_at: None, ..withdrawn(&decided) };
        assert_eq!(review_item::find(&mut tx, decided.id).await.unwrap(), Some(wiped));
        assert_eq!(review_item::find(&mut tx, waiting.id).await.unwrap(), Some(ReviewItem { reviewer_id: None, ..waiting }));
    })
    .await;
}
