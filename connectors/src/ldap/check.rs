//! The test of a source, step by step as a person would: name, connection, encryption, account, base, people, groups. Changes nothing.

use serde::Serialize;

use super::Directory;
use super::connection::Connection;
use super::error::Cause;
use super::range;
use super::search::{self, Page, Query};
use super::settings::{TlsMode, Url};
use super::transport;
use crate::record::{Kind, Record};

/// Records shown as they would arrive.
const SAMPLE_MAX: usize = 5;

/// One step of a check; the steps after a failed one are not tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckStep {
    /// `dns`, `tcp`, `tls`, `bind`, `base`, `people` or `groups`; of a file `file`, `encoding`, `delimiter`, `columns` or `content`.
    pub name: &'static str,
    /// Whether it went well.
    pub ok: bool,
    /// What was found, or what went wrong.
    pub detail: String,
    /// What to do when it went wrong.
    pub advice: Option<&'static str>,
    /// Entries on the first page, for `people` and `groups`.
    pub count: Option<usize>,
    /// Some of them, as they would arrive.
    pub sample: Vec<Record>,
}

impl CheckStep {
    /// A step that went well.
    pub(crate) fn passed(name: &'static str, detail: String) -> Self {
        Self { name, ok: true, detail, advice: None, count: None, sample: Vec::new() }
    }

    /// A step that did not.
    pub(crate) fn failed(name: &'static str, cause: &Cause) -> Self {
        Self { name, ok: false, detail: cause.to_string(), advice: Some(cause.advice()), count: None, sample: Vec::new() }
    }
}

/// Steps so far.
#[derive(Default)]
struct Steps(Vec<CheckStep>);

impl Steps {
    /// Notes a step; its value when it went well.
    fn note<T>(&mut self, name: &'static str, outcome: Result<(T, String), Cause>) -> Option<T> {
        let (value, step) = match outcome {
            Ok((value, detail)) => (Some(value), CheckStep::passed(name, detail)),
            Err(cause) => (None, CheckStep::failed(name, &cause)),
        };
        self.0.push(step);
        value
    }
}

/// Runs every step against the servers in their order, until one of them can be read.
pub(super) async fn run(directory: &Directory) -> Vec<CheckStep> {
    let mut steps = Steps::default();
    for url in &directory.settings().urls {
        if let Some(mut connection) = connect(directory, url, &mut steps).await {
            read(directory, &mut connection, &mut steps).await;
            connection.close().await;
            break;
        }
    }
    steps.0
}

async fn connect(directory: &Directory, url: &Url, steps: &mut Steps) -> Option<Connection> {
    let settings = directory.settings();
    let limits = &settings.limits;
    let found = transport::resolve(url, limits).await;
    let addresses = steps.note("dns", found.map(|found| (found.clone(), format!("{}: {}", url.host, list(&found)))))?;
    let dialled = transport::dial(&addresses, limits).await;
    let stream = steps.note("tcp", dialled.map(|(address, stream)| (stream, format!("connected to {address}"))))?;
    let secured = transport::secure(stream, &url.host, settings.tls.mode, directory.tls(), limits).await;
    let how = match settings.tls.mode {
        TlsMode::Ldaps => "encrypted from the start (LDAPS)",
        TlsMode::StartTls => "encrypted by StartTLS",
        TlsMode::None => "not encrypted, as `tls.mode` says",
    };
    let stream = steps.note("tls", secured.map(|stream| (stream, how.to_owned())))?;
    let who = match (&settings.bind_dn, &settings.tls.client) {
        (Some(dn), _) => format!("bound as `{dn}`"),
        (None, Some(_)) => "bound by the client certificate".to_owned(),
        (None, None) => "reads anonymously".to_owned(),
    };
    let bound = async {
        let mut connection = Connection::start(stream).await?;
        directory.bind(&mut connection).await?;
        Ok((connection, who))
    };
    steps.note("bind", bound.await)
}

fn list(addresses: &[std::net::SocketAddr]) -> String {
    addresses.iter().map(|address| address.ip().to_string()).collect::<Vec<_>>().join(", ")
}

async fn read(directory: &Directory, connection: &mut Connection, steps: &mut Steps) {
    let settings = directory.settings();
    let bases = async {
        search::base_exists(connection, &settings.base_dn, settings.limits).await?;
        if settings.group_base_dn != settings.base_dn {
            search::base_exists(connection, &settings.group_base_dn, settings.limits).await?;
        }
        Ok(((), format!("`{}` and `{}` are there", settings.base_dn, settings.group_base_dn)))
    };
    if steps.note("base", bases.await).is_none() {
        return;
    }
    for (name, kind) in [("people", Kind::Person), ("groups", Kind::Group)] {
        let query = directory.query(kind);
        match search::page(connection, &query, Vec::new(), 0).await {
            Ok(mut page) => {
                if kind == Kind::Group {
                    match range::complete(connection, &query, page.entries).await {
                        Ok(entries) => page.entries = entries,
                        Err(cause) => {
                            steps.note::<()>(name, Err(cause));
                            return;
                        }
                    }
                }
                steps.0.push(first_page(directory, name, kind, &query, &page));
            }
            Err(cause) => {
                steps.note::<()>(name, Err(cause));
                return;
            }
        }
    }
}

fn first_page(directory: &Directory, name: &'static str, kind: Kind, query: &Query<'_>, page: &Page) -> CheckStep {
    let more = if page.cookie.is_empty() { "all there is" } else { "more follow" };
    let records: Vec<Record> = directory.entries().records(kind, &page.entries);
    let count = records.len();
    let unreadable = records.iter().filter(|record| matches!(record, Record::Unreadable(_))).count();
    let usable = count > unreadable;
    // No group is a directory's right; no person is a mistake in the filter, the base or the rights.
    let ok = usable || (kind == Kind::Group && count == 0);
    let advice = match (ok, kind, count) {
        (true, ..) => None,
        (false, _, 1..) => Some("See the reasons in the sample: the mapping or the account's rights leave nothing usable"),
        (false, ..) => Some("Check `user_filter`, `base_dn` and what `bind_dn` may read"),
    };
    let mut sample = records;
    if usable {
        sample.sort_by_key(|record| matches!(record, Record::Unreadable(_)));
    }
    sample.truncate(SAMPLE_MAX);
    let detail = format!("`{}` under `{}`: {count} on the first page ({more}), {unreadable} of them unreadable", query.filter, query.base);
    CheckStep { name, ok, detail, advice, count: Some(count), sample }
}
