//! Who holds which role, until when and why.

use passerelle::store::establishment::application::Application;
use passerelle::store::establishment::assignment::{Assignment, Filter, Origin, Standing, Step};
use passerelle::store::establishment::rule::Rule;
use passerelle::store::establishment::user::User;
use passerelle::store::establishment::{application, assignment, rule, user};
use passerelle::types::id::{ApplicationId, AssignmentId, RuleId};

use super::engine::{Bed, on_every_engine, walk};
use super::samples::{self, LATER, NOW, person};

struct Place {
    people: Vec<User>,
    notes: Application,
    other: Application,
    given: Rule,
}

async fn place(bed: &Bed, people: usize) -> Place {
    let (notes, other) = (samples::application("notes"), samples::application("autre"));
    let given = samples::rule(&notes, "chef", 0);
    let people: Vec<User> = (0..people).map(|n| person(&format!("p{n}"))).collect();
    bed.write(async |tx| {
        user::insert_all(tx, &people).await?;
        application::insert(tx, &notes).await?;
        application::insert(tx, &other).await?;
        rule::insert(tx, &given).await
    })
    .await;
    Place { people, notes, other, given }
}

async fn with_assignments(bed: &Bed, assignments: &[Assignment]) {
    bed.write(async |tx| assignment::insert_all(tx, assignments).await).await;
}

/// What a recomputation sees of an assignment.
fn standing(a: &Assignment) -> Standing {
    Standing {
        id: a.id,
        user_id: a.user_id,
        application_id: a.application_id,
        role: a.role.clone(),
        scope: a.scope.clone(),
        origin: a.origin,
        rule_id: a.rule_id,
        valid_from: a.valid_from,
        valid_until: a.valid_until,
        reason: serde_json::to_string(&a.reason).unwrap(),
    }
}

/// What a rule gives: without an end of its own.
fn computed(place: &Place, person: &User, role: &str) -> Assignment {
    Assignment {
        origin: Origin::Rule,
        rule_id: Some(place.given.id),
        valid_from: None,
        valid_until: None,
        given_by: None,
        ..samples::assignment(person, &place.notes, role)
    }
}

#[tokio::test]
async fn an_assignment_comes_back_as_written_with_its_application_s_name() {
    on_every_engine(async |bed| {
        let place = place(bed, 1).await;
        let full = Assignment {
            rule_id: Some(place.given.id),
            origin: Origin::Rule,
            ..samples::assignment(&place.people[0], &place.notes, "chef")
        };
        let bare = Assignment {
            scope: String::new(),
            valid_from: None,
            valid_until: None,
            reason: Vec::new(),
            given_by: None,
            origin: Origin::Default,
            ..samples::assignment(&place.people[0], &place.other, "étudiant")
        };
        with_assignments(bed, &[full.clone(), bare.clone()]).await;
        with_assignments(bed, &[]).await;
        let mut tx = bed.read().await;
        assert_eq!(assignment::find(&mut tx, full.id).await.unwrap().as_ref(), Some(&full));
        assert_eq!(assignment::find(&mut tx, bare.id).await.unwrap().as_ref(), Some(&bare));
        assert_eq!(assignment::find(&mut tx, AssignmentId::new()).await.unwrap(), None);
        assert_eq!(assignment::list_of_user(&mut tx, place.people[0].id).await.unwrap(), [bare, full], "by application");
    })
    .await;
}

#[tokio::test]
async fn the_same_role_is_held_once_in_a_scope_from_an_origin() {
    on_every_engine(async |bed| {
        let place = place(bed, 1).await;
        let first = samples::assignment(&place.people[0], &place.notes, "chef");
        let elsewhere = Assignment { id: AssignmentId::new(), scope: "GEA".to_owned(), ..first.clone() };
        let by_rule = Assignment { id: AssignmentId::new(), origin: Origin::Rule, ..first.clone() };
        with_assignments(bed, &[first.clone(), elsewhere, by_rule]).await;
        let again = [Assignment { id: AssignmentId::new(), ..first }];
        let columns = "assignments.user_id, assignments.application_id, assignments.role, assignments.scope, assignments.origin";
        bed.refuses_as_taken(columns, async |tx| assignment::insert_all(tx, &again).await).await;
    })
    .await;
}

