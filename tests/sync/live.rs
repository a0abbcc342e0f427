//! Live sources: what changes in the directory is taken over within moments, for as long as the source is live and the node works.

use std::time::{Duration, Instant};

use passerelle::app::worker;
use passerelle::services::schedules::{self, Standing};
use passerelle::services::sources::{self, SourceFields};
use passerelle::store::establishment::sync_run::{Filter, Mode, StartedBy, State};
use passerelle::store::establishment::user::UserStatus;
use passerelle::store::registry::job::{self, Kind};
use passerelle::types::page::PageRequest;
use passerelle::types::time::Timestamp;
use serde_json::json;
use tokio::task::JoinHandle;

use super::{Fed, add, delete, person};
use crate::harness::gateway::TestGateway;

/// A live source, and a node that works.
struct Live {
    fed: Fed,
    working: JoinHandle<()>,
}

impl Live {
    async fn with_people(people: &[&str]) -> Self {
        let fed = Fed::with_people(people).await;
        let live = Self { working: tokio::spawn(worker::work(fed.ctx.gateway.clone())), fed };
        live.set(json!({ "live": true, "zone": "UTC" })).await;
        live
    }

    async fn set(&self, schedule: serde_json::Value) {
        let read = sources::get(&self.fed.ctx, "ldap").await.unwrap();
        let mut fields = SourceFields::from(&read);
        fields.schedule = serde_json::from_value(schedule).unwrap();
        sources::update(&self.fed.ctx, &read, &fields).await.unwrap();
    }

    async fn standing(&self) -> Standing {
        let ctx = passerelle::services::context::Context { now: Timestamp::now(), ..self.fed.ctx.clone() };
        schedules::standing(&ctx, &sources::get(&ctx, "ldap").await.unwrap()).await.unwrap()
    }

    async fn is_active(&self, username: &str) -> bool {
        self.fed.everyone().await.iter().any(|user| user.username == username && user.status == UserStatus::Active)
    }

    async fn jobs(&self) -> Vec<(Kind, bool)> {
        let all = job::list(&mut self.fed.ctx.gateway.stores.registry().read().await.unwrap()).await.unwrap();
        all.into_iter().map(|job| (job.kind, job.holder.is_some())).collect()
    }

    async fn stop(self) {
        self.fed.ctx.gateway.node.stop();
        self.working.await.unwrap();
    }
}

/// Waits for something that comes a moment later.
async fn until(what: &str, mut came: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !came().await {
        assert!(Instant::now() < deadline, "it does not come: {what}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_change_in_the_directory_is_taken_over_as_it_is_made() {
    let live = Live::with_people(&["anne", "zoe"]).await;
    until("the first reading", async || live.is_active("anne").await).await;
    until("somebody who listens", async || live.standing().await.state.listening).await;
    live.fed.slapd.modify(&add(&person("bob")));
    until("the newcomer", async || live.is_active("bob").await).await;
    live.fed.slapd.modify(&delete("zoe"));
    until("the one who left is off", async || !live.is_active("zoe").await).await;
    let runs = passerelle::services::sync::runs(&live.fed.ctx, &PageRequest::first(50), &Filter::default()).await.unwrap().items;
    assert!(runs.iter().all(|run| run.state == State::Done && run.started_by != StartedBy::Hand), "{runs:?}");
    assert_eq!(runs.iter().filter(|run| run.mode == Mode::Full).count(), 1, "read whole once only: {runs:?}");
    live.stop().await;
}

#[tokio::test]
async fn listening_ends_with_the_schedule_and_a_node_that_stops_lets_go() {
    let live = Live::with_people(&["anne"]).await;
    until("somebody who listens", async || live.standing().await.state.listening).await;
    live.set(json!(null)).await;
    until("nobody listens any more", async || live.jobs().await.is_empty()).await;
    live.set(json!({ "live": true })).await;
    until("somebody who listens again", async || live.standing().await.state.listening).await;
    let begun = Instant::now();
    let fed = live.fed;
    fed.ctx.gateway.node.stop();
    live.working.await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(9), "nobody waits for a source that says nothing");
    let all = job::list(&mut fed.ctx.gateway.stores.registry().read().await.unwrap()).await.unwrap();
    let held: Vec<Kind> = all.iter().filter(|job| job.holder.is_some()).map(|job| job.kind).collect();
    assert!(held.is_empty() && all.iter().any(|job| job.kind == Kind::Live), "another node takes it: {all:?}");
}

#[tokio::test]
async fn one_node_listens_however_many_there_are() {
    let live = Live::with_people(&["anne"]).await;
    let other = passerelle::app::open(live.fed.gateway().config()).await.unwrap();
    let beside = tokio::spawn(worker::work(other.clone()));
    until("somebody who listens", async || live.standing().await.state.listening).await;
    let listening = live.jobs().await.into_iter().filter(|(kind, held)| *kind == Kind::Live && *held).count();
    assert_eq!(listening, 1);
    live.fed.slapd.modify(&add(&person("bob")));
    until("the newcomer", async || live.is_active("bob").await).await;
    other.node.stop();
    beside.await.unwrap();
    live.stop().await;
}

/// For the test above.
impl Fed {
    fn gateway(&self) -> &TestGateway {
        &self.gateway
    }
}
