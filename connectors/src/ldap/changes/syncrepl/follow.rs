//! Live: one search for people and one for groups that never end (`refreshAndPersist`, RFC 4533 §3.4), each on a connection of its own.
//! What arrives at about one moment goes out as one batch, with the bookmark after it.

use std::collections::HashSet;
use std::time::Duration;

use ldap3::Scope;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::gather::Gathering;
use super::session::{Heard, Session};
use super::table::{Flavour, Next};
use super::wire::Mode;
use super::{cookie, ended, recognised, within_stall};
use crate::changes::{Batch, Bookmark, Extent, Step};
use crate::ldap::Directory;
use crate::ldap::changes::{Method, Said, keys, unusable};
use crate::ldap::connection::Connection;
use crate::ldap::error::{Cause, Error};
use crate::ldap::reading::Summary;
use crate::ldap::settings::Url;
use crate::record::{Kind, Record};

/// How long nothing more may come before a batch goes out, and how long one waits for more at most.
const QUIET: Duration = Duration::from_millis(20);
const WAITING_MAX: Duration = Duration::from_millis(100);
/// Steps of one batch, beyond which it goes out at once.
const BATCH_STEPS_MAX: usize = 500;
/// Messages that may wait for their batch.
const EVENTS_WAITING_MAX: usize = 64;
/// Steps that catching up may take: beyond, a reading of changes is what is wanted first.
const CATCHING_UP_MAX: usize = 20_000;

/// Something heard of one kind.
struct Event {
    kind: Kind,
    steps: Vec<Step>,
    extent: Extent,
    /// Since when to ask next.
    cookie: String,
    /// The end of the refresh: from here on, changes come as they happen.
    caught_up: bool,
}

/// Listens until the server or the reader ends it.
pub(in crate::ldap::changes) async fn follow(directory: &Directory, since: &Bookmark, out: mpsc::Sender<Batch>) -> Result<(), Error> {
    let (server, people) = directory.open().await?;
    let listening = async {
        let mut people = people;
        let flavour = recognised(directory, &mut people, since).await?;
        let url = directory.settings().urls.iter().find(|url| url.text == server).ok_or(Cause::GivenUp)?;
        let groups = directory.open_at(url).await?;
        let (events, heard) = mpsc::channel(EVENTS_WAITING_MAX);
        // In a set, so that the work ends with this future.
        let mut listeners = JoinSet::new();
        for (kind, connection, cookie) in [(Kind::Person, people, &since.people), (Kind::Group, groups, &since.groups)] {
            let (directory, url, cookie, events) = (directory.clone(), url.clone(), cookie.clone(), events.clone());
            listeners
                .spawn(async move { Listener { directory: &directory, url: &url, kind, flavour, cookie }.run(connection, events).await });
        }
        batch(directory, since, heard, &mut listeners, &out).await
    };
    listening.await.map_err(|cause| cause.at(&server))
}

/// One of the two searches.
struct Listener<'a> {
    directory: &'a Directory,
    url: &'a Url,
    kind: Kind,
    flavour: Flavour,
    cookie: String,
}

impl Listener<'_> {
    /// Listens; ends by an error only.
    async fn run(mut self, mut connection: Connection, events: mpsc::Sender<Event>) -> Result<(), Cause> {
        let query = self.directory.query(self.kind);
        let started = Session::start(&mut connection, &query, Scope::Subtree, Mode::RefreshAndPersist, Some(&self.cookie)).await;
        let mut session = started?;
        let mut gathering = Gathering::new(self.directory, self.kind, self.flavour, true);
        let mut steps = Vec::new();
        while !gathering.refreshed {
            match within_stall(&query, session.next(&mut connection, gathering.said())).await? {
                Heard::Chunk(chunk) => steps.extend(gathering.steps(&chunk).map_err(Cause::Malformed)?),
                Heard::End(answer) => return Err(ended(answer, &query, gathering.said(), true).map_or_else(|cause| cause, |_| stopped())),
            }
            if steps.len() > CATCHING_UP_MAX {
                return Err(unusable("too much changed while nobody listened"));
            }
        }
        let (extent, next) = gathering.decide(None);
        self.cookie = match next {
            Next::Same => self.cookie,
            Next::New(cookie) => cookie,
            Next::Lost => return Err(unusable("it does not say since when it goes on")),
        };
        self.hand_over(steps, extent, &mut gathering, &events, true).await?;
        loop {
            match self.wait(&mut session, &mut connection).await? {
                Heard::Chunk(chunk) => {
                    let steps = gathering.steps(&chunk).map_err(Cause::Malformed)?;
                    self.hand_over(steps, Extent::Changes, &mut gathering, &events, false).await?;
                }
                Heard::End(answer) => return Err(ended(answer, &query, gathering.said(), true).map_or_else(|cause| cause, |_| stopped())),
            }
        }
    }

    /// Waits for a change, and asks now and then whether the server is still there.
    async fn wait(&self, session: &mut Session, connection: &mut Connection) -> Result<Heard, Cause> {
        let limits = self.directory.settings().limits;
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

    /// Passes on what was heard; where an entry went that only a comparison of keys can tell, all keys.
    async fn hand_over(
        &mut self,
        mut steps: Vec<Step>,
        mut extent: Extent,
        gathering: &mut Gathering<'_>,
        events: &mpsc::Sender<Event>,
        caught_up: bool,
    ) -> Result<(), Cause> {
        if let Some(change) = gathering.cookie.take().filter(|change| cookie::is_sound(self.flavour, change)) {
            self.cookie = cookie::after(self.flavour, &self.cookie, &change);
        }
        if gathering.take_unnamed() {
            steps.extend(self.keys().await?);
            extent = Extent::Whole;
        }
        let event = Event { kind: self.kind, steps, extent, cookie: self.cookie.clone(), caught_up };
        events.send(event).await.map_err(|_| Cause::GivenUp)
    }

    /// All keys of the kind, read on a connection of their own.
    async fn keys(&self) -> Result<Vec<Step>, Cause> {
        let mut connection = self.directory.open_at(self.url).await?;
        let (out, mut pages) = mpsc::channel(super::super::STEPS_WAITING_MAX);
        let mut said = Said { out, summary: Summary::default() };
        let mut steps = Vec::new();
        let collect = async {
            while let Some(page) = pages.recv().await {
                steps.extend(page);
            }
        };
        let reading = async {
            let read = keys::say(self.directory, &mut connection, self.kind, &mut said).await;
            drop(said);
            read
        };
        let (read, ()) = tokio::join!(reading, collect);
        read?;
        connection.close().await;
        Ok(steps)
    }
}

