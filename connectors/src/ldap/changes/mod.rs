//! What changed in a directory since a bookmark, by the best its server offers. The one door to this folder: it chooses the method, keeps
//! the deadlines, and leaves the asking to one file a method.

mod active_directory;
mod dirsync;
mod guid;
mod touched;
mod usn;

use std::time::Duration;

use tokio::sync::mpsc;

use super::Directory;
use super::connection::Connection;
use super::error::{Cause, Error};
use super::reading::Summary;
use super::settings::{Limits, Settings, TlsMode};
use crate::changes::{Bookmark, Caught, Changes, Extent, Following, Step};
use crate::fingerprint::Fingerprint;
use crate::record::{Kind, Record};


/// Handfuls of steps that may wait for the reader.
const STEPS_WAITING_MAX: usize = 4;
/// Batches that may wait for whoever follows.
const BATCHES_WAITING_MAX: usize = 4;

/// How a directory is asked for its changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// Active Directory's DirSync.
    DirSync,
    /// Active Directory's update sequence numbers.
    Usn,
}

impl Method {
    const NAMES: [(&'static str, Self); 2] = [("dirsync", Self::DirSync), ("usn", Self::Usn)];

    /// As it stands in a bookmark.
    fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, method)| *method == self).map_or("", |(name, _)| name)
    }

    fn of(bookmark: &Bookmark) -> Option<Self> {
        Self::NAMES.iter().find(|(name, _)| *name == bookmark.method).map(|(_, method)| *method)
    }

    /// A bookmark of this source by this method.
    fn bookmark(self, directory: &Directory, people: String, groups: String) -> Bookmark {
        Bookmark { method: self.name().to_owned(), belongs_to: belongs_to(directory), people, groups }
    }
}

/// Since when to ask next.
pub(super) async fn bookmark(directory: &Directory, connection: &mut Connection, root: &super::rootdse::RootDse) -> Result<Option<Bookmark>, Cause> {
    active_directory::bookmark(directory, connection, root).await
}

/// Where the steps of one reading go, counted as they pass.
struct Said {
    out: mpsc::Sender<Vec<Step>>,
    summary: Summary,
}

impl Said {
    /// Hands steps over, once there is room for them.
    async fn say(&mut self, steps: Vec<Step>) -> Result<(), Cause> {
        for step in &steps {
            match step {
                Step::Stated(Record::Person(_)) => self.summary.people += 1,
                Step::Stated(Record::Group(_)) => self.summary.groups += 1,
                Step::Stated(Record::Unreadable(_)) => self.summary.unreadable += 1,
                Step::Gone { .. } | Step::Present { .. } => {}
            }
        }
        if steps.is_empty() { Ok(()) } else { self.out.send(steps).await.map_err(|_| Cause::GivenUp) }
    }
}

/// What one kind came to.
struct Kept {
    extent: Extent,
    /// Since when to ask next; none when the server took the thread away.
    next: Option<String>,
}

/// Streams what changed, by the method that made the bookmark; none when nothing here knows that method.
pub(super) fn start(directory: &Directory, since: &Bookmark, deadline: Duration) -> Option<Changes> {
    let method = Method::of(since)?;
    let (out, steps) = mpsc::channel(STEPS_WAITING_MAX);
    let (directory, since) = (directory.clone(), since.clone());
    let outcome = tokio::spawn(async move {
        match tokio::time::timeout(deadline, read(&directory, method, &since, out)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Cause::Deadline(deadline).at(directory.first_server())),
        }
    });
    Some(Changes { steps, outcome })
}

async fn read(directory: &Directory, method: Method, since: &Bookmark, out: mpsc::Sender<Vec<Step>>) -> Result<Caught, Error> {
    let (server, mut connection) = directory.open().await?;
    let mut said = Said { out, summary: Summary::default() };
    let caught = ask(directory, &mut connection, method, since, &mut said).await;
    let (people, groups) = caught.map_err(|cause| cause.at(&server))?;
    connection.close().await;
    let bookmark = match (people.next, groups.next) {
        (Some(people), Some(groups)) => Some(method.bookmark(directory, people, groups)),
        _ => None,
    };
    Ok(Caught { people: people.extent, groups: groups.extent, summary: Summary { bookmark: bookmark.clone(), ..said.summary }, bookmark })
}

async fn ask(
    directory: &Directory,
    connection: &mut Connection,
    method: Method,
    since: &Bookmark,
    said: &mut Said,
) -> Result<(Kept, Kept), Cause> {
    match method {
        Method::DirSync => dirsync::read_changes(directory, connection, since, said).await,
        Method::Usn => usn::read_changes(directory, connection, since, said).await,
    }
}

/// Listens, when the server announces changes.
pub(super) fn follow(_directory: &Directory, _since: &Bookmark) -> Option<Following> {
    None
}

/// What a bookmark has to have been made with: everything that decides which entries are read, and what becomes of them.
pub(super) fn belongs_to(directory: &Directory) -> String {
    let mut settings: Settings = directory.settings().clone();
    // How the server is spoken to changes nothing of what it says.
    settings.limits = Limits::default();
    settings.page_size = 0;
    settings.tls.mode = TlsMode::None;
    settings.tls.ca_file = None;
    let mut digest = Fingerprint::new("belongs_to");
    digest.text(&format!("{settings:?}"));
    for kind in [Kind::Person, Kind::Group] {
        digest.list(directory.query(kind).names);
    }
    format!("{:032x}", digest.value())
}

/// The cause of a bookmark that this side finds unusable.
fn unusable(text: &str) -> Cause {
    Cause::BookmarkRefused { code: 0, text: text.to_owned() }
}
