//! Live: a search for each base of people and of groups that never ends (`refreshAndPersist`, RFC 4533 §3.4), each on a connection of its
//! own. What they say becomes batches in `batch`.

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::batch::{Batches, Event, Source};
use super::gather::Gathering;
use super::session::{Heard, Session};
use super::table::{Flavour, Next};
use super::wire::Mode;
use super::{cookie, ended, recognised, within_stall};
use crate::changes::{Batch, Bookmark, Extent, Step};
use crate::ldap::Directory;
use crate::ldap::changes::{unusable, without_dynamic};
use crate::ldap::connection::Connection;
use crate::ldap::error::{Cause, Error};
use crate::ldap::search::Query;
use crate::record::Kind;

/// Messages that may wait for their batch.
const EVENTS_WAITING_MAX: usize = 64;
/// Steps that catching up may take: beyond, a reading of changes is what is wanted first.
const CATCHING_UP_MAX: usize = 20_000;

/// Listens until the server or the reader ends it.
pub(in crate::ldap::changes) async fn follow(directory: &Directory, since: &Bookmark, out: mpsc::Sender<Batch>) -> Result<(), Error> {
    let (server, mut first) = directory.open().await?;
    let listening = async {
        let (since, dynamic) = without_dynamic(since);
        let (flavour, people, groups) = recognised(directory, &mut first, &since).await?;
        let url = directory.settings().urls.iter().find(|url| url.text == server).ok_or(Cause::GivenUp)?;
        let sources = |kind| move |(base, cookie)| Source { kind, base, cookie };
        let sources: Vec<Source> = people.into_iter().enumerate().map(sources(Kind::Person)).collect();
        let sources: Vec<Source> = sources
            .into_iter()
            .chain(groups.into_iter().enumerate().map(|(base, cookie)| Source { kind: Kind::Group, base, cookie }))
            .collect();
        let (events, heard) = mpsc::channel(EVENTS_WAITING_MAX);
        // In a set, so that the work ends with this future.
        let mut listeners = JoinSet::new();
        let mut first = Some(first);
        for (at, source) in sources.iter().enumerate() {
            let connection = match first.take() {
                Some(first) => first,
                None => directory.open_at(url).await?,
            };
            let listener = Listener { directory: directory.clone(), source: source.clone(), at, flavour, events: events.clone() };
            listeners.spawn(listener.run(connection));
        }
        Batches::new(directory, url, flavour, sources, dynamic).run(heard, &mut listeners, &out).await
    };
    listening.await.map_err(|cause| cause.at(&server))
}

/// One of the searches.
struct Listener {
    directory: Directory,
    source: Source,
    /// Its place among the searches.
    at: usize,
    flavour: Flavour,
    events: mpsc::Sender<Event>,
}

impl Listener {
    /// Listens; ends by an error only.
    async fn run(mut self, mut connection: Connection) -> Result<(), Cause> {
        let directory = self.directory.clone();
        let query = directory.queries(self.source.kind).nth(self.source.base).ok_or(Cause::GivenUp)?;
        let mut session = Session::start(&mut connection, &query, Mode::RefreshAndPersist, Some(&self.source.cookie)).await?;
        let mut gathering = Gathering::new(&directory, self.source.kind, self.flavour, true);
        let steps = catch_up(&mut session, &mut connection, &query, &mut gathering).await?;
        let (extent, next) = gathering.decide(None);
        match next {
            Next::Same => {}
            Next::New(cookie) => self.source.cookie = cookie,
            Next::Lost => return Err(unusable("it does not say since when it goes on")),
        }
        self.hand_over(steps, extent, &mut gathering, true).await?;
        loop {
            match wait(&query, &mut session, &mut connection).await? {
                Heard::Chunk(chunk) => {
                    let steps = gathering.steps(&chunk).map_err(Cause::Malformed)?;
                    self.hand_over(steps, Extent::Changes, &mut gathering, false).await?;
                }
                Heard::End(answer) => return Err(ended(answer, &query, gathering.said(), true).map_or_else(|cause| cause, |_| stopped())),
            }
        }
    }

    /// Passes on what was heard.
    async fn hand_over(&mut self, steps: Vec<Step>, extent: Extent, gathering: &mut Gathering<'_>, caught_up: bool) -> Result<(), Cause> {
        if let Some(change) = gathering.cookie.take().filter(|change| cookie::is_sound(self.flavour, change)) {
            self.source.cookie = cookie::after(self.flavour, &self.source.cookie, &change);
        }
        let (unnamed, dynamic) = (gathering.take_unnamed(), gathering.take_dynamic().is_some());
        let incomplete = gathering.take_incomplete();
        let event = Event { at: self.at, steps, extent, unnamed, dynamic, incomplete, cookie: self.source.cookie.clone(), caught_up };
        self.events.send(event).await.map_err(|_| Cause::GivenUp)
    }
}

/// Hears the refresh to its end.
async fn catch_up(
    session: &mut Session,
    connection: &mut Connection,
    query: &Query<'_>,
    gathering: &mut Gathering<'_>,
) -> Result<Vec<Step>, Cause> {
    let mut steps = Vec::new();
    while !gathering.refreshed {
        match within_stall(query, session.next(connection, gathering.said())).await? {
            Heard::Chunk(chunk) => steps.extend(gathering.steps(&chunk).map_err(Cause::Malformed)?),
            Heard::End(answer) => return Err(ended(answer, query, gathering.said(), true).map_or_else(|cause| cause, |_| stopped())),
        }
        if steps.len() + gathering.incomplete() > CATCHING_UP_MAX {
            return Err(unusable("too much changed while nobody listened"));
        }
    }
    Ok(steps)
}

/// Waits for a change, and asks now and then whether the server is still there.
async fn wait(query: &Query<'_>, session: &mut Session, connection: &mut Connection) -> Result<Heard, Cause> {
    let limits = query.limits;
    loop {
        if let Ok(heard) = tokio::time::timeout(limits.keepalive, session.next(connection, 0)).await {
            return heard;
        }
        let ping = connection.ping(limits.answer);
        tokio::select! {
            biased;
            heard = session.next(connection, 0) => return heard,
            alive = ping => alive?,
        }
    }
}

/// A search that lasts ended by itself, without an error.
fn stopped() -> Cause {
    Cause::Protocol("it stopped announcing changes".to_owned())
}
