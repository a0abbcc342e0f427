//! What a source holds: its bases, its people and groups counted, and some of them as they would arrive.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use tokio::time::Instant;

use super::{CheckStep, Level, Sample, Steps};
use crate::ldap::Directory;
use crate::ldap::connection::Connection;
use crate::ldap::error::Cause;
use crate::ldap::guard::Chunk;
use crate::ldap::search::{self, Pages, Query};
use crate::ldap::{dynamic, range};
use crate::record::{Group, Kind, Member, Record};

/// People and groups shown as they would arrive; of the unusable ones, so many at most.
const PEOPLE_SHOWN_MAX: usize = 20;
const GROUPS_SHOWN_MAX: usize = 5;
const UNREADABLE_SHOWN_MAX: usize = 5;
/// Members shown of a group.
const MEMBERS_SHOWN_MAX: usize = 20;
/// Groups looked at: each may hold many members, or stand for a search.
const GROUPS_LOOKED_AT_MAX: u16 = 200;
/// Entries counted, and for how long at most: beyond, it is `at least so many`.
const COUNTED_MAX: usize = 1_000_000;
const COUNTING_MAX: Duration = Duration::from_secs(30);

/// The first page of each base, and how many entries there are in all.
struct Seen {
    page: Vec<Chunk>,
    records: Vec<Record>,
    count: usize,
    counted: bool,
    /// Whether some attribute came cut into ranges.
    cut: bool,
    /// Whether a second page followed a full first one.
    paged: bool,
}

/// Notes `base`, `people`, `paging`, `groups`, `ranges` and `nesting`; `None` when a step failed.
pub(super) async fn look(directory: &Directory, connection: &mut Connection, now: i64, steps: &mut Steps) -> Option<()> {
    steps.note("base", bases(directory, connection).await)?;
    let people = look_at(directory, connection, Kind::Person).await;
    let people = people.map(|seen| {
        let step = people_step(directory, &seen, now);
        (seen, step)
    });
    let people = steps.note("people", people)?;
    if steps.0.last().is_some_and(|step| step.level == Level::Failed) {
        return None;
    }
    let groups = look_at(directory, connection, Kind::Group).await;
    let groups = groups.map(|seen| {
        let step = groups_step(directory, &seen);
        (seen, step)
    });
    let groups = steps.note("groups", groups)?;
    let size = directory.settings().page_size;
    let paged = people.paged || groups.paged;
    steps.0.push(CheckStep::new("paging", Level::Ok, if paged { "paging" } else { "paging_untried" }).fact("size", &size));
    steps.0.extend(ranges(&groups));
    steps.0.extend(nesting(&groups));
    Some(())
}

async fn bases(directory: &Directory, connection: &mut Connection) -> Result<((), CheckStep), Cause> {
    let settings = directory.settings();
    let bases: BTreeSet<&str> = settings.base_dns.iter().chain(&settings.group_base_dns).map(String::as_str).collect();
    for base in &bases {
        search::base_exists(connection, base, settings.limits).await?;
    }
    let list = bases.into_iter().collect::<Vec<_>>().join("; ");
    Ok(((), CheckStep::new("base", Level::Ok, "bases").fact("bases", &list)))
}

/// Reads the first page of each base, then counts all that match.
async fn look_at(directory: &Directory, connection: &mut Connection, kind: Kind) -> Result<Seen, Cause> {
    let mut seen = Seen { page: Vec::new(), records: Vec::new(), count: 0, counted: true, cut: false, paged: false };
    let stop = Instant::now() + COUNTING_MAX;
    for query in directory.queries(kind) {
        let most = if kind == Kind::Group { GROUPS_LOOKED_AT_MAX } else { query.page_size };
        let query = Query { page_size: query.page_size.min(most), ..query };
        let page = search::page(connection, &query, Vec::new(), 0).await?;
        seen.cut |= page.entries.iter().any(|chunk| chunk.holds(range::MARK));
        let entries = if kind == Kind::Group { dynamic::complete(connection, &query, page.entries).await? } else { page.entries };
        let first: usize = entries.iter().map(Chunk::len).sum();
        seen.page.extend(entries);
        if page.cookie.is_empty() {
            seen.count += first;
        } else {
            seen.paged = true;
            count(connection, &query, stop, &mut seen).await?;
        }
    }
    seen.records = directory.entries().records(kind, &seen.page);
    Ok(seen)
}

