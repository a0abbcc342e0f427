//! What rules look at of people, read in bulk; and the edges of what was given by hand.

use passerelle::store::establishment::assignment::{Assignment, Origin, Standing};
use passerelle::store::establishment::exclusion;
use passerelle::store::establishment::facts::{self, THESE_MAX, Whose};
use passerelle::store::establishment::user::User;
use passerelle::store::establishment::{application, assignment, group, link, membership, role_edge, rule, source, user};
use passerelle::types::id::UserId;
use passerelle::types::time::Timestamp;

use super::engine::on_every_engine;
use super::samples::{self, NOW};

#[tokio::test]
async fn facts_come_by_range_and_by_key_alike() {
    on_every_engine(async |bed| {
        let mut people: Vec<User> = ["a", "b", "c"].into_iter().map(samples::person).collect();
        people.sort_by_key(|person| person.id);
        let ids: Vec<UserId> = people.iter().map(|person| person.id).collect();
        let (source, inside) = (samples::source("ldap"), samples::group("g"));
        let application = samples::application("notes");
        let given = [samples::assignment(&people[1], &application, "r"), samples::assignment(&people[2], &application, "r")];
        let excluded = super::exclusions::excluded(&people[2], &application, "chef");
        let links = [samples::link(&source, &people[0], "1"), samples::link(&source, &people[1], "2")];
        bed.write(async |tx| {
            user::insert_all(tx, &people).await?;
            source::insert(tx, &source).await?;
            link::insert_all(tx, &links).await?;
            group::upsert_all(tx, std::slice::from_ref(&inside)).await?;
            membership::insert_all(tx, &[(inside.id, ids[0]), (inside.id, ids[2])]).await?;
            application::insert(tx, &application).await?;
            exclusion::insert(tx, &excluded).await?;
            assignment::insert_all(tx, &given).await
        })
        .await;
        let mut tx = bed.read().await;
        let all = facts::people_after(&mut tx, None, 10, true).await.unwrap();
        assert_eq!(all.iter().map(|sketch| sketch.user.id).collect::<Vec<_>>(), ids);
        assert_eq!(serde_json::from_str::<Vec<String>>(&all[0].units).unwrap(), people[0].units);
        let attributes: std::collections::BTreeMap<String, Vec<String>> = serde_json::from_str(&all[0].attributes).unwrap();
        assert_eq!(attributes, people[0].attributes);
        let bare = facts::people_after(&mut tx, Some(ids[0]), 1, false).await.unwrap();
        assert_eq!((bare.len(), bare[0].user.id, bare[0].attributes.as_str()), (1, ids[1], "{}"));
        let last_two = [ids[1], ids[2]];
        let spans = [Whose::Between(Some(ids[0]), ids[2]), Whose::These(&last_two)];
        assert!(last_two.len() <= THESE_MAX);
        let mut seen = Vec::new();
        for whose in spans {
            let people = facts::people(&mut tx, whose, true).await.unwrap();
            assert_eq!(people, all[1..]);
            let inside = facts::memberships(&mut tx, whose).await.unwrap();
            let links = facts::links(&mut tx, whose).await.unwrap();
            let (with, without) =
                (facts::standing(&mut tx, whose, true).await.unwrap(), facts::standing(&mut tx, whose, false).await.unwrap());
            assert_eq!(with.iter().map(|row| row.id).collect::<Vec<_>>(), given.iter().map(|row| row.id).collect::<Vec<_>>());
            assert!(with.iter().all(|row| row.reason.starts_with('[')) && without.iter().all(|row| row.reason.is_empty()));
            let excluded = facts::exclusions(&mut tx, whose).await.unwrap();
            assert_eq!(excluded.iter().map(|one| (one.user_id, one.role.as_str())).collect::<Vec<_>>(), [(ids[2], "chef")]);
            seen.push((inside, links, with));
        }
        assert_eq!(seen[0], seen[1]);
        assert_eq!(seen[0].0, [(ids[2], inside.id)]);
        assert_eq!(seen[0].1.iter().map(|(person, ..)| *person).collect::<Vec<_>>(), [ids[1]]);
    })
    .await;
}