#[tokio::test]
async fn assignments_hold_from_their_first_instant_until_before_their_last() {
    on_every_engine(async |bed| {
        let place = place(bed, 1).await;
        let someone = &place.people[0];
        let during = |role: &str, valid_from, valid_until| Assignment {
            valid_from,
            valid_until,
            ..samples::assignment(someone, &place.notes, role)
        };
        let all = [
            during("toujours", None, None),
            during("dès", Some(NOW), None),
            during("jusque", None, Some(LATER)),
            during("entre", Some(NOW), Some(LATER)),
            samples::assignment(someone, &place.other, "ailleurs"),
        ];
        with_assignments(bed, &all).await;
        let cases: [(_, &[&str]); 4] = [
            (NOW.plus_s(-1), &["jusque", "toujours"]),
            (NOW, &["dès", "entre", "jusque", "toujours"]),
            (LATER.plus_s(-1), &["dès", "entre", "jusque", "toujours"]),
            (LATER, &["dès", "toujours"]),
        ];
        let mut tx = bed.read().await;
        for (now, expected) in cases {
            let held = assignment::list_held(&mut tx, someone.id, place.notes.id, now).await.unwrap();
            assert_eq!(held.iter().map(|x| x.role.as_str()).collect::<Vec<_>>(), expected, "{now}");
        }
    })
    .await;
}