/// Counts without reading (`1.1`, RFC 4511 §4.5.1.8), as far as its bounds go.
async fn count(connection: &mut Connection, query: &Query<'_>, stop: Instant, seen: &mut Seen) -> Result<(), Cause> {
    let names = ["1.1".to_owned()];
    let query = Query { names: &names, ..*query };
    let (before, mut pages) = (seen.count, Pages::new());
    while pages.next(connection, &query).await?.is_some() {
        seen.count = before + pages.read;
        if seen.count >= COUNTED_MAX || Instant::now() > stop {
            seen.counted = false;
            return Ok(());
        }
    }
    Ok(())
}

fn people_step(directory: &Directory, seen: &Seen, now: i64) -> CheckStep {
    let unreadable = seen.records.iter().filter(|record| matches!(record, Record::Unreadable(_))).count();
    let usable = seen.records.len() - unreadable;
    let (level, code) = match (usable, unreadable) {
        // No person is a mistake in the filter, the base or the rights.
        (0, 0) => (Level::Failed, "people_none"),
        (0, _) => (Level::Failed, "people_unusable"),
        (_, 0) => (Level::Ok, if seen.counted { "people" } else { "people_at_least" }),
        _ => (Level::Warning, "people_unreadable"),
    };
    let traces = directory.entries().traces(&seen.page);
    let shown = seen.records.iter().zip(traces).map(|(record, trace)| {
        let mut record = record.clone();
        if let Record::Person(person) = &mut record {
            person.settle(now);
        }
        Sample { record, trace, member_count: None }
    });
    let step = CheckStep::new("people", level, code).fact("count", &seen.count).fact("filter", &directory.settings().user_filter);
    let step = step.fact("looked", &seen.records.len()).fact("unreadable", &unreadable);
    CheckStep { count: Some(seen.count), sample: sample(shown, unreadable, PEOPLE_SHOWN_MAX), ..step }
}

fn groups_step(directory: &Directory, seen: &Seen) -> CheckStep {
    let unreadable = seen.records.iter().filter(|record| matches!(record, Record::Unreadable(_))).count();
    // No group is a directory's right.
    let (level, code) = match (seen.count, unreadable) {
        (0, _) => (Level::Ok, "groups_none"),
        (_, 0) => (Level::Ok, if seen.counted { "groups" } else { "groups_at_least" }),
        _ => (Level::Warning, "groups_unreadable"),
    };
    let shown = seen.records.iter().map(|record| {
        let mut record = record.clone();
        let mut member_count = None;
        if let Record::Group(Group { members, .. }) = &mut record {
            member_count = Some(members.len());
            members.truncate(MEMBERS_SHOWN_MAX);
        }
        Sample { record, trace: Vec::new(), member_count }
    });
    let step = CheckStep::new("groups", level, code).fact("count", &seen.count).fact("filter", &directory.settings().group_filter);
    let step = step.fact("looked", &seen.records.len()).fact("unreadable", &unreadable);
    CheckStep { count: Some(seen.count), sample: sample(shown, unreadable, GROUPS_SHOWN_MAX), ..step }
}

/// So many at most, the usable before the others, of which some are shown in any case.
fn sample(shown: impl Iterator<Item = Sample>, unreadable: usize, most: usize) -> Vec<Sample> {
    let (aside, mut usable): (Vec<Sample>, Vec<Sample>) = shown.partition(|sample| matches!(sample.record, Record::Unreadable(_)));
    usable.truncate(most - unreadable.min(UNREADABLE_SHOWN_MAX).min(most));
    usable.extend(aside.into_iter().take(UNREADABLE_SHOWN_MAX));
    usable
}

fn groups_of(seen: &Seen) -> impl Iterator<Item = &Group> {
    seen.records.iter().filter_map(|record| if let Record::Group(group) = record { Some(group) } else { None })
}

/// The largest group that was looked at, and whether the directory cut members into ranges.
fn ranges(groups: &Seen) -> Option<CheckStep> {
    let largest = groups_of(groups).max_by_key(|group| group.members.len())?;
    let code = if groups.cut { "ranges" } else { "ranges_none" };
    Some(CheckStep::new("ranges", Level::Ok, code).fact("group", &largest.name).fact("members", &largest.members.len()))
}

/// Whether groups hold groups, among those looked at.
fn nesting(groups: &Seen) -> Option<CheckStep> {
    groups_of(groups).next()?;
    let places: HashSet<&str> = groups_of(groups).map(|group| group.dn_key.as_str()).collect();
    let is_group = |member: &Member| matches!(member, Member::Dn(dn) if places.contains(dn.as_str()));
    let nested = groups_of(groups).filter(|group| group.members.iter().any(is_group)).count();
    let step = CheckStep::new("nesting", Level::Ok, if nested > 0 { "nesting" } else { "nesting_none" });
    Some(step.fact("count", &nested).fact("looked", &places.len()))
}
