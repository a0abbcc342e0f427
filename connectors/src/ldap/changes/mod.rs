//! What changed in a directory since a bookmark, by the best its server offers. The one door to this folder: it chooses the method, keeps
//! the deadlines, and leaves the asking to one file a method.

mod active_directory;
mod dirsync;
mod guid;
mod keys;
mod mark;
mod retro;
mod said;
mod syncrepl;
mod timestamp;
mod touched;
mod usn;

use std::time::Duration;

use tokio::sync::mpsc;

use super::Directory;
use super::connection::Connection;
use super::error::{Cause, Error};
use super::reading::Summary;
use super::settings::{Limits, Settings, SignIn, TlsMode};
use crate::changes::{Bookmark, Caught, Changes, Extent, Following, Step};
use crate::fingerprint::Fingerprint;
use crate::record::Kind;

use said::Said;

pub(super) use active_directory::unseen;
pub(super) use mark::{mark, method};

/// Handfuls of steps that may wait for the reader.
const STEPS_WAITING_MAX: usize = 4;
/// Batches that may wait for whoever follows.
const BATCHES_WAITING_MAX: usize = 4;

/// Searches that are listened to at once, each on a connection of its own; a source of more bases is asked now and then.
const SEARCHES_LISTENED_TO_MAX: usize = 16;

/// How a directory is asked for its changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// Content synchronisation (RFC 4533).
    Syncrepl,
    /// 389 Directory Server's retro changelog.
    RetroChangelog,
    /// modifyTimestamp, with a comparison of all keys.
    Timestamp,
    /// Active Directory's DirSync.
    DirSync,
    /// Active Directory's update sequence numbers.
    Usn,
}

impl Method {
    const NAMES: [(&'static str, Self); 5] = [
        ("syncrepl", Self::Syncrepl),
        ("retro-changelog", Self::RetroChangelog),
        ("timestamp", Self::Timestamp),
        ("dirsync", Self::DirSync),
        ("usn", Self::Usn),
    ];

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
    let caught = catch(directory, &mut connection, method, since, Said::new(out)).await;
    let caught = caught.map_err(|cause| cause.at(&server))?;
    connection.close().await;
    Ok(caught)
}

async fn catch(
    directory: &Directory,
    connection: &mut Connection,
    method: Method,
    since: &Bookmark,
    mut said: Said,
) -> Result<Caught, Cause> {
    let (since, dynamic) = without_dynamic(since);
    let (mut people, mut groups) = ask(directory, connection, method, &since, &mut said).await?;
    // Members are of both kinds: when one is said whole, so is the other.
    let whole = people.extent == Extent::Whole || groups.extent == Extent::Whole;
    for (kind, kept) in [(Kind::Person, &mut people), (Kind::Group, &mut groups)] {
        if kept.extent == Extent::Changes && whole {
            keys::name_all(directory, connection, kind, &mut said).await?;
            kept.extent = Extent::Whole;
        }
    }
    if dynamic && (said.people || people.extent == Extent::Whole) {
        said.dynamic = false;
        said.dynamic_groups(directory, connection).await?;
    } else {
        said.dynamic |= dynamic;
    }
    let bookmark = match (people.next, groups.next) {
        (Some(people), Some(groups)) => Some(with_dynamic(method.bookmark(directory, people, groups), said.dynamic)),
        _ => None,
    };
    Ok(Caught { people: people.extent, groups: groups.extent, summary: Summary { bookmark: bookmark.clone(), ..said.summary }, bookmark })
}

/// The line of a bookmark that tells of groups whose members are found by searches: they are found again whenever people change.
const DYNAMIC: &str = "\ndynamic";

fn with_dynamic(mut bookmark: Bookmark, dynamic: bool) -> Bookmark {
    if dynamic {
        bookmark.groups.push_str(DYNAMIC);
    }
    bookmark
}

fn without_dynamic(bookmark: &Bookmark) -> (Bookmark, bool) {
    match bookmark.groups.strip_suffix(DYNAMIC) {
        Some(groups) => (Bookmark { groups: groups.to_owned(), ..bookmark.clone() }, true),
        None => (bookmark.clone(), false),
    }
}

async fn ask(
    directory: &Directory,
    connection: &mut Connection,
    method: Method,
    since: &Bookmark,
    said: &mut Said,
) -> Result<(Kept, Kept), Cause> {
    match method {
        Method::Syncrepl => syncrepl::read(directory, connection, since, said).await,
        Method::RetroChangelog => retro::read(directory, connection, since, said).await,
        Method::Timestamp => timestamp::read(directory, connection, since, said).await,
        Method::DirSync => dirsync::read(directory, connection, since, said).await,
        Method::Usn => usn::read(directory, connection, since, said).await,
    }
}

/// Listens, when the server announces changes.
pub(super) fn follow(directory: &Directory, since: &Bookmark) -> Option<Following> {
    let searches: usize = [Kind::Person, Kind::Group].into_iter().map(|kind| directory.queries(kind).count()).sum();
    if Method::of(since)? != Method::Syncrepl || searches > SEARCHES_LISTENED_TO_MAX {
        return None;
    }
    let (out, batches) = mpsc::channel(BATCHES_WAITING_MAX);
    let (directory, since) = (directory.clone(), since.clone());
    let outcome = tokio::spawn(async move { syncrepl::follow(&directory, &since, out).await });
    Some(Following { batches, outcome })
}

/// What a bookmark has to have been made with: everything that decides which entries are read, and what becomes of them.
pub(super) fn belongs_to(directory: &Directory) -> String {
    let mut settings: Settings = directory.settings().clone();
    // How the server is spoken to changes nothing of what it says.
    settings.limits = Limits::default();
    settings.page_size = 0;
    settings.page_pause = Duration::ZERO;
    settings.sign_in = SignIn::None;
    settings.tls.mode = TlsMode::None;
    settings.tls.ca_file = None;
    let mut digest = Fingerprint::new("belongs_to");
    digest.text(&format!("{settings:?}"));
    for kind in [Kind::Person, Kind::Group] {
        for query in directory.queries(kind) {
            digest.list(query.names);
        }
    }
    format!("{:032x}", digest.value())
}

/// The cause of a bookmark that this side finds unusable.
fn unusable(text: &str) -> Cause {
    Cause::BookmarkRefused { code: 0, text: text.to_owned() }
}
