//! Proposals, and what several sources say of one person.

use passerelle::store::establishment::link::{HASH_BYTES, Link};
use passerelle::store::establishment::proposal::{Filter, Proposal, ProposalState};
use passerelle::store::establishment::source::Source;
use passerelle::store::establishment::statement::{Shared, Stated, Statement};
use passerelle::store::establishment::user::User;
use passerelle::store::establishment::{link, proposal, source, statement, user};
use passerelle::types::id::{ProposalId, UserId};
use passerelle::types::page::PageRequest;
use serde_json::json;
use uuid::Uuid;

use super::engine::{Bed, on_every_engine};
use super::samples::{self, LATER, NOW, person};

pub fn proposed(feed: &Source, entry: &str, user: &User) -> Proposal {
    Proposal {
        id: ProposalId::new(),
        source_id: feed.id,
        source: feed.name.clone(),
        external_id: entry.to_owned(),
        user_id: user.id,
        username: user.username.clone(),
        rule: "family_name, birth_date".to_owned(),
        detail: json!({ "entry": { "family_name": "Œuvrard" } }),
        state: ProposalState::Open,
        created_at: NOW,
        decided_at: None,
        decided_by: None,
    }
}

fn link_of(feed: &Source, entry: &str, user: &User, (present, active): (bool, bool)) -> Link {
    Link {
        source_id: feed.id,
        external_id: entry.to_owned(),
        user_id: user.id,
        dn: None,
        place: None,
        content_hash: vec![7; HASH_BYTES],
        present,
        active,
    }
}

async fn with(bed: &Bed, feeds: &[Source], people: &[User]) {
    bed.write(async |tx| {
        for feed in feeds {
            source::insert(tx, feed).await?;
        }
        user::insert_all(tx, people).await
    })
    .await;
}

#[tokio::test]
async fn what_was_decided_is_not_proposed_again() {
    on_every_engine(async |bed| {
        let (feed, people) = (samples::source("rh"), [person("anne"), person("bob")]);
        with(bed, std::slice::from_ref(&feed), &people).await;
        let [first, second] = [proposed(&feed, "S1", &people[0]), proposed(&feed, "S1", &people[1])];
        let rejected =
            Proposal { state: ProposalState::Rejected, decided_at: Some(LATER), decided_by: Some("user:x".to_owned()), ..first.clone() };
        bed.write(async |tx| {
            proposal::propose(tx, &first).await?;
            proposal::propose(tx, &second).await?;
            proposal::decide(tx, &rejected).await
        })
        .await;
        let anew = |old: &Proposal| Proposal { id: ProposalId::new(), rule: "email".to_owned(), created_at: LATER, ..old.clone() };
        bed.write(async |tx| {
            proposal::propose(tx, &anew(&first)).await?;
            proposal::propose(tx, &anew(&second)).await
        })
        .await;
        let mut tx = bed.read().await;
        assert_eq!(proposal::find(&mut tx, first.id).await.unwrap(), Some(rejected.clone()));
        let refreshed = Proposal { rule: "email".to_owned(), ..second.clone() };
        assert_eq!(proposal::find(&mut tx, second.id).await.unwrap(), Some(refreshed.clone()), "its key and its age stay");
        let all = proposal::list(&mut tx, &PageRequest::first(1), &Filter::default()).await.unwrap();
        assert_eq!((all.items, all.total), (vec![rejected], 2));
        for (source, state, found) in [(None, Some("open"), 1), (Some("rh"), None, 2), (Some("autre"), None, 0)] {
            let filter = Filter { source: source.map(str::to_owned), state: state.map(str::to_owned) };
            assert_eq!(proposal::list(&mut tx, &PageRequest::first(9), &filter).await.unwrap().total, found);
        }
        let words = PageRequest::parse(None, None, Some("BOB")).unwrap();
        assert_eq!(proposal::list(&mut tx, &words, &Filter::default()).await.unwrap().items, [refreshed]);
        let nil = ProposalId::from(Uuid::nil());
        let pairs = proposal::list_pairs_after(&mut tx, feed.id, nil, 10).await.unwrap();
        let decided: Vec<_> = pairs.iter().map(|pair| (pair.external_id.as_str(), pair.user_id, pair.state)).collect();
        assert_eq!(decided, [("S1", people[0].id, ProposalState::Rejected), ("S1", people[1].id, ProposalState::Open)]);
        assert_eq!(proposal::list_pairs_after(&mut tx, feed.id, pairs[0].id, 1).await.unwrap(), pairs[1..]);
    })
    .await;
}

