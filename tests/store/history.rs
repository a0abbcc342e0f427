//! What people held, rule sets, and the groups above some people.

use passerelle::store::establishment::assignment::{Assignment, Origin};
use passerelle::store::establishment::ended_assignment::{self, Compared, Span, Way};
use passerelle::store::establishment::group;
use passerelle::store::establishment::rule_set::{self, Foretold, RuleSet, RuleSetState};
use passerelle::store::establishment::{application, assignment, membership, user};
use passerelle::types::id::{AssignmentId, RuleSetId};
use passerelle::types::time::Timestamp;
use serde_json::json;

use super::engine::{Bed, on_every_engine};
use super::samples::{self, LATER, NOW, person};

fn told(rows: &[Compared]) -> Vec<(Way, &str, &str, &str)> {
    rows.iter().map(|row| (row.change, row.username.as_str(), row.application.as_str(), row.role.as_str())).collect()
}

#[tokio::test]
async fn what_goes_is_kept_and_two_instants_are_compared_by_name() {
    on_every_engine(async |bed| {
        let (notes, other) = (samples::application("notes"), samples::application("autre"));
        let people = [person("anne"), person("bob"), person("chloé")];
        let [anne, bob, chloe] = &people;
        let open = |a: Assignment| Assignment { valid_from: None, valid_until: None, ..a };
        let computed = |a: Assignment| Assignment { origin: Origin::Default, ..open(a) };
        let all = [
            // Given by hand for an hour, and for ever; computed here and there.
            samples::assignment(anne, &notes, "chef"),
            open(samples::assignment(bob, &notes, "chef")),
            computed(samples::assignment(bob, &notes, "lecteur")),
            computed(samples::assignment(chloe, &other, "lecteur")),
            // Not to begin before it is taken away again: it was never held.
            Assignment { valid_from: Some(LATER), valid_until: None, ..samples::assignment(chloe, &notes, "chef") },
        ];
        bed.write(async |tx| {
            user::insert_all(tx, &people).await?;
            application::insert(tx, &notes).await?;
            application::insert(tx, &other).await?;
            assignment::insert_all(tx, &all).await
        })
        .await;
        let gone = NOW.plus_s(1800);
        bed.write(async |tx| {
            ended_assignment::keep_all(tx, &[all[1].id, all[4].id, AssignmentId::new()], gone).await?;
            ended_assignment::keep_computed_of_user(tx, bob.id, gone).await?;
            ended_assignment::keep_computed_of_application(tx, other.id, gone).await?;
            // Kept twice, it is kept once.
            ended_assignment::keep_all(tx, &[all[1].id], LATER).await?;
            assignment::delete_all(tx, &[all[1].id, all[4].id]).await?;
            assignment::delete_computed_of_user(tx, bob.id).await?;
            assignment::delete_computed_of_application(tx, other.id).await
        })
        .await;
        let span = |from, to| Span { from, to, ..Span::default() };
        let mut tx = bed.read().await;
        let (rows, total) = ended_assignment::compare(&mut tx, &span(NOW, gone), 0, 10).await.unwrap();
        let lost = |who, application, role| (Way::Lost, who, application, role);
        assert_eq!(told(&rows), [lost("bob", "notes", "chef"), lost("bob", "notes", "lecteur"), lost("chloé", "autre", "lecteur")]);
        assert_eq!(
            (total, rows[0].user_id, rows[0].scope.as_str(), rows[0].display_name.as_str()),
            (3, bob.id, "RT", bob.display_name.as_str())
        );
        let (page, total) = ended_assignment::compare(&mut tx, &span(NOW, gone), 1, 1).await.unwrap();
        assert_eq!((told(&page), total), (told(&rows[1..2]), 3));
        let (before, _) = ended_assignment::compare(&mut tx, &span(NOW.plus_s(-1), NOW), 0, 10).await.unwrap();
        assert_eq!(before.len(), 4, "all but what began later: {before:?}");
        assert!(before.iter().all(|row| row.change == Way::Gained));
        let (over, _) = ended_assignment::compare(&mut tx, &span(gone, LATER), 0, 10).await.unwrap();
        assert_eq!(told(&over), [lost("anne", "notes", "chef")], "what had an end has ended");
        for (narrowed, count) in [
            (Span { application: Some("autre".to_owned()), ..span(NOW, gone) }, 1),
            (Span { user: Some(bob.id), ..span(NOW, gone) }, 2),
            (Span { role: Some("lecteur".to_owned()), ..span(NOW, gone) }, 2),
            (Span { change: Some(Way::Gained), ..span(NOW, gone) }, 0),
        ] {
            assert_eq!(ended_assignment::compare(&mut tx, &narrowed, 0, 10).await.unwrap().1, count, "{narrowed:?}");
        }
        drop(tx);
        forgotten(bed, gone).await;
    })
    .await;
}

