//! The doctor of a SCIM source: step by step as a person would, with some people and groups as they would arrive. Changes nothing, and speaks no
//! language.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::client::Client;
use super::paging::{self, Page};
use super::reading::kinds;
use super::service::Features;
use super::settings::{Groups, Paging};
use super::{Scim, changes, members, resource};
use crate::ldap::{Cause, CheckStep, Level, Sample, certificate_step};
use crate::record::{Group, Kind, Member, Record};

/// How long all of it may take.
const DEADLINE: Duration = Duration::from_mins(2);
/// Shown as they would arrive.
const PEOPLE_SHOWN_MAX: usize = 20;
const GROUPS_SHOWN_MAX: usize = 5;
const MEMBERS_SHOWN_MAX: usize = 20;
/// Groups read by themselves.
const GROUPS_ASKED_MAX: usize = 20;
/// Clocks that are further apart had better be set, in seconds.
const CLOCKS_APART_MAX_S: i64 = 60;

/// The first page of a kind.
struct Seen {
    resources: Vec<Value>,
    records: Vec<Record>,
    told: usize,
}

/// Runs every step at this time, in seconds since 1970; those after a failed one are not tried.
pub(super) async fn run(scim: &Scim, now: i64) -> Vec<CheckStep> {
    let mut steps = Vec::new();
    let mut client = Client::new(scim, Instant::now() + DEADLINE);
    if let Err((name, cause)) = connect(&mut client, now, &mut steps).await {
        steps.push(CheckStep::failed(name, &cause));
    } else if let Err((name, cause)) = look(&mut client, now, &mut steps).await {
        steps.push(CheckStep::failed(name, &cause));
    }
    steps
}

