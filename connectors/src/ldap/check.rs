//! The doctor of a source: step by step as a person would, with what to do about each. Changes nothing, and speaks no language: what was
//! found is a code with its facts.

use serde::Serialize;

use super::Directory;
use super::connection::Connection;
use super::error::Cause;
use super::settings::{TlsMode, Url};
use super::transport::{self, Stream};
use crate::mapping::Traced;
use crate::record::Record;

mod certificate;
mod contents;
mod server;

/// A certificate that ends within so many days had better be renewed.
const CERTIFICATE_WARNING_DAYS: i64 = 30;
const DAY_S: i64 = 86_400;

/// Every step, by its name.
pub const STEPS: [&str; 19] = [
    "dns",
    "tcp",
    "tls",
    "bind",
    "server",
    "base",
    "people",
    "groups",
    "paging",
    "ranges",
    "nesting",
    "clock",
    "changes",
    "file",
    "encoding",
    "delimiter",
    "columns",
    "content",
    "service",
];
/// Everything that a step may find; what it fails by is a [`Cause::CODES`].
pub const CODES: [&str; 59] = [
    "anonymous",
    "bases",
    "bound",
    "bound_by_certificate",
    "certificate_ends",
    "changes_by_content",
    "changes_by_dirsync",
    "changes_by_last_modified",
    "changes_by_retro_changelog",
    "changes_by_syncrepl",
    "changes_by_timestamp",
    "changes_by_usn",
    "changes_unseen",
    "clock",
    "clock_ahead",
    "clock_apart",
    "clock_untold",
    "columns",
    "columns_unused",
    "connected",
    "delimiter_found",
    "delimiter_told",
    "encoding_found",
    "encoding_told",
    "encrypted",
    "encrypted_somehow",
    "entries",
    "file",
    "file_groups",
    "file_people",
    "file_people_none",
    "file_people_unreadable",
    "file_people_unusable",
    "groups",
    "groups_at_least",
    "groups_none",
    "groups_unreadable",
    "members_none",
    "nesting",
    "nesting_none",
    "paging",
    "paging_by_cursor",
    "paging_untried",
    "people",
    "people_at_least",
    "people_none",
    "people_unreadable",
    "people_unusable",
    "plain",
    "plain_here",
    "plain_loopback",
    "ranges",
    "ranges_none",
    "resolved",
    "server",
    "server_otherwise",
    "server_untold",
    "service",
    "service_untold",
];

/// How a step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// As it should be.
    Ok,
    /// Nothing fails by it yet, and something had better be done.
    Warning,
    /// The source cannot be read like this.
    Failed,
}

/// One step of a check; the steps after a failed one are not tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckStep {
    /// `dns`, `tcp`, `tls`, `bind`, `server`, `base`, `people`, `paging`, `groups`, `ranges`, `nesting`, `clock` or
    /// `changes`; of a file `file`, `encoding`, `delimiter`, `columns`, `content`, `people` and `groups`; of a SCIM service `service` too.
    pub name: &'static str,
    /// How it went.
    pub level: Level,
    /// What was found, or the code of the cause that it failed by.
    pub code: &'static str,
    /// What the code is about.
    pub facts: Vec<(&'static str, String)>,
    /// Entries that match, for `people` and `groups`.
    pub count: Option<usize>,
    /// Some of them, as they would arrive.
    pub sample: Vec<Sample>,
}

/// A record as it would arrive, and how it came about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sample {
    /// The record; of a group's members, the first.
    #[serde(flatten)]
    pub record: Record,
    /// Where each field of a person comes from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trace: Vec<Traced>,
    /// How many members a group has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member_count: Option<usize>,
}

impl CheckStep {
    pub(crate) fn new(name: &'static str, level: Level, code: &'static str) -> Self {
        Self { name, level, code, facts: Vec::new(), count: None, sample: Vec::new() }
    }

    pub(crate) fn failed(name: &'static str, cause: &Cause) -> Self {
        Self { facts: cause.facts(), ..Self::new(name, Level::Failed, cause.code()) }
    }

    pub(crate) fn fact(mut self, name: &'static str, value: &(impl ToString + ?Sized)) -> Self {
        self.facts.push((name, value.to_string()));
        self
    }
}