/// What is left of three that were kept is followed to another name, and forgotten.
async fn forgotten(bed: &Bed, gone: Timestamp) {
    bed.write(async |tx| ended_assignment::rename_application(tx, "autre", "ailleurs").await).await;
    let renamed = Span { from: NOW, to: gone, application: Some("ailleurs".to_owned()), ..Span::default() };
    assert_eq!(ended_assignment::compare(&mut bed.read().await, &renamed, 0, 10).await.unwrap().1, 1);
    assert_eq!(bed.write(async |tx| ended_assignment::delete_before(tx, gone, 10).await).await, 0);
    assert_eq!(bed.write(async |tx| ended_assignment::delete_before(tx, LATER, 2).await).await, 2);
    assert_eq!(bed.write(async |tx| ended_assignment::delete_before(tx, LATER, 2).await).await, 1);
}

pub fn set(name: &str) -> RuleSet {
    RuleSet {
        id: RuleSetId::new(),
        name: name.to_owned(),
        title: "Rentrée 2027".to_owned(),
        rules: json!([{ "application": "notes", "when": [{ "group": "ens-.*" }], "role": "chef" }]),
        state: RuleSetState::Prepared,
        apply_at: None,
        expected: None,
        previous: None,
        note: None,
        created_by: "system".to_owned(),
        created_at: NOW,
        updated_at: NOW,
        applied_at: None,
    }
}

#[tokio::test]
async fn rule_sets_come_back_as_written_and_those_scheduled_are_told() {
    on_every_engine(async |bed| {
        let (first, second) = (set("rentrée"), set("avant"));
        bed.write(async |tx| {
            rule_set::insert(tx, &first).await?;
            rule_set::insert(tx, &second).await
        })
        .await;
        bed.refuses_as_taken("rule_sets.name", async |tx| rule_set::insert(tx, &RuleSet { id: RuleSetId::new(), ..first.clone() }).await)
            .await;
        let full = RuleSet {
            name: "rentrée-2027".to_owned(),
            title: "Autre".to_owned(),
            rules: json!([]),
            state: RuleSetState::Scheduled,
            apply_at: Some(LATER),
            expected: Some(Foretold { gained: 3, lost: 2, accepted_by: None }),
            previous: Some(json!([{ "role": "chef" }])),
            note: Some("trop".to_owned()),
            updated_at: LATER,
            applied_at: Some(LATER),
            ..first.clone()
        };
        bed.write(async |tx| rule_set::update(tx, &full).await).await;
        let mut tx = bed.read().await;
        assert_eq!(rule_set::find(&mut tx, full.id).await.unwrap().as_ref(), Some(&full));
        assert_eq!(rule_set::find_by_name(&mut tx, "avant").await.unwrap().as_ref(), Some(&second));
        assert_eq!(rule_set::find_by_name(&mut tx, "rentrée").await.unwrap(), None);
        assert_eq!(rule_set::list(&mut tx).await.unwrap(), [second.clone(), full.clone()]);
        assert_eq!(rule_set::list_scheduled(&mut tx).await.unwrap(), [(full.id, LATER)]);
        drop(tx);
        bed.write(async |tx| rule_set::delete(tx, full.id).await).await;
        bed.refuses_as_not_found("rule set", async |tx| rule_set::delete(tx, full.id).await).await;
        bed.refuses_as_not_found("rule set", async |tx| rule_set::update(tx, &full).await).await;
    })
    .await;
}

#[tokio::test]
async fn the_groups_above_some_people_end_at_the_top_whatever_goes_round() {
    on_every_engine(async |bed| {
        let people = [person("anne"), person("bob"), person("chloé")];
        let groups = ["classe", "option", "lycée", "ailleurs"].map(samples::group);
        let [class, option, school, elsewhere] = groups.each_ref().map(|group| group.id);
        bed.write(async |tx| {
            user::insert_all(tx, &people).await?;
            group::upsert_all(tx, &groups).await?;
            membership::insert_all(tx, &[(option, people[0].id), (school, people[1].id), (elsewhere, people[2].id)]).await?;
            for (parent, child) in [(class, option), (school, class), (class, school), (elsewhere, elsewhere)] {
                membership::insert_nesting(tx, parent, child).await?;
            }
            Ok(())
        })
        .await;
        let mut tx = bed.read().await;
        let sorted = |mut ids: Vec<_>| {
            ids.sort_unstable();
            ids
        };
        for (who, above) in
            [(&people[..1], vec![class, option, school]), (&people[..2], vec![class, option, school]), (&people[2..], vec![elsewhere])]
        {
            let ids: Vec<_> = who.iter().map(|person| person.id).collect();
            let found = group::list_above(&mut tx, &ids).await.unwrap();
            assert_eq!(found.iter().map(|group| group.id).collect::<Vec<_>>(), sorted(above.clone()));
            let nestings = membership::list_nestings_above(&mut tx, &ids).await.unwrap();
            assert!(
                !nestings.is_empty() && nestings.iter().all(|(parent, child)| above.contains(parent) && above.contains(child)),
                "{nestings:?}"
            );
        }
        assert_eq!(group::list_above(&mut tx, &[]).await.unwrap(), []);
        let ids: Vec<_> = people[..1].iter().map(|person| person.id).collect();
        assert_eq!(membership::list_nestings_above(&mut tx, &ids).await.unwrap().len(), 3);
    })
    .await;
}
