//! What an undo and a removal ask the store: change logs from their end, runs that followed, things that go in steps.

use passerelle::store::establishment::change::{Change, ChangeKind, Operation};
use passerelle::store::establishment::group::Group;
use passerelle::store::establishment::sync_run::{Mode, Run, State};
use passerelle::store::establishment::{change, group, link, membership, source, sync_run, user};
use passerelle::types::id::RunId;

use super::engine::on_every_engine;
use super::samples::{self, NOW, person};

fn noted(seq: i64, operation: Operation) -> Change {
    Change { seq, kind: ChangeKind::User, operation, subject_id: None, name: format!("p{seq}"), detail: None }
}

#[tokio::test]
async fn a_change_log_is_read_from_its_end_and_loses_an_operation_or_some_rows() {
    on_every_engine(async |bed| {
        let (feed, other) = (samples::source("annuaire"), samples::source("autre"));
        let (run, another, elsewhere) =
            (samples::run(&feed, State::Done), samples::run(&feed, State::Done), samples::run(&other, State::Done));
        let operations = [Operation::Created, Operation::Skipped, Operation::Disabled, Operation::Skipped, Operation::Updated];
        let all: Vec<Change> = (1..).zip(operations).map(|(seq, operation)| noted(seq, operation)).collect();
        bed.write(async |tx| {
            source::insert(tx, &feed).await?;
            source::insert(tx, &other).await?;
            for run in [&run, &another, &elsewhere] {
                sync_run::insert(tx, run).await?;
                change::insert_all(tx, run.id, &all).await?;
            }
            Ok(())
        })
        .await;
        let before = async |seq: i64, limit: i64| {
            let found = change::list_before(&mut bed.read().await, run.id, seq, limit).await.unwrap();
            found.into_iter().map(|change| change.seq).collect::<Vec<_>>()
        };
        assert_eq!(before(i64::MAX, 2).await, [5, 4]);
        assert_eq!(before(4, 9).await, [3, 2, 1]);
        assert_eq!(before(1, 9).await, [0; 0]);
        bed.write(async |tx| change::delete_of_operation(tx, run.id, Operation::Skipped).await).await;
        assert_eq!(before(i64::MAX, 9).await, [5, 3, 1]);

        let some = async || {
            let mut tx = bed.store.begin().await.unwrap();
            let some = change::delete_some_of_source(&mut tx, feed.id, 5).await.unwrap();
            tx.commit().await.unwrap();
            some
        };
        assert_eq!((some().await, some().await, some().await), (5, 3, 0));
        assert_eq!(before(i64::MAX, 9).await, [0; 0]);
        assert_eq!(
            change::list_before(&mut bed.read().await, elsewhere.id, 9, 9).await.unwrap().len(),
            5,
            "another source's runs keep theirs"
        );
    })
    .await;
}

#[tokio::test]
async fn runs_that_wrote_after_another_are_told_in_their_order() {
    on_every_engine(async |bed| {
        let feed = samples::source("annuaire");
        let run = |state, mode, after_s: i64| Run { mode, started_at: NOW.plus_s(after_s), ..samples::run(&feed, state) };
        let target = run(State::Done, Mode::Full, 0);
        let approved_late = Run { id: RunId::from(uuid::Uuid::nil()), ..run(State::Done, Mode::Full, 30) };
        let after = [
            approved_late.clone(),
            run(State::Done, Mode::Changes, 0),
            run(State::Failed, Mode::Full, 20),
            run(State::Running, Mode::Full, 40),
            run(State::Done, Mode::Undo, 50),
        ];
        let others = [
            run(State::Done, Mode::Full, -1),
            run(State::Done, Mode::Preview, 60),
            run(State::Held, Mode::Full, 60),
            run(State::Refused, Mode::Full, 61),
            run(State::Undone, Mode::Full, 60),
        ];
        bed.write(async |tx| {
            source::insert(tx, &feed).await?;
            sync_run::insert(tx, &target).await?;
            for one in after.iter().chain(&others) {
                sync_run::insert(tx, one).await?;
            }
            Ok(())
        })
        .await;
        let found = sync_run::list_written_since(&mut bed.read().await, &target).await.unwrap();
        let expected = [&after[1], &after[2], &after[0], &after[3], &after[4]].map(|run| (run.id, run.mode));
        assert_eq!(found, expected);
        let held = sync_run::find_held_before(&mut bed.read().await, &others[3]).await.unwrap().map(|run| run.id);
        assert_eq!(held, Some(others[2].id));
        assert_eq!(sync_run::find_held_before(&mut bed.read().await, &others[2]).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn groups_and_links_of_a_source_go_in_steps_or_are_nobodys() {
    on_every_engine(async |bed| {
        let (kept, gone) = (samples::source("gardée"), samples::source("partie"));
        let someone = person("élodie");
        let of = |feed: &source::Source, name: &str| Group {
            source_id: Some(feed.id),
            external_id: Some(name.to_owned()),
            ..samples::group(name)
        };
        let groups: Vec<Group> =
            ["a", "b", "c"].map(|name| of(&kept, name)).into_iter().chain(["d", "e", "f"].map(|name| of(&gone, name))).collect();
        bed.write(async |tx| {
            source::insert(tx, &kept).await?;
            source::insert(tx, &gone).await?;
            user::insert(tx, &someone).await?;
            group::upsert_all(tx, &groups).await?;
            membership::insert_all(tx, &groups.iter().map(|group| (group.id, someone.id)).collect::<Vec<_>>()).await?;
            link::upsert_all(tx, &[samples::link(&kept, &someone, "1"), samples::link(&gone, &someone, "2")]).await
        })
        .await;
        let mut tx = bed.store.begin().await.unwrap();
        assert_eq!((group::detach(&mut tx, kept.id, 2).await.unwrap(), group::detach(&mut tx, kept.id, 2).await.unwrap()), (2, 1));
        let step = async |tx: &mut _| group::delete_some_of_source(tx, gone.id, 2).await.unwrap();
        assert_eq!((step(&mut tx).await, step(&mut tx).await, step(&mut tx).await), (2, 1, 0));
        link::delete(&mut tx, gone.id, "2").await.unwrap();
        link::delete(&mut tx, gone.id, "1").await.unwrap();
        link::forget_hashes_of_user(&mut tx, someone.id).await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = bed.read().await;
        let own: Vec<_> = group::list_all(&mut tx).await.unwrap().into_iter().map(|g| (g.name, g.source_id, g.external_id)).collect();
        assert_eq!(own.len(), 3);
        assert!(own.iter().all(|(_, source, key)| source.is_none() && key.is_none()), "{own:?}");
        assert_eq!(membership::groups_of_user(&mut tx, someone.id).await.unwrap().len(), 3);
        let links = link::list_of_user(&mut tx, someone.id).await.unwrap();
        assert_eq!(links.iter().map(|link| link.external_id.as_str()).collect::<Vec<_>>(), ["1"]);
        let applied = link::list_of_source(&mut tx, kept.id).await.unwrap();
        assert_eq!(applied[0].content_hash, Vec::<u8>::new(), "what was last applied is forgotten");
    })
    .await;
}
