//! Finds, among everyone the establishment knows, who the entries are that a source never stated before. Writes nothing.

use std::collections::{HashMap, HashSet};

use connectors::Person;
use serde_json::json;
use uuid::Uuid;

use super::super::context::Context;
use super::super::error::Error;
use super::apply::fields::stated;
use super::digest::{self, Hash, Kind};
use super::inbox::Inbox;
use super::matching::decide::{Candidate, Decision, Entry, Stand, decide, wanted};
use super::matching::likeness::{Trait, named, of_entry, of_person};
use super::reconcile::{KnownPerson, Reason, Standing};
use super::voices::{self, Declared};
use crate::store::Tx;
use crate::store::establishment::assignment;
use crate::store::establishment::link::{self, NamedLink};
use crate::store::establishment::proposal::{self, Pair, Proposal, ProposalState};
use crate::store::establishment::source::Source;
use crate::store::establishment::statement::{Shared, Stated};
use crate::store::establishment::user::{self, User};
use crate::types::fold_case;
use crate::types::id::{ProposalId, UserId};
use crate::types::matching::Matching;
use crate::types::page::{LIMIT_MAX, PageRequest};
use crate::types::permission::APPLICATION;

/// Rows read at a time.
const ROWS_AT_ONCE: i64 = 4000;

/// An entry that the source never stated before.
struct Stranger {
    /// Among those seen.
    seen: usize,
    external_id: String,
}

/// Finds them: those who are known become known to the inbox, those who may be are set aside with what is proposed.
///
/// # Errors
/// When the store or the spool fails.
pub async fn find(tx: &mut Tx, ctx: &Context, source: &Source, inbox: &mut Inbox) -> Result<(), Error> {
    let declared = source.matching.clone().unwrap_or_default();
    if !declared.looks() {
        return Ok(());
    }
    let pairs = pairs(tx, source).await?;
    let (strangers, entries) = strangers(&declared, &pairs, inbox)?;
    if !strangers.is_empty() {
        let meant = candidates(tx, source, &declared, &entries).await?;
        let candidates: Vec<Candidate> = meant.values().map(|(candidate, _)| candidate.clone()).collect();
        let decisions = decide(&declared, &entries, &candidates);
        let known: Vec<UserId> =
            decisions.iter().filter_map(|one| if let Decision::Is(user, _) = one { Some(*user) } else { None }).collect();
        let elsewhere = voices::elsewhere(tx, source.id, &known).await?;
        let all = Declared::load(tx).await?;
        for (stranger, decision) in strangers.iter().zip(decisions) {
            match decision {
                Decision::New => {}
                Decision::Is(user, _) => {
                    let Some((_, user)) = meant.get(&user) else { continue };
                    let others = elsewhere.get(&user.id).map(Vec::as_slice).unwrap_or_default();
                    inbox.recognise_stranger(stranger.seen, &stranger.external_id, person(user, &all, source, others));
                }
                Decision::Twice(..) => drop(inbox.aside.insert(stranger.seen, Reason::Doubled)),
                Decision::Perhaps(meant_by) => {
                    inbox.aside.insert(stranger.seen, Reason::Asked);
                    let asked = meant_by.iter().filter_map(|(user, what)| Some((&meant.get(user)?.1, *what)));
                    let record = record(inbox, stranger.seen)?;
                    inbox.proposals.extend(asked.map(|(user, what)| proposed(ctx, source, &declared, (record.as_ref(), user, what))));
                }
            }
        }
    }
    inbox.answered = answered(&pairs, &strangers, inbox);
    Ok(())
}

/// Everything that was proposed of the source's entries.
async fn pairs(tx: &mut Tx, source: &Source) -> Result<Vec<Pair>, Error> {
    let mut all: Vec<Pair> = Vec::new();
    loop {
        let after = all.last().map_or_else(|| ProposalId::from(Uuid::nil()), |pair| pair.id);
        let more = proposal::list_pairs_after(tx, source.id, after, ROWS_AT_ONCE).await?;
        if more.is_empty() {
            return Ok(all);
        }
        all.extend(more);
    }
}

fn strangers(declared: &Matching, pairs: &[Pair], inbox: &Inbox) -> Result<(Vec<Stranger>, Vec<Entry>), Error> {
    let mut decided: HashMap<&str, Vec<(UserId, ProposalState)>> = HashMap::new();
    for pair in pairs.iter().filter(|pair| pair.state != ProposalState::Open) {
        decided.entry(&pair.external_id).or_default().push((pair.user_id, pair.state));
    }
    let (mut strangers, mut entries) = (Vec::new(), Vec::new());
    for (seen, _) in inbox.people.iter().enumerate().filter(|(_, seen)| seen.known.is_none()) {
        let Some(person) = record(inbox, seen)? else { continue };
        let decided = decided.get(person.external_id.as_str()).cloned().unwrap_or_default();
        strangers.push(Stranger { seen, external_id: person.external_id.clone() });
        entries.push(Entry { keys: of_entry(declared, &stated(&person)), decided });
    }
    Ok((strangers, entries))
}

