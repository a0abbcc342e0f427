//! Sources that run by themselves: at their times, once for all that was missed, left alone when they fail, and seen by whoever monitors.

use std::sync::Arc;

use passerelle::services::context::{Context, Gateway};
use passerelle::services::sources::{self, SourceFields};
use passerelle::services::{establishments, jobs, keeping_up, schedules, sync};
use passerelle::store::establishment::sync_run::{Filter, Mode, State};
use passerelle::store::registry::job::{self, Job, Kind};
use passerelle::store::registry::pulse;
use passerelle::types::page::PageRequest;
use passerelle::types::schedule::Schedule;
use passerelle::types::time::Timestamp;
use serde_json::{Value, json};

use super::{Fed, person};

/// A directory that nobody answers for.
const NOWHERE: &str = "ldap://127.0.0.1:1";

fn schedule(said: Value) -> Schedule {
    serde_json::from_value(said).unwrap()
}

async fn set(ctx: &Context, edit: impl FnOnce(&mut SourceFields)) {
    let read = sources::get(ctx, "ldap").await.unwrap();
    let mut fields = SourceFields::from(&read);
    edit(&mut fields);
    sources::update(ctx, &read, &fields).await.unwrap();
}

fn at(ctx: &Context, now: Timestamp) -> Context {
    Context { now, ..ctx.clone() }
}

/// What the runs of the source were and how they ended, the oldest first.
async fn runs(ctx: &Context) -> Vec<(Mode, State)> {
    let page = sync::runs(ctx, &PageRequest::first(50), &Filter::default()).await.unwrap();
    page.items.iter().rev().map(|run| (run.mode, run.state)).collect()
}

async fn jobs_of(gateway: &Arc<Gateway>, kind: Kind) -> Vec<Job> {
    let all = job::list(&mut gateway.stores.registry().read().await.unwrap()).await.unwrap();
    all.into_iter().filter(|job| job.kind == kind).collect()
}

/// Does what is due at an instant, and answers when the schedule is looked at next.
async fn turn(ctx: &Context, now: Timestamp) -> Option<Timestamp> {
    jobs::run_due(&ctx.gateway, now).await.unwrap();
    jobs_of(&ctx.gateway, Kind::Schedule).await.first().map(|job| job.due_at)
}

#[tokio::test]
async fn a_source_runs_at_its_times_and_once_for_all_it_missed() {
    let fed = Fed::with_people(&["anne"]).await;
    set(&fed.ctx, |fields| fields.schedule = Some(schedule(json!({ "cron": "0 * * * *", "zone": "UTC" })))).await;
    let first = turn(&fed.ctx, fed.ctx.now).await.unwrap();
    assert_eq!(runs(&fed.ctx).await, [(Mode::Full, State::Done)], "never read before, it is read whole at once");
    let into_the_hour = first.seconds().rem_euclid(3600);
    assert!(first > fed.ctx.now && into_the_hour <= 360, "then with the hours, a little spread: {first}");
    let standing = schedules::standing(&fed.ctx, &sources::get(&fed.ctx, "ldap").await.unwrap()).await.unwrap();
    assert_eq!((standing.next_run_at, standing.state.kept.failures, standing.state.listening), (Some(first), 0, false));

    assert_eq!(turn(&fed.ctx, first.plus_s(-1)).await, Some(first), "not before its time");
    fed.slapd.modify(&super::add(&person("bob")));
    let away = first.plus_s(2 * 24 * 3600 + 1800);
    let next = turn(&fed.ctx, away).await.unwrap();
    assert_eq!(runs(&fed.ctx).await.len(), 2, "two days of turns were missed: they are made up for by one");
    assert!(next > away && next.seconds() - away.seconds() <= 3600 + 360, "{next}");
    assert_eq!(fed.everyone().await.len(), 2);
}