/// A search that lasts ended by itself, without an error.
fn stopped() -> Cause {
    Cause::Protocol("it stopped announcing changes".to_owned())
}

/// What is to go out next.
struct Pending {
    steps: Vec<Step>,
    people: Extent,
    groups: Extent,
    since: Option<Instant>,
    last: Instant,
}

impl Pending {
    fn new() -> Self {
        Self { steps: Vec::new(), people: Extent::Changes, groups: Extent::Changes, since: None, last: Instant::now() }
    }

    fn add(&mut self, event: Event) {
        let extent = if event.kind == Kind::Person { &mut self.people } else { &mut self.groups };
        if event.extent == Extent::Whole {
            *extent = Extent::Whole;
        }
        self.steps.extend(event.steps);
        self.last = Instant::now();
        self.since.get_or_insert(self.last);
    }

    /// When it goes out, when there is something.
    fn due(&self) -> Option<Instant> {
        self.since.map(|since| (self.last + QUIET).min(since + WAITING_MAX))
    }

    fn is_whole(&self) -> bool {
        self.people == Extent::Whole || self.groups == Extent::Whole
    }

    /// The batch; an entry that was named several times is in it once, as it was named last.
    fn take(&mut self, bookmark: Bookmark) -> Batch {
        let taken = std::mem::replace(self, Self::new());
        let mut named = HashSet::new();
        let mut steps: Vec<Step> = taken.steps.into_iter().rev().filter(|step| key(step).is_none_or(|key| named.insert(key))).collect();
        steps.reverse();
        Batch { steps, people: taken.people, groups: taken.groups, bookmark: Some(bookmark) }
    }
}

/// Which entry a step is about, when it is about one.
fn key(step: &Step) -> Option<(Kind, String)> {
    match step {
        Step::Stated(Record::Person(person)) => Some((Kind::Person, person.external_id.clone())),
        Step::Stated(Record::Group(group)) => Some((Kind::Group, group.external_id.clone())),
        Step::Stated(Record::Unreadable(unreadable)) => Some((unreadable.kind, unreadable.external_id.clone()?)),
        Step::Gone { kind, external_id } => Some(((*kind)?, external_id.clone())),
        Step::Present { .. } | Step::Joined { .. } => None,
    }
}

/// Puts what both searches say together. The first batch goes out once both have caught up, even when nothing had changed.
async fn batch(
    directory: &Directory,
    since: &Bookmark,
    mut heard: mpsc::Receiver<Event>,
    listeners: &mut JoinSet<Result<(), Cause>>,
    out: &mpsc::Sender<Batch>,
) -> Result<(), Cause> {
    let (mut people, mut groups) = (since.people.clone(), since.groups.clone());
    let mut pending = Pending::new();
    let mut behind = 2;
    loop {
        let due = pending.due().filter(|_| behind == 0);
        let full = behind == 0 && (pending.steps.len() >= BATCH_STEPS_MAX || pending.is_whole());
        if full || due.is_some_and(|due| due <= Instant::now()) {
            let bookmark = Method::Syncrepl.bookmark(directory, people.clone(), groups.clone());
            if out.send(pending.take(bookmark)).await.is_err() {
                return Ok(());
            }
            continue;
        }
        tokio::select! {
            biased;
            () = out.closed() => return Ok(()),
            Some(ended) = listeners.join_next() => return match ended {
                Ok(outcome) => outcome,
                Err(error) if error.is_panic() => Err(Cause::Protocol("a message broke its reader".to_owned())),
                Err(_) => Err(Cause::GivenUp),
            },
            Some(event) = heard.recv() => {
                behind -= usize::from(event.caught_up);
                (if event.kind == Kind::Person { &mut people } else { &mut groups }).clone_from(&event.cookie);
                pending.add(event);
            }
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
        }
    }
}
