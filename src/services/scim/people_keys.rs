//! By which keys everyone can be found, kept for a moment: a feed that brings thousands does not have everyone read for each. What is found is read anew before anything
//! is decided.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::super::context::Context;
use super::super::sync::{Key, of_person};
use super::change::Stop;
use crate::store::Tx;
use crate::store::establishment::source::Source;
use crate::store::establishment::statement::Stated;
use crate::store::establishment::sync_run;
use crate::store::establishment::user::{self, User};
use crate::types::id::{EstablishmentId, SourceId, UserId};
use crate::types::matching::Matching;
use crate::types::time::Timestamp;

/// How long it is kept: someone whom another source or a person added meanwhile may be missed for as long, unless by their user name.
const KEPT: Duration = Duration::from_secs(30);
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
        let known = KEPT_KEYS.lock().unwrap_or_else(PoisonError::into_inner).get(&self.of).cloned();
        let index = match known.filter(|index| index.run == run && index.made.elapsed() < KEPT) {
            Some(index) => index,
            None => self.read_in(tx, run).await?,
        };
        let people = index.people.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(keys.iter().filter_map(|key| people.get(key)).flatten().copied().collect())
    }

    /// Has someone found whom the feed just brought. Should it not stay, nobody is there when they are read anew.
    pub fn note(&self, user: &User) {
        let Some(index) = KEPT_KEYS.lock().unwrap_or_else(PoisonError::into_inner).get(&self.of).cloned() else { return };
        let mut people = index.people.lock().unwrap_or_else(PoisonError::into_inner);
        for key in of_person(self.declared, &Stated::of(user)) {
            people.entry(key).or_default().push(user.id);
        }
    }

    async fn read_in(&self, tx: &mut Tx, run: Option<Uuid>) -> Result<Arc<Index>, Stop> {
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
        kept.retain(|_, one| one.made.elapsed() < KEPT);
        if kept.len() < FEEDS_MAX {
            kept.insert(self.of, index.clone());
        }
        Ok(index)
    }
}
