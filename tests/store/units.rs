//! Units as a tree, and relations between people.

use passerelle::store::establishment::application::{Application, ScopeKind};
use passerelle::store::establishment::assignment::{Assignment, Origin};
use passerelle::store::establishment::relation::{self, Relation};
use passerelle::store::establishment::unit::{self, Filter, Place, Unit};
use passerelle::store::establishment::user::User;
use passerelle::store::establishment::{application, assignment, assignment_by_hand, source, user};
use passerelle::store::{Error, Tx};
use passerelle::types::id::{RelationId, UnitId, UserId};

use super::engine::{Bed, on_every_engine, walk};
use super::samples::{self, LATER, NOW, person};

fn below(parent: &Unit, name: &str) -> Unit {
    Unit { parent_id: Some(parent.id), parent: Some(parent.name.clone()), ..samples::unit(name) }
}

fn place(unit: &Unit) -> Place {
    Place { id: unit.id, name: unit.name.clone(), parent_id: unit.parent_id, source_id: unit.source_id }
}

/// Fails unless a transaction that does this cannot be committed, because of a reference.
async fn refused_at_its_end(bed: &Bed, work: impl AsyncFnOnce(&mut Tx) -> Result<(), Error>) {
    let mut tx = bed.store.begin().await.unwrap();
    work(&mut tx).await.unwrap();
    let error = tx.commit().await.unwrap_err();
    assert!(matches!(error, Error::Referenced(_)), "{error:?}");
}

#[tokio::test]
async fn units_come_back_as_written_with_the_names_of_what_they_hang_on() {
    on_every_engine(async |bed| {
        let feed = samples::source("annuaire");
        let top = Unit { source_id: Some(feed.id), source: Some(feed.name.clone()), ..samples::unit("iut/é") };
        let (rt, geii) = (below(&top, "RT"), below(&top, "GEII"));
        let deep = below(&rt, "RT1");
        bed.write(async |tx| {
            source::insert(tx, &feed).await?;
            unit::insert_all(tx, &[top.clone(), rt.clone(), geii.clone(), deep.clone()]).await?;
            unit::insert_all(tx, &[]).await
        })
        .await;
        let mut tx = bed.read().await;
        assert_eq!(unit::find(&mut tx, deep.id).await.unwrap().as_ref(), Some(&deep));
        assert_eq!(unit::find(&mut tx, UnitId::new()).await.unwrap(), None);
        assert_eq!(unit::find_by_name(&mut tx, "iut/é").await.unwrap().as_ref(), Some(&top));
        assert_eq!(unit::list_of_source(&mut tx, feed.id).await.unwrap(), std::slice::from_ref(&top));
        assert_eq!(unit::find_by_name(&mut tx, "rt").await.unwrap(), None, "letter case counts");
        assert_eq!(unit::list_places(&mut tx).await.unwrap(), [&geii, &rt, &deep, &top].map(place), "by name");
        let mut above = unit::ancestors(&mut tx, "RT1").await.unwrap();
        above.sort();
        assert_eq!(above, ["RT", "iut/é"]);
        assert_eq!(unit::ancestors(&mut tx, "iut/é").await.unwrap(), [""; 0]);
        assert_eq!(unit::ancestors(&mut tx, "nulle part").await.unwrap(), [""; 0]);
        drop(tx);
        bed.refuses_as_taken("units.name", async |tx| unit::insert_all(tx, &[samples::unit("RT")]).await).await;
        // Archives come back in the order of keys, and a unit may be older than the one above it.
        let above = samples::unit("au-dessus");
        let under = below(&above, "en dessous");
        bed.write(async |tx| {
            unit::insert_all(tx, std::slice::from_ref(&under)).await?;
            unit::insert_all(tx, &[above]).await
        })
        .await;
        assert_eq!(unit::find(&mut bed.read().await, under.id).await.unwrap(), Some(under));
        refused_at_its_end(bed, async |tx| unit::insert_all(tx, &[below(&samples::unit("x"), "y")]).await).await;
    })
    .await;
}

