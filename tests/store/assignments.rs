//! Who holds which role, until when and why.

use passerelle::store::establishment::application::Application;
use passerelle::store::establishment::assignment::{Assignment, Filter, Origin, Step};
use passerelle::store::establishment::rule::Rule;
use passerelle::store::establishment::user::User;
use passerelle::store::establishment::{application, assignment, rule, user};
use passerelle::types::id::{AssignmentId, RuleId};

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
        let whole = assignment::list_between(&mut tx, None, place.people[1_100].id).await.unwrap();
        assert_eq!(whole, all);
        let part = assignment::list_between(&mut tx, Some(place.people[2].id), place.people[4].id).await.unwrap();
        assert_eq!(part, all[3..5]);
    })
    .await;
}

#[tokio::test]
async fn an_assignment_gets_another_reason_ends_or_goes() {
    on_every_engine(async |bed| {
        let place = place(bed, 1).await;
        let written = samples::assignment(&place.people[0], &place.notes, "chef");
        with_assignments(bed, std::slice::from_ref(&written)).await;
        let reason = vec![
            Step { kind: "group".to_owned(), name: "rt-enseignants".to_owned() },
            Step { kind: "rule".to_owned(), name: "«é»".to_owned() },
        ];
        bed.write(async |tx| {
            assignment::update_reason(tx, written.id, Some(place.given.id), &reason).await?;
            assignment::end(tx, written.id, NOW.plus_s(5)).await
        })
        .await;
        let mut tx = bed.read().await;
        let expected = Assignment { rule_id: Some(place.given.id), reason, valid_until: Some(NOW.plus_s(5)), ..written.clone() };
        assert_eq!(assignment::find(&mut tx, written.id).await.unwrap(), Some(expected));
        bed.write(async |tx| assignment::update_reason(tx, written.id, None, &[]).await).await;
        let emptied = assignment::find(&mut tx, written.id).await.unwrap().unwrap();
        assert_eq!((emptied.rule_id, emptied.reason), (None, Vec::new()));
        bed.write(async |tx| assignment::delete(tx, written.id).await).await;
        assert_eq!(assignment::find(&mut tx, written.id).await.unwrap(), None);
        bed.refuses_as_not_found("assignment", async |tx| assignment::delete(tx, written.id).await).await;
        bed.refuses_as_not_found("assignment", async |tx| assignment::end(tx, written.id, NOW).await).await;
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
