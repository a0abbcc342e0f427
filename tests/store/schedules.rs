//! What keeps sources up by themselves: how far a schedule was followed, jobs about one source, and the pulses of all sources.

use passerelle::store::establishment::source_turn::{self, SourceTurn};
use passerelle::store::establishment::{source, source_state};
use passerelle::store::registry::job::{self, Kind};
use passerelle::store::registry::pulse::{self, Pulse};
use passerelle::types::id::SourceId;

use super::engine::{on_every_engine, write_in};
use super::samples::{self, LATER, NOW};

#[tokio::test]
async fn how_far_a_schedule_was_followed_goes_with_its_source() {
    on_every_engine(async |bed| {
        let feed = samples::source("ldap");
        bed.write(async |tx| source::insert(tx, &feed).await).await;
        assert_eq!(source_turn::find(&mut bed.read().await, feed.id).await.unwrap(), None);
        for full_begun_at in [None, Some(LATER)] {
            let turn = SourceTurn { source_id: feed.id, served_at: NOW, full_begun_at };
            bed.write(async |tx| source_turn::keep(tx, &turn).await).await;
            assert_eq!(source_turn::find(&mut bed.read().await, feed.id).await.unwrap(), Some(turn));
        }
        let state =
            source_state::SourceState { failures: 3, server: Some("ldaps://b".to_owned()), ..source_state::SourceState::new(feed.id) };
        bed.write(async |tx| source_state::keep(tx, &state).await).await;
        assert_eq!(source_state::get(&mut bed.read().await, feed.id).await.unwrap(), state);
        bed.write(async |tx| source::delete(tx, feed.id).await).await;
        assert_eq!(source_turn::find(&mut bed.read().await, feed.id).await.unwrap(), None);
        let empty = source_state::SourceState::new(feed.id);
        assert_eq!(source_state::get(&mut bed.read().await, feed.id).await.unwrap(), empty);
    })
    .await;
}

#[tokio::test]
async fn jobs_about_two_things_of_one_establishment_do_not_mix() {
    on_every_engine(async |bed| {
        let registry = bed.stores.registry();
        for (subject, due_at) in [("one", LATER), ("other", NOW), ("one", NOW.plus_s(1))] {
            write_in(registry, async |tx| job::ask_about(tx, Kind::Schedule, ("college", subject), due_at).await).await;
        }
        let found = job::list(&mut registry.read().await.unwrap()).await.unwrap();
        let found: Vec<_> = found.into_iter().map(|job| (job.kind, job.subject, job.due_at, job.seq)).collect();
        let expected = [(Kind::Schedule, "other".to_owned(), NOW, 1), (Kind::Schedule, "one".to_owned(), NOW.plus_s(1), 2)];
        assert_eq!(found, expected, "asked for twice, it is due at the earlier time");
    })
    .await;
}

#[tokio::test]
async fn pulses_are_those_of_sources_that_keep_up_the_latest_first() {
    on_every_engine(async |bed| {
        let registry = bed.stores.registry();
        let pulse = |slug: &str, late_at| Pulse {
            slug: slug.to_owned(),
            source_id: SourceId::new(),
            source: "ldap".to_owned(),
            late_at,
            succeeded_at: Some(NOW),
            bookmark_at: None,
            failures: 0,
            paused_until: None,
        };
        let (never, soon, late) = (pulse("a", None), pulse("b", Some(LATER)), pulse("b", Some(NOW)));
        for one in [&never, &soon, &late] {
            write_in(registry, async |tx| pulse::keep(tx, one).await).await;
        }
        let all = async || pulse::list(&mut registry.read().await.unwrap()).await.unwrap();
        assert_eq!(all().await, [late.clone(), soon.clone(), never.clone()]);
        let renamed = Pulse {
            source: "annuaire".to_owned(),
            failures: 4,
            paused_until: Some(LATER),
            bookmark_at: Some(NOW),
            succeeded_at: None,
            ..late
        };
        write_in(registry, async |tx| pulse::keep(tx, &renamed).await).await;
        assert_eq!(all().await, [renamed.clone(), soon.clone(), never.clone()]);
        write_in(registry, async |tx| pulse::delete(tx, "b", soon.source_id).await).await;
        assert_eq!(all().await, [renamed, never.clone()]);
        write_in(registry, async |tx| pulse::delete_of_establishment(tx, "b").await).await;
        assert_eq!(all().await, [never]);
    })
    .await;
}