fn record(inbox: &Inbox, seen: usize) -> Result<Option<Person>, Error> {
    let place = inbox.people.get(seen).and_then(|seen| seen.spooled);
    place.map(|place| inbox.spool.get(place)).transpose()
}

/// Everyone who has something in common with an entry, or of whom a person said that they are one.
async fn candidates(
    tx: &mut Tx,
    source: &Source,
    declared: &Matching,
    entries: &[Entry],
) -> Result<HashMap<UserId, (Candidate, User)>, Error> {
    let wanted = wanted(entries);
    let said: HashSet<UserId> = entries.iter().flat_map(|entry| &entry.decided).map(|(user, _)| *user).collect();
    let mut met: HashMap<UserId, (Candidate, User)> = HashMap::new();
    let mut after = None;
    loop {
        let page = user::list_after(tx, after, ROWS_AT_ONCE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        for user in page {
            let keys = of_person(declared, &Stated::of(&user));
            if said.contains(&user.id) || keys.iter().any(|key| wanted.contains_key(key)) {
                met.insert(user.id, (Candidate { user: user.id, stand: Stand::Apart, keys }, user));
            }
        }
    }
    let ids: Vec<UserId> = met.keys().copied().collect();
    let trusted = trusted(tx).await?;
    let links = link::list_named_of_users(tx, &ids).await?;
    for of_one in links.chunk_by(|a, b| a.0 == b.0) {
        let met = of_one.first().and_then(|(user, _)| met.get_mut(user));
        if let Some((candidate, _)) = met {
            candidate.stand = match stand(source, of_one) {
                Stand::Here => Stand::Here,
                _ if trusted.contains(&candidate.user) => Stand::Apart,
                elsewhere => elsewhere,
            };
        }
    }
    Ok(met)
}

/// Everyone who holds a role of the gateway itself: whoever is taken for one of them may do what they may.
async fn trusted(tx: &mut Tx) -> Result<HashSet<UserId>, Error> {
    let filter = assignment::Filter { application: Some(APPLICATION.to_owned()), ..assignment::Filter::default() };
    let mut page = PageRequest::first(LIMIT_MAX);
    let mut found = HashSet::new();
    loop {
        let held = assignment::list(tx, &page, &filter).await?;
        found.extend(held.items.iter().map(|one| one.user_id));
        if held.next_cursor.is_none() {
            return Ok(found);
        }
        page.after = held.items.last().map(|last| last.id.uuid());
    }
}

fn stand(source: &Source, links: &[(UserId, NamedLink)]) -> Stand {
    let mut links = links.iter().map(|(_, link)| link);
    if links.clone().any(|link| link.source_id == source.id) {
        Stand::Here
    } else if links.any(|link| link.present) {
        Stand::Elsewhere
    } else {
        Stand::Left
    }
}

/// Someone whom the source states from now on.
fn person(user: &User, declared: &Declared, source: &Source, others: &[Shared]) -> KnownPerson {
    let username = fold_case(&user.username);
    KnownPerson {
        user: user.id,
        name: digest::of(Kind::Username, &username),
        username: username.into(),
        hash: Hash::default(),
        present: false,
        standing: Standing::of(user.status, user.disabled_by),
        others: declared.others(source.id, others),
    }
}

fn proposed(ctx: &Context, source: &Source, declared: &Matching, (record, user, what): (Option<&Person>, &User, Trait)) -> Proposal {
    Proposal {
        id: ProposalId::new(),
        source_id: source.id,
        source: source.name.clone(),
        external_id: record.map(|person| person.external_id.clone()).unwrap_or_default(),
        user_id: user.id,
        username: user.username.clone(),
        rule: named(declared, what),
        detail: json!({ "entry": record }),
        state: ProposalState::Open,
        created_at: ctx.now,
        decided_at: None,
        decided_by: None,
    }
}

/// What nobody decided and is no question any more: of everything, when everything was read; otherwise of what was read now.
fn answered(pairs: &[Pair], strangers: &[Stranger], inbox: &Inbox) -> Vec<ProposalId> {
    let asked: HashSet<(&str, UserId)> = inbox.proposals.iter().map(|one| (one.external_id.as_str(), one.user_id)).collect();
    let read: HashSet<&str> = strangers.iter().map(|stranger| stranger.external_id.as_str()).collect();
    let open = pairs.iter().filter(|pair| pair.state == ProposalState::Open);
    let looked = open.filter(|pair| inbox.full || read.contains(pair.external_id.as_str()));
    looked.filter(|pair| !asked.contains(&(pair.external_id.as_str(), pair.user_id))).map(|pair| pair.id).collect()
}
