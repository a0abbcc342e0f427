//! What monitoring is told of sources that keep up by themselves. Counts what the registry knows, opens no store.

use metrics::gauge;

use super::super::context::Gateway;
use super::super::error::Error;
use crate::store::registry::pulse::{self, Pulse};
use crate::types::time::Timestamp;

/// Up to so many sources, each has measures of its own; beyond, the worst of them and how many speak for all.
const NAMED_MAX: usize = 50;

/// Sets the gauges of all sources of the installation, whichever node keeps them up.
///
/// # Errors
/// When the registry fails.
pub async fn measure(gateway: &Gateway, now: Timestamp) -> Result<(), Error> {
    let pulses = pulse::list(&mut gateway.stores.registry().read().await?).await?;
    let count = |wanted: &dyn Fn(&Pulse) -> bool| figure(pulses.iter().filter(|pulse| wanted(pulse)).count());
    gauge!("passerelle_sources_scheduled").set(figure(pulses.len()));
    gauge!("passerelle_sources_late").set(count(&|pulse| pulse.late_at.is_some_and(|late_at| late_at <= now)));
    gauge!("passerelle_sources_paused").set(count(&|pulse| pulse.paused_until.is_some_and(|until| until > now)));
    gauge!("passerelle_sources_failing").set(count(&|pulse| pulse.failures > 0));
    let age = |at: Option<Timestamp>| at.map_or(0, |at| (now.seconds() - at.seconds()).max(0));
    let oldest = |of: &dyn Fn(&Pulse) -> Option<Timestamp>| seconds(pulses.iter().map(|pulse| age(of(pulse))).max().unwrap_or_default());
    gauge!("passerelle_source_lag_seconds_max").set(oldest(&|pulse| pulse.succeeded_at));
    gauge!("passerelle_source_bookmark_age_seconds_max").set(oldest(&|pulse| pulse.bookmark_at));
    if pulses.len() > NAMED_MAX {
        return Ok(());
    }
    for pulse in &pulses {
        let of = [("establishment", pulse.slug.clone()), ("source", pulse.source.clone())];
        gauge!("passerelle_source_lag_seconds", &of).set(seconds(age(pulse.succeeded_at)));
        gauge!("passerelle_source_bookmark_age_seconds", &of).set(seconds(age(pulse.bookmark_at)));
    }
    Ok(())
}

fn figure(count: usize) -> f64 {
    u32::try_from(count).unwrap_or(u32::MAX).into()
}

fn seconds(age: i64) -> f64 {
    u32::try_from(age).unwrap_or(u32::MAX).into()
}
