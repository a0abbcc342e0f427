//! Members of a feed's groups: who comes and who goes, by single memberships. A group of many is never read for one of them.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Value, json};
use uuid::Uuid;

use super::super::change::Stop;
use super::super::error::ScimError;
use super::super::members::{MemberOp, MemberRef};
use super::super::schema::Kind;
use super::Work;
use crate::store::establishment::scim_resource::{self, Kind as RowKind};
use crate::store::establishment::{member, membership};
use crate::types::id::{GroupId, UserId};

/// Members of one group that one request names, those who come and those who go together.
pub const NAMED_MAX: usize = 100_000;
/// Most members that the trail names of one change; it always has their number.
const TRACED_MAX: usize = 100;
/// Most members that were passed over and are named to whoever looks into the feed's requests.
const PASSED_NAMED_MAX: usize = 5;
/// So much is shown of an identifier, in characters.
const ID_SHOWN_MAX: usize = 64;

/// What becomes of a group's members: worked out by reading alone, then written.
#[derive(Debug)]
pub struct Members {
    group: GroupId,
    /// Who is to be in it, in the order of the operations.
    steps: Vec<Step>,
    leaving: u64,
    taken: u64,
    added: u64,
    removed: u64,
    passed: Passed,
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

/// Members that were named and are no resources of the feed.
#[derive(Debug, Default)]
struct Passed {
    count: u64,
    /// The first of them.
    named: Vec<String>,
}

impl Passed {
    fn over(&mut self, id: &str) {
        self.count += 1;
        if self.named.len() < TRACED_MAX {
            self.named.push(shown(id));
        }
    }

    /// What whoever looks into the feed's requests is told.
    fn told(&self) -> Option<String> {
        let named: Vec<String> = self.named.iter().take(PASSED_NAMED_MAX).map(|id| format!("«{id}»")).collect();
        let more = if self.count > named.len() as u64 { ", …" } else { "" };
        (self.count > 0).then(|| format!("members passed over, whom this feed does not have: {} ({}{more})", self.count, named.join(", ")))
    }
}

fn shown(id: &str) -> String {
    id.chars().filter(|c| !c.is_control()).take(ID_SHOWN_MAX).collect()
}

impl Members {
    /// Works it out. `count` is how many there are now. Whoever the feed does not have is passed over, so that one who left in the meantime keeps
    /// none of the others out; the trail counts them.
    ///
    /// # Errors
    /// 400 `invalidValue` for a member that is of another type than is said, `tooMany` for more than one request may name.
    pub async fn of(work: &mut Work<'_>, group: GroupId, count: i64, ops: &[MemberOp]) -> Result<Self, Stop> {
        if ops.iter().map(named).sum::<usize>() > NAMED_MAX {
            let told = format!("one request names at most {NAMED_MAX} members, who come or go: send the others in another");
            return Err(Stop::refused(ScimError::too_many(told)));
        }
        let kinds = kinds_of(work, ops).await?;
        let mut members =
            Self { group, steps: Vec::new(), leaving: 0, taken: 0, added: 0, removed: 0, passed: Passed::default(), traced: Vec::new() };
        let goes = ops.iter().any(|op| !matches!(op, MemberOp::Add(_)));
        let children = if goes { membership::children_of_group(work.tx, group).await? } else { Vec::new() };
        // Where everyone goes, or all who stay are named, nothing is left of what was asked before.
        let whole = ops.iter().rposition(|op| matches!(op, MemberOp::RemoveAll | MemberOp::Replace(_))).unwrap_or_default();
        for (at, op) in ops.iter().enumerate() {
            let coming = match op {
                MemberOp::Add(all) | MemberOp::Replace(all) => Some(members.come_of(all, &kinds)?),
                MemberOp::Remove(_) | MemberOp::RemoveAll => None,
            };
            if at >= whole {
                members.take_step(work, (count, &children), op, coming).await?;
            }
        }
        if let Some(told) = members.passed.told() {
            work.feed.trail.passed_over(|| told);
        }
        Ok(members)
    }

    async fn take_step(
        &mut self,
        work: &mut Work<'_>,
        (count, children): (i64, &[GroupId]),
        op: &MemberOp,
        coming: Option<Step>,
    ) -> Result<(), Stop> {
        let people_now = (count - i64::try_from(children.len()).unwrap_or(count)).max(0).unsigned_abs();
        match op {
            MemberOp::Add(_) => {
                let nobody = |step: &Step| matches!(step, Step::Come { people, groups } if people.is_empty() && groups.is_empty());
                self.steps.extend(coming.filter(|step| !nobody(step)));
            }
            MemberOp::Remove(ids) => {
                let ids: BTreeSet<Uuid> = ids.iter().filter_map(|id| Uuid::parse_str(id).ok()).collect();
                if !ids.is_empty() {
                    let people = member::count_among(work.tx, self.group, &ids).await?.unsigned_abs();
                    let groups: Vec<GroupId> = children.iter().copied().filter(|child| ids.contains(&child.uuid())).collect();
                    self.leaving += people + below(work, &groups).await?.0;
                    self.steps.push(Step::Go(ids));
                }
            }
            MemberOp::RemoveAll => {
                self.leaving += people_now + below(work, children).await?.0;
                self.steps.push(Step::Clear);
            }
            MemberOp::Replace(_) => {
                let Some(Step::Come { people, groups }) = &coming else { return Ok(()) };
                let kept: BTreeSet<Uuid> = people.iter().map(|one| one.uuid()).chain(groups.iter().map(|one| one.uuid())).collect();
                let stay = member::count_among(work.tx, self.group, &kept).await?.unsigned_abs();
                let gone: Vec<GroupId> = children.iter().copied().filter(|child| !groups.contains(child)).collect();
                self.leaving += people_now.saturating_sub(stay) + below(work, &gone).await?.0;
                self.steps.push(Step::Keep(kept));
                self.steps.extend(coming);
            }
        }
        Ok(())
    }

    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// How many memberships are taken away, at most: with a group within it go those of everyone inside.
    pub fn leaving(&self) -> u64 {
        self.leaving
    }

