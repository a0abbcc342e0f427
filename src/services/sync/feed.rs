//! Fills a run's inbox: by reading the source whole, by asking it for changes, or from what it announced. Plans nothing.

use std::collections::HashMap;
use std::time::Duration;

use connectors::{Batch, Bookmark, Changes, Connector, Content, Extent, Kind, Record, Step};

use super::super::context::Context;
use super::super::error::Error;
use super::inbox::Inbox;
use super::known;
use super::routed::{self, Part};
use super::spool::Spool;
use crate::store::establishment::source::Source;
use crate::store::establishment::sync_run::Mode;
use crate::store::establishment::{source, source_state};
use crate::types::fold_case;
use crate::types::id::SourceId;

/// Entries that one asking for changes may state; beyond, reading the source whole costs less.
pub const STATED_MAX: usize = 20_000;

/// Where a run's records come from.
#[derive(Debug)]
pub enum Feed {
    /// The source itself, as the run's mode says.
    Source,
    /// What the source announced, or what was asked of it about a few entries.
    Batch(Batch),
    /// A file that the source was not given: what it would change, for a preview.
    File(Content),
    /// This establishment's part of what the platform's source stated, read already.
    Records(Part),
}

/// What becomes of a source's bookmark once what was read is applied.
#[derive(Debug)]
pub enum Mark {
    /// It stays where it is.
    Stays,
    /// This is the new one; none when only a whole reading can follow.
    Moves(Option<Bookmark>),
}

/// A filled inbox.
#[derive(Debug)]
pub struct Filled {
    /// What was read.
    pub inbox: Inbox,
    /// What becomes of the bookmark.
    pub mark: Mark,
    /// Why everything was read although only changes were asked for.
    pub note: Option<String>,
}

/// What some steps say, each entry once: the last word counts.
#[derive(Debug, Default)]
struct Gathered {
    stated: HashMap<(Kind, String), Step>,
    order: Vec<(Kind, String)>,
    /// What says nothing of an entry itself.
    present: Vec<Step>,
}

impl Gathered {
    fn take(&mut self, step: Step) {
        let (kind, key) = match &step {
            Step::Stated(Record::Person(person)) => (Kind::Person, person.external_id.clone()),
            Step::Stated(Record::Group(group)) => (Kind::Group, group.external_id.clone()),
            Step::Stated(Record::Unreadable(entry)) => (entry.kind, entry.external_id.clone().or(entry.dn.clone()).unwrap_or_default()),
            Step::Gone { kind, external_id } => (kind.unwrap_or(Kind::Person), external_id.clone()),
            Step::Present { .. } | Step::Joined { .. } => return self.present.push(step),
        };
        if self.stated.insert((kind, key.clone()), step).is_none() {
            self.order.push((kind, key));
        }
    }

    fn keys(&self) -> (Vec<String>, Vec<String>) {
        let of = |wanted: Kind| {
            let unsure = |step: Option<&Step>| matches!(step, Some(Step::Gone { kind: None, .. }));
            let named = self.order.iter().filter(|place| place.0 == wanted || unsure(self.stated.get(*place)));
            named.map(|(_, key)| key.clone()).collect()
        };
        let mut groups: Vec<String> = of(Kind::Group);
        let joined = self.present.iter().filter_map(|step| if let Step::Joined { group, .. } = step { Some(group) } else { None });
        groups.extend(joined.cloned());
        groups.sort_unstable();
        groups.dedup();
        (of(Kind::Person), groups)
    }

    fn names(&self) -> Vec<String> {
        let stated = self.stated.values().filter_map(|step| match step {
            Step::Stated(Record::Person(person)) => Some(fold_case(person.username.trim())),
            _ => None,
        });
        stated.collect()
    }

    fn steps(mut self) -> impl Iterator<Item = Step> {
        let stated: Vec<Step> = self.order.iter().filter_map(|place| self.stated.remove(place)).collect();
        stated.into_iter().chain(self.present)
    }
}

/// Fills an inbox.
///
/// # Errors
/// `Outside` when the reading was not complete: then nothing of it may be used.
pub async fn fill(ctx: &Context, source: &Source, connector: &Connector, mode: Mode, feed: Feed) -> Result<Filled, Error> {
    if let Feed::Records(part) = &feed {
        return routed::fill(ctx, source, part).await;
    }
    if source.routed_from.is_some() {
        // Whatever else was asked for: what the platform's directory says is read whole, and only this establishment's part is taken.
        return routed::fill(ctx, source, &routed::own_part(ctx, source).await?).await;
    }
    let source = source.id;
    if let Feed::Batch(Batch { steps, people, groups, bookmark }) = feed {
        if people != groups {
            return whole(ctx, source, connector, Some("only a part of what it announced says everything".to_owned())).await;
        }
        let mut gathered = Gathered::default();
        for step in steps {
            gathered.take(step);
        }
        let inbox = sorted(ctx, source, gathered, people).await?;
        // Without a bookmark of its own, what was said moves none.
        return Ok(Filled { inbox, mark: bookmark.map_or(Mark::Stays, |new| Mark::Moves(Some(new))), note: None });
    }
    if mode != Mode::Changes || matches!(connector, Connector::Csv(_) | Connector::Ldif(_)) {
        return whole(ctx, source, connector, None).await;
    }
    match since(ctx, source, connector).await? {
        Ok(changes) => match gather(changes).await? {
            Ok((gathered, extent, bookmark)) => {
                let inbox = sorted(ctx, source, gathered, extent).await?;
                Ok(Filled { inbox, mark: Mark::Moves(bookmark), note: None })
            }
            Err(why) => whole(ctx, source, connector, Some(why)).await,
        },
        Err(why) => whole(ctx, source, connector, Some(why)).await,
    }
}