#[tokio::test]
async fn units_are_walked_and_every_filter_narrows() {
    on_every_engine(async |bed| {
        let feed = samples::source("annuaire");
        let top = samples::unit("IUT");
        let stated = Unit { source_id: Some(feed.id), source: Some(feed.name.clone()), ..below(&top, "RT") };
        let all = [top.clone(), stated, Unit { title: "Génie électrique".to_owned(), ..below(&top, "GEII") }];
        bed.write(async |tx| {
            source::insert(tx, &feed).await?;
            unit::insert_all(tx, &all).await
        })
        .await;
        let text = |raw: &str| Some(raw.to_owned());
        let cases: [(Filter, &[usize]); 7] = [
            (Filter::default(), &[0, 1, 2]),
            (Filter { name: text("RT"), ..Filter::default() }, &[1]),
            (Filter { title: text("Génie électrique"), ..Filter::default() }, &[2]),
            (Filter { parent: text("IUT"), ..Filter::default() }, &[1, 2]),
            (Filter { parent: text(""), ..Filter::default() }, &[0]),
            (Filter { source: text("annuaire"), ..Filter::default() }, &[1]),
            (Filter { source: text(""), parent: text("IUT"), ..Filter::default() }, &[2]),
        ];
        let mut tx = bed.read().await;
        for (filter, expected) in cases {
            let found = walk(1, None, async |page| unit::list(&mut tx, page, &filter).await).await;
            assert_eq!(found, expected.iter().map(|at| all[*at].clone()).collect::<Vec<_>>(), "{filter:?}");
        }
        for (words, expected) in [("GENIE elec", &[2][..]), ("nt RT", &[1]), ("100%", &[])] {
            let found = walk(1, Some(words), async |page| unit::list(&mut tx, page, &Filter::default()).await).await;
            assert_eq!(found, expected.iter().map(|at| all[*at].clone()).collect::<Vec<_>>(), "{words}");
        }
    })
    .await;
}

#[tokio::test]
async fn units_change_move_and_go() {
    on_every_engine(async |bed| {
        let (top, other) = (samples::unit("IUT"), samples::unit("UFR"));
        let rt = below(&top, "RT");
        bed.write(async |tx| unit::insert_all(tx, &[top.clone(), other.clone(), rt.clone()]).await).await;
        let changed =
            Unit { name: "R&T".to_owned(), title: "Réseaux".to_owned(), parent_id: None, parent: None, updated_at: LATER, ..rt.clone() };
        bed.write(async |tx| unit::update(tx, &changed).await).await;
        assert_eq!(unit::find(&mut bed.read().await, rt.id).await.unwrap().as_ref(), Some(&changed));
        bed.write(async |tx| unit::update(tx, &rt).await).await;
        bed.refuses_as_taken("units.name", async |tx| unit::update(tx, &Unit { name: "UFR".to_owned(), ..rt.clone() }).await).await;
        bed.refuses_as_not_found("unit", async |tx| unit::update(tx, &samples::unit("x")).await).await;
        refused_at_its_end(bed, async |tx| unit::delete(tx, top.id).await).await;
        assert_eq!(bed.write(async |tx| unit::move_children(tx, top.id, Some(other.id), LATER).await).await, 1);
        let moved = unit::find(&mut bed.read().await, rt.id).await.unwrap().unwrap();
        assert_eq!((moved.parent.as_deref(), moved.updated_at), (Some("UFR"), LATER));
        bed.write(async |tx| unit::delete(tx, top.id).await).await;
        assert_eq!(unit::find(&mut bed.read().await, top.id).await.unwrap(), None);
        bed.refuses_as_not_found("unit", async |tx| unit::delete(tx, top.id).await).await;
    })
    .await;
}

async fn people(bed: &Bed, count: usize) -> Vec<User> {
    let people: Vec<User> = (0..count).map(|n| person(&format!("p{n}"))).collect();
    bed.write(async |tx| user::insert_all(tx, &people).await).await;
    people
}

