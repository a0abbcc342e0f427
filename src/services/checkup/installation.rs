//! What the registry tells: work that is late, clocks of other nodes, archives that are not written, and stores that nobody knows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::UNIX_EPOCH;

use super::databases::{CLOCKS_APART_MAX_S, Place};
use super::{Finding, Level};
use crate::services::context::PlatformContext;
use crate::services::error::Error;
use crate::services::leases::HOLD_S;
use crate::services::upgrades;
use crate::store::registry::establishment::{self, Establishment, Filter};
use crate::store::registry::job::{self, Job};
use crate::store::{self, Address};
use crate::types::page::{LIMIT_MAX, PageRequest};
use crate::types::permission::Permission;
use crate::types::slug::{PLATFORM, SCRATCH};
use crate::types::time::Timestamp;

const PLACE: &str = "installation";
/// How late a job may be before something is wrong with whoever does them, in seconds.
const LATE_MAX_S: i64 = 600;
/// Seconds in an hour.
const HOUR_S: i64 = 3600;
/// How a file is called that a new establishment of its slug put aside.
const SET_ASIDE: &str = ".set-aside-";
/// Files looked at in one folder of archives.
const FILES_MAX: usize = 10_000;
/// Names of establishments in one finding.
const NAMED_MAX: usize = 10;

/// Looks over the installation; answers every establishment too.
///
/// # Errors
/// When the registry fails.
pub async fn look_over(platform: &PlatformContext, places: &[Place]) -> Result<(Vec<Establishment>, Vec<Finding>), Error> {
    let ctx = platform.context();
    ctx.require(Permission::ManageEstablishments)?;
    let mut page = PageRequest::first(LIMIT_MAX);
    let mut known = Vec::new();
    loop {
        let found = establishment::list(&mut platform.registry().read().await?, &page, &Filter::default()).await?;
        known.extend(found.items);
        let Some(cursor) = found.next_cursor else { break };
        page = PageRequest::parse(Some(LIMIT_MAX), Some(&cursor), None)?;
    }
    let (jobs, leaving) = {
        let mut tx = platform.registry().read().await?;
        (job::list(&mut tx).await?, establishment::list_deleting(&mut tx).await?)
    };
    let mut findings = look_at_jobs(&jobs, ctx.now);
    findings.push(versions(upgrades::behind(platform).await?));
    findings.extend(strangers(platform, places, (&known, &leaving), &jobs));
    let settings = &ctx.gateway.archives;
    if settings.are_wanted() {
        let late_s = i64::from(settings.every_h) * 2 * HOUR_S;
        let slugs =
            std::iter::once(PLATFORM).chain(known.iter().filter(|e| e.created_at.plus_s(late_s) < ctx.now).map(|e| e.slug.as_str()));
        let late: Vec<&str> =
            slugs.filter(|slug| newest_archive(&settings.folder.join(slug)).is_none_or(|at| at.plus_s(late_s) < ctx.now)).collect();
        let named = late.iter().take(NAMED_MAX).copied().collect::<Vec<_>>().join(", ");
        let folder = settings.folder.display();
        let (level, text) = if late.is_empty() { (Level::Well, "check-archives") } else { (Level::Wrong, "check-archives-late") };
        let about: [(&str, &dyn ToString); 4] =
            [("count", &late.len()), ("named", &named), ("folder", &folder), ("hours", &(late_s / HOUR_S))];
        findings.push(Finding::new(PLACE, "archives", level, text, &about));
    }
    Ok((known, findings))
}

fn versions(behind: i64) -> Finding {
    let (level, text) = if behind > 0 { (Level::Notice, "check-versions-behind") } else { (Level::Well, "check-versions") };
    Finding::new(PLACE, "versions", level, text, &[("count", &behind), ("version", &store::newest_version())])
}

