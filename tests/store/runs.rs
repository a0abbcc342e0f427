//! Sync runs and the changes they name.

use passerelle::store::establishment::change::{Change, ChangeKind, Operation};
use passerelle::store::establishment::source::Source;
use passerelle::store::establishment::source_state::{SourceState, Taken};
use passerelle::store::establishment::sync_run::{Counts, Filter, Mode, Run, State};
use passerelle::store::establishment::{change, source, source_state, sync_run};
use passerelle::types::id::{RunId, SourceId};
use serde_json::json;
use uuid::Uuid;

use super::engine::{Bed, on_every_engine, walk};
use super::samples::{self, LATER, NOW};

const STATES: [State; 7] = [State::Queued, State::Running, State::Done, State::Held, State::Refused, State::Failed, State::Undone];
const MODES: [Mode; 4] = [Mode::Full, Mode::Changes, Mode::Preview, Mode::Undo];

async fn with_source(bed: &Bed, name: &str) -> Source {
    let feed = samples::source(name);
    bed.write(async |tx| source::insert(tx, &feed).await).await;
    feed
}

async fn with_runs(bed: &Bed, runs: &[Run]) {
    bed.write(async |tx| {
        for run in runs {
            sync_run::insert(tx, run).await?;
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_run_comes_back_as_written_and_as_far_as_it_came() {
    on_every_engine(async |bed| {
        let feed = with_source(bed, "annuaire").await;
        let counts = Counts { memberships_added: u64::from(u32::MAX), memberships_removed: 9, ..samples::run(&feed, State::Held).counts };
        let held = Run { counts, ..samples::run(&feed, State::Held) };
        let bare = Run { error: None, approved_by: None, duration_ms: None, mode: Mode::Undo, ..samples::run(&feed, State::Queued) };
        with_runs(bed, &[held.clone(), bare.clone()]).await;
        let mut tx = bed.read().await;
        assert_eq!(sync_run::find(&mut tx, held.id).await.unwrap(), Some(held));
        assert_eq!(sync_run::find(&mut tx, bare.id).await.unwrap().as_ref(), Some(&bare));
        assert_eq!(sync_run::find(&mut tx, RunId::new()).await.unwrap(), None);
        let ended = Run {
            state: State::Failed,
            counts: Counts::default(),
            error: Some("la connexion a été coupée".to_owned()),
            approved_by: Some("user:x".to_owned()),
            duration_ms: Some(i64::MAX),
            started_at: LATER,
            ..bare
        };
        bed.write(async |tx| sync_run::update(tx, &Run { mode: Mode::Full, ..ended.clone() }).await).await;
        assert_eq!(sync_run::find(&mut tx, ended.id).await.unwrap(), Some(ended));
    })
    .await;
}

#[tokio::test]
async fn runs_are_walked_newest_first_and_every_filter_narrows() {
    on_every_engine(async |bed| {
        let (one, other) = (with_source(bed, "un").await, with_source(bed, "deux").await);
        let mut runs = Vec::new();
        for (n, state) in STATES.into_iter().enumerate() {
            for (m, mode) in MODES.into_iter().enumerate() {
                runs.push(Run { mode, ..samples::run(if (n + m) % 2 == 0 { &one } else { &other }, state) });
            }
        }
        with_runs(bed, &runs).await;
        runs.reverse();
        let mut tx = bed.read().await;
        let text = |raw: &str| Some(raw.to_owned());
        let cases: [(Filter, Vec<Run>); 5] = [
            (Filter::default(), runs.clone()),
            (Filter { source: text("un"), ..Filter::default() }, runs.iter().filter(|r| r.source == "un").cloned().collect()),
            (Filter { mode: text("preview"), ..Filter::default() }, runs.iter().filter(|r| r.mode == Mode::Preview).cloned().collect()),
            (Filter { state: text("held"), ..Filter::default() }, runs.iter().filter(|r| r.state == State::Held).cloned().collect()),
            (
                Filter { source: text("deux"), mode: text("full"), state: text("running") },
                runs.iter().filter(|r| r.source == "deux" && r.mode == Mode::Full && r.state == State::Running).cloned().collect(),
            ),
        ];
        for (filter, expected) in cases {
            assert!(!expected.is_empty(), "{filter:?}");
            assert_eq!(walk(3, None, async |page| sync_run::list(&mut tx, page, &filter).await).await, expected, "{filter:?}");
        }
        let named: Vec<Run> = runs.iter().filter(|r| r.source == "deux").cloned().collect();
        assert_eq!(walk(2, Some("DEU"), async |page| sync_run::list(&mut tx, page, &Filter::default()).await).await, named);
    })
    .await;
}

#[tokio::test]
async fn a_held_run_waits_until_it_is_refused() {
    on_every_engine(async |bed| {
        let (feed, other) = (with_source(bed, "un").await, with_source(bed, "deux").await);
        let changes = Run { mode: Mode::Changes, ..samples::run(&feed, State::Held) };
        with_runs(bed, &[changes.clone(), samples::run(&feed, State::Done), samples::run(&other, State::Held)]).await;
        let held = async |mode| sync_run::find_held(&mut bed.read().await, feed.id, mode).await.unwrap();
        assert_eq!((held(Mode::Changes).await, held(Mode::Full).await), (Some(changes.id), None), "a complete reading says more");
        let full = Run { mode: Mode::Full, ..samples::run(&feed, State::Held) };
        with_runs(bed, std::slice::from_ref(&full)).await;
        assert_eq!((held(Mode::Changes).await, held(Mode::Full).await), (Some(full.id), Some(full.id)));
        assert_eq!(bed.write(async |tx| sync_run::refuse_held(tx, feed.id, "dépassé").await).await, 2);
        assert_eq!(
            (held(Mode::Full).await, sync_run::find_held(&mut bed.read().await, other.id, Mode::Full).await.unwrap().is_some()),
            (None, true)
        );
        let refused = sync_run::find(&mut bed.read().await, full.id).await.unwrap().unwrap();
        assert_eq!((refused.state, refused.error.as_deref()), (State::Refused, Some("dépassé")));
    })
    .await;
}

#[tokio::test]
async fn a_run_is_unfinished_while_queued_or_running() {
    on_every_engine(async |bed| {
        let (feed, other) = (with_source(bed, "un").await, with_source(bed, "deux").await);
        for state in STATES {
            let run = Run { source_id: other.id, ..samples::run(&other, state) };
            with_runs(bed, std::slice::from_ref(&run)).await;
            let mut tx = bed.read().await;
            let unfinished = matches!(state, State::Queued | State::Running);
            assert_eq!(sync_run::find_unfinished(&mut tx, other.id).await.unwrap(), unfinished.then_some(run.id), "{state:?}");
            assert_eq!(sync_run::find_unfinished(&mut tx, feed.id).await.unwrap(), None);
            drop(tx);
            bed.write(async |tx| sync_run::update(tx, &Run { state: State::Done, ..run.clone() }).await).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_run_that_nobody_carries_on_ends_as_failed_and_others_stay_as_they_are() {
    on_every_engine(async |bed| {
        let feed = with_source(bed, "un").await;
        let runs = STATES.map(|state| samples::run(&feed, state));
        let running = samples::run(&feed, State::Running);
        with_runs(bed, &runs).await;
        with_runs(bed, std::slice::from_ref(&running)).await;
        for run in runs {
            let unfinished = matches!(run.state, State::Queued | State::Running);
            let ended = bed.write(async |tx| sync_run::fail(tx, run.id, "arrêté").await).await;
            assert_eq!(ended, unfinished, "{:?}", run.state);
            let failed = Run { state: State::Failed, error: Some("arrêté".to_owned()), ..run.clone() };
            let expected = if unfinished { failed } else { run };
            assert_eq!(sync_run::find(&mut bed.read().await, expected.id).await.unwrap(), Some(expected));
        }
        assert_eq!(sync_run::find(&mut bed.read().await, running.id).await.unwrap(), Some(running));
    })
    .await;
}

#[tokio::test]
async fn changes_come_back_in_their_order_by_steps_and_by_operation() {
    on_every_engine(async |bed| {
        let feed = with_source(bed, "un").await;
        let (run, other) = (samples::run(&feed, State::Done), samples::run(&feed, State::Done));
        with_runs(bed, &[run.clone(), other.clone()]).await;
        let operations = [
            (ChangeKind::User, Operation::Created),
            (ChangeKind::User, Operation::Updated),
            (ChangeKind::User, Operation::Moved),
            (ChangeKind::User, Operation::Disabled),
            (ChangeKind::User, Operation::Enabled),
            (ChangeKind::Group, Operation::Removed),
            (ChangeKind::Group, Operation::Quarantined),
            (ChangeKind::Membership, Operation::MembersAdded),
            (ChangeKind::Membership, Operation::MembersRemoved),
        ];
        let changes: Vec<Change> = (0..1_010_i64)
            .zip(operations.into_iter().cycle())
            .map(|(seq, (kind, operation))| Change {
                seq,
                kind,
                operation,
                subject_id: (seq % 2 == 0).then(Uuid::now_v7),
                name: format!("Élève {seq}"),
                detail: (seq % 3 == 0).then(|| json!({ "avant": ["é", null], "members": [] })),
            })
            .collect();
        bed.write(async |tx| {
            change::insert_all(tx, run.id, &changes).await?;
            change::insert_all(tx, other.id, &changes[..1]).await?;
            change::insert_all(tx, other.id, &[]).await
        })
        .await;
        let mut tx = bed.read().await;
        let mut found = Vec::new();
        for _ in 0..5 {
            let after = found.last().map_or(-1, |last: &Change| last.seq);
            let (rows, total) = change::list(&mut tx, run.id, after, 333, &change::Filter::default()).await.unwrap();
            assert_eq!(total, 1_010);
            found.extend(rows);
        }
        assert_eq!(found, changes);
        let moved: Vec<Change> = changes.iter().filter(|c| c.operation == Operation::Moved).cloned().collect();
        let only = change::Filter { operation: Some("moved".to_owned()), ..change::Filter::default() };
        let (listed, total) = change::list(&mut tx, run.id, moved[0].seq, 2, &only).await.unwrap();
        assert_eq!((listed.as_slice(), total), (&moved[1..3], i64::try_from(moved.len()).unwrap()));
        assert_eq!(change::list_of_operation(&mut tx, run.id, Operation::Moved).await.unwrap(), moved);
        let filter = change::Filter { words: Some("eleve 1".to_owned()), kind: Some("group".to_owned()), ..change::Filter::default() };
        let named: Vec<Change> = changes.iter().filter(|c| c.name.starts_with("Élève 1") && c.kind == ChangeKind::Group).cloned().collect();
        let (listed, total) = change::list(&mut tx, run.id, named[0].seq, 2, &filter).await.unwrap();
        assert_eq!((listed.as_slice(), total), (&named[1..3], i64::try_from(named.len()).unwrap()));
        let filter = change::Filter { name: Some("Élève 12".to_owned()), ..change::Filter::default() };
        assert_eq!(change::list(&mut tx, run.id, -1, 5, &filter).await.unwrap(), (changes[12..13].to_vec(), 1));
        let filter = change::Filter { words: Some("personne".to_owned()), ..change::Filter::default() };
        assert_eq!(change::list(&mut tx, run.id, -1, 5, &filter).await.unwrap(), (Vec::new(), 0));
        let subjects: Vec<Uuid> = moved.iter().filter_map(|c| c.subject_id).collect();
        assert_eq!(change::subjects(&mut tx, run.id, Operation::Moved).await.unwrap(), subjects);
        assert_eq!(change::list(&mut tx, other.id, -1, 10, &change::Filter::default()).await.unwrap(), (changes[..1].to_vec(), 1));
    })
    .await;
}

#[tokio::test]
async fn runs_and_changes_need_what_they_belong_to() {
    on_every_engine(async |bed| {
        let feed = with_source(bed, "un").await;
        let lost = Run { source_id: SourceId::new(), ..samples::run(&feed, State::Done) };
        bed.refuses_as_referenced(async |tx| sync_run::insert(tx, &lost).await).await;
        let named =
            Change { seq: 0, kind: ChangeKind::User, operation: Operation::Created, subject_id: None, name: NOW.to_string(), detail: None };
        bed.refuses_as_referenced(async |tx| change::insert_all(tx, RunId::new(), std::slice::from_ref(&named)).await).await;
        let run = samples::run(&feed, State::Done);
        with_runs(bed, std::slice::from_ref(&run)).await;
        let twice = [named.clone(), named.clone()];
        bed.refuses_as_taken("changes.run_id, changes.seq", async |tx| change::insert_all(tx, run.id, &twice).await).await;
        bed.write(async |tx| change::insert_all(tx, run.id, std::slice::from_ref(&named)).await).await;
        bed.write(async |tx| change::delete_of_run(tx, run.id).await).await;
        assert_eq!(change::list(&mut bed.read().await, run.id, -1, 10, &change::Filter::default()).await.unwrap(), (vec![], 0));
    })
    .await;
}

#[tokio::test]
async fn the_state_of_a_source_is_kept_and_empty_before_its_first_run() {
    on_every_engine(async |bed| {
        let feed = with_source(bed, "annuaire").await;
        assert_eq!(source_state::get(&mut bed.read().await, feed.id).await.unwrap(), SourceState::new(feed.id));
        let mut state = SourceState {
            bookmark: Some("csn".to_owned()),
            bookmark_at: Some(NOW),
            failures: 3,
            error: Some("l’annuaire ne répond pas".to_owned()),
            taken: Taken { people: 1, groups: 2, memberships: 3 },
            roles_due: true,
            turns_at: Some(LATER),
            server: Some("ldaps://un.exemple.fr".to_owned()),
            paused_until: Some(LATER),
            ..SourceState::new(feed.id)
        };
        bed.write(async |tx| source_state::keep(tx, &state).await).await;
        assert_eq!(source_state::get(&mut bed.read().await, feed.id).await.unwrap(), state);
        (state.failures, state.bookmark) = (0, None);
        bed.write(async |tx| source_state::keep(tx, &state).await).await;
        assert_eq!(source_state::get(&mut bed.read().await, feed.id).await.unwrap(), state);
    })
    .await;
}

#[tokio::test]
async fn a_run_that_found_nothing_to_do_is_forgotten() {
    on_every_engine(async |bed| {
        let feed = with_source(bed, "annuaire").await;
        let run = samples::run(&feed, State::Running);
        bed.write(async |tx| sync_run::insert(tx, &run).await).await;
        assert_eq!(sync_run::find(&mut bed.read().await, run.id).await.unwrap().unwrap(), run);
        bed.write(async |tx| sync_run::forget(tx, run.id).await).await;
        assert_eq!(sync_run::find(&mut bed.read().await, run.id).await.unwrap(), None);
    })
    .await;
}
