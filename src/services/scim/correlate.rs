//! Who a person is that a feed states for the first time: someone it stated before, someone known by the rule that its source declares, or nobody yet.

use std::collections::{HashMap, HashSet};

use serde_json::json;
use uuid::Uuid;

use super::super::sync::{Candidate, Decision, Entry, Stand, decide, named_trait, of_entry, of_person};
use super::change::{Stop, Wait};
use super::error::ScimError;
use super::people_keys::Keys;
use super::writing::{Named, Work};
use crate::store::Tx;
use crate::store::establishment::assignment;
use crate::store::establishment::link::{self, NamedLink};
use crate::store::establishment::proposal::{self, Proposal, ProposalState};
use crate::store::establishment::scim_held::{self, Held, HeldReason, HeldState};
use crate::store::establishment::statement::Stated;
use crate::store::establishment::user::{self, User};
use crate::types::id::{ProposalId, SourceId, UserId};
use crate::types::matching::Matching;
use crate::types::permission::APPLICATION;

/// Who someone is.
#[derive(Debug)]
pub enum Meant {
    /// Nobody known.
    Nobody,
    /// Someone known, and by what.
    Known(Box<User>, &'static str),
}

/// Finds out. `left` is whom the feed stated last under the same external id, and states no more. Nothing is written.
///
/// # Errors
/// 409 `uniqueness` when the user name is somebody else's, or when a person has to say first who it is.
pub async fn meant(work: &mut Work<'_>, named: &Named, stated: &Stated, left: Option<Uuid>) -> Result<Meant, Stop> {
    let source = work.feed.source.id;
    let holder = user::find_by_username(work.tx, &stated.username).await?;
    if let Some(back) = back(work, left, holder.as_ref()).await? {
        return Ok(Meant::Known(Box::new(back), "back"));
    }
    let declared = work.feed.source.matching.clone().unwrap_or_default();
    if declared.looks()
        && let Some(user) = by_rule(work, &declared, named, stated, holder.as_ref()).await?
    {
        return Ok(Meant::Known(Box::new(user), "rule"));
    }
    if holder.is_none() {
        return Ok(Meant::Nobody);
    }
    let told = format!(
        "userName: «{}» is somebody's in this establishment whom this feed does not state: rename one of the two, or declare by what the feed's people \
         are matched with others (`matching` of the source «{}»)",
        stated.username, work.feed.source.name
    );
    Err(refused(told, held(work, source, HeldReason::Taken, named), Vec::new()))
}

/// Someone whom this feed stated, and does no more.
async fn back(work: &mut Work<'_>, left: Option<Uuid>, holder: Option<&User>) -> Result<Option<User>, Stop> {
    let source = work.feed.source.id;
    if let Some(id) = left
        && let Some(user) = user::find(work.tx, UserId::from(id)).await?
    {
        return Ok(Some(user));
    }
    let Some(holder) = holder else { return Ok(None) };
    let links = link::list_of_user(work.tx, holder.id).await?;
    let ours = links.iter().find(|link| link.source_id == source);
    Ok(ours.filter(|link| !link.present).map(|_| holder.clone()))
}

/// What is declared: an anchor names one person for certain, a likeness asks unless it is said to be enough.
async fn by_rule(
    work: &mut Work<'_>,
    declared: &Matching,
    named: &Named,
    stated: &Stated,
    holder: Option<&User>,
) -> Result<Option<User>, Stop> {
    let source = work.feed.source.id;
    let entry_key = named.external_id.clone().unwrap_or_else(|| named.name.clone());
    let decided = proposal::list_decided_of_entry(work.tx, source, &entry_key).await?;
    let keys = of_entry(declared, stated);
    let mut ids: HashSet<UserId> = decided.iter().map(|(user, _)| *user).collect();
    ids.extend(Keys::of(&work.feed.ctx, &work.feed.source, declared).among_in(work.tx, &keys).await?);
    // Whoever has the name now, however lately they came.
    ids.extend(holder.map(|holder| holder.id));
    let ids: Vec<UserId> = ids.into_iter().collect();
    let people = user::list_by_ids(work.tx, &ids).await?;
    let entry = Entry { keys, decided };
    let candidates = candidates(work.tx, source, declared, &people, &entry).await?;
    let decision = decide(declared, std::slice::from_ref(&entry), &candidates).pop().unwrap_or(Decision::New);
    let of = |id: UserId| people.iter().find(|user| user.id == id).cloned();
    match decision {
        Decision::New => Ok(None),
        Decision::Is(user, _) => Ok(of(user)),
        Decision::Twice(..) => {
            Err(Stop::refused(ScimError::uniqueness("the feed states this person already, by another resource: correct one of the two")))
        }
        Decision::Perhaps(several) => {
            let ctx = &work.feed.ctx;
            let proposed = several.iter().filter_map(|(user, what)| Some((of(*user)?, *what)));
            let proposals = proposed
                .map(|(user, what)| Proposal {
                    id: ProposalId::new(),
                    source_id: source,
                    source: work.feed.source.name.clone(),
                    external_id: entry_key.clone(),
                    user_id: user.id,
                    username: user.username,
                    rule: named_trait(declared, what),
                    detail: json!({ "stated": stated }),
                    state: ProposalState::Open,
                    created_at: ctx.now,
                    decided_at: None,
                    decided_by: None,
                })
                .collect();
            let told = "this may be someone who is known already: an administrator accepts or rejects what is proposed, and it is done when asked again";
            Err(refused(told.to_owned(), held(work, source, HeldReason::Asked, named), proposals))
        }
    }
}

/// Those who have something in common with what the feed brings, or of whom a person said whether they are it.
async fn candidates(tx: &mut Tx, source: SourceId, declared: &Matching, people: &[User], entry: &Entry) -> Result<Vec<Candidate>, Stop> {
    let ids: Vec<UserId> = people.iter().map(|user| user.id).collect();
    let mut links: HashMap<UserId, Vec<NamedLink>> = HashMap::new();
    for (user, link) in link::list_named_of_users(tx, &ids).await? {
        links.entry(user).or_default().push(link);
    }
    let mut found = Vec::with_capacity(people.len());
    for user in people {
        let keys = of_person(declared, &Stated::of(user));
        let said = entry.decided.iter().any(|(of, _)| *of == user.id);
        if !said && !keys.iter().any(|key| entry.keys.contains(key)) {
            continue;
        }
        let links = links.get(&user.id).map(Vec::as_slice).unwrap_or_default();
        // Whom the feed stated once and states no more is not here: they may come back by another resource.
        let stand = if links.iter().any(|link| link.source_id == source && link.present) {
            Stand::Here
        } else if links.is_empty() || holds_gateway_role(tx, user.id).await? {
            Stand::Apart
        } else if links.iter().any(|link| link.present) {
            Stand::Elsewhere
        } else {
            Stand::Left
        };
        found.push(Candidate { user: user.id, stand, keys });
    }
    Ok(found)
}

/// Whoever is taken for someone with a role of the gateway may do what they may.
async fn holds_gateway_role(tx: &mut Tx, user: UserId) -> Result<bool, Stop> {
    Ok(assignment::list_of_user(tx, user).await?.iter().any(|held| held.application == APPLICATION))
}

fn held(work: &Work<'_>, source_id: SourceId, reason: HeldReason, named: &Named) -> Held {
    let now = work.feed.ctx.now;
    Held {
        id: Uuid::now_v7(),
        source_id,
        reason,
        operation: "create".to_owned(),
        subject_id: None,
        subject: named.external_id.clone().unwrap_or_else(|| named.name.clone()),
        name: named.name.clone(),
        detail: json!({ "userName": named.name, "externalId": named.external_id }),
        state: HeldState::Open,
        times: 1,
        first_at: now,
        last_at: now,
        decided_at: None,
        decided_by: None,
    }
}

fn refused(told: String, held: Held, proposals: Vec<Proposal>) -> Stop {
    Stop::Refused(ScimError::uniqueness(told), Some(Box::new(Wait { held, proposals })))
}

/// Has someone found from now on whom the feed just brought.
pub fn note(work: &Work<'_>, user: &User) {
    if let Some(declared) = work.feed.source.matching.as_ref().filter(|declared| declared.looks()) {
        Keys::of(&work.feed.ctx, &work.feed.source, declared).note(user);
    }
}

/// What waited for someone to be told from others waits no more.
pub async fn settle(work: &mut Work<'_>, named: &Named) -> Result<(), Stop> {
    if !work.batch.anything_waits_in(work.tx, work.feed.source.id).await? {
        return Ok(());
    }
    let subject = named.external_id.as_ref().unwrap_or(&named.name);
    for reason in [HeldReason::Taken, HeldReason::Asked] {
        scim_held::settle(work.tx, work.feed.source.id, reason, "create", subject).await?;
    }
    Ok(())
}
