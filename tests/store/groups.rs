//! Groups, who is in them, and which is in which.

use passerelle::store::dialect::PACKED_KEYS_MAX;
use passerelle::store::establishment::facts::{self, Whose};
use passerelle::store::establishment::group::{Filter, Group};
use passerelle::store::establishment::membership::Member;
use passerelle::store::establishment::user::User;
use passerelle::store::establishment::{group, membership, source, user};
use passerelle::types::id::{GroupId, SourceId, UserId};

use super::engine::{Bed, on_every_engine, walk};
use super::samples::{self, LATER, person};

async fn with_groups(bed: &Bed, groups: &[Group]) {
    bed.write(async |tx| group::upsert_all(tx, groups).await).await;
}

fn named(names: &[&str]) -> Vec<Group> {
    names.iter().map(|name| samples::group(name)).collect()
}

#[tokio::test]
async fn a_group_comes_back_as_written_and_as_changed() {
    on_every_engine(async |bed| {
        let feed = samples::source("annuaire");
        bed.write(async |tx| source::insert(tx, &feed).await).await;
        let stated = Group { source_id: Some(feed.id), external_id: Some("entryUUID-é".to_owned()), ..samples::group("Élèves") };
        let bare = Group {
            display_name: None,
            dn: None,
            dn_key: None,
            content_hash: Vec::new(),
            members_hash: Vec::new(),
            member_count: 0,
            ..samples::group("x")
        };
        with_groups(bed, &[stated.clone(), bare.clone()]).await;
        with_groups(bed, &[]).await;
        let mut tx = bed.read().await;
        assert_eq!(group::find(&mut tx, stated.id).await.unwrap().as_ref(), Some(&stated));
        assert_eq!(group::find(&mut tx, bare.id).await.unwrap().as_ref(), Some(&bare));
        assert_eq!(group::find(&mut tx, GroupId::new()).await.unwrap(), None);
        let changed = Group {
            name: "Renommé".to_owned(),
            display_name: None,
            dn: None,
            dn_key: Some("cn=renommé".to_owned()),
            content_hash: vec![9],
            members_hash: vec![8],
            member_count: i64::MAX,
            updated_at: LATER,
            ..stated.clone()
        };
        with_groups(bed, &[Group { created_at: LATER, source_id: None, external_id: None, ..changed.clone() }]).await;
        assert_eq!(group::find(&mut tx, stated.id).await.unwrap(), Some(changed), "where a group comes from stays");
    })
    .await;
}

#[tokio::test]
async fn a_source_states_one_group_once_and_must_be_there() {
    on_every_engine(async |bed| {
        let feed = samples::source("annuaire");
        bed.write(async |tx| source::insert(tx, &feed).await).await;
        let stated = |name: &str| Group { source_id: Some(feed.id), external_id: Some("1".to_owned()), ..samples::group(name) };
        with_groups(bed, &[stated("a")]).await;
        let again = [stated("b")];
        bed.refuses_as_taken("groups.source_id, groups.external_id", async |tx| group::upsert_all(tx, &again).await).await;
        let lost = [Group { source_id: Some(SourceId::new()), ..samples::group("c") }];
        bed.refuses_as_referenced(async |tx| group::upsert_all(tx, &lost).await).await;
        let by_hand = named(&["même", "même"]);
        with_groups(bed, &by_hand).await;
    })
    .await;
}