#[tokio::test]
async fn a_source_without_a_schedule_runs_by_hand_alone() {
    let fed = Fed::with_people(&["anne"]).await;
    assert_eq!(turn(&fed.ctx, fed.ctx.now.plus_s(86_400)).await, None);
    assert_eq!(runs(&fed.ctx).await, []);
    set(&fed.ctx, |fields| fields.schedule = Some(schedule(json!({ "cron": "0 * * * *" })))).await;
    set(&fed.ctx, |fields| fields.schedule = None).await;
    assert_eq!(turn(&fed.ctx, fed.ctx.now.plus_s(86_400)).await, None, "nor one whose schedule was taken away");
    assert_eq!(runs(&fed.ctx).await, []);
    set(&fed.ctx, |fields| (fields.schedule, fields.enabled) = (Some(schedule(json!({ "cron": "0 * * * *" }))), false)).await;
    assert_eq!(turn(&fed.ctx, fed.ctx.now.plus_s(86_400)).await, None, "nor one that is off");
    set(&fed.ctx, |fields| fields.enabled = true).await;
    assert!(turn(&fed.ctx, fed.ctx.now).await.is_some());
    assert_eq!(runs(&fed.ctx).await, [(Mode::Full, State::Done)]);
}

#[tokio::test]
async fn quiet_hours_put_a_complete_reading_off() {
    let fed = Fed::with_people(&["anne"]).await;
    let (from, to) = (clock(fed.ctx.now.plus_s(-3600)), clock(fed.ctx.now.plus_s(7200)));
    set(&fed.ctx, |fields| fields.schedule = Some(schedule(json!({ "zone": "UTC", "quiet": [{ "from": from, "to": to }] })))).await;
    let next = turn(&fed.ctx, fed.ctx.now).await.unwrap();
    assert_eq!((runs(&fed.ctx).await, clock(next)), (vec![], to));
    turn(&fed.ctx, next).await;
    assert_eq!(runs(&fed.ctx).await, [(Mode::Full, State::Done)]);
}

/// The time of day of an instant, in universal time.
fn clock(at: Timestamp) -> String {
    let civil = at.civil_utc();
    format!("{:02}:{:02}", civil.hour, civil.minute)
}

#[tokio::test]
async fn one_that_fails_is_left_alone_until_a_person_tries_it() {
    let fed = Fed::with_people(&["anne"]).await;
    let right = fed.slapd.url();
    set(&fed.ctx, |fields| fields.schedule = Some(schedule(json!({ "cron": "* * * * *", "zone": "UTC" })))).await;
    elsewhere(&fed.ctx, NOWHERE).await;
    let mut now = fed.ctx.now;
    let mut waits = Vec::new();
    for _ in 0..6 {
        let next = turn(&fed.ctx, now).await.unwrap();
        waits.push(next.seconds() - now.seconds());
        now = next;
    }
    assert!(waits.windows(2).skip(2).all(|pair| pair[1] > pair[0]), "longer and longer: {waits:?}");
    let seen = at(&fed.ctx, now);
    let source = sources::get(&seen, "ldap").await.unwrap();
    let state = schedules::standing(&seen, &source).await.unwrap().state.kept;
    assert_eq!((state.failures, state.succeeded_at), (6, None), "{state:?}");
    assert!(state.error.unwrap().contains(NOWHERE) && state.paused_until.is_some());

    elsewhere(&fed.ctx, &right).await;
    let by_hand = sync::run_to_end(&seen, "ldap", Mode::Full).await.unwrap();
    assert_eq!(by_hand.state, State::Done, "a person waits for no breaker");
    let state = schedules::standing(&seen, &source).await.unwrap().state.kept;
    assert_eq!((state.failures, state.error, state.paused_until), (0, None, None), "and a success closes it");
}

/// Leads the source to another server.
async fn elsewhere(ctx: &Context, url: &str) {
    set(ctx, |fields| {
        fields.settings["urls"] = json!([url]);
        fields.settings["bind_password"] = json!(crate::harness::slapd::ADMIN_PASSWORD);
    })
    .await;
}