#[tokio::test]
async fn only_what_nobody_decided_is_taken_back() {
    on_every_engine(async |bed| {
        let (feed, people) = (samples::source("rh"), [person("anne"), person("bob")]);
        with(bed, std::slice::from_ref(&feed), &people).await;
        let [kept, withdrawn, of_entry] =
            [proposed(&feed, "S1", &people[0]), proposed(&feed, "S2", &people[1]), proposed(&feed, "S1", &people[1])];
        let accepted = Proposal { state: ProposalState::Accepted, decided_at: Some(LATER), ..kept.clone() };
        bed.write(async |tx| {
            for one in [&kept, &withdrawn, &of_entry] {
                proposal::propose(tx, one).await?;
            }
            proposal::decide(tx, &accepted).await?;
            proposal::withdraw(tx, kept.id).await?;
            proposal::withdraw(tx, withdrawn.id).await?;
            proposal::withdraw_of_entry(tx, feed.id, "S1").await
        })
        .await;
        let left = proposal::list(&mut bed.read().await, &PageRequest::first(9), &Filter::default()).await.unwrap();
        assert_eq!(left.items, std::slice::from_ref(&accepted));
        let unknown = Proposal { id: ProposalId::new(), ..accepted };
        let mut tx = bed.store.begin().await.unwrap();
        assert!(proposal::decide(&mut tx, &unknown).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn statements_are_of_people_whom_several_sources_state() {
    on_every_engine(async |bed| {
        let (feeds, people) = ([samples::source("annuaire"), samples::source("rh")], [person("anne"), person("bob")]);
        with(bed, &feeds, &people).await;
        let said = |feed: &Source, entry: &str, who: &User| Statement {
            source_id: feed.id,
            external_id: entry.to_owned(),
            user_id: who.id,
            stated: Stated { email: Some(format!("{entry}@b.fr")), ..Stated::of(who) },
            present: true,
        };
        let [theirs, ours] = [said(&feeds[0], "a", &people[0]), said(&feeds[1], "S1", &people[0])];
        let links = [
            link_of(&feeds[0], "a", &people[0], (true, false)),
            link_of(&feeds[1], "S1", &people[0], (true, true)),
            link_of(&feeds[0], "b", &people[1], (false, true)),
        ];
        let changed = Statement { stated: Stated { units: vec!["0991000Z".to_owned()], ..ours.stated.clone() }, ..ours.clone() };
        bed.write(async |tx| {
            link::insert_all(tx, &links).await?;
            statement::keep(tx, &theirs).await?;
            statement::keep(tx, &ours).await?;
            statement::keep(tx, &changed).await
        })
        .await;
        let ids: Vec<UserId> = people.iter().map(|one| one.id).collect();
        let mut all = [theirs, changed];
        all.sort_by_key(|one| one.source_id);
        assert_eq!(statement::list_of_users(&mut bed.read().await, &ids).await.unwrap(), all);
        let shared = |feed: &Source, present, active| Shared { user_id: people[0].id, source_id: feed.id, present, active };
        assert_eq!(statement::list_shared(&mut bed.read().await, feeds[1].id).await.unwrap(), [shared(&feeds[0], true, false)]);
        assert_eq!(statement::list_shared(&mut bed.read().await, feeds[0].id).await.unwrap(), [shared(&feeds[1], true, true)]);
        let some = statement::list_shared_of_users(&mut bed.read().await, feeds[1].id, &ids[..1]).await.unwrap();
        assert_eq!(some, [shared(&feeds[0], true, false)]);
        assert!(statement::list_shared_of_users(&mut bed.read().await, feeds[1].id, &ids[1..]).await.unwrap().is_empty());
        bed.write(async |tx| link::delete(tx, feeds[1].id, "S1").await).await;
        assert_eq!(
            statement::list_of_users(&mut bed.read().await, &ids).await.unwrap(),
            all.iter().filter(|one| one.external_id == "a").cloned().collect::<Vec<_>>()
        );
        assert_eq!(link::count_of_source(&mut bed.read().await, feeds[1].id).await.unwrap(), 0);
        bed.write(async |tx| user::delete(tx, people[0].id).await).await;
        assert!(statement::list_of_users(&mut bed.read().await, &ids).await.unwrap().is_empty());
    })
    .await;
}