#[tokio::test]
async fn groups_are_walked_searched_and_filtered() {
    on_every_engine(async |bed| {
        let (feed, other) = (samples::source("annuaire"), samples::source("autre"));
        bed.write(async |tx| {
            source::insert(tx, &feed).await?;
            source::insert(tx, &other).await
        })
        .await;
        let stated = |name: &str, key: &str, from: &source::Source| Group {
            source_id: Some(from.id),
            external_id: Some(key.to_owned()),
            ..samples::group(name)
        };
        let groups =
            [stated("Élèves_2de", "2", &feed), stated("eleves-2de", "1", &feed), stated("100%", "1", &other), samples::group("Élèves_2de")];
        with_groups(bed, &groups).await;
        let mut tx = bed.read().await;
        let all: Vec<Group> = groups.to_vec();
        assert_eq!(walk(1, None, async |page| group::list(&mut tx, page, &Filter::default()).await).await, all);
        assert_eq!(group::list_all(&mut tx).await.unwrap(), all);
        assert_eq!(group::list_of_source(&mut tx, feed.id).await.unwrap(), [all[1].clone(), all[0].clone()], "by external id");
        let searches: [(&str, &[usize]); 4] = [("ÉLÈVES", &[0, 1, 3]), ("eleves_2", &[0, 3]), ("%", &[2]), ("groupe des 100", &[2])];
        for (query, expected) in searches {
            let found = walk(2, Some(query), async |page| group::list(&mut tx, page, &Filter::default()).await).await;
            assert_eq!(found, expected.iter().map(|at| all[*at].clone()).collect::<Vec<_>>(), "{query}");
        }
        let filters: [(Filter, &[usize]); 6] = [
            (Filter { name: Some("Élèves_2de".to_owned()), ..Filter::default() }, &[0, 3]),
            (Filter { source_id: Some(feed.id), ..Filter::default() }, &[0, 1]),
            (Filter { external_id: Some("1".to_owned()), ..Filter::default() }, &[1, 2]),
            (Filter { external_id: Some("1".to_owned()), source_id: Some(other.id), ..Filter::default() }, &[2]),
            (Filter { display_name: Some("Groupe des 100%".to_owned()), ..Filter::default() }, &[2]),
            (Filter { dn: groups[1].dn.clone(), ..Filter::default() }, &[1]),
        ];
        for (filter, expected) in filters {
            let found = walk(1, None, async |page| group::list(&mut tx, page, &filter).await).await;
            assert_eq!(found, expected.iter().map(|at| all[*at].clone()).collect::<Vec<_>>(), "{filter:?}");
        }
        assert_eq!(membership::count_of_source(&mut tx, feed.id).await.unwrap(), 6);
        assert_eq!(membership::count_of_source(&mut tx, SourceId::new()).await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn many_memberships_are_written_once_and_taken_away_one_by_one() {
    on_every_engine(async |bed| {
        let people: Vec<User> = (0..2_101).map(|n| person(&format!("p{n}"))).collect();
        let club = samples::group("club");
        let mut pairs: Vec<(GroupId, UserId)> = people.iter().map(|p| (club.id, p.id)).collect();
        // A source may state a member twice, within one statement too.
        pairs.push(pairs[0]);
        pairs.insert(1, pairs[0]);
        with_groups(bed, std::slice::from_ref(&club)).await;
        bed.write(async |tx| {
            user::insert_all(tx, &people).await?;
            membership::insert_all(tx, &pairs).await?;
            membership::insert_all(tx, &pairs[..2]).await?;
            membership::delete(tx, club.id, people[1].id).await?;
            membership::insert_all(tx, &[]).await
        })
        .await;
        let mut tx = bed.read().await;
        let kept: Vec<UserId> = people.iter().map(|p| p.id).filter(|id| *id != people[1].id).collect();
        assert_eq!(membership::users_of_group(&mut tx, club.id).await.unwrap(), kept);
        let between = facts::memberships(&mut tx, Whose::Between(Some(people[0].id), people[3].id)).await.unwrap();
        assert_eq!(between, [(people[2].id, club.id), (people[3].id, club.id)]);
        assert_eq!(facts::memberships(&mut tx, Whose::Between(None, people[0].id)).await.unwrap(), [(people[0].id, club.id)]);
        let member = |p: &User| Member { id: p.id, username: p.username.clone(), display_name: p.display_name.clone() };
        let listed = walk(500, None, async |page| membership::list_members(&mut tx, club.id, false, page).await).await;
        let expected: Vec<Member> = people.iter().filter(|p| p.id != people[1].id).map(member).collect();
        assert_eq!(listed, expected);
        let one = [expected[0].clone()];
        let words = one[0].username.to_uppercase();
        let found = walk(500, Some(&words), async |page| membership::list_members(&mut tx, club.id, false, page).await).await;
        assert!(found.contains(&one[0]) && found.len() < expected.len(), "words narrow: {}", found.len());
        let inside = walk(500, Some(&words), async |page| membership::list_members(&mut tx, club.id, true, page).await).await;
        assert_eq!(inside, found);
    })
    .await;
}

#[tokio::test]
async fn nested_groups_hold_people_through_others_and_cycles_end() {
    on_every_engine(async |bed| {
        let groups = named(&["école", "classe", "option", "ailleurs"]);
        let [school, class, option, elsewhere] = [groups[0].id, groups[1].id, groups[2].id, groups[3].id];
        let people: Vec<User> = ["a", "b", "c"].map(person).into();
        with_groups(bed, &groups).await;
        bed.write(async |tx| {
            user::insert_all(tx, &people).await?;
            membership::insert_all(tx, &[(school, people[0].id), (class, people[1].id), (option, people[1].id), (option, people[2].id)])
                .await?;
            for (parent, child) in [(school, class), (class, option), (option, school), (school, class)] {
                membership::insert_nesting(tx, parent, child).await?;
            }
            Ok(())
        })
        .await;
        let mut tx = bed.read().await;
        for (inside, transitive, expected) in [(school, false, &people[..1]), (school, true, &people[..]), (elsewhere, true, &people[..0])]
        {
            let found = walk(1, None, async |page| membership::list_members(&mut tx, inside, transitive, page).await).await;
            let keys: Vec<UserId> = expected.iter().map(|p| p.id).collect();
            assert_eq!(found.into_iter().map(|m| m.id).collect::<Vec<_>>(), keys);
        }
        let direct = group::list_direct_of_user(&mut tx, people[1].id).await.unwrap();
        assert_eq!(direct.iter().map(|g| g.name.as_str()).collect::<Vec<_>>(), ["classe", "option"]);
        assert_eq!(membership::groups_of_user(&mut tx, people[1].id).await.unwrap(), [class, option]);
        assert_eq!(group::effective_names_of_user(&mut tx, people[2].id).await.unwrap(), ["classe", "option", "école"]);
        assert_eq!(membership::children_of_group(&mut tx, school).await.unwrap(), [class]);
        bed.write(async |tx| membership::delete_nesting(tx, option, school).await).await;
        assert_eq!(membership::list_nestings(&mut tx).await.unwrap(), [(school, class), (class, option)]);
        bed.write(async |tx| group::delete(tx, class).await).await;
        assert_eq!(membership::list_nestings(&mut tx).await.unwrap(), [], "nestings go with their group");
        assert_eq!(membership::groups_of_user(&mut tx, people[1].id).await.unwrap(), [option], "and memberships do");
        assert_eq!(group::effective_names_of_user(&mut tx, people[2].id).await.unwrap(), ["option"]);
    })
    .await;
}

#[tokio::test]
async fn packed_memberships_are_written_once_and_need_their_group_and_their_people() {
    on_every_engine(async |bed| {
        let people: Vec<User> = (0..5).map(|n| person(&format!("p{n}"))).collect();
        let (club, other) = (samples::group("club"), samples::group("autre"));
        with_groups(bed, &[club.clone(), other.clone()]).await;
        bed.write(async |tx| user::insert_all(tx, &people).await).await;
        // One value holds the fourth person last of all and the next one the fifth; the others are stated again and again.
        let mut keys: Vec<UserId> = (1..PACKED_KEYS_MAX).map(|n| people[n % 3].id).collect();
        keys.extend([people[3].id, people[4].id]);
        bed.write(async |tx| {
            membership::insert_all(tx, &[(other.id, people[0].id)]).await?;
            membership::insert_packed(tx, club.id, &[]).await?;
            membership::insert_packed(tx, club.id, &keys).await?;
            membership::insert_packed(tx, club.id, &keys[..1]).await
        })
        .await;
        let mut tx = bed.read().await;
        assert_eq!(membership::users_of_group(&mut tx, club.id).await.unwrap(), people.iter().map(|p| p.id).collect::<Vec<_>>());
        assert_eq!(membership::users_of_group(&mut tx, other.id).await.unwrap(), [people[0].id]);
        drop(tx);
        bed.refuses_as_referenced(async |tx| membership::insert_packed(tx, club.id, &[UserId::new()]).await).await;
        bed.refuses_as_referenced(async |tx| membership::insert_packed(tx, GroupId::new(), &keys[..1]).await).await;
    })
    .await;
}

#[tokio::test]
async fn groups_that_hold_nobody_are_filled_many_at_a_time() {
    on_every_engine(async |bed| {
        let (club, other) = (samples::group("club"), samples::group("autre"));
        let people: Vec<User> = (0..30).map(|n| person(&format!("p{n:02}"))).collect();
        with_groups(bed, &[club.clone(), other.clone()]).await;
        bed.write(async |tx| user::insert_all(tx, &people).await).await;
        let everyone: Vec<UserId> = people.iter().map(|p| p.id).collect();
        bed.write(async |tx| membership::insert_new(tx, &[(club.id, everyone.clone()), (other.id, everyone[..2].to_vec())]).await).await;
        let mut tx = bed.read().await;
        assert_eq!(membership::users_of_group(&mut tx, club.id).await.unwrap(), everyone);
        assert_eq!(membership::users_of_group(&mut tx, other.id).await.unwrap(), everyone[..2]);
        drop(tx);
        let strangers: Vec<UserId> = (0..30).map(|_| UserId::new()).collect();
        bed.refuses_as_referenced(async |tx| membership::insert_new(tx, &[(other.id, strangers.clone())]).await).await;
        bed.write(async |tx| membership::insert_new(tx, &[]).await).await;
    })
    .await;
}

#[tokio::test]
async fn groups_are_found_by_key_place_members_and_what_dangles() {
    on_every_engine(async |bed| {
        let feed = samples::source("ldap");
        bed.write(async |tx| source::insert(tx, &feed).await).await;
        let stated = |name: &str, place: u8, dangling: Option<Vec<u8>>| Group {
            source_id: Some(feed.id),
            external_id: Some(format!("key-{name}")),
            place: Some(vec![place; 16]),
            dangling,
            ..samples::group(name)
        };
        let (club, choir) = (stated("club", 1, None), stated("chorale", 2, Some(vec![3; 16])));
        let (foreign, someone) = (samples::group("ailleurs"), person("élodie"));
        with_groups(bed, &[club.clone(), choir.clone(), foreign.clone()]).await;
        bed.write(async |tx| {
            user::insert(tx, &someone).await?;
            membership::insert_all(tx, &[(club.id, someone.id), (foreign.id, someone.id)]).await?;
            membership::insert_nesting(tx, choir.id, club.id).await
        })
        .await;
        let mut tx = bed.read().await;
        let keys = ["key-chorale".to_owned(), "key-none".to_owned()];
        assert_eq!(group::list_by_keys(&mut tx, feed.id, &keys).await.unwrap(), std::slice::from_ref(&choir));
        let places = [vec![1; 16], vec![9; 16]];
        assert_eq!(group::list_at(&mut tx, feed.id, &places).await.unwrap(), [(vec![1; 16], club.id)]);
        assert_eq!(group::list_dangling(&mut tx, feed.id).await.unwrap(), std::slice::from_ref(&choir));
        assert_eq!(group::list_of_member(&mut tx, feed.id, someone.id).await.unwrap(), std::slice::from_ref(&club));
        assert_eq!(group::list_of_child(&mut tx, feed.id, club.id).await.unwrap(), std::slice::from_ref(&choir));
        assert_eq!(group::count_of_source(&mut tx, feed.id).await.unwrap(), 2);
        assert!(group::list_by_keys(&mut tx, feed.id, &[]).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_membership_needs_its_group_and_its_person() {
    on_every_engine(async |bed| {
        let (club, someone) = (samples::group("club"), person("élodie"));
        with_groups(bed, std::slice::from_ref(&club)).await;
        bed.write(async |tx| user::insert(tx, &someone).await).await;
        bed.refuses_as_referenced(async |tx| membership::insert_all(tx, &[(club.id, UserId::new())]).await).await;
        bed.refuses_as_referenced(async |tx| membership::insert_all(tx, &[(GroupId::new(), someone.id)]).await).await;
        bed.refuses_as_referenced(async |tx| membership::insert_nesting(tx, club.id, GroupId::new()).await).await;
    })
    .await;
}

#[tokio::test]
async fn memberships_are_the_same_with_their_index_built_at_the_end() {
    on_every_engine(async |bed| {
        let people: Vec<User> = (0..50).map(|n| person(&format!("p{n}"))).collect();
        let groups = named(&["a", "b"]);
        bed.write(async |tx| user::insert_all(tx, &people).await).await;
        with_groups(bed, &groups).await;
        let ids: Vec<UserId> = people.iter().map(|person| person.id).collect();
        let mut tx = bed.store.begin().await.unwrap();
        assert!(!membership::any(&mut tx).await.unwrap());
        membership::drop_index(&mut tx).await.unwrap();
        membership::insert_new(&mut tx, &[(groups[0].id, ids.clone()), (groups[1].id, ids[..1].to_vec())]).await.unwrap();
        membership::build_index(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = bed.read().await;
        assert!(membership::any(&mut tx).await.unwrap());
        let mut both = vec![groups[0].id, groups[1].id];
        both.sort_unstable();
        assert_eq!(membership::groups_of_user(&mut tx, ids[0]).await.unwrap(), both);
        assert_eq!(membership::groups_of_user(&mut tx, ids[49]).await.unwrap(), [groups[0].id]);
        drop(tx);
        // Broken off, nothing of it stays.
        let mut tx = bed.store.begin().await.unwrap();
        membership::drop_index(&mut tx).await.unwrap();
        drop(tx);
        let mut tx = bed.store.begin().await.unwrap();
        membership::drop_index(&mut tx).await.unwrap();
        membership::build_index(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
    })
    .await;
}
