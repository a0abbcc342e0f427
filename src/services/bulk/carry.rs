//! A run carried on by whoever holds its job: one establishment after another, each marked before and after.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::act::Act;
use super::find_in;
use crate::services::context::{Actor, Gateway, PlatformContext};
use crate::services::error::Error;
use crate::services::leases::Lease;
use crate::store::establishment::bulk_item::{self, BulkItem, ItemOutcome};
use crate::store::establishment::bulk_run::{self, BulkRun, BulkState};
use crate::types::id::BulkRunId;
use crate::types::permission::GatewayRole;

/// How many establishments a node does before other jobs have a turn.
const TURN_MAX: usize = 100;
/// How long one establishment may take.
const ITEM_DEADLINE: Duration = Duration::from_hours(1);

/// Carries a run on until it is over, or other jobs should have a turn; `told` hears how far it is. Answers the run as it is then.
///
/// # Errors
/// When the platform's store fails, or another node took the run over.
pub async fn carry_on(gateway: &Arc<Gateway>, lease: &Lease, told: impl Fn(&BulkRun)) -> Result<BulkRun, Error> {
    let id: BulkRunId = lease.job().subject.parse()?;
    let system = PlatformContext::open(gateway, Actor::System, lease.now()).await?;
    let mut run = find_in(&mut system.context().store.read().await?, id).await?;
    let act = Act::deserialize(&run.wanted).map_err(|e| Error::Internal(format!("a run's wish does not read: {e}")))?;
    for _ in 0..TURN_MAX {
        if run.state == BulkState::Done || gateway.node.is_stopping() {
            break;
        }
        let platform = PlatformContext::open(gateway, actor(&run.started_by), lease.now()).await?;
        let mut tx = platform.context().store.begin().await?;
        let taken = bulk_item::take(&mut tx, id).await?;
        tx.commit().await?;
        let outcome = match &taken {
            Some(item) => Some(attempt(&platform, lease, (&run, &act), item).await?),
            None => None,
        };
        run = settle(&system, lease, id, taken.zip(outcome)).await?;
        told(&run);
    }
    Ok(run)
}

/// Whoever asked for the run may do what was checked then: the trails name them.
fn actor(label: &str) -> Actor {
    let role = GatewayRole::Operator;
    match label.split_once(':') {
        Some(("user", id)) => id.parse().map_or(Actor::System, |id| Actor::user(id, &[role])),
        Some(("token", id)) => id.parse().map_or(Actor::System, |id| Actor::token(id, role)),
        _ => Actor::System,
    }
}

/// What came of one establishment. Only the loss of the run itself ends everything.
async fn attempt(
    platform: &PlatformContext,
    lease: &Lease,
    (run, act): (&BulkRun, &Act),
    item: &BulkItem,
) -> Result<Result<Value, String>, Error> {
    let carried_out = tokio::time::timeout(ITEM_DEADLINE, act.carry_out(platform, run, item));
    let ended = tokio::select! {
        ended = carried_out => ended,
        () = lease.lost() => return Err(Error::Internal("another node may carry this run on by now".to_owned())),
    };
    match ended {
        Ok(Ok(detail)) => Ok(Ok(detail)),
        Ok(Err(error)) => {
            tracing::warn!(bulk.id = %run.id, verb = ?run.verb, establishment = item.slug, %error, "one establishment of many failed");
            Ok(Err(error.to_string()))
        }
        Err(_) => Ok(Err("this took longer than an hour and was broken off".to_owned())),
    }
}

/// Marks an establishment, and the run with it, in one transaction; without one, the run is over.
async fn settle(
    system: &PlatformContext,
    lease: &Lease,
    id: BulkRunId,
    ended: Option<(BulkItem, Result<Value, String>)>,
) -> Result<BulkRun, Error> {
    let mut tx = system.context().store.begin().await?;
    let mut run = find_in(&mut tx, id).await?;
    if let Some((mut item, outcome)) = ended {
        (item.outcome, item.detail, item.error) = match outcome {
            Ok(detail) => (ItemOutcome::Done, Some(detail), None),
            Err(why) => (ItemOutcome::Failed, None, Some(why)),
        };
        item.ended_at = Some(lease.now());
        if !bulk_item::settle(&mut tx, &item).await? {
            return Ok(run);
        }
        match &item.detail {
            Some(detail) => {
                run.done += 1;
                add(&mut run.sums, detail);
            }
            None => run.failed += 1,
        }
    }
    if run.done + run.failed >= run.total {
        run.state = BulkState::Done;
        run.ended_at = Some(lease.now());
    }
    bulk_run::update(&mut tx, &run).await?;
    tx.commit().await?;
    Ok(run)
}

/// Adds every number of a detail to the sum of the same name.
fn add(sums: &mut Value, detail: &Value) {
    let (Value::Object(sums), Value::Object(detail)) = (sums, detail) else { return };
    for (name, value) in detail {
        match value {
            Value::Number(more) => {
                let so_far = sums.get(name).and_then(Value::as_i64).unwrap_or_default();
                sums.insert(name.clone(), so_far.saturating_add(more.as_i64().unwrap_or_default()).into());
            }
            Value::Object(_) => add(sums.entry(name.clone()).or_insert_with(|| Value::Object(Map::new())), value),
            Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_of_one_name_are_added_whatever_lies_beside_them() {
        let mut sums = json!({});
        for detail in [json!({ "a": 1, "b": { "c": 2 }, "d": "text" }), json!({ "a": 10, "b": { "e": 3 }, "d": null })] {
            add(&mut sums, &detail);
        }
        assert_eq!(sums, json!({ "a": 11, "b": { "c": 2, "e": 3 } }));
    }

    #[test]
    fn trails_name_whoever_asked() {
        for label in ["user:01890000-0000-7000-8000-000000000000", "token:01890000-0000-7000-8000-000000000000", "system"] {
            assert_eq!(actor(label).label(), label);
        }
    }
}