/// Asks for changes, or tells why only a whole reading will do.
async fn since(ctx: &Context, source: SourceId, connector: &Connector) -> Result<Result<Changes, String>, Error> {
    let mut tx = ctx.store.read().await?;
    let state = source_state::get(&mut tx, source).await?;
    let is_scheduled = source::find(&mut tx, source).await?.is_some_and(|source| source.schedule.is_some());
    drop(tx);
    let Some(text) = state.bookmark else {
        return Ok(Err("there is no bookmark of an earlier reading".to_owned()));
    };
    // A schedule reads everything then, as soon as its quiet hours allow.
    if !is_scheduled && state.turns_at.is_some_and(|turns_at| turns_at <= ctx.now) {
        return Ok(Err("an account opened or closed by its date since the last reading".to_owned()));
    }
    let bookmark = match connector.bookmark(&text) {
        Ok(bookmark) => bookmark,
        Err(unusable) => return Ok(Err(unusable.to_string())),
    };
    Ok(connector.changes(&bookmark, deadline(ctx)).ok_or_else(|| "this source tells no changes".to_owned()))
}

/// Takes what the source says to its end. Refused when it says that only a whole reading will do.
async fn gather(mut changes: Changes) -> Result<Result<(Gathered, Extent, Option<Bookmark>), String>, Error> {
    let mut gathered = Gathered::default();
    while let Some(steps) = changes.steps.recv().await {
        for step in steps {
            gathered.take(step);
        }
        if gathered.order.len() > STATED_MAX {
            changes.outcome.abort();
            return Ok(Err(format!("more than {STATED_MAX} entries changed")));
        }
    }
    let outcome =
        changes.outcome.await.map_err(|ended| Error::Outside(format!("asking for changes broke off ({ended}): start it again")))?;
    let caught = match outcome {
        Ok(caught) => caught,
        Err(failed) if failed.cause.bookmark_refused() => return Ok(Err(failed.cause.to_string())),
        Err(failed) => return Err(Error::Outside(failed.to_string())),
    };
    if caught.people != caught.groups {
        return Ok(Err("of people and of groups, one was said whole and the other not".to_owned()));
    }
    Ok(Ok((gathered, caught.people, caught.bookmark)))
}

/// An inbox of some entries, over what is known of them.
async fn sorted(ctx: &Context, source: SourceId, gathered: Gathered, extent: Extent) -> Result<Inbox, Error> {
    let known = match extent {
        Extent::Whole => known::load(ctx, source).await?,
        Extent::Changes => {
            let (people, groups) = gathered.keys();
            let mut tx = ctx.store.read().await?;
            let mut known = known::load_some(&mut tx, source, &people, &groups).await?;
            known.look_up_names(&mut tx, source, &gathered.names()).await?;
            known
        }
    };
    let mut inbox = Inbox::partial(known, Spool::new(&ctx.gateway.folder)?, ctx.now.seconds(), extent);
    for step in gathered.steps() {
        inbox.take_step(step)?;
    }
    inbox.close(ctx, source).await?;
    Ok(inbox)
}

async fn whole(ctx: &Context, source: SourceId, connector: &Connector, note: Option<String>) -> Result<Filled, Error> {
    let note = note.map(|why| format!("Everything was read: {why}"));
    let mut inbox = Inbox::new(known::load(ctx, source).await?, Spool::new(&ctx.gateway.folder)?, ctx.now.seconds());
    let mut reading = connector.read(deadline(ctx));
    while let Some(page) = reading.pages.recv().await {
        inbox.take(page)?;
    }
    let outcome =
        reading.outcome.await.map_err(|ended| Error::Outside(format!("reading the source broke off ({ended}): start it again")))?;
    let summary = outcome.map_err(|failed| Error::Outside(failed.to_string()))?;
    inbox.close(ctx, source).await?;
    inbox.tree = connector.units().await.map_err(|failed| Error::Outside(failed.to_string()))?;
    Ok(Filled { inbox, mark: Mark::Moves(summary.bookmark), note })
}

fn deadline(ctx: &Context) -> Duration {
    Duration::from_secs(u64::from(ctx.gateway.limits.sync_run_deadline_s))
}
