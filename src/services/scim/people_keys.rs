//! By which keys everyone can be found, kept for a moment: a feed that brings thousands does not have everyone read for each. Everyone is read before the transaction that
//! looks among them, so that nobody who writes waits for it; what is found is read anew there before anything is decided.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::super::context::Context;
use super::super::sync::{Key, of_person};
use super::change::{Change, Stop};
use super::error::ScimError;
use super::feeds::Feed;
use super::schema::Kind;
use crate::store::establishment::source::Source;
use crate::store::establishment::statement::Stated;
use crate::store::establishment::sync_run;
use crate::store::establishment::user::{self, User};
use crate::store::{self, Tx};
use crate::types::id::{EstablishmentId, SourceId, UserId};
use crate::types::matching::Matching;
use crate::types::time::Timestamp;

/// How long it is kept: someone whom another source or a person added meanwhile may be missed for as long, unless by their user name.
const KEPT: Duration = Duration::from_secs(30);
/// How much older it may be once the transaction is begun that it was read for: that one waits for those before.
const WAITED_MAX: Duration = Duration::from_secs(30);
/// How often it is read anew before a transaction, when a run ended while that waited. Then it is read within.
const TRIES_MAX: usize = 3;
/// Feeds of which it is kept at once.
const FEEDS_MAX: usize = 16;
/// People read at a time.
const PEOPLE_AT_ONCE: i64 = 4000;

/// Which feed, as its source was at an instant; of this process's gateway, since tests have several.
type Of = (usize, EstablishmentId, SourceId, Timestamp);

/// People by key.
#[derive(Debug)]
struct Index {
    made: Instant,
    /// The run that ended last when it was made.
    run: Option<Uuid>,
    people: Mutex<HashMap<Key, Vec<UserId>>>,
}

static KEPT_KEYS: LazyLock<Mutex<HashMap<Of, Arc<Index>>>> = LazyLock::new(Mutex::default);

/// The keys by which one feed looks for people.
#[derive(Debug)]
pub struct Keys<'a> {
    of: Of,
    declared: &'a Matching,
}

impl<'a> Keys<'a> {
    /// Those that its source declares.
    pub fn of(ctx: &Context, source: &Source, declared: &'a Matching) -> Self {
        Self { of: (Arc::as_ptr(&ctx.gateway).addr(), ctx.establishment.id, source.id, source.updated_at), declared }
    }

    /// Everyone who may have one of some keys.
    pub async fn among_in(&self, tx: &mut Tx, keys: &[Key]) -> Result<Vec<UserId>, Stop> {
        let run = sync_run::last_ended(tx).await?;
        let index = match self.kept(run, KEPT + WAITED_MAX) {
            Some(index) => index,
            None => self.read_in(tx, run).await?,
        };
        let people = index.people.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(keys.iter().filter_map(|key| people.get(key)).flatten().copied().collect())
    }

    /// What is kept since a run, no longer than this.
    fn kept(&self, run: Option<Uuid>, most: Duration) -> Option<Arc<Index>> {
        let known = KEPT_KEYS.lock().unwrap_or_else(PoisonError::into_inner).get(&self.of).cloned();
        known.filter(|index| index.run == run && index.made.elapsed() < most)
    }

    /// Has someone found whom the feed just brought. Should it not stay, nobody is there when they are read anew.
    pub fn note(&self, user: &User) {
        let Some(index) = KEPT_KEYS.lock().unwrap_or_else(PoisonError::into_inner).get(&self.of).cloned() else { return };
        let mut people = index.people.lock().unwrap_or_else(PoisonError::into_inner);
        for key in of_person(self.declared, &Stated::of(user)) {
            people.entry(key).or_default().push(user.id);
        }
    }

    async fn read_in(&self, tx: &mut Tx, run: Option<Uuid>) -> Result<Arc<Index>, store::Error> {
        let mut people: HashMap<Key, Vec<UserId>> = HashMap::new();
        let mut after = None;
        loop {
            let page = user::list_after(tx, after, PEOPLE_AT_ONCE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            for one in &page {
                for key in of_person(self.declared, &Stated::of(one)) {
                    people.entry(key).or_default().push(one.id);
                }
            }
        }
        let index = Arc::new(Index { made: Instant::now(), run, people: Mutex::new(people) });
        let mut kept = KEPT_KEYS.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, one| one.made.elapsed() < KEPT + WAITED_MAX);
        if kept.len() >= FEEDS_MAX
            && let Some(oldest) = kept.iter().min_by_key(|(_, one)| one.made).map(|(of, _)| *of)
        {
            kept.remove(&oldest);
        }
        kept.insert(self.of, index.clone());
        Ok(index)
    }
}

/// Whether a change has someone looked up by keys: someone whom a feed states for the first time, where its source declares by what.
pub fn are_looked_up(source: &Source, change: &Change) -> bool {
    let brings = matches!(change, Change::Create { kind: Kind::User, .. });
    brings && source.matching.as_ref().is_some_and(Matching::looks)
}

/// The writing transaction, begun once everyone has been read beside it. Only whoever carries changes out may begin it so: whom another one brought meanwhile
/// would be missed.
///
/// # Errors
/// When the store fails.
pub async fn begin(feed: &Feed) -> Result<Tx, ScimError> {
    let declared = feed.source.matching.clone().unwrap_or_default();
    let keys = Keys::of(&feed.ctx, &feed.source, &declared);
    let mut tries = 0;
    loop {
        let mut reading = feed.ctx.store.snapshot().await?;
        let run = sync_run::last_ended(&mut reading).await?;
        if keys.kept(run, KEPT).is_none() {
            keys.read_in(&mut reading, run).await?;
        }
        drop(reading);
        let mut tx = feed.ctx.store.begin().await?;
        tries += 1;
        // A run that ended meanwhile brought others.
        if tries >= TRIES_MAX || sync_run::last_ended(&mut tx).await? == run {
            return Ok(tx);
        }
    }
}