#[tokio::test]
async fn relations_hold_one_way_from_their_first_instant_until_before_their_last() {
    on_every_engine(async |bed| {
        let people = people(bed, 3).await;
        let [tutor, one, two] = [&people[0], &people[1], &people[2]];
        let always = Relation { valid_from: None, valid_until: None, ..samples::relation("tutor", tutor, two) };
        let during = samples::relation("tutor", tutor, one);
        bed.write(async |tx| relation::insert_all(tx, &[during.clone(), always.clone()]).await).await;
        let mut tx = bed.read().await;
        for (at, holds) in [(NOW.plus_s(-1), false), (NOW, true), (LATER.plus_s(-1), true), (LATER, false)] {
            assert_eq!(relation::exists(&mut tx, "tutor", tutor.id, one.id, at).await.unwrap(), holds, "{at}");
            assert!(relation::exists(&mut tx, "tutor", tutor.id, two.id, at).await.unwrap(), "{at}");
            let expected: Vec<UserId> = if holds { vec![one.id, two.id] } else { vec![two.id] };
            assert_eq!(relation::others(&mut tx, "tutor", tutor.id, at).await.unwrap(), expected, "{at}");
        }
        assert!(!relation::exists(&mut tx, "tutor", one.id, tutor.id, NOW).await.unwrap(), "the other way round");
        assert!(!relation::exists(&mut tx, "guardian", tutor.id, one.id, NOW).await.unwrap(), "of another kind");
        assert_eq!(relation::others(&mut tx, "tutor", one.id, NOW).await.unwrap(), []);
        drop(tx);
        bed.refuses_as_taken("relations.kind, relations.user_id, relations.other_id", async |tx| {
            relation::insert_all(tx, &[samples::relation("tutor", tutor, one)]).await
        })
        .await;
        let nobody = samples::relation("tutor", tutor, &person("personne"));
        bed.refuses_as_referenced(async |tx| relation::insert_all(tx, std::slice::from_ref(&nobody)).await).await;
    })
    .await;
}

#[tokio::test]
async fn relations_are_walked_changed_and_go_with_either_person() {
    on_every_engine(async |bed| {
        let people = people(bed, 4).await;
        let pairs = [("tutor", 0, 1), ("guardian", 0, 2), ("tutor", 3, 1)];
        let mut all = pairs.map(|(kind, one, other)| samples::relation(kind, &people[one], &people[other]));
        bed.write(async |tx| relation::insert_all(tx, &all).await).await;
        all[2] = Relation { valid_from: None, valid_until: None, reason: None, ..all[2].clone() };
        bed.write(async |tx| relation::update(tx, &all[2]).await).await;
        let text = |raw: &str| Some(raw.to_owned());
        let cases: [(relation::Filter, &[usize]); 4] = [
            (relation::Filter::default(), &[0, 1, 2]),
            (relation::Filter { kind: text("tutor"), ..Default::default() }, &[0, 2]),
            (relation::Filter { user: Some(people[0].id), ..Default::default() }, &[0, 1]),
            (relation::Filter { other: Some(people[1].id), ..Default::default() }, &[0, 2]),
        ];
        let mut tx = bed.read().await;
        for (filter, expected) in cases {
            let found = walk(1, None, async |page| relation::list(&mut tx, page, &filter).await).await;
            assert_eq!(found, expected.iter().map(|at| all[*at].clone()).collect::<Vec<_>>(), "{filter:?}");
        }
        for (words, expected) in [("p3", &[2][..]), ("guard", &[1]), ("personne", &[])] {
            let found = walk(1, Some(words), async |page| relation::list(&mut tx, page, &relation::Filter::default()).await).await;
            assert_eq!(found, expected.iter().map(|at| all[*at].clone()).collect::<Vec<_>>(), "{words}");
        }
        assert_eq!(relation::find(&mut tx, all[1].id).await.unwrap().as_ref(), Some(&all[1]));
        let mut listed = relation::list_of_users(&mut tx, &[people[0].id, people[3].id]).await.unwrap();
        listed.sort_by_key(|relation| relation.id);
        assert_eq!(listed, all);
        assert_eq!(relation::list_of_users(&mut tx, &[people[1].id]).await.unwrap(), []);
        drop(tx);
        bed.write(async |tx| relation::delete(tx, all[1].id).await).await;
        bed.refuses_as_not_found("relation", async |tx| relation::delete(tx, all[1].id).await).await;
        bed.refuses_as_not_found("relation", async |tx| relation::update(tx, &all[1]).await).await;
        assert_eq!(relation::find(&mut bed.read().await, RelationId::new()).await.unwrap(), None);
        bed.write(async |tx| relation::delete_of_user(tx, people[3].id).await).await;
        assert_eq!(relation::find(&mut bed.read().await, all[2].id).await.unwrap(), None, "of the one");
        bed.write(async |tx| relation::delete_of_user(tx, people[1].id).await).await;
        assert_eq!(relation::find(&mut bed.read().await, all[0].id).await.unwrap(), None, "of the other");
    })
    .await;
}

