//! What several lasting searches say, put together: what arrives at about one moment is one batch, each entry in it once, with the bookmark
//! after it. What the searches leave open is looked into on a connection of its own.

use std::collections::HashSet;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::gather::Naming;
use super::table::Flavour;
use super::{BETWEEN, reread};
use crate::changes::{Batch, Bookmark, Extent, Step};
use crate::ldap::Directory;
use crate::ldap::changes::said::Said;
use crate::ldap::changes::{Method, STEPS_WAITING_MAX, keys, with_dynamic};
use crate::ldap::error::Cause;
use crate::ldap::settings::Url;
use crate::record::{Kind, Record};

/// How long nothing more may come before a batch goes out, and how long one waits for more at most.
const QUIET: Duration = Duration::from_millis(20);
const WAITING_MAX: Duration = Duration::from_millis(100);
/// Steps of one batch, beyond which it goes out at once.
const STEPS_MAX: usize = 500;

/// One of the searches.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) kind: Kind,
    /// Which of the bases of its kind.
    pub(super) base: usize,
    /// Since when to ask next.
    pub(super) cookie: String,
}

/// Something a search said.
pub(super) struct Event {
    /// Which search.
    pub(super) at: usize,
    pub(super) steps: Vec<Step>,
    pub(super) extent: Extent,
    /// Something went that only a comparison of all keys can tell.
    pub(super) unnamed: bool,
    /// A group changed whose members are found by a search.
    pub(super) dynamic: bool,
    /// Entries to read again, by nsUniqueId.
    pub(super) incomplete: Vec<String>,
    /// Since when to ask next.
    pub(super) cookie: String,
    /// The end of the refresh: from here on, changes come as they happen.
    pub(super) caught_up: bool,
}

/// What is to go out next.
#[derive(Default)]
struct Pending {
    steps: Vec<Step>,
    /// People, groups: everything is said, or all keys are to be named.
    whole: [bool; 2],
    dynamic: bool,
    /// Entries to read again, by nsUniqueId: people, groups.
    incomplete: [Vec<String>; 2],
    since: Option<Instant>,
    last: Option<Instant>,
}

impl Pending {
    /// When it goes out, when there is something.
    fn due(&self) -> Option<Instant> {
        Some((self.last? + QUIET).min(self.since? + WAITING_MAX))
    }

    fn is_full(&self) -> bool {
        self.steps.len() >= STEPS_MAX || self.whole != [false; 2]
    }
}

/// Puts batches together.
pub(super) struct Batches<'a> {
    directory: &'a Directory,
    url: &'a Url,
    naming: Naming,
    sources: Vec<Source>,
    /// There are groups whose members are found by searches.
    dynamic: bool,
    pending: Pending,
}

impl<'a> Batches<'a> {
    pub(super) fn new(directory: &'a Directory, url: &'a Url, flavour: Flavour, sources: Vec<Source>, dynamic: bool) -> Self {
        Self { directory, url, naming: Naming::of(directory, flavour), sources, dynamic, pending: Pending::default() }
    }