fn look_at_jobs(jobs: &[Job], now: Timestamp) -> Vec<Finding> {
    let is_free = |job: &&Job| job.held_until.is_none_or(|until| until <= now);
    let late = jobs.iter().filter(is_free).filter(|job| job.due_at.plus_s(LATE_MAX_S) < now).count();
    let (level, text) = if late > 0 { (Level::Notice, "check-jobs-late") } else { (Level::Well, "check-jobs") };
    let about: [(&str, &dyn ToString); 3] = [("late", &late), ("count", &jobs.len()), ("minutes", &(LATE_MAX_S / 60))];
    let mut findings = vec![Finding::new(PLACE, "jobs", level, text, &about)];
    // A hold ends a minute after it was taken or renewed, by the clock of whoever has it.
    let ahead = jobs.iter().filter_map(|job| job.held_until).max().map_or(0, |until| until.seconds() - now.plus_s(HOLD_S).seconds());
    if ahead > CLOCKS_APART_MAX_S {
        findings.push(Finding::new(PLACE, "clock", Level::Wrong, "check-clock-node", &[("ahead", &ahead)]));
    }
    findings
}

/// Stores and SQL roles that lie in a placement, and that no establishment of the registry has there.
fn strangers(
    platform: &PlatformContext,
    places: &[Place],
    (known, leaving): (&[Establishment], &[Establishment]),
    jobs: &[Job],
) -> Vec<Finding> {
    let stores = &platform.context().gateway.stores;
    let mut expected: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let addresses = known.iter().chain(leaving).map(Address::from).chain([Address::platform()]);
    for at in addresses {
        let name = stores.name_in_place(&at);
        expected.entry(at.placement).or_default().extend(name);
    }
    let elsewhere = |place: &str, name: &str| {
        let there = |e: &&Establishment| {
            stores.name_in_place(Address { placement: place.to_owned(), ..Address::from(*e) }).as_deref() == Some(name)
        };
        known.iter().find(there)
    };
    let is_worked_in = |name: &str| {
        let plain = |text: &str| text.replace('-', "");
        let is_its = |job: &Job| job.subject.starts_with(name) || plain(&job.subject).contains(name.trim_start_matches("est_"));
        jobs.iter().any(|job| job.kind == job::Kind::Rehearsal && is_its(job))
    };
    let mut findings = Vec::new();
    for Place { name: place, sight } in places {
        let Some(sight) = sight else { continue };
        let here = expected.get(place);
        for name in sight.stores.iter().filter(|name| !here.is_some_and(|here| here.contains(*name)) && !is_worked_in(name)) {
            let (text, to) = match elsewhere(place, name) {
                _ if name.contains(SET_ASIDE) => ("check-stranger-aside", None),
                Some(moved) => ("check-stranger-moved", Some(moved)),
                None if name.starts_with(SCRATCH) => ("check-stranger-scratch", None),
                None => ("check-stranger", None),
            };
            let (slug, to) = (to.map_or("", |e| &e.slug), to.map_or("", |e| &e.placement));
            findings.push(Finding::new(place, "stranger", Level::Notice, text, &[("name", name), ("slug", &slug), ("to", &to)]));
        }
        for role in &sight.roles {
            let sql = format!("DROP ROLE \"{role}\"");
            findings.push(Finding::new(place, "stranger", Level::Notice, "check-stranger-role", &[("name", role), ("sql", &sql)]));
        }
    }
    findings
}

/// When the newest archive of a folder was written.
fn newest_archive(folder: &Path) -> Option<Timestamp> {
    let entries = std::fs::read_dir(folder).ok()?.take(FILES_MAX).flatten();
    let archives = entries.filter(|entry| entry.path().extension().is_some_and(|ending| ending == "age"));
    let written = archives.filter_map(|entry| entry.metadata().ok()?.modified().ok()?.duration_since(UNIX_EPOCH).ok());
    written.max().map(|at| Timestamp::from_seconds(i64::try_from(at.as_secs()).unwrap_or(i64::MAX)))
}
