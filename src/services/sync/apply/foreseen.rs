//! What a run that writes nothing would do to roles: the facts that it would write are gathered, and rules are evaluated over them. It decides
//! nothing of what the run would write.

use serde_json::json;

use super::super::super::context::Context;
use super::super::super::error::Error;
use super::super::super::roles::{self, SimulatedRole, Supposed, View};
use super::super::members::GroupStep;
use super::super::reconcile::Turn;
use super::Work;
use crate::store::establishment::change::{ChangeKind, Operation};
use crate::store::establishment::group::Group;
use crate::store::establishment::link::Link;
use crate::store::establishment::user::{User, UserStatus};
use crate::types::id::{GroupId, SourceId, UserId};

/// Most roles named of what is gained, and of what is lost; their numbers are always complete.
const NAMED_MAX: usize = 50_000;
/// Most people gathered: bounds memory. A run over more of them says nothing of roles.
const PEOPLE_MAX: usize = 200_000;
/// Most entries, groups and memberships gathered, in the same way.
const STATEMENTS_MAX: usize = 2_000_000;

/// Facts as they would be, while they are gathered.
#[derive(Debug, Default)]
pub struct Foreseen {
    facts: Supposed,
    /// Entries, groups and memberships among them.
    statements: usize,
    too_many: bool,
}

/// Begins to gather, where nothing is written and some rule looks at facts.
pub async fn begin(ctx: &Context, writes: bool) -> Result<Option<Foreseen>, Error> {
    let matters = !writes && roles::facts_matter_in(&mut ctx.store.read().await?).await?;
    Ok(matters.then(Foreseen::default))
}

impl Foreseen {
    /// Somebody's entry is gone; whether that shuts them out, and whether it lets them in.
    pub fn gone(&mut self, source: SourceId, user: &User, (disabled, enabled): (bool, bool)) {
        let turn = match (disabled, enabled) {
            (true, _) => Turn::Disable,
            (_, true) => Turn::Enable,
            _ => Turn::Keep,
        };
        self.facts.gone.insert(user.id, source);
        self.statements += 1;
        self.restated(user, turn);
    }

    /// Somebody's fields are these.
    pub fn restated(&mut self, user: &User, turn: Turn) {
        let status = match turn {
            Turn::Disable => UserStatus::Disabled,
            Turn::Enable => UserStatus::Active,
            Turn::Keep => user.status,
        };
        self.facts.restated.insert(user.id, User { status, ..user.clone() });
        self.bounded();
    }

    /// Somebody's entry is there.
    pub fn present(&mut self, source: SourceId, user: UserId, dn: &str) {
        self.facts.present.insert(user, (source, Some(dn.to_owned())));
        self.stated(1);
    }

    /// Some people are new.
    pub fn created(&mut self, source: SourceId, users: &[User], links: &[Link]) {
        self.facts.new.extend(users.iter().map(|user| (user.id, user.clone())));
        self.facts.present.extend(links.iter().map(|link| (link.user_id, (source, link.dn.clone()))));
        self.stated(links.len());
    }

    /// A group is new, or has another name or place.
    pub fn group(&mut self, row: Group) {
        self.facts.groups.insert(row.id, row);
        self.stated(1);
    }

    /// People and groups are put into a group.
    pub fn coming_in(&mut self, step: &GroupStep) {
        for user in &step.added {
            self.facts.joined.entry(*user).or_default().push(step.id);
        }
        self.facts.nested.extend(step.nested.iter().map(|child| (step.id, *child)));
        self.stated(step.added.len() + step.nested.len());
    }

    /// People and groups are taken out of a group.
    pub fn going_out(&mut self, step: &GroupStep) {
        for user in &step.removed {
            self.facts.left.entry(*user).or_default().insert(step.id);
        }
        self.facts.unnested.extend(step.unnested.iter().map(|child| (step.id, *child)));
        self.stated(step.removed.len() + step.unnested.len());
    }

    /// A group is removed.
    pub fn removed(&mut self, group: GroupId) {
        self.facts.removed.insert(group);
        self.stated(1);
    }

    fn stated(&mut self, more: usize) {
        self.statements += more;
        self.bounded();
    }

    fn bounded(&mut self) {
        let people = self.facts.new.len() + self.facts.restated.len();
        if self.too_many || people > PEOPLE_MAX || self.statements > STATEMENTS_MAX {
            *self = Self { too_many: true, ..Self::default() };
        }
    }
}

impl Work<'_> {
    /// Names who would gain and lose which role.
    pub(super) async fn foretell_roles(&mut self) -> Result<(), Error> {
        let Some(Foreseen { facts, too_many: false, .. }) = self.supposed.take() else { return Ok(()) };
        // Others are not to wait for an evaluation.
        let tx = self.take().await?;
        self.settle(tx).await?;
        let view = View { limit: Some(NAMED_MAX), ..View::default() };
        let foretold = match roles::simulate_facts(self.ctx, facts, &view).await {
            Ok(foretold) => foretold,
            Err(Error::Invalid(wrong)) => {
                tracing::warn!(run.id = %self.run.id, ?wrong, "what a run would do to roles is not told");
                return Ok(());
            }
            Err(other) => return Err(other),
        };
        let gained = foretold.gained.iter().map(|row| (Operation::RolesGained, row));
        let lost = foretold.lost.iter().map(|row| (Operation::RolesLost, row));
        let mut tx = self.take().await?;
        for (operation, row) in gained.chain(lost) {
            let SimulatedRole { user, application, role, scope, rule } = row;
            let detail = json!({ "application": application, "role": role, "scope": scope, "rule": rule });
            self.journal.note(&mut tx, (ChangeKind::User, operation), Some(user.id.uuid()), &user.username, Some(detail)).await?;
        }
        self.run.counts.roles_gained = foretold.gained_count;
        self.run.counts.roles_lost = foretold.lost_count;
        self.give_back(tx, foretold.gained.len() + foretold.lost.len()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(added: usize, removed: usize) -> GroupStep {
        GroupStep {
            id: GroupId::new(),
            seen: None,
            known: None,
            added: vec![UserId::new(); added],
            removed: vec![UserId::new(); removed],
            nested: Vec::new(),
            unnested: Vec::new(),
            member_count: 0,
            members_hash: [0; 16],
            dangling: None,
        }
    }

    #[test]
    fn memberships_are_bounded_and_what_is_gathered_beyond_is_let_go() {
        let mut foreseen = Foreseen::default();
        foreseen.coming_in(&step(STATEMENTS_MAX - 10, 0));
        foreseen.going_out(&step(0, 10));
        assert!(!foreseen.too_many && foreseen.facts.joined.len() == 1);
        foreseen.removed(GroupId::new());
        assert!(foreseen.too_many && foreseen.facts.joined.is_empty());
        foreseen.present(SourceId::new(), UserId::new(), "uid=anne");
        foreseen.coming_in(&step(1, 0));
        assert!(foreseen.too_many && foreseen.facts.present.is_empty() && foreseen.facts.joined.is_empty(), "it gathers nothing more");
    }
}