    /// Whether anyone came or went, once it is written.
    pub fn changed(&self) -> bool {
        self.added + self.removed > 0
    }

    /// How many memberships were taken away.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// What the trail says.
    pub fn told(&self) -> Value {
        json!({ "members_added": self.added, "members_removed": self.removed, "members_unknown": self.passed.count,
            "members_passed_over": self.passed.named, "members": self.traced })
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
        let named: Vec<UserId> = ids.iter().copied().map(UserId::from).collect();
        let gone = member::remove(work.tx, self.group, &named).await?;
        self.removed += gone.len() as u64;
        self.taken += gone.len() as u64;
        self.trace("removed", gone.iter().map(|one| one.uuid()));
        if gone.len() < ids.len() {
            let children = membership::children_of_group(work.tx, self.group).await?;
            let groups: Vec<GroupId> = children.into_iter().filter(|child| ids.contains(&child.uuid())).collect();
            let (taken, inside) = below(work, &groups).await?;
            self.removed += member::unnest(work.tx, self.group, &groups).await?;
            self.taken += taken;
            self.trace("removed", groups.iter().map(|one| one.uuid()));
            work.batch.touched.extend(inside);
        }
        work.batch.touched.extend(gone);
        Ok(())
    }

    async fn come(&mut self, work: &mut Work<'_>, people: &BTreeSet<UserId>, groups: &BTreeSet<GroupId>) -> Result<(), Stop> {
        let people: Vec<UserId> = people.iter().copied().collect();
        let came = member::add(work.tx, self.group, &people).await?;
        self.added += came.len() as u64;
        self.trace("added", came.iter().map(|one| one.uuid()));
        for id in groups {
            if member::nest(work.tx, self.group, *id).await? {
                self.added += 1;
                self.trace("added", std::iter::once(id.uuid()));
                let inside = member::people_inside(work.tx, &[*id]).await?;
                work.batch.touched.extend(inside);
            }
        }
        work.batch.touched.extend(came);
        Ok(())
    }

    fn trace(&mut self, what: &str, ids: impl Iterator<Item = Uuid>) {
        let room = TRACED_MAX.saturating_sub(self.traced.len());
        self.traced.extend(ids.take(room).map(|id| json!({ what: id })));
    }

    /// Who comes, without those whom the feed does not have.
    fn come_of(&mut self, all: &[MemberRef], kinds: &HashMap<Uuid, RowKind>) -> Result<Step, Stop> {
        let refuse = |told: String| Stop::refused(ScimError::invalid_value(told));
        let (mut people, mut groups) = (BTreeSet::new(), BTreeSet::new());
        for member in all {
            let known = Uuid::parse_str(&member.id).ok().and_then(|id| Some((id, *kinds.get(&id)?)));
            let Some((id, kind)) = known else {
                self.passed.over(&member.id);
                continue;
            };
            match kind {
                RowKind::User if member.kind == Some(Kind::Group) => {
                    return Err(refuse(format!("members: «{}» is a User and no Group", shown(&member.id))));
                }
                RowKind::Group if member.kind == Some(Kind::User) => {
                    return Err(refuse(format!("members: «{}» is a Group and no User", shown(&member.id))));
                }
                RowKind::Group if id == self.group.uuid() => return Err(refuse("members: a group is not in itself".to_owned())),
                RowKind::User => {
                    people.insert(UserId::from(id));
                }
                RowKind::Group => {
                    groups.insert(GroupId::from(id));
                }
            }
        }
        Ok(Step::Come { people, groups })
    }
}

/// How many members an operation names.
fn named(op: &MemberOp) -> usize {
    match op {
        MemberOp::Add(all) | MemberOp::Replace(all) => all.len(),
        MemberOp::Remove(ids) => ids.len(),
        MemberOp::RemoveAll => 0,
    }
}

/// What goes with groups within a group: the memberships of everyone inside them, one at least for each, and who these are.
async fn below(work: &mut Work<'_>, groups: &[GroupId]) -> Result<(u64, Vec<UserId>), Stop> {
    let inside = member::people_inside(work.tx, groups).await?;
    Ok((inside.len().max(groups.len()) as u64, inside))
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
