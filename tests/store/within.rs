//! Lists narrowed to what someone may see: pages and totals count nothing else.

use passerelle::store::establishment::assignment::{self, Assignment, Within};
use passerelle::store::establishment::user::{self, User};
use passerelle::store::establishment::{application, exclusion, rule, unit};
use passerelle::types::page::PageRequest;

use super::engine::{Bed, on_every_engine, walk};
use super::exclusions::excluded;
use super::samples::{self, person};

fn at_home(username: &str, unit: Option<&str>) -> User {
    User { home_unit: unit.map(str::to_owned), ..person(username) }
}

async fn with_people(bed: &Bed) -> Vec<User> {
    let homes = [Some("rt"), Some("geii"), None, Some("rt"), Some("r't\"%"), Some("rt")];
    let people: Vec<User> = homes.into_iter().enumerate().map(|(n, home)| at_home(&format!("p{n}"), home)).collect();
    bed.write(async |tx| user::insert_all(tx, &people).await).await;
    people
}

fn units(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn people_of_other_units_are_not_listed_and_not_counted() {
    on_every_engine(async |bed| {
        let people = with_people(bed).await;
        let wanted: [(&[&str], &[usize]); 5] =
            [(&["rt"], &[0, 3, 5]), (&["rt", "geii"], &[0, 1, 3, 5]), (&["r't\"%"], &[4]), (&["nowhere"], &[]), (&[], &[])];
        let mut tx = bed.read().await;
        for (named, found) in wanted {
            let filter = user::Filter { within: Some(units(named)), ..user::Filter::default() };
            let listed = walk(2, None, async |page| user::list(&mut tx, page, &filter).await).await;
            let expected: Vec<User> = found.iter().map(|at| people[*at].clone()).collect();
            assert_eq!(listed, expected, "{named:?}");
        }
        let both = user::Filter { within: Some(units(&["rt"])), username: Some("P3".to_owned()), ..user::Filter::default() };
        assert_eq!(user::list(&mut tx, &PageRequest::first(10), &both).await.unwrap().items, [people[3].clone()]);
        let words = PageRequest::parse(Some(10), None, Some("Lefèvre (p1")).unwrap();
        let elsewhere = user::Filter { within: Some(units(&["rt"])), ..user::Filter::default() };
        assert_eq!(user::list(&mut tx, &words, &elsewhere).await.unwrap().total, 0);
    })
    .await;
}

#[tokio::test]
async fn words_are_found_in_names_and_not_in_addresses_where_those_are_not_shown() {
    on_every_engine(async |bed| {
        let mut people = with_people(bed).await;
        let addresses = [Some("secret@Caché.fr"), None, Some("p2@test.fr"), Some(&*"é".repeat(200)), None, Some("x@test.fr")];
        for (one, address) in people.iter_mut().zip(addresses) {
            one.email = address.map(str::to_owned);
        }
        bed.write(async |tx| {
            for one in &people {
                user::update(tx, one).await?;
            }
            Ok(())
        })
        .await;
        let mut tx = bed.read().await;
        let mut found = async |words: &str, by_name: bool, within: Option<&[&str]>| {
            let filter = user::Filter { by_name, within: within.map(units), ..user::Filter::default() };
            let listed = user::list(&mut tx, &PageRequest::parse(Some(10), None, Some(words)).unwrap(), &filter).await.unwrap();
            assert_eq!(usize::try_from(listed.total).unwrap(), listed.items.len());
            listed.items.into_iter().map(|one| one.username).collect::<Vec<_>>()
        };
        assert_eq!(found("secret", false, None).await, ["p0"]);
        assert!(found("secret", true, None).await.is_empty());
        assert!(found("cache.fr", true, Some(&["rt"])).await.is_empty());
        assert_eq!(found("test.fr", false, None).await, ["p2", "p5"]);
        assert!(found("test.fr", true, None).await.is_empty());
        assert_eq!(found("p2", true, None).await, ["p2"], "the user name is a name");
        assert_eq!(found("p5", true, Some(&["rt"])).await, ["p5"]);
        assert!(found("p2", true, Some(&["rt"])).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn assignments_of_other_people_and_applications_are_not_listed_and_not_counted() {
    on_every_engine(async |bed| {
        let people = with_people(bed).await;
        let (notes, other) = (samples::application("notes"), samples::application("autre"));
        let given = samples::rule(&notes, "chef", 0);
        bed.write(async |tx| {
            application::insert(tx, &notes).await?;
            application::insert(tx, &other).await?;
            rule::insert(tx, &given).await
        })
        .await;
        let one = |person: usize, of: &application::Application, scope: &str| Assignment {
            scope: scope.to_owned(),
            ..samples::assignment(&people[person], of, "chef")
        };
        let all = [one(0, &notes, "rt"), one(1, &notes, "marks"), one(2, &other, "marks"), one(3, &other, ""), one(1, &other, "rt")];
        bed.write(async |tx| assignment::insert_all(tx, &all).await).await;
        let of_units = Within { units: units(&["rt"]), ..Within::default() };
        let of_notes = Within { applications: units(&["notes"]), ..Within::default() };
        let of_marks = Within { services: vec![("autre".to_owned(), "marks".to_owned())], ..Within::default() };
        let of_all = Within { services: of_marks.services.clone(), ..of_units.clone() };
        let wanted: [(&Within, &[usize]); 5] =
            [(&of_units, &[0, 3]), (&of_notes, &[0, 1]), (&of_marks, &[2]), (&of_all, &[0, 2, 3]), (&Within::default(), &[])];
        let mut tx = bed.read().await;
        for (within, found) in wanted {
            let filter = assignment::Filter { within: Some(within.clone()), ..assignment::Filter::default() };
            let listed = walk(2, None, async |page| assignment::list(&mut tx, page, &filter).await).await;
            let expected: Vec<Assignment> = found.iter().map(|at| all[*at].clone()).collect();
            assert_eq!(listed, expected, "{within:?}");
        }
        let narrower =
            assignment::Filter { within: Some(of_units), application: Some("autre".to_owned()), ..assignment::Filter::default() };
        let words = PageRequest::parse(Some(1), None, Some("AUTRE")).unwrap();
        for page in [PageRequest::first(1), words] {
            let listed = assignment::list(&mut tx, &page, &narrower).await.unwrap();
            assert_eq!((listed.items.as_slice(), listed.total), (&all[3..4], 1));
        }
    })
    .await;
}

#[tokio::test]
async fn exclusions_of_other_people_and_applications_are_not_listed_and_not_counted() {
    on_every_engine(async |bed| {
        let people = with_people(bed).await;
        let (notes, other) = (samples::application("notes"), samples::application("autre"));
        let all = [excluded(&people[0], &notes, "chef"), excluded(&people[1], &notes, "chef"), excluded(&people[2], &other, "chef")];
        bed.write(async |tx| {
            application::insert(tx, &notes).await?;
            application::insert(tx, &other).await?;
            for one in &all {
                exclusion::insert(tx, one).await?;
            }
            Ok(())
        })
        .await;
        let of_units = Within { units: units(&["rt"]), ..Within::default() };
        let of_notes = Within { applications: units(&["notes"]), ..Within::default() };
        let of_scope = Within { services: vec![("autre".to_owned(), all[2].scope.clone())], ..Within::default() };
        let wanted: [(&Within, &[usize]); 4] = [(&of_units, &[0]), (&of_notes, &[0, 1]), (&of_scope, &[2]), (&Within::default(), &[])];
        let mut tx = bed.read().await;
        for (within, found) in wanted {
            let filter = exclusion::Filter { within: Some(within.clone()), ..exclusion::Filter::default() };
            let listed = walk(1, None, async |page| exclusion::list(&mut tx, page, &filter).await).await;
            let expected: Vec<_> = found.iter().map(|at| all[*at].clone()).collect();
            assert_eq!(listed, expected, "{within:?}");
        }
        let narrower = exclusion::Filter { within: Some(of_notes), user: Some(people[1].id), ..exclusion::Filter::default() };
        let words = PageRequest::parse(Some(10), None, Some("p1")).unwrap();
        assert_eq!(exclusion::list(&mut tx, &words, &narrower).await.unwrap().items, [all[1].clone()]);
    })
    .await;
}

#[tokio::test]
async fn other_units_are_not_listed_and_not_counted() {
    on_every_engine(async |bed| {
        let all = ["iut", "rt", "geii"].map(samples::unit);
        bed.write(async |tx| unit::insert_all(tx, &all).await).await;
        let mut tx = bed.read().await;
        for (named, found) in [(vec!["rt"], vec![1]), (vec!["geii", "iut"], vec![0, 2]), (vec!["nowhere"], vec![]), (vec![], vec![])] {
            let filter = unit::Filter { within: Some(units(&named)), ..unit::Filter::default() };
            let mut listed = walk(1, None, async |page| unit::list(&mut tx, page, &filter).await).await;
            listed.sort_by_key(|one| all.iter().position(|known| known.id == one.id));
            let expected: Vec<_> = found.into_iter().map(|at: usize| all[at].clone()).collect();
            assert_eq!(listed, expected, "{named:?}");
        }
        let top = unit::Filter { within: Some(units(&["rt"])), parent: Some(String::new()), ..unit::Filter::default() };
        let words = PageRequest::parse(Some(10), None, Some("RT")).unwrap();
        assert_eq!(unit::list(&mut tx, &words, &top).await.unwrap().total, 1);
        let other = unit::Filter { name: Some("iut".to_owned()), ..top };
        assert_eq!(unit::list(&mut tx, &PageRequest::first(9), &other).await.unwrap().total, 0);
    })
    .await;
}
