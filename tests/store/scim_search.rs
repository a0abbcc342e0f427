//! Resources of a feed that a condition names: in order, page by page, and within a time.

use passerelle::store::establishment::scim_resource::Kind;
use passerelle::store::establishment::scim_search::{self, Order, Slice, SortKey, Test, TextColumn, Where};

use super::engine::on_every_engine;
use super::samples::{self, person};
use super::scim::{feed, with};

#[tokio::test]
async fn conditions_name_resources_and_orders_arrange_them() {
    on_every_engine(async |bed| {
        let (feed, people) = (feed("entra"), [person("a"), person("b"), person("c")]);
        with(bed, &feed, &people, &[samples::group("GEA")]).await;
        let mut tx = bed.read().await;
        let of = |text: &str| Where::Value("title".to_owned(), Test::Is(text.to_owned()));
        let indexed = Where::Indexed { attribute: "title".to_owned(), head: "b".to_owned() };
        let cases = [
            (Where::Constant(true), 3),
            (Where::Constant(false), 0),
            (of("a"), 1),
            (Where::Not(Box::new(of("a"))), 2),
            (Where::Any(vec![of("a"), indexed]), 2),
            (Where::All(vec![of("a"), Where::Active(true)]), 1),
            (Where::Key(people[2].id.uuid()), 1),
            (Where::Text(TextColumn::Name, Test::Is("b".to_owned())), 1),
            (Where::All(vec![Where::Active(true), Where::Text(TextColumn::ExternalId, Test::Is("x-c".to_owned()))]), 1),
            (Where::Text(TextColumn::Name, Test::Above("a".to_owned())), 2),
            (Where::Text(TextColumn::ExternalId, Test::Ends("-c".to_owned())), 1),
            (Where::Element("title".to_owned(), Box::new(of("c"))), 1),
            (Where::ValueNumber("title".to_owned(), Order::Is, 1), 0),
        ];
        for (wanted, count) in cases {
            assert_eq!(scim_search::count(&mut tx, feed.id, Kind::User, &wanted).await.unwrap(), count, "{wanted:?}");
            let all = Slice { limit: 10, ..Slice::default() };
            let listed = scim_search::list(&mut tx, feed.id, Kind::User, &wanted, &all).await.unwrap();
            assert_eq!(i64::try_from(listed.len()).unwrap(), count, "{wanted:?}");
            assert!(listed.is_sorted_by_key(|one| one.id), "{wanted:?}");
        }
        let slice = Slice { sort: Some((SortKey::Text("title".to_owned()), true)), offset: 1, limit: 5, ..Slice::default() };
        let listed = scim_search::list(&mut tx, feed.id, Kind::User, &Where::Constant(true), &slice).await.unwrap();
        assert_eq!(listed.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["b", "a"]);
        let last_two = Slice { offset: 0, limit: 2, from_end: true, ..Slice::default() };
        let listed = scim_search::list(&mut tx, feed.id, Kind::User, &Where::Constant(true), &last_two).await.unwrap();
        assert_eq!(listed.iter().map(|one| one.id).collect::<Vec<_>>(), [people[1].id.uuid(), people[2].id.uuid()]);
        let after = Slice { after: Some(people[0].id.uuid()), limit: 1, ..Slice::default() };
        let listed = scim_search::list(&mut tx, feed.id, Kind::User, &Where::Constant(true), &after).await.unwrap();
        assert_eq!(listed[0].id, people[1].id.uuid());
    })
    .await;
}

#[tokio::test]
async fn what_takes_too_long_to_find_is_given_up_and_the_store_goes_on() {
    on_every_engine(async |bed| {
        let (feed, people) = (feed("entra"), (0..200).map(|n| person(&format!("p{n}"))).collect::<Vec<_>>());
        with(bed, &feed, &people, &[]).await;
        let slow = Where::Value("title".into(), Test::Contains("p1".into()));
        assert!(!slow.is_looked_up() && Where::Text(TextColumn::Name, Test::Is("p1".into())).is_looked_up());
        let either = |all: bool| {
            let both = vec![Where::Key(people[0].id.uuid()), slow.clone()];
            if all { Where::All(both) } else { Where::Any(both) }
        };
        assert!(either(true).is_looked_up() && !either(false).is_looked_up());
        let mut tx = bed.read().await;
        let is_file = matches!(tx, passerelle::store::Tx::SqliteRead(_));
        tx.give_up_after(std::time::Duration::ZERO).await.unwrap();
        let told = scim_search::count(&mut tx, feed.id, Kind::User, &slow).await;
        // A server has a deadline of its own.
        assert_eq!(is_file, matches!(told, Err(passerelle::store::Error::Late)), "{told:?}");
        drop(tx);
        let mut tx = bed.read().await;
        assert_eq!(scim_search::count(&mut tx, feed.id, Kind::User, &slow).await.unwrap(), 111);
        tx.give_up_after(std::time::Duration::ZERO).await.unwrap();
        tx.take_time();
        assert_eq!(scim_search::count(&mut tx, feed.id, Kind::User, &slow).await.unwrap(), 111, "no deadline holds any more");
    })
    .await;
}
