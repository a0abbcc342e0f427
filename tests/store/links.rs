//! Sources, and the links by which they know people.

use passerelle::store::establishment::facts::{self, Whose};
use passerelle::store::establishment::link::{HASH_BYTES, Known, Link, NamedLink};
use passerelle::store::establishment::source::{Bound, Guard, Source, SourceKind};
use passerelle::store::establishment::sync_run::State;
use passerelle::store::establishment::user::{User, UserStatus};
use passerelle::store::establishment::{group, link, source, sync_run, user};
use passerelle::types::id::{SourceId, UserId};
use serde_json::json;

use super::engine::{Bed, on_every_engine};
use super::samples::{self, LATER, NOW, person};

async fn with_source_and_people(bed: &Bed, feed: &Source, people: &[User]) {
    bed.write(async |tx| {
        source::insert(tx, feed).await?;
        user::insert_all(tx, people).await
    })
    .await;
}

#[tokio::test]
async fn a_source_comes_back_as_written_and_as_changed() {
    on_every_engine(async |bed| {
        let bound = Bound { max_count: u64::from(u32::MAX), max_percent: 0.1 };
        let bare = Source {
            kind: SourceKind::Csv,
            settings: json!({}),
            secret_sealed: None,
            guard: Guard { people: bound, groups: bound, memberships: bound, shrink_percent: 100.0 },
            enabled: false,
            ..samples::source("élèves")
        };
        let kinds = [SourceKind::Ldap, SourceKind::Scim, SourceKind::Ldif];
        let mut all: Vec<Source> =
            kinds.into_iter().enumerate().map(|(n, kind)| Source { kind, ..samples::source(&format!("s{n}")) }).collect();
        all.insert(0, bare);
        for feed in &all {
            bed.write(async |tx| source::insert(tx, feed).await).await;
            assert_eq!(source::find(&mut bed.read().await, feed.id).await.unwrap().as_ref(), Some(feed));
            assert_eq!(source::find_by_name(&mut bed.read().await, &feed.name).await.unwrap().as_ref(), Some(feed));
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        assert_eq!(source::list(&mut bed.read().await).await.unwrap(), all, "sources go by name");
        let changed = Source {
            name: "autre".to_owned(),
            settings: json!([1]),
            secret_sealed: None,
            enabled: false,
            updated_at: LATER,
            ..all[1].clone()
        };
        let asked = Source { kind: SourceKind::Csv, created_at: LATER, ..changed.clone() };
        bed.write(async |tx| source::update(tx, &asked).await).await;
        let mut tx = bed.read().await;
        assert_eq!(source::find(&mut tx, changed.id).await.unwrap(), Some(changed), "the protocol and the creation stay");
        assert_eq!(source::find(&mut tx, SourceId::new()).await.unwrap(), None);
        assert_eq!(source::find_by_name(&mut tx, "nulle-part").await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_source_s_name_is_its_own_and_an_absent_one_is_not_changed() {
    on_every_engine(async |bed| {
        let (one, other) = (samples::source("un"), samples::source("deux"));
        bed.write(async |tx| source::insert(tx, &one).await).await;
        bed.refuses_as_taken("sources.name", async |tx| source::insert(tx, &samples::source("un")).await).await;
        bed.refuses_as_not_found("source", async |tx| source::update(tx, &other).await).await;
        bed.write(async |tx| source::insert(tx, &other).await).await;
        let renamed = Source { name: "un".to_owned(), ..other };
        bed.refuses_as_taken("sources.name", async |tx| source::update(tx, &renamed).await).await;
    })
    .await;
}

#[tokio::test]
async fn a_source_goes_with_its_runs_but_not_while_people_or_groups_come_from_it() {
    on_every_engine(async |bed| {
        let (linked, grouped, free) = (samples::source("gens"), samples::source("groupes"), samples::source("libre"));
        let someone = person("élodie");
        let held = samples::run(&free, State::Held);
        let approving = samples::run(&free, State::Done);
        with_source_and_people(bed, &linked, std::slice::from_ref(&someone)).await;
        bed.write(async |tx| {
            source::insert(tx, &grouped).await?;
            source::insert(tx, &free).await?;
            link::upsert_all(tx, &[samples::link(&linked, &someone, "1")]).await?;
            group::upsert_all(tx, &[group::Group { source_id: Some(grouped.id), ..samples::group("g") }]).await?;
            sync_run::insert(tx, &held).await?;
            sync_run::insert(tx, &approving).await
        })
        .await;
        bed.refuses_as_referenced(async |tx| source::delete(tx, linked.id).await).await;
        bed.refuses_as_referenced(async |tx| source::delete(tx, grouped.id).await).await;
        bed.write(async |tx| source::delete(tx, free.id).await).await;
        let mut tx = bed.read().await;
        let left: Vec<String> = source::list(&mut tx).await.unwrap().into_iter().map(|s| s.name).collect();
        assert_eq!(left, ["gens", "groupes"]);
        assert_eq!(sync_run::find(&mut tx, approving.id).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn links_are_written_changed_and_listed_by_external_id() {
    on_every_engine(async |bed| {
        let feed = samples::source("annuaire");
        let people: Vec<User> = (0..1_101).map(|n| person(&format!("p{n}"))).collect();
        with_source_and_people(bed, &feed, &people).await;
        let mut links: Vec<Link> = people.iter().enumerate().map(|(n, p)| samples::link(&feed, p, &format!("é{n:05}"))).collect();
        links[0] = Link { dn: None, present: false, active: false, content_hash: vec![0; HASH_BYTES], ..links[0].clone() };
        bed.write(async |tx| link::insert_all(tx, &links[..1_100]).await).await;
        let key = "links.source_id, links.external_id";
        bed.refuses_as_taken(key, async |tx| link::insert_all(tx, &links[1_000..]).await).await;
        bed.refuses_as_taken(key, async |tx| link::insert_all(tx, &links[..1]).await).await;
        bed.write(async |tx| link::insert_all(tx, &[]).await).await;
        bed.write(async |tx| link::upsert_all(tx, &links).await).await;
        bed.write(async |tx| link::upsert_all(tx, &[]).await).await;
        assert_eq!(link::list_of_source(&mut bed.read().await, feed.id).await.unwrap(), links);
        links[0] =
            Link { dn: Some("uid=x".to_owned()), present: true, active: true, content_hash: vec![3; HASH_BYTES], ..links[0].clone() };
        links[1] = Link { dn: None, present: false, active: false, user_id: people[2].id, ..links[1].clone() };
        bed.write(async |tx| link::upsert_all(tx, &links[..2]).await).await;
        let mut tx = bed.read().await;
        assert_eq!(link::list_of_source(&mut tx, feed.id).await.unwrap(), links);
        assert_eq!(link::count_of_source(&mut tx, feed.id).await.unwrap(), 1_101);
        assert_eq!(link::count_of_source(&mut tx, SourceId::new()).await.unwrap(), 0);
        let keys: Vec<UserId> = people.iter().skip(3).map(|p| p.id).collect();
        let mut stated = link::list_of_users_from(&mut tx, feed.id, &keys).await.unwrap();
        stated.sort_by(|a, b| a.external_id.cmp(&b.external_id));
        assert_eq!(stated, links[3..]);
        assert_eq!(link::list_of_users_from(&mut tx, SourceId::new(), &keys).await.unwrap(), []);
        assert_eq!(link::list_of_users_from(&mut tx, feed.id, &[]).await.unwrap(), []);
        let mut some = link::list_named_of_users(&mut tx, &keys).await.unwrap();
        some.sort_by(|(_, a), (_, b)| a.external_id.cmp(&b.external_id));
        let expected: Vec<(UserId, &str)> = links[3..].iter().map(|link| (link.user_id, link.external_id.as_str())).collect();
        assert_eq!(some.iter().map(|(user, link)| (*user, link.external_id.as_str())).collect::<Vec<_>>(), expected);
        assert!(some.iter().all(|(_, link)| link.source == feed.name && link.source_id == feed.id));
        assert_eq!(link::list_named_of_users(&mut tx, &[]).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn a_person_s_links_name_their_sources_and_one_can_be_marked_gone() {
    on_every_engine(async |bed| {
        let (ldap, csv) = (samples::source("z-annuaire"), samples::source("a-tableur"));
        let someone = person("élodie");
        with_source_and_people(bed, &ldap, std::slice::from_ref(&someone)).await;
        bed.write(async |tx| {
            source::insert(tx, &csv).await?;
            link::upsert_all(tx, &[samples::link(&ldap, &someone, "guid"), samples::link(&csv, &someone, "12")]).await?;
            link::mark_gone(tx, ldap.id, someone.id, LATER).await?;
            link::mark_gone(tx, ldap.id, someone.id, LATER.plus_s(1)).await
        })
        .await;
        let named = |feed: &Source, external_id: &str, present| NamedLink {
            source: feed.name.clone(),
            external_id: external_id.to_owned(),
            dn: Some("uid=élodie,ou=Élèves,dc=acad-test,dc=fr".to_owned()),
            present,
            active: true,
            left_at: (!present).then_some(LATER),
            source_id: feed.id,
            leaving: feed.leaving,
        };
        let found = link::list_of_user(&mut bed.read().await, someone.id).await.unwrap();
        assert_eq!(found, [named(&csv, "12", true), named(&ldap, "guid", false)]);
    })
    .await;
}

#[tokio::test]
async fn several_people_s_links_are_listed_by_person_and_source() {
    on_every_engine(async |bed| {
        let (ldap, csv) = (samples::source("z-annuaire"), samples::source("a-tableur"));
        let people = ["anaïs", "bob", "chloé", "david"].map(person);
        with_source_and_people(bed, &ldap, &people).await;
        let both = [samples::link(&ldap, &people[0], "guid"), samples::link(&csv, &people[0], "12")];
        let gone = Link { present: false, active: false, dn: None, ..samples::link(&csv, &people[2], "3") };
        bed.write(async |tx| {
            source::insert(tx, &csv).await?;
            link::upsert_all(tx, &both).await?;
            link::upsert_all(tx, &[gone.clone(), samples::link(&ldap, &people[3], "autre")]).await
        })
        .await;
        let named = |feed: &Source, link: &Link| NamedLink {
            source: feed.name.clone(),
            external_id: link.external_id.clone(),
            dn: link.dn.clone(),
            present: link.present,
            active: link.active,
            left_at: None,
            source_id: feed.id,
            leaving: feed.leaving,
        };
        let asked = [people[2].id, people[1].id, people[0].id];
        let found = link::list_named_of_users(&mut bed.read().await, &asked).await.unwrap();
        let expected = [(people[0].id, named(&csv, &both[1])), (people[0].id, named(&ldap, &both[0])), (people[2].id, named(&csv, &gone))];
        assert_eq!(found, expected);
    })
    .await;
}

#[tokio::test]
async fn entries_that_are_present_are_read_for_a_range_of_people() {
    on_every_engine(async |bed| {
        let (one, two) = (samples::source("un"), samples::source("deux"));
        let people = ["a", "b", "c", "d"].map(person);
        with_source_and_people(bed, &one, &people).await;
        let gone = Link { present: false, ..samples::link(&two, &people[1], "b2") };
        let nowhere = Link { dn: None, active: false, ..samples::link(&two, &people[2], "c2") };
        let present = [0, 1, 2, 3].map(|at: usize| samples::link(&one, &people[at], &format!("{at}")));
        bed.write(async |tx| {
            source::insert(tx, &two).await?;
            link::upsert_all(tx, &present).await?;
            link::upsert_all(tx, &[gone, nowhere.clone()]).await
        })
        .await;
        let place = |link: &Link| (link.user_id, link.source_id, link.dn.clone());
        let mut tx = bed.read().await;
        let between = facts::links(&mut tx, Whose::Between(Some(people[0].id), people[2].id)).await.unwrap();
        assert_eq!(between, [place(&present[1]), place(&present[2]), place(&nowhere)], "by person, then by source");
        assert_eq!(facts::links(&mut tx, Whose::Between(None, people[0].id)).await.unwrap(), [place(&present[0])]);
        assert_eq!(facts::links(&mut tx, Whose::Between(Some(people[3].id), UserId::new())).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn what_a_run_compares_with_is_read_in_steps() {
    on_every_engine(async |bed| {
        let (feed, other) = (samples::source("annuaire"), samples::source("autre"));
        let people = ["Anaïs", "Bob", "chloé"].map(person);
        with_source_and_people(bed, &feed, &people).await;
        let mut links: Vec<Link> = people.iter().zip(["a", "b", "c"]).map(|(p, key)| samples::link(&feed, p, key)).collect();
        links[1] = Link { present: false, content_hash: vec![0; HASH_BYTES], ..links[1].clone() };
        bed.write(async |tx| {
            source::insert(tx, &other).await?;
            link::upsert_all(tx, &links).await?;
            link::upsert_all(tx, &[samples::link(&other, &people[0], "b")]).await
        })
        .await;
        let known = |link: &Link| Known {
            external_id: link.external_id.clone(),
            user_id: link.user_id,
            content_hash: link.content_hash.clone(),
            present: link.present,
        };
        let mut tx = bed.read().await;
        for (after, expected) in [("", &links[..2]), ("b", &links[2..]), ("c", &[])] {
            let found = link::list_known_after(&mut tx, feed.id, after, 2).await.unwrap();
            assert_eq!(found, expected.iter().map(known).collect::<Vec<_>>(), "after «{after}»");
        }
    })
    .await;
}

#[tokio::test]
async fn a_few_entries_are_looked_up_by_key_by_place_and_by_name() {
    on_every_engine(async |bed| {
        let (feed, people) = (samples::source("annuaire"), ["anne", "bob", "chloé"].map(person));
        with_source_and_people(bed, &feed, &people).await;
        let at = |n: usize, place: u8, present| Link {
            place: Some(vec![place; 16]),
            present,
            ..samples::link(&feed, &people[n], &format!("key-{n}"))
        };
        let links = [at(0, 1, true), at(1, 2, false), at(2, 3, true)];
        bed.write(async |tx| link::insert_all(tx, &links).await).await;
        let mut tx = bed.read().await;
        let found = link::list_known_by_keys(&mut tx, feed.id, &["key-1".to_owned(), "key-9".to_owned()]).await.unwrap();
        assert_eq!(found.iter().map(|known| (known.user_id, known.present)).collect::<Vec<_>>(), [(people[1].id, false)]);
        let places = [vec![1; 16], vec![2; 16], vec![7; 16]];
        assert_eq!(
            link::list_at(&mut tx, feed.id, &places).await.unwrap(),
            [(vec![1; 16], people[0].id)],
            "nobody stands where one is gone"
        );
        let free = people.iter().filter(|someone| someone.status != UserStatus::Disabled).count();
        assert_eq!(link::count_free_of_source(&mut tx, feed.id).await.unwrap(), i64::try_from(free).unwrap());
        let accounts = user::list_accounts(&mut tx, &[people[2].id, UserId::new()]).await.unwrap();
        assert_eq!(accounts.iter().map(|account| account.username_folded.as_str()).collect::<Vec<_>>(), ["chloé"]);
        assert_eq!(user::list_accounts_named(&mut tx, &["chloé".to_owned(), "zoé".to_owned()]).await.unwrap(), accounts);
    })
    .await;
}

#[tokio::test]
async fn a_link_needs_its_source_and_its_person() {
    on_every_engine(async |bed| {
        let (feed, someone) = (samples::source("annuaire"), person("élodie"));
        with_source_and_people(bed, &feed, std::slice::from_ref(&someone)).await;
        let nobody = samples::link(&feed, &person("personne"), "1");
        let nowhere = samples::link(&samples::source("nulle-part"), &someone, "1");
        bed.refuses_as_referenced(async |tx| link::upsert_all(tx, std::slice::from_ref(&nobody)).await).await;
        bed.refuses_as_referenced(async |tx| link::upsert_all(tx, std::slice::from_ref(&nowhere)).await).await;
    })
    .await;
}

#[tokio::test]
async fn whoever_left_is_listed_from_a_day_on_until_they_are_back() {
    on_every_engine(async |bed| {
        let (feed, other) = (samples::source("annuaire"), samples::source("autre"));
        let mut people: Vec<User> = ["anaïs", "bob", "chloé", "david"].map(person).into();
        people.sort_by_key(|p| p.id);
        people[..3].iter_mut().for_each(|p| p.status = UserStatus::Disabled);
        with_source_and_people(bed, &feed, &people).await;
        bed.write(async |tx| {
            source::insert(tx, &other).await?;
            let links: Vec<Link> = people.iter().map(|p| samples::link(&feed, p, &p.username)).collect();
            link::upsert_all(tx, &links).await?;
            for (person, after_s) in people.iter().zip([0, 10, 20, 0]) {
                link::mark_gone(tx, feed.id, person.id, NOW.plus_s(after_s)).await?;
            }
            Ok(())
        })
        .await;
        let listed = async |until: i64, after: Option<UserId>, limit: i64| {
            link::list_left(&mut bed.read().await, feed.id, NOW.plus_s(until), after, limit).await.unwrap()
        };
        let keys: Vec<UserId> = people.iter().map(|p| p.id).collect();
        assert_eq!(listed(10, None, 9).await, keys[..2], "the fourth may sign in all the same");
        assert_eq!(listed(100, None, 2).await, keys[..2]);
        assert_eq!(listed(100, Some(keys[1]), 9).await, keys[2..3]);
        assert_eq!(listed(-1, None, 9).await, []);
        assert_eq!(link::list_left(&mut bed.read().await, other.id, LATER, None, 9).await.unwrap(), []);
        bed.write(async |tx| link::upsert_all(tx, &[samples::link(&feed, &people[0], &people[0].username)]).await).await;
        assert_eq!(listed(100, None, 9).await, keys[1..3]);
        let back = link::list_of_user(&mut bed.read().await, keys[0]).await.unwrap();
        assert_eq!((back[0].present, back[0].left_at), (true, None));
    })
    .await;
}

#[tokio::test]
async fn what_was_applied_of_those_whom_several_sources_state_can_be_forgotten() {
    on_every_engine(async |bed| {
        let (one, other) = (samples::source("annuaire"), samples::source("liste"));
        let people = ["élodie", "paul", "zoé"].map(person);
        with_source_and_people(bed, &one, &people).await;
        let [shared, left, alone] = &people;
        let gone = Link { present: false, ..samples::link(&other, left, "2") };
        let links = [samples::link(&one, shared, "1"), samples::link(&one, left, "2"), samples::link(&one, alone, "3")];
        bed.write(async |tx| {
            source::insert(tx, &other).await?;
            link::insert_all(tx, &links).await?;
            link::insert_all(tx, &[samples::link(&other, shared, "1"), gone]).await?;
            link::forget_hashes_of_shared(tx).await
        })
        .await;
        let mut tx = bed.read().await;
        let kept: Vec<bool> =
            link::list_of_source(&mut tx, one.id).await.unwrap().iter().map(|link| !link.content_hash.is_empty()).collect();
        assert_eq!(kept, [false, true, true], "one source alone states the others");
    })
    .await;
}