/// Steps so far.
#[derive(Default)]
struct Steps(Vec<CheckStep>);

impl Steps {
    /// Notes a step; its value when it did not fail.
    fn note<T>(&mut self, name: &'static str, outcome: Result<(T, CheckStep), Cause>) -> Option<T> {
        match outcome {
            Ok((value, step)) => {
                self.0.push(step);
                Some(value)
            }
            Err(cause) => {
                self.0.push(CheckStep::failed(name, &cause));
                None
            }
        }
    }
}

/// Runs every step against the servers in their order, until one of them can be read. `now` in seconds since 1970.
pub(super) async fn run(directory: &Directory, now: i64) -> Vec<CheckStep> {
    let mut steps = Steps::default();
    for url in &directory.settings().urls {
        if let Some(mut connection) = connect(directory, url, now, &mut steps).await {
            read(directory, &mut connection, now, &mut steps).await;
            connection.close().await;
            break;
        }
    }
    steps.0
}

async fn connect(directory: &Directory, url: &Url, now: i64, steps: &mut Steps) -> Option<Connection> {
    let limits = &directory.settings().limits;
    let found = transport::resolve(url, limits).await.map(|found| {
        let list = found.iter().map(|address| address.ip().to_string()).collect::<Vec<_>>().join(", ");
        (found, CheckStep::new("dns", Level::Ok, "resolved").fact("host", &url.host).fact("addresses", &list))
    });
    let addresses = steps.note("dns", found)?;
    let dialled = transport::dial(&addresses, limits).await;
    let connected = dialled.map(|(address, stream)| (stream, CheckStep::new("tcp", Level::Ok, "connected").fact("address", &address)));
    let stream = steps.note("tcp", connected)?;
    let secured = transport::secure(stream, &url.host, directory.settings().tls.mode, directory.tls(), limits).await;
    let stream = steps.note("tls", secured.map(|stream| encryption(directory, url, now, stream)))?;
    let who = match (&directory.settings().bind_dn, &directory.settings().tls.client) {
        (Some(dn), _) => CheckStep::new("bind", Level::Ok, "bound").fact("dn", &dn),
        (None, Some(_)) => CheckStep::new("bind", Level::Ok, "bound_by_certificate"),
        (None, None) => CheckStep::new("bind", Level::Ok, "anonymous"),
    };
    let bound = async {
        let mut connection = Connection::start(stream).await?;
        directory.bind(&mut connection).await?;
        Ok((connection, who))
    };
    steps.note("bind", bound.await)
}

/// How the connection is protected, and for how long the certificate serves.
fn encryption(directory: &Directory, url: &Url, now: i64, stream: Stream) -> (Stream, CheckStep) {
    let mode = match directory.settings().tls.mode {
        TlsMode::None if url.is_loopback() => return (stream, CheckStep::new("tls", Level::Ok, "plain_here")),
        TlsMode::None => return (stream, CheckStep::new("tls", Level::Warning, "plain")),
        TlsMode::Ldaps => "LDAPS",
        TlsMode::StartTls => "StartTLS",
    };
    let step = certificate_step(stream.certificate(), &url.host, mode, now);
    (stream, step)
}

/// For how long the certificate serves that a server showed, under this kind of encryption.
pub(crate) fn certificate_step(certificate: Option<&[u8]>, host: &str, mode: &str, now: i64) -> CheckStep {
    let Some(end) = certificate.and_then(certificate::end) else {
        return CheckStep::new("tls", Level::Ok, "encrypted_somehow").fact("mode", mode);
    };
    let days = (end - now).div_euclid(DAY_S);
    let (level, code) = if days <= CERTIFICATE_WARNING_DAYS { (Level::Warning, "certificate_ends") } else { (Level::Ok, "encrypted") };
    let step = CheckStep::new("tls", level, code).fact("mode", mode).fact("host", host).fact("days", &days);
    step.fact("until", &super::moment::written(end))
}

async fn read(directory: &Directory, connection: &mut Connection, now: i64, steps: &mut Steps) {
    let Some(shown) = server::look(directory, connection, steps).await else { return };
    if contents::look(directory, connection, now, steps).await.is_none() {
        return;
    }
    server::clock(directory, connection, &shown, now, steps).await;
    server::tells_changes(directory, connection, steps).await;
}