#[tokio::test]
async fn a_blocked_establishment_rests_and_goes_on_when_it_is_open_again() {
    let fed = Fed::with_people(&["anne"]).await;
    set(&fed.ctx, |fields| fields.schedule = Some(schedule(json!({ "cron": "0 * * * *", "zone": "UTC" })))).await;
    establishments::block(&fed.ctx).await.unwrap();
    jobs::run_due(&fed.ctx.gateway, fed.ctx.now.plus_s(7200)).await.unwrap();
    assert_eq!((runs(&fed.ctx).await, jobs_of(&fed.ctx.gateway, Kind::Schedule).await), (vec![], vec![]));
    establishments::unblock(&fed.ctx).await.unwrap();
    assert!(turn(&fed.ctx, fed.ctx.now.plus_s(7200)).await.is_some());
    assert_eq!(runs(&fed.ctx).await, [(Mode::Full, State::Done)]);
}

#[tokio::test]
async fn a_live_source_is_asked_for_once_and_let_go_of_when_it_is_live_no_more() {
    let fed = Fed::with_people(&["anne"]).await;
    let gateway = fed.ctx.gateway.clone();
    set(&fed.ctx, |fields| fields.schedule = Some(schedule(json!({ "live": true, "zone": "UTC" })))).await;
    turn(&fed.ctx, fed.ctx.now).await;
    turn(&fed.ctx, fed.ctx.now.plus_s(90_000)).await;
    let live = jobs_of(&gateway, Kind::Live).await;
    assert_eq!(live.iter().map(|job| (job.seq, job.holder.is_some())).collect::<Vec<_>>(), [(1, false)], "whoever is free takes it");
    set(&fed.ctx, |fields| fields.schedule = None).await;
    let lease = passerelle::services::leases::take(&gateway, &[Kind::Live], fed.ctx.now.plus_s(90_000)).await.unwrap().unwrap();
    passerelle::services::dispatch::carry_out(&gateway, lease).await;
    assert_eq!(jobs_of(&gateway, Kind::Live).await, []);
}

#[tokio::test]
async fn monitoring_sees_how_late_a_source_is_without_opening_its_store() {
    let fed = Fed::with_people(&["anne"]).await;
    let gateway = fed.ctx.gateway.clone();
    set(&fed.ctx, |fields| fields.schedule = Some(schedule(json!({ "cron": "0 * * * *", "zone": "UTC" })))).await;
    turn(&fed.ctx, fed.ctx.now).await;
    let pulses = pulse::list(&mut gateway.stores.registry().read().await.unwrap()).await.unwrap();
    let [pulse] = pulses.as_slice() else { panic!("{pulses:?}") };
    assert_eq!((pulse.slug.as_str(), pulse.source.as_str(), pulse.failures), (fed.ctx.slug(), "ldap", 0));
    let late_s = pulse.late_at.unwrap().seconds() - fed.ctx.now.seconds();
    assert!((900..=3600 + 900 + 360).contains(&late_s), "a quarter of an hour after its next turn: {late_s}");
    keeping_up::measure(&gateway, fed.ctx.now.plus_s(7200)).await.unwrap();
    set(&fed.ctx, |fields| fields.schedule = None).await;
    turn(&fed.ctx, fed.ctx.now).await;
    assert_eq!(pulse::list(&mut gateway.stores.registry().read().await.unwrap()).await.unwrap(), []);
}

#[tokio::test]
async fn a_schedule_asks_for_one_decision_and_not_for_one_at_every_turn() {
    let fed = Fed::with_people(&["anne", "bob", "zoe"]).await;
    fed.sync().await;
    set(&fed.ctx, |fields| {
        fields.schedule = Some(schedule(json!({ "cron": "0 * * * *", "zone": "UTC" })));
        fields.guard.people.max_count = 0;
    })
    .await;
    fed.slapd.modify(&super::delete("zoe"));
    let mut now = fed.ctx.now.plus_s(90_000);
    for _ in 0..3 {
        now = turn(&fed.ctx, now).await.unwrap();
    }
    assert_eq!(runs(&fed.ctx).await, [(Mode::Full, State::Done), (Mode::Full, State::Held)]);
    fed.slapd.modify(&super::add(&person("zoe")));
    set(&fed.ctx, |fields| fields.guard = super::open_guard()).await;
    // A day later everything is read again.
    turn(&fed.ctx, now.plus_s(90_000)).await;
    assert_eq!(
        runs(&fed.ctx).await,
        [(Mode::Full, State::Done), (Mode::Full, State::Refused), (Mode::Full, State::Done)],
        "needless by now"
    );
}