    /// Works until a search or the reader ends it. The first batch goes out once all searches have caught up, even when nothing changed.
    pub(super) async fn run(
        mut self,
        mut heard: mpsc::Receiver<Event>,
        listeners: &mut JoinSet<Result<(), Cause>>,
        out: &mpsc::Sender<Batch>,
    ) -> Result<(), Cause> {
        let mut behind = self.sources.len();
        loop {
            let due = self.pending.due().filter(|_| behind == 0);
            if due.is_some_and(|due| self.pending.is_full() || due <= Instant::now()) {
                let batch = self.take().await?;
                if out.send(batch).await.is_err() {
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
                    self.add(event);
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
            }
        }
    }

    fn add(&mut self, event: Event) {
        let Some(source) = self.sources.get_mut(event.at) else { return };
        source.cookie = event.cookie;
        let [people, groups] = &mut self.pending.whole;
        *(if source.kind == Kind::Person { people } else { groups }) |= event.unnamed || event.extent == Extent::Whole;
        let [people, groups] = &mut self.pending.incomplete;
        (if source.kind == Kind::Person { people } else { groups }).extend(event.incomplete);
        self.pending.dynamic |= event.dynamic;
        self.pending.steps.extend(event.steps);
        let now = Instant::now();
        self.pending.since.get_or_insert(now);
        self.pending.last = Some(now);
    }

    /// The batch; an entry that was named several times is in it once, as it was named last.
    async fn take(&mut self) -> Result<Batch, Cause> {
        let mut taken = std::mem::take(&mut self.pending);
        self.look_into(&mut taken).await?;
        let mut named = HashSet::new();
        let mut steps: Vec<Step> = taken.steps.into_iter().rev().filter(|step| key(step).is_none_or(|key| named.insert(key))).collect();
        steps.reverse();
        let [people, groups] = taken.whole.map(|whole| if whole { Extent::Whole } else { Extent::Changes });
        Ok(Batch { steps, people, groups, bookmark: Some(self.bookmark()) })
    }

    fn bookmark(&self) -> Bookmark {
        let cookies = |kind| {
            let of_kind = self.sources.iter().filter(|source| source.kind == kind);
            of_kind.map(|source| source.cookie.as_str()).collect::<Vec<_>>().join(BETWEEN)
        };
        let bookmark = Method::Syncrepl.bookmark(self.directory, cookies(Kind::Person), cookies(Kind::Group));
        with_dynamic(bookmark, self.dynamic)
    }

    /// Asks for what the searches left open.
    async fn look_into(&mut self, taken: &mut Pending) -> Result<(), Cause> {
        let several = |kind| self.directory.queries(kind).count() > 1;
        // Keys are named by hand where the server named them by another key, or said everything of one base and changes of another.
        // Members are of both kinds: when one is said whole, so is the other.
        let any_whole = taken.whole != [false; 2];
        let kinds = [Kind::Person, Kind::Group].into_iter().zip(taken.whole);
        let left_open = |(kind, whole): &(Kind, bool)| any_whole && (!whole || self.naming == Naming::Unknown || several(*kind));
        let nameless: Vec<Kind> = kinds.filter(left_open).map(|(kind, _)| kind).collect();
        taken.whole = [any_whole; 2];
        let doubtful = self.doubtful(taken, several);
        let people_changed = taken.whole[0]
            || !taken.incomplete[0].is_empty()
            || taken.steps.iter().any(|step| key(step).is_some_and(|(kind, _)| kind == Kind::Person));
        let dynamic = taken.dynamic || (self.dynamic && people_changed);
        let incomplete = std::mem::take(&mut taken.incomplete);
        let settled = doubtful.iter().all(|(_, keys)| keys.is_empty()) && incomplete.iter().all(Vec::is_empty);
        if nameless.is_empty() && settled && !dynamic {
            return Ok(());
        }
        let mut connection = self.directory.open_at(self.url).await?;
        let (out, mut more) = mpsc::channel(STEPS_WAITING_MAX);
        let asking = async {
            let mut said = Said::new(out);
            for (kind, wanted) in doubtful {
                let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
                keys::restate(self.directory, &mut connection, kind, (self.naming.attribute(), &wanted), &mut said).await?;
            }
            for (kind, incomplete) in [Kind::Person, Kind::Group].into_iter().zip(&incomplete) {
                reread(self.directory, &mut connection, kind, incomplete, &mut said).await?;
            }
            if dynamic {
                said.dynamic_groups(self.directory, &mut connection).await?;
                self.dynamic = said.dynamic;
            }
            for kind in nameless {
                keys::name_all(self.directory, &mut connection, kind, &mut said).await?;
            }
            Ok(())
        };
        let collecting = async {
            while let Some(steps) = more.recv().await {
                taken.steps.extend(steps);
            }
        };
        let (asked, ()) = tokio::join!(asking, collecting);
        asked?;
        connection.close().await;
        Ok(())
    }

    /// What was named as gone from one of several bases, and may stand under another; stated anew where it does.
    fn doubtful(&self, taken: &Pending, several: impl Fn(Kind) -> bool) -> Vec<(Kind, Vec<String>)> {
        let gone = |kind: Kind| {
            let of_kind = taken.steps.iter().filter_map(move |step| match step {
                Step::Gone { kind: Some(found), external_id } if *found == kind => Some(external_id.clone()),
                _ => None,
            });
            of_kind.collect::<Vec<_>>()
        };
        let kinds = [Kind::Person, Kind::Group].into_iter().filter(|kind| several(*kind) && self.naming != Naming::Unknown);
        kinds.map(|kind| (kind, gone(kind))).collect()
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
