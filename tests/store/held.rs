//! What SCIM feeds have waiting for a person, and how long may be looked for what they ask.

use passerelle::store::establishment::scim_held::{Filter, Held, HeldReason, HeldState};
use passerelle::store::establishment::scim_resource::Kind;
use passerelle::store::establishment::scim_search::{Test, TextColumn, Where};
use passerelle::store::establishment::source::Source;
use passerelle::store::establishment::{scim_held, scim_search};
use passerelle::types::page::PageRequest;
use serde_json::json;
use uuid::Uuid;

use super::engine::on_every_engine;
use super::samples::{LATER, NOW, person};
use super::scim::{feed, with};

pub fn held(feed: &Source, reason: HeldReason, subject: &str) -> Held {
    Held {
        id: Uuid::now_v7(),
        source_id: feed.id,
        reason,
        operation: "delete".to_owned(),
        subject_id: None,
        subject: subject.to_owned(),
        name: subject.to_owned(),
        detail: json!({ "why": "é" }),
        state: HeldState::Open,
        times: 1,
        first_at: NOW,
        last_at: NOW,
        decided_at: None,
        decided_by: None,
    }
}

#[tokio::test]
async fn what_waits_is_told_once_and_decided_once() {
    on_every_engine(async |bed| {
        let feed = feed("entra");
        with(bed, &feed, &[], &[]).await;
        let (first, second) = (held(&feed, HeldReason::Guard, "a"), held(&feed, HeldReason::Taken, "b"));
        bed.write(async |tx| {
            scim_held::hold(tx, &first).await?;
            scim_held::hold(tx, &Held { last_at: LATER, ..first.clone() }).await?;
            scim_held::hold(tx, &second).await?;
            scim_held::hold(tx, &Held { id: Uuid::now_v7(), ..second.clone() }).await
        })
        .await;
        let mut tx = bed.read().await;
        let page = PageRequest::first(10);
        let listed = scim_held::list(&mut tx, feed.id, &page, &Filter::default()).await.unwrap();
        assert_eq!(listed.items, [Held { times: 2, last_at: LATER, ..first.clone() }, Held { times: 2, ..second.clone() }]);
        let guarded = Filter { reason: Some("guard".into()), operation: Some("delete".into()), state: Some("open".into()) };
        assert_eq!(scim_held::list(&mut tx, feed.id, &page, &guarded).await.unwrap().total, 1);
        assert_eq!(scim_held::count_open(&mut tx, feed.id).await.unwrap(), 2);
        assert_eq!(scim_held::find(&mut tx, feed.id, second.id).await.unwrap(), Some(Held { times: 2, ..second.clone() }));
        drop(tx);
        let decided = Held { state: HeldState::Refused, decided_at: Some(LATER), decided_by: Some("user:1".into()), ..second.clone() };
        bed.write(async |tx| {
            scim_held::decide(tx, &decided).await?;
            assert_eq!(scim_held::decide_guarded(tx, feed.id, HeldState::Approved, LATER, "user:1").await?, 1);
            Ok(())
        })
        .await;
        let mut tx = bed.read().await;
        let known = scim_held::find_same(&mut tx, &held(&feed, HeldReason::Guard, "a")).await.unwrap().unwrap();
        assert_eq!((known.id, known.state, known.decided_at), (first.id, HeldState::Approved, Some(LATER)));
        assert_eq!(scim_held::find_same(&mut tx, &second).await.unwrap().unwrap().state, HeldState::Refused);
        assert_eq!(scim_held::find_same(&mut tx, &held(&feed, HeldReason::Asked, "c")).await.unwrap(), None);
        drop(tx);
        let more = Held { id: Uuid::now_v7(), detail: json!({ "why": "more" }), ..first.clone() };
        bed.write(async |tx| scim_held::hold(tx, &more).await).await;
        let again = scim_held::find_same(&mut bed.read().await, &first).await.unwrap().unwrap();
        assert_eq!(again, Held { times: 3, ..more }, "what the guard holds anew is decided anew, under the key that it is given");
        bed.write(async |tx| {
            scim_held::settle(tx, feed.id, HeldReason::Guard, "delete", "a").await?;
            scim_held::forget(tx, LATER).await
        })
        .await;
        assert_eq!(scim_held::list(&mut bed.read().await, feed.id, &page, &Filter::default()).await.unwrap().total, 0);
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