#[tokio::test]
async fn people_are_found_by_their_units_in_the_very_letters() {
    on_every_engine(async |bed| {
        let in_units = |name: &str, home: Option<&str>, units: &[&str]| User {
            home_unit: home.map(str::to_owned),
            units: units.iter().map(|unit| (*unit).to_owned()).collect(),
            ..person(name)
        };
        let all = [
            in_units("a", Some("RT"), &[]),
            in_units("b", None, &["GEII", "RT"]),
            in_units("c", Some("rt"), &["rt", "RT1", "a \"RT\" b"]),
            in_units("d", Some("RT"), &["RT"]),
            in_units("e", None, &["dép/é \"1\" \\"]),
        ];
        bed.write(async |tx| user::insert_all(tx, &all).await).await;
        let mut tx = bed.read().await;
        for (unit, expected) in [("RT", &[0, 1, 3][..]), ("GEII", &[1]), ("rt", &[2]), ("dép/é \"1\" \\", &[4]), ("%", &[]), ("T", &[])] {
            let found = user::list_in_unit(&mut tx, unit, None, 10).await.unwrap();
            assert_eq!(found, expected.iter().map(|at| all[*at].clone()).collect::<Vec<_>>(), "{unit}");
            assert_eq!(user::count_in_unit(&mut tx, unit).await.unwrap(), i64::try_from(expected.len()).unwrap(), "{unit}");
        }
        let everywhere = user::units_of_everyone(&mut tx).await.unwrap();
        assert_eq!(everywhere.iter().map(String::as_str).collect::<Vec<_>>(), ["GEII", "RT", "RT1", "a \"RT\" b", "dép/é \"1\" \\", "rt"]);
        assert_eq!(user::list_in_unit(&mut tx, "RT", Some(all[0].id), 1).await.unwrap(), [all[1].clone()]);
    })
    .await;
}

#[tokio::test]
async fn roles_given_by_hand_for_a_unit_follow_it_and_are_not_held_twice() {
    on_every_engine(async |bed| {
        let people = people(bed, 2).await;
        let scoped = Application { scope_kind: ScopeKind::Unit, ..samples::application("scodoc") };
        let other = Application { scope_kind: ScopeKind::Establishment, ..samples::application("sacoche") };
        let held = |person: &User, application: &Application, scope: &str, origin| Assignment {
            scope: scope.to_owned(),
            origin,
            ..samples::assignment(person, application, "chef")
        };
        let all = [
            held(&people[0], &scoped, "RT", Origin::Manual),
            held(&people[1], &scoped, "RT", Origin::Manual),
            held(&people[1], &scoped, "R&T", Origin::Manual),
            held(&people[0], &other, "RT", Origin::Manual),
            held(&people[0], &scoped, "RT", Origin::Rule),
        ];
        bed.write(async |tx| {
            application::insert(tx, &scoped).await?;
            application::insert(tx, &other).await?;
            assignment::insert_all(tx, &all).await
        })
        .await;
        let mut tx = bed.read().await;
        assert_eq!(assignment_by_hand::count_in(&mut tx, "RT").await.unwrap(), 2);
        assert!(assignment_by_hand::any_computed_in(&mut tx, scoped.id, "RT").await.unwrap());
        assert!(!assignment_by_hand::any_computed_in(&mut tx, scoped.id, "R&T").await.unwrap());
        drop(tx);
        assert_eq!(bed.write(async |tx| assignment_by_hand::rename_scope(tx, "RT", "R&T").await).await, 2);
        let mut tx = bed.read().await;
        let found_in = async |tx: &mut Tx, at: usize| assignment::find(tx, all[at].id).await.unwrap().map(|a| a.scope);
        assert_eq!(found_in(&mut tx, 0).await.as_deref(), Some("R&T"));
        assert_eq!(found_in(&mut tx, 1).await, None, "it was held there already");
        assert_eq!(found_in(&mut tx, 2).await.as_deref(), Some("R&T"));
        assert_eq!(found_in(&mut tx, 3).await.as_deref(), Some("RT"), "this scope is no unit");
        assert_eq!(found_in(&mut tx, 4).await.as_deref(), Some("RT"), "what rules give is computed");
        let mut by_hand = assignment_by_hand::list_of_users(&mut tx, &[people[0].id]).await.unwrap();
        by_hand.sort_by_key(|one| one.id);
        assert_eq!(by_hand, [Assignment { scope: "R&T".to_owned(), ..all[0].clone() }, all[3].clone()]);
        drop(tx);
        let changed = Assignment { valid_until: None, reason: Vec::new(), ..all[3].clone() };
        bed.write(async |tx| assignment_by_hand::update(tx, &changed).await).await;
        assert_eq!(assignment::find(&mut bed.read().await, changed.id).await.unwrap(), Some(changed));
        bed.refuses_as_not_found("assignment", async |tx| assignment_by_hand::update(tx, &all[4]).await).await;
    })
    .await;
}
