//! Members of a feed's groups: who comes and who goes, by single memberships. A group of many is never read for one of them.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Value, json};
use uuid::Uuid;

use super::super::change::Stop;
use super::super::error::ScimError;
use super::super::guard;
use super::super::members::{MemberOp, MemberRef};
use super::super::schema::Kind;
use super::Work;
use crate::store::establishment::scim_resource::{self, Kind as RowKind};
use crate::store::establishment::{member, membership};
use crate::types::id::{GroupId, UserId};

/// Members of one group that one request names.
pub const NAMED_MAX: usize = 100_000;
/// Most members that the trail names of one change; it always has their number.
const TRACED_MAX: usize = 100;

/// What becomes of a group's members: worked out by reading alone, then written.
#[derive(Debug)]
pub struct Members {
    group: GroupId,
    /// Who is to be in it, in the order of the operations.
    steps: Vec<Step>,
    leaving: u64,
    added: u64,
    removed: u64,
    /// Members that were named and are no resources of the feed.
    unknown: u64,
    traced: Vec<Value>,
}

/// One step: all go first, or these go, or these come.
#[derive(Debug)]
enum Step {
    Clear,
    Go(BTreeSet<Uuid>),
    Come {
        people: BTreeSet<UserId>,
        groups: BTreeSet<GroupId>,
    },
    /// Only these stay.
    Keep(BTreeSet<Uuid>),
}

impl Members {
    /// Works it out. `count` is how many there are now. Whoever the feed does not have is passed over, so that one who left in the meantime keeps
    /// none of the others out; the trail counts them.
    ///
    /// # Errors
    /// 400 `invalidValue` for a member that is of another type than is said, `tooMany` for more than one request may name.
    pub async fn of(work: &mut Work<'_>, group: GroupId, count: i64, ops: &[MemberOp]) -> Result<Self, Stop> {
        let named: usize = ops.iter().map(|op| if let MemberOp::Add(all) | MemberOp::Replace(all) = op { all.len() } else { 0 }).sum();
        if named > NAMED_MAX {
            return Err(Stop::refused(ScimError::too_many(format!("one request names at most {NAMED_MAX} members"))));
        }
        let kinds = kinds_of(work, ops).await?;
        let mut members = Self { group, steps: Vec::new(), leaving: 0, added: 0, removed: 0, unknown: 0, traced: Vec::new() };
        for op in ops {
            match op {
                MemberOp::Add(all) if all.is_empty() => {}
                MemberOp::Add(all) => {
                    let (coming, unknown) = come(group, all, &kinds)?;
                    members.unknown += unknown;
                    members.steps.push(coming);
                }
                MemberOp::Remove(ids) => {
                    let ids: BTreeSet<Uuid> = ids.iter().filter_map(|id| Uuid::parse_str(id).ok()).collect();
                    if !ids.is_empty() {
                        members.leaving += member::count_among(work.tx, group, &ids).await?.unsigned_abs();
                        members.steps.push(Step::Go(ids));
                    }
                }
                MemberOp::RemoveAll => {
                    members.leaving += count.unsigned_abs();
                    members.steps.push(Step::Clear);
                }
                MemberOp::Replace(all) => {
                    let (coming, unknown) = come(group, all, &kinds)?;
                    members.unknown += unknown;
                    let Step::Come { people, groups } = &coming else { continue };
                    let kept: BTreeSet<Uuid> = people.iter().map(|one| one.uuid()).chain(groups.iter().map(|one| one.uuid())).collect();
                    let stay = member::count_among(work.tx, group, &kept).await?;
                    members.leaving += (count - stay).max(0).unsigned_abs();
                    members.steps.push(Step::Keep(kept));
                    members.steps.push(coming);
                }
            }
        }
        Ok(members)
    }

    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// How many go, at most.
    pub fn leaving(&self) -> u64 {
        self.leaving
    }

    /// What the trail says.
    pub fn told(&self) -> Value {
        json!({ "members_added": self.added, "members_removed": self.removed, "members_unknown": self.unknown, "members": self.traced })
    }