#[tokio::test]
async fn what_people_hold_reads_alike_row_by_row_and_as_one_text_a_person() {
    on_every_engine(async |bed| {
        let people: Vec<User> = ["a", "b"].into_iter().map(samples::person).collect();
        let (first, second) = (samples::application("notes"), samples::application("paie"));
        let rule = samples::rule(&first, "r", 1);
        let odd = |of: &User, role: &str, scope: &str, origin: Origin| {
            let rule_id = (origin == Origin::Rule).then_some(rule.id);
            let given = samples::assignment(of, &first, role);
            Assignment { scope: scope.to_owned(), origin, rule_id, valid_from: None, ..given }
        };
        let mut given = vec![samples::assignment(&people[1], &second, "r"), odd(&people[0], "chef", "", Origin::Default)];
        for origin in [Origin::Rule, Origin::Manual, Origin::Default] {
            given.push(odd(&people[1], "élève", "Lycée | « 12 %s » 7 𝄞", origin));
        }
        given[1].valid_until = None;
        given[2].valid_until = Some(Timestamp::from_seconds(-5));
        given[3].reason = Vec::new();
        bed.write(async |tx| {
            user::insert_all(tx, &people).await?;
            application::insert(tx, &first).await?;
            application::insert(tx, &second).await?;
            rule::insert(tx, &rule).await?;
            assignment::insert_all(tx, &given).await
        })
        .await;
        let mut tx = bed.read().await;
        let last = people.iter().map(|person| person.id).max().unwrap();
        let by_row = assignment::list_between(&mut tx, None, last).await.unwrap();
        assert_eq!(by_row.len(), 5);
        assert_eq!(facts::standing(&mut tx, Whose::Between(None, last), true).await.unwrap(), by_row);
        let bare: Vec<Standing> = by_row.into_iter().map(|row| Standing { reason: String::new(), ..row }).collect();
        assert_eq!(facts::standing(&mut tx, Whose::Between(None, last), false).await.unwrap(), bare);
    })
    .await;
}

#[tokio::test]
async fn edges_of_what_was_given_by_hand_come_one_after_another() {
    on_every_engine(async |bed| {
        let (person, application) = (samples::person("a"), samples::application("notes"));
        let mut given = samples::assignment(&person, &application, "r");
        (given.valid_from, given.valid_until) = (Some(NOW.plus_s(10)), Some(NOW.plus_s(20)));
        bed.write(async |tx| {
            user::insert(tx, &person).await?;
            application::insert(tx, &application).await?;
            assignment::insert_all(tx, std::slice::from_ref(&given)).await
        })
        .await;
        let mut tx = bed.read().await;
        let mut next = Vec::new();
        for after in [0, 10, 20] {
            next.push(role_edge::next_by_hand(&mut tx, NOW.plus_s(after)).await.unwrap());
        }
        assert_eq!(next, [Some(NOW.plus_s(10)), Some(NOW.plus_s(20)), None]);
        let came =
            async |tx: &mut _, from: i64, until: i64| role_edge::people_between(tx, NOW.plus_s(from), NOW.plus_s(until)).await.unwrap();
        assert_eq!(came(&mut tx, 0, 9).await, []);
        assert_eq!(came(&mut tx, 0, 30).await, [person.id]);
        assert_eq!(came(&mut tx, 10, 20).await, [person.id]);
        assert_eq!(role_edge::seen_until(&mut tx).await.unwrap(), None);
        drop(tx);
        for at in [NOW, NOW.plus_s(5)] {
            bed.write(async |tx| role_edge::see_until(tx, at).await).await;
            assert_eq!(role_edge::seen_until(&mut bed.read().await).await.unwrap(), Some(at));
        }
    })
    .await;
}