/// A cause, and the step that failed by it.
type Failed = (&'static str, Cause);

fn by(name: &'static str) -> impl Fn(Cause) -> Failed {
    move |cause| (name, cause)
}

async fn connect(client: &mut Client, now: i64, steps: &mut Vec<CheckStep>) -> Result<(), Failed> {
    let address = client.scim().settings().address.clone();
    let addresses = client.http.resolve().await.map_err(by("dns"))?;
    let list = addresses.iter().map(|address| address.ip().to_string()).collect::<Vec<_>>().join(", ");
    steps.push(CheckStep::new("dns", Level::Ok, "resolved").fact("host", &address.server.host).fact("addresses", &list));
    let (dialled, stream) = client.http.dial(&addresses).await.map_err(by("tcp"))?;
    steps.push(CheckStep::new("tcp", Level::Ok, "connected").fact("address", &dialled));
    let stream = client.http.secure(stream).await.map_err(by("tls"))?;
    steps.push(if address.secure {
        certificate_step(stream.certificate(), &address.server.host, "HTTPS", now)
    } else {
        CheckStep::new("tls", Level::Ok, "plain_loopback")
    });
    client.http.speak(stream).await.map_err(by("tcp"))
}

async fn look(client: &mut Client, now: i64, steps: &mut Vec<CheckStep>) -> Result<(), Failed> {
    let scim = client.scim().clone();
    let features = Features::read(client).await.map_err(by("service"))?;
    steps.push(if features.told {
        CheckStep::new("service", Level::Ok, "service").fact("features", &features.names())
    } else {
        CheckStep::new("service", Level::Warning, "service_untold")
    });
    let mut paged = false;
    for kind in kinds(scim.settings()) {
        let name = if *kind == Kind::Person { "people" } else { "groups" };
        let seen = first_page(client, *kind).await.map_err(by(name))?;
        paged |= seen.told > seen.resources.len();
        let step = if *kind == Kind::Person { people(&scim, &seen) } else { groups(&scim, &seen) };
        let failed = step.level == Level::Failed;
        steps.push(step);
        if failed {
            return Ok(());
        }
        if *kind == Kind::Group {
            steps.extend(nesting(&seen));
        }
    }
    let settings = scim.settings();
    let by_cursor = settings.paging == Paging::Cursor || (settings.paging == Paging::Auto && features.cursor);
    let code = match (by_cursor, paged) {
        (true, _) => "paging_by_cursor",
        (false, true) => "paging",
        (false, false) => "paging_untried",
    };
    steps.push(CheckStep::new("paging", Level::Ok, code).fact("size", &settings.page_size));
    steps.push(clock(client.clock, now));
    let compares = features.filter && client.clock.is_some() && changes::compares(client).await.map_err(by("changes"))?;
    steps.push(CheckStep::new("changes", Level::Ok, if compares { "changes_by_last_modified" } else { "changes_by_content" }));
    Ok(())
}

async fn first_page(client: &mut Client, kind: Kind) -> Result<Seen, Cause> {
    let scim = client.scim().clone();
    let settings = scim.settings();
    let (filter, size) = (paging::filter(settings, kind, None), settings.page_size.to_string());
    let mut query = vec![("count", size.as_str()), ("startIndex", "1")];
    query.extend(filter.as_deref().map(|filter| ("filter", filter)));
    let Page { told, mut resources, .. } = Page::read(&client.get(paging::path(kind), &query).await?)?;
    let told = told.unwrap_or(resources.len());
    if kind == Kind::Group && settings.groups == Groups::Each {
        resources.truncate(GROUPS_ASKED_MAX);
    }
    let resources = members::complete(client, kind, resources).await?;
    let records = resources.iter().map(|found| resource::record(settings, kind, found)).collect();
    Ok(Seen { resources, records, told })
}

fn unreadable(seen: &Seen) -> usize {
    seen.records.iter().filter(|record| matches!(record, Record::Unreadable(_))).count()
}

/// What the numbers of a kind are about.
fn counted(step: CheckStep, scim: &Scim, kind: Kind, seen: &Seen) -> CheckStep {
    let filter = paging::filter(scim.settings(), kind, None).unwrap_or_else(|| paging::path(kind).to_owned());
    let step = step.fact("count", &seen.told).fact("filter", &filter).fact("looked", &seen.records.len());
    CheckStep { count: Some(seen.told), ..step.fact("unreadable", &unreadable(seen)) }
}

fn people(scim: &Scim, seen: &Seen) -> CheckStep {
    let unusable = unreadable(seen);
    let (level, code) = match (seen.records.len() - unusable, unusable) {
        (0, 0) => (Level::Failed, "people_none"),
        (0, _) => (Level::Failed, "people_unusable"),
        (_, 0) => (Level::Ok, "people"),
        _ => (Level::Warning, "people_unreadable"),
    };
    let step = counted(CheckStep::new("people", level, code), scim, Kind::Person, seen);
    let sample = seen.records.iter().zip(&seen.resources).map(|(record, found)| Sample {
        record: record.clone(),
        trace: resource::trace(scim.settings(), found),
        member_count: None,
    });
    CheckStep { sample: sample.take(PEOPLE_SHOWN_MAX).collect(), ..step }
}

fn groups(scim: &Scim, seen: &Seen) -> CheckStep {
    let members = |record: &Record| if let Record::Group(group) = record { group.members.len() } else { 0 };
    let (level, code) = match (seen.records.len(), unreadable(seen)) {
        (0, _) => (Level::Ok, "groups_none"),
        // Services that leave members out of lists leave all of them out.
        (_, 0) if seen.records.iter().all(|record| members(record) == 0) => (Level::Warning, "members_none"),
        (_, 0) => (Level::Ok, "groups"),
        _ => (Level::Warning, "groups_unreadable"),
    };
    let step = counted(CheckStep::new("groups", level, code), scim, Kind::Group, seen);
    let sample = seen.records.iter().map(|record| {
        let (mut record, mut member_count) = (record.clone(), None);
        if let Record::Group(Group { members, .. }) = &mut record {
            member_count = Some(members.len());
            members.truncate(MEMBERS_SHOWN_MAX);
        }
        Sample { record, trace: Vec::new(), member_count }
    });
    CheckStep { sample: sample.take(GROUPS_SHOWN_MAX).collect(), ..step }
}

/// Whether groups hold groups, among those looked at.
fn nesting(seen: &Seen) -> Option<CheckStep> {
    let all = || seen.records.iter().filter_map(|record| if let Record::Group(group) = record { Some(group) } else { None });
    let places: Vec<&str> = all().map(|group| group.dn_key.as_str()).collect();
    let is_group = |member: &Member| matches!(member, Member::Dn(dn) if places.contains(&dn.as_str()));
    let nested = all().filter(|group| group.members.iter().any(is_group)).count();
    let step = CheckStep::new("nesting", Level::Ok, if nested > 0 { "nesting" } else { "nesting_none" });
    (!places.is_empty()).then(|| step.fact("count", &nested).fact("looked", &places.len()))
}

fn clock(theirs: Option<i64>, now: i64) -> CheckStep {
    let Some(theirs) = theirs else { return CheckStep::new("clock", Level::Ok, "clock_untold") };
    let apart = (theirs - now).abs();
    let (level, code) = if apart > CLOCKS_APART_MAX_S { (Level::Warning, "clock_apart") } else { (Level::Ok, "clock") };
    CheckStep::new("clock", level, code).fact("apart", &apart)
}