    /// Writes it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn write(&mut self, work: &mut Work<'_>) -> Result<(), Stop> {
        for step in std::mem::take(&mut self.steps) {
            match step {
                Step::Clear => self.keep_only(work, &BTreeSet::new()).await?,
                Step::Keep(kept) => self.keep_only(work, &kept).await?,
                Step::Go(ids) => self.go(work, &ids).await?,
                Step::Come { people, groups } => self.come(work, &people, &groups).await?,
            }
        }
        guard::count(work, guard::memberships(self.removed)).await?;
        let change = i64::try_from(self.added).unwrap_or_default() - i64::try_from(self.removed).unwrap_or_default();
        if change != 0 {
            member::count(work.tx, self.group, change, work.feed.ctx.now).await?;
        }
        Ok(())
    }

    async fn keep_only(&mut self, work: &mut Work<'_>, kept: &BTreeSet<Uuid>) -> Result<(), Stop> {
        let people = membership::users_of_group(work.tx, self.group).await?.into_iter().map(UserId::uuid);
        let groups = membership::children_of_group(work.tx, self.group).await?.into_iter().map(GroupId::uuid);
        let gone: BTreeSet<Uuid> = people.chain(groups).filter(|id| !kept.contains(id)).collect();
        self.go(work, &gone).await
    }

    async fn go(&mut self, work: &mut Work<'_>, ids: &BTreeSet<Uuid>) -> Result<(), Stop> {
        let people: Vec<UserId> = ids.iter().copied().map(UserId::from).collect();
        let gone = member::remove(work.tx, self.group, &people).await?;
        if gone < ids.len() as u64 {
            for id in ids.iter().copied().map(GroupId::from) {
                if member::unnest(work.tx, self.group, id).await? {
                    self.removed += 1;
                    let inside = member::people_inside(work.tx, id).await?;
                    work.batch.touched.extend(inside);
                }
            }
        }
        self.removed += gone;
        self.trace("removed", ids.iter());
        work.batch.touched.extend(people);
        Ok(())
    }

    async fn come(&mut self, work: &mut Work<'_>, people: &BTreeSet<UserId>, groups: &BTreeSet<GroupId>) -> Result<(), Stop> {
        let people: Vec<UserId> = people.iter().copied().collect();
        self.added += member::add(work.tx, self.group, &people).await?;
        for id in groups {
            if member::nest(work.tx, self.group, *id).await? {
                self.added += 1;
                let inside = member::people_inside(work.tx, *id).await?;
                work.batch.touched.extend(inside);
            }
        }
        let ids: Vec<Uuid> = people.iter().map(|one| one.uuid()).chain(groups.iter().map(|one| one.uuid())).collect();
        self.trace("added", ids.iter());
        work.batch.touched.extend(people);
        Ok(())
    }

    fn trace<'i>(&mut self, what: &str, ids: impl Iterator<Item = &'i Uuid>) {
        let room = TRACED_MAX.saturating_sub(self.traced.len());
        self.traced.extend(ids.take(room).map(|id| json!({ what: id })));
    }
}

/// What those are who come.
async fn kinds_of(work: &mut Work<'_>, ops: &[MemberOp]) -> Result<HashMap<Uuid, RowKind>, Stop> {
    let coming = ops.iter().flat_map(|op| if let MemberOp::Add(all) | MemberOp::Replace(all) = op { all.as_slice() } else { &[] });
    let ids: BTreeSet<Uuid> = coming.filter_map(|member| Uuid::parse_str(&member.id).ok()).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<Uuid> = ids.into_iter().collect();
    Ok(scim_resource::kinds_of(work.tx, work.source(), &ids).await?.into_iter().collect())
}

/// Who comes, and how many of those named the feed does not have.
fn come(group: GroupId, all: &[MemberRef], kinds: &HashMap<Uuid, RowKind>) -> Result<(Step, u64), Stop> {
    let refuse = |told: String| Stop::refused(ScimError::invalid_value(told));
    let (mut people, mut groups, mut unknown) = (BTreeSet::new(), BTreeSet::new(), 0);
    for member in all {
        let known = Uuid::parse_str(&member.id).ok().and_then(|id| Some((id, *kinds.get(&id)?)));
        let shown: String = member.id.chars().take(64).collect();
        let Some((id, kind)) = known else {
            unknown += 1;
            continue;
        };
        match kind {
            RowKind::User if member.kind == Some(Kind::Group) => return Err(refuse(format!("members: «{shown}» is a User and no Group"))),
            RowKind::Group if member.kind == Some(Kind::User) => return Err(refuse(format!("members: «{shown}» is a Group and no User"))),
            RowKind::Group if id == group.uuid() => return Err(refuse("members: a group is not in itself".to_owned())),
            RowKind::User => {
                people.insert(UserId::from(id));
            }
            RowKind::Group => {
                groups.insert(GroupId::from(id));
            }
        }
    }
    Ok((Step::Come { people, groups }, unknown))
}