#[tokio::test]
async fn assignments_are_walked_and_every_filter_narrows() {
    on_every_engine(async |bed| {
        let place = place(bed, 2).await;
        let [one, other] = [&place.people[0], &place.people[1]];
        let all = [
            Assignment { origin: Origin::Rule, rule_id: Some(place.given.id), ..samples::assignment(one, &place.notes, "chef") },
            Assignment { scope: String::new(), ..samples::assignment(one, &place.other, "lecteur") },
            Assignment { origin: Origin::Default, ..samples::assignment(other, &place.notes, "lecteur") },
            samples::assignment(other, &place.other, "chef"),
        ];
        with_assignments(bed, &all).await;
        let text = |raw: &str| Some(raw.to_owned());
        let cases: [(Filter, &[usize]); 9] = [
            (Filter::default(), &[0, 1, 2, 3]),
            (Filter { user: Some(one.id), ..Filter::default() }, &[0, 1]),
            (Filter { application: text("notes"), ..Filter::default() }, &[0, 2]),
            (Filter { role: text("lecteur"), ..Filter::default() }, &[1, 2]),
            (Filter { scope: text(""), ..Filter::default() }, &[1]),
            (Filter { scope: text("RT"), ..Filter::default() }, &[0, 2, 3]),
            (Filter { origin: text("manual"), ..Filter::default() }, &[1, 3]),
            (Filter { rule: Some(place.given.id), ..Filter::default() }, &[0]),
            (Filter { user: Some(other.id), role: text("chef"), application: text("autre"), ..Filter::default() }, &[3]),
        ];
        let mut tx = bed.read().await;
        for (filter, expected) in cases {
            let found = walk(1, None, async |page| assignment::list(&mut tx, page, &filter).await).await;
            assert_eq!(found, expected.iter().map(|at| all[*at].clone()).collect::<Vec<_>>(), "{filter:?}");
        }
        for (words, expected) in [("Notes CHÉF", &[0][..]), ("lecteur", &[1, 2]), ("rt", &[0, 2, 3]), ("nulle part", &[])] {
            let found = walk(1, Some(words), async |page| assignment::list(&mut tx, page, &Filter::default()).await).await;
            assert_eq!(found, expected.iter().map(|at| all[*at].clone()).collect::<Vec<_>>(), "{words}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_range_of_people_is_read_whole_without_its_neighbours() {
    on_every_engine(async |bed| {
        let place = place(bed, 1_101).await;
        let all: Vec<Assignment> = place.people.iter().map(|p| samples::assignment(p, &place.notes, "lecteur")).collect();
        with_assignments(bed, &all).await;
        let mut tx = bed.read().await;
        let all: Vec<Standing> = all.iter().map(standing).collect();
        assert_eq!(assignment::list_between(&mut tx, None, place.people[1_100].id).await.unwrap(), all);
        let part = assignment::list_between(&mut tx, Some(place.people[2].id), place.people[4].id).await.unwrap();
        assert_eq!(part, all[3..5]);
    })
    .await;
}

#[tokio::test]
async fn an_assignment_ends_or_goes() {
    on_every_engine(async |bed| {
        let place = place(bed, 1).await;
        let written = samples::assignment(&place.people[0], &place.notes, "chef");
        let bystander = samples::assignment(&place.people[0], &place.other, "chef");
        with_assignments(bed, &[written.clone(), bystander.clone()]).await;
        bed.write(async |tx| assignment::end(tx, written.id, NOW.plus_s(5)).await).await;
        let mut tx = bed.read().await;
        let ended = Assignment { valid_until: Some(NOW.plus_s(5)), ..written.clone() };
        assert_eq!(assignment::find(&mut tx, written.id).await.unwrap(), Some(ended));
        bed.write(async |tx| assignment::delete(tx, written.id).await).await;
        assert_eq!(assignment::find(&mut tx, written.id).await.unwrap(), None);
        assert_eq!(assignment::find(&mut tx, bystander.id).await.unwrap(), Some(bystander));
        bed.refuses_as_not_found("assignment", async |tx| assignment::delete(tx, written.id).await).await;
        bed.refuses_as_not_found("assignment", async |tx| assignment::end(tx, written.id, NOW).await).await;
    })
    .await;
}

#[tokio::test]
async fn computed_assignments_are_added_and_those_that_stay_get_another_rule_and_reason() {
    on_every_engine(async |bed| {
        let place = place(bed, 601).await;
        let stays = Assignment { valid_until: Some(LATER), ..computed(&place, &place.people[0], "chef") };
        let by_hand = Assignment { origin: Origin::Manual, id: AssignmentId::new(), rule_id: None, ..stays.clone() };
        with_assignments(bed, &[stays.clone(), by_hand.clone()]).await;
        let reason = vec![Step { kind: "group".to_owned(), name: "«é» \"rt\"".to_owned() }];
        let again = Assignment { id: AssignmentId::new(), rule_id: None, reason: reason.clone(), ..stays.clone() };
        let new: Vec<Assignment> = place.people[1..].iter().map(|p| computed(&place, p, "chef")).collect();
        let written: Vec<Standing> = std::iter::once(&again).chain(&new).map(standing).collect();
        bed.write(async |tx| assignment::upsert_computed(tx, &written, LATER).await).await;
        bed.write(async |tx| assignment::upsert_computed(tx, &[], LATER).await).await;
        let mut tx = bed.read().await;
        let kept = Assignment { rule_id: None, reason, ..stays };
        assert_eq!(assignment::find(&mut tx, kept.id).await.unwrap(), Some(kept), "its key, its end and its age stay");
        assert_eq!(assignment::find(&mut tx, by_hand.id).await.unwrap(), Some(by_hand), "what was given by hand stays as it is");
        assert_eq!(assignment::find(&mut tx, again.id).await.unwrap(), None);
        let added = assignment::list_between(&mut tx, Some(place.people[0].id), place.people[600].id).await.unwrap();
        assert_eq!(added, written[1..]);
        let first = Assignment { created_at: LATER, ..new[0].clone() };
        assert_eq!(assignment::find(&mut tx, first.id).await.unwrap(), Some(first));
        drop(tx);
        let nobody = [standing(&computed(&place, &person("personne"), "chef"))];
        bed.refuses_as_referenced(async |tx| assignment::upsert_computed(tx, &nobody, NOW).await).await;
    })
    .await;
}

#[tokio::test]
async fn many_assignments_go_at_once_and_the_others_stay() {
    on_every_engine(async |bed| {
        let place = place(bed, 1_003).await;
        let all: Vec<Assignment> = place.people.iter().map(|p| samples::assignment(p, &place.notes, "lecteur")).collect();
        with_assignments(bed, &all).await;
        let mut gone: Vec<AssignmentId> = all[2..].iter().map(|a| a.id).collect();
        // One that is there no more is no error: the end is the same.
        gone.push(AssignmentId::new());
        bed.write(async |tx| assignment::delete_all(tx, &[]).await).await;
        bed.write(async |tx| assignment::delete_all(tx, &gone).await).await;
        let left = assignment::list_between(&mut bed.read().await, None, place.people[1_002].id).await.unwrap();
        assert_eq!(left, [standing(&all[0]), standing(&all[1])]);
    })
    .await;
}

#[tokio::test]
async fn what_was_computed_goes_by_person_and_by_application_and_what_was_given_by_hand_stays() {
    on_every_engine(async |bed| {
        let place = place(bed, 2).await;
        let [one, other] = [&place.people[0], &place.people[1]];
        let elsewhere = |a: Assignment| Assignment { application_id: place.other.id, application: place.other.name.clone(), ..a };
        let by_default = |a: Assignment| Assignment { origin: Origin::Default, rule_id: None, ..a };
        let all = [
            computed(&place, one, "chef"),
            by_default(computed(&place, one, "lecteur")),
            samples::assignment(one, &place.notes, "à la main"),
            computed(&place, other, "chef"),
            elsewhere(by_default(computed(&place, other, "lecteur"))),
            samples::assignment(other, &place.other, "à la main"),
        ];
        let left = async || {
            let (mut tx, mut left) = (bed.read().await, Vec::new());
            for (at, one) in all.iter().enumerate() {
                left.extend(assignment::find(&mut tx, one.id).await.unwrap().map(|_| at));
            }
            (left, assignment::any_computed(&mut tx).await.unwrap())
        };
        assert_eq!(left().await, (vec![], false));
        with_assignments(bed, &all).await;
        assert_eq!(left().await, (vec![0, 1, 2, 3, 4, 5], true));
        assert_eq!(bed.write(async |tx| assignment::delete_computed_of_user(tx, one.id).await).await, 2);
        assert_eq!(left().await, (vec![2, 3, 4, 5], true));
        assert_eq!(bed.write(async |tx| assignment::delete_computed_of_user(tx, one.id).await).await, 0);
        bed.write(async |tx| assignment::delete_computed_of_application(tx, place.notes.id).await).await;
        assert_eq!(left().await, (vec![2, 4, 5], true));
        bed.write(async |tx| assignment::delete_computed_of_application(tx, place.other.id).await).await;
        assert_eq!(left().await, (vec![2, 5], false));
    })
    .await;
}

#[tokio::test]
async fn the_roles_given_by_hand_in_an_application_are_named_once_whether_they_hold_or_not() {
    on_every_engine(async |bed| {
        let place = place(bed, 2).await;
        let [one, other] = [&place.people[0], &place.people[1]];
        let over = Assignment { valid_until: Some(NOW.plus_s(-1)), ..samples::assignment(one, &place.notes, "étudiant") };
        let all = [
            over,
            samples::assignment(one, &place.notes, "chef"),
            samples::assignment(other, &place.notes, "chef"),
            samples::assignment(other, &place.other, "ailleurs"),
            computed(&place, other, "par règle"),
        ];
        with_assignments(bed, &all).await;
        let mut tx = bed.read().await;
        assert_eq!(assignment::manual_roles_of_application(&mut tx, place.notes.id).await.unwrap(), ["chef", "étudiant"]);
        assert_eq!(assignment::manual_roles_of_application(&mut tx, ApplicationId::new()).await.unwrap(), [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn an_assignment_needs_its_person_its_application_and_its_rule() {
    on_every_engine(async |bed| {
        let place = place(bed, 1).await;
        let lost = [
            samples::assignment(&person("personne"), &place.notes, "chef"),
            samples::assignment(&place.people[0], &samples::application("nulle-part"), "chef"),
            Assignment { rule_id: Some(RuleId::new()), ..samples::assignment(&place.people[0], &place.notes, "chef") },
        ];
        for one in &lost {
            bed.refuses_as_referenced(async |tx| assignment::insert_all(tx, std::slice::from_ref(one)).await).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_role_given_by_hand_is_told_for_as_long_as_it_holds_or_will() {
    on_every_engine(async |bed| {
        let place = place(bed, 3).await;
        let until = |person: &User, valid_until| Assignment { valid_until, ..samples::assignment(person, &place.notes, "chef") };
        let all = [until(&place.people[0], Some(LATER)), until(&place.people[1], None), computed(&place, &place.people[2], "chef")];
        with_assignments(bed, &all).await;
        let mut tx = bed.read().await;
        for (at, expected) in
            [(NOW.plus_s(-1), [true, true, false]), (LATER.plus_s(-1), [true, true, false]), (LATER, [false, true, false])]
        {
            for (person, expected) in place.people.iter().zip(expected) {
                assert_eq!(assignment::any_manual_of_user(&mut tx, person.id, at).await.unwrap(), expected, "{at} {}", person.username);
            }
        }
        drop(tx);
        bed.write(async |tx| assignment::delete_of_user(tx, place.people[1].id).await).await;
        bed.write(async |tx| assignment::delete_of_user(tx, place.people[2].id).await).await;
        let mut tx = bed.read().await;
        assert_eq!(assignment::list_of_user(&mut tx, place.people[0].id).await.unwrap().len(), 1);
        assert_eq!(assignment::list_of_user(&mut tx, place.people[1].id).await.unwrap(), []);
        assert_eq!(assignment::list_of_user(&mut tx, place.people[2].id).await.unwrap(), []);
    })
    .await;
}
