//! What someone's assignments allow in one application: the question, and how it is answered. Pure.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::store::establishment::application::{ACCESS_PRIVILEGE, Access, Application, Level, Service};
use crate::store::establishment::assignment::{Assignment, Origin, Step};
use crate::types::id::AssignmentId;
use crate::types::time::Timestamp;

/// Most scopes named of those where a privilege is held, when it is not held where it was asked.
const SCOPES_MAX: usize = 50;

/// How far a privilege has to go for whoever asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Enough {
    /// Reading is enough.
    #[default]
    Read,
    /// Reading is not enough.
    Yes,
}

/// What decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// A role gives it.
    Role,
    /// The service is open to whoever has any role.
    OpenService,
    /// Someone responsible allowed this protected service.
    ProtectedService,
    /// Nobody of that name is known.
    UnknownPerson,
    /// The person is not active.
    Inactive,
    /// The establishment is blocked.
    Blocked,
    /// The person holds no role of the application.
    NoRole,
    /// No role that the person holds has the privilege.
    NoPrivilege,
    /// Roles that the person holds elsewhere have it.
    OtherScope,
    /// A role has it for reading only, and that is not enough.
    ReadingOnly,
    /// A role has it for people in a relation with the holder, and the question names none.
    NobodyNamed,
    /// A role has it for people in a relation with the holder, and the one named is not.
    NoRelation,
    /// Nobody allowed this protected service.
    NotAllowed,
    /// The application has no such service.
    UnknownService,
}

/// Why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Reason {
    /// What decided.
    pub because: Because,
    /// The assignment that decided.
    pub assignment: Option<AssignmentId>,
    /// Where that comes from.
    pub origin: Option<Origin>,
    /// Until when it holds; for ever when absent.
    pub until: Option<Timestamp>,
    /// The way from the entry to the role, or the words of whoever gave it.
    pub path: Vec<Step>,
    /// Scopes in which the privilege is held, when it is not held where it was asked: at most 50.
    pub scopes: Vec<String>,
}

/// The answer to one question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Verdict {
    /// Whether the person may.
    pub allowed: bool,
    /// How far the strongest role that holds there goes.
    pub level: Level,
    /// That role.
    pub role: Option<String>,
    /// Where it is held; empty is everywhere.
    pub scope: Option<String>,
    /// Whether the person still waits for an administrator, with the default role alone.
    pub pending: bool,
    /// Why.
    pub reason: Reason,
}

impl Verdict {
    /// A refusal that no assignment has to do with.
    pub fn no(because: Because) -> Self {
        let reason = Reason { because, assignment: None, origin: None, until: None, path: Vec::new(), scopes: Vec::new() };
        Self { allowed: false, level: Level::No, role: None, scope: None, pending: false, reason }
    }

    /// As a client is told: without the way to the role, and as of someone without a role when it is not to learn who is known and active.
    #[must_use]
    pub fn for_client(mut self, told_who: bool) -> Self {
        if !told_who && matches!(self.reason.because, Because::UnknownPerson | Because::Inactive) {
            self.reason.because = Because::NoRole;
        }
        self.reason.path.clear();
        self
    }

    fn by(because: Because, allowed: bool, level: Level, held: &Assignment) -> Self {
        let reason = Reason {
            because,
            assignment: Some(held.id),
            origin: Some(held.origin),
            until: held.valid_until,
            path: held.reason.clone(),
            scopes: Vec::new(),
        };
        Self { allowed, level, role: Some(held.role.clone()), scope: Some(held.scope.clone()), pending: false, reason }
    }
}

/// What is asked: a privilege, there, at least so far.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The privilege.
    pub privilege: &'a str,
    /// Where; empty is everywhere.
    pub scope: &'a str,
    /// Scopes above that one, from which roles hold down to it.
    pub above: &'a [String],
    /// How far it has to go.
    pub enough: Enough,
}

impl Asked<'_> {
    /// Whether a role held in a scope holds where it is asked.
    fn covered_by(&self, held: &str) -> bool {
        held.is_empty() || held == self.scope || self.above.iter().any(|above| above == held)
    }
}

/// Whom a question about `own` things names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Nobody.
    Unnamed,
    /// Someone in the relation, or the holder themselves.
    Holds,
    /// Someone else.
    Absent,
}

/// Whether the answer depends on a relation.
pub fn wants_relation(application: &Application, held: &[Assignment], asked: &Asked<'_>) -> bool {
    held.iter().any(|a| asked.covered_by(&a.scope) && level(application, a, asked.privilege) == Level::Own)
}

/// Answers from the assignments that count, strongest role first.
pub fn weigh(application: &Application, held: &[Assignment], asked: &Asked<'_>, relation: Relation) -> Verdict {
    let found = if asked.privilege == ACCESS_PRIVILEGE && !application.services.is_empty() {
        weigh_service(application.services.iter().find(|service| service.name == asked.scope), held)
    } else {
        weigh_privilege(application, held, asked, relation)
    };
    let waits = application.policy.pending_until_validated && !held.is_empty() && held.iter().all(|a| a.origin == Origin::Default);
    Verdict { pending: waits, ..found }
}

fn level(application: &Application, held: &Assignment, privilege: &str) -> Level {
    application.role(&held.role).map_or(Level::No, |role| role.level(privilege))
}

/// VAU-11, VAU-30: any role opens what is open; what is protected is opened by a role that is bound to it.
fn weigh_service(service: Option<&Service>, held: &[Assignment]) -> Verdict {
    let Some(service) = service else { return Verdict::no(Because::UnknownService) };
    let Some(strongest) = held.first() else { return Verdict::no(Because::NoRole) };
    match service.access {
        Access::Open => Verdict::by(Because::OpenService, true, Level::Yes, strongest),
        Access::Protected => match held.iter().find(|a| a.scope == service.name) {
            Some(bound) => Verdict::by(Because::ProtectedService, true, Level::Yes, bound),
            None => Verdict::no(Because::NotAllowed),
        },
    }
}

fn weigh_privilege(application: &Application, held: &[Assignment], asked: &Asked<'_>, relation: Relation) -> Verdict {
    if held.is_empty() {
        return Verdict::no(Because::NoRole);
    }
    let levels = held.iter().map(|a| (level(application, a, asked.privilege), a)).filter(|(level, _)| *level != Level::No);
    let (mut here, elsewhere): (Vec<_>, Vec<_>) = levels.partition(|(_, a)| asked.covered_by(&a.scope));
    // Of equal levels the role that comes first in the catalogue: assignments come in that order.
    here.sort_by_key(|(level, _)| *level);
    let verdicts = here.into_iter().map(|(level, a)| {
        let (allowed, because) = match (level, asked.enough, relation) {
            (Level::Read, Enough::Yes, _) => (false, Because::ReadingOnly),
            (Level::Own, _, Relation::Unnamed) => (false, Because::NobodyNamed),
            (Level::Own, _, Relation::Absent) => (false, Because::NoRelation),
            (Level::No, ..) => (false, Because::NoPrivilege),
            (Level::Yes | Level::Read | Level::Own, ..) => (true, Because::Role),
        };
        Verdict::by(because, allowed, level, a)
    });
    let mut refused = None;
    for verdict in verdicts {
        if verdict.allowed {
            return verdict;
        }
        refused.get_or_insert(verdict);
    }
    refused.unwrap_or_else(|| not_here(elsewhere))
}

fn not_here(elsewhere: Vec<(Level, &Assignment)>) -> Verdict {
    let mut scopes: Vec<String> = elsewhere.into_iter().map(|(_, a)| a.scope.clone()).collect();
    scopes.sort_unstable();
    scopes.dedup();
    scopes.truncate(SCOPES_MAX);
    let mut verdict = Verdict::no(if scopes.is_empty() { Because::NoPrivilege } else { Because::OtherScope });
    verdict.reason.scopes = scopes;
    verdict
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]
mod tests {
    use super::*;
    use crate::store::establishment::application::{Cardinality, Policy, Role, ScopeKind};
    use crate::types::id::{ApplicationId, UserId};

    fn application(services: Vec<Service>) -> Application {
        let roles = r#"[{"name": "all", "privileges": {"*": "yes", "marks": "read"}}, {"name": "tutor", "privileges": {"marks": "own"}},
            {"name": "reader", "privileges": {"marks": "read"}}, {"name": "none"}]"#;
        let at = Timestamp::from_seconds(0);
        Application {
            id: ApplicationId::new(),
            name: "notes".to_owned(),
            title: String::new(),
            cardinality: Cardinality::Multi,
            default_role: None,
            scope_kind: ScopeKind::Unit,
            roles: serde_json::from_str::<Vec<Role>>(roles).unwrap(),
            claim_shape: serde_json::json!({}),
            policy: Policy::default(),
            services,
            created_at: at,
            updated_at: at,
        }
    }

    fn held(role: &str, scope: &str) -> Assignment {
        Assignment {
            id: AssignmentId::new(),
            user_id: UserId::new(),
            application_id: ApplicationId::new(),
            application: "notes".to_owned(),
            role: role.to_owned(),
            scope: scope.to_owned(),
            origin: Origin::Rule,
            rule_id: None,
            valid_from: None,
            valid_until: None,
            reason: Vec::new(),
            given_by: None,
            created_at: Timestamp::from_seconds(0),
        }
    }

    fn asked<'a>(privilege: &'a str, scope: &'a str, above: &'a [String]) -> Asked<'a> {
        Asked { privilege, scope, above, enough: Enough::Read }
    }

    fn found(held: &[Assignment], asked: &Asked<'_>, relation: Relation) -> (bool, Level, Because) {
        let verdict = weigh(&application(Vec::new()), held, asked, relation);
        (verdict.allowed, verdict.level, verdict.reason.because)
    }

    #[test]
    fn the_strongest_level_that_is_allowed_answers() {
        let both = [held("tutor", "RT"), held("reader", "RT")];
        assert_eq!(found(&both, &asked("marks", "RT", &[]), Relation::Absent), (true, Level::Read, Because::Role));
        let whole = Asked { enough: Enough::Yes, ..asked("marks", "RT", &[]) };
        assert_eq!(found(&both, &whole, Relation::Holds), (true, Level::Own, Because::Role));
        assert_eq!(found(&both, &whole, Relation::Absent), (false, Level::Read, Because::ReadingOnly));
        let own = [held("tutor", "")];
        assert_eq!(found(&own, &whole, Relation::Unnamed), (false, Level::Own, Because::NobodyNamed));
        assert_eq!(found(&own, &whole, Relation::Absent), (false, Level::Own, Because::NoRelation));
    }

    #[test]
    fn what_a_role_says_of_a_privilege_goes_before_what_it_says_of_all() {
        let all = [held("all", "")];
        assert_eq!(found(&all, &asked("anything", "", &[]), Relation::Unnamed), (true, Level::Yes, Because::Role));
        assert_eq!(found(&all, &asked("marks", "", &[]), Relation::Unnamed), (true, Level::Read, Because::Role));
    }

    #[test]
    fn a_role_holds_everywhere_there_or_above() {
        let (above, there) = (["IUT".to_owned()], [held("reader", "IUT")]);
        assert_eq!(found(&there, &asked("marks", "RT", &above), Relation::Unnamed).2, Because::Role);
        assert_eq!(found(&there, &asked("marks", "RT", &[]), Relation::Unnamed).2, Because::OtherScope);
        // Who asks about no scope asks about everywhere.
        let verdict = weigh(&application(Vec::new()), &there, &asked("marks", "", &[]), Relation::Unnamed);
        assert_eq!((verdict.allowed, verdict.reason.scopes), (false, vec!["IUT".to_owned()]));
        assert_eq!(found(&[held("none", "")], &asked("marks", "", &[]), Relation::Unnamed).2, Because::NoPrivilege);
        assert_eq!(found(&[], &asked("marks", "", &[]), Relation::Unnamed).2, Because::NoRole);
    }

    /// VAU-11, VAU-30.
    #[test]
    fn any_role_opens_what_is_open_and_a_bound_one_what_is_protected() {
        let service = |name: &str, access| Service { name: name.to_owned(), title: String::new(), access };
        let here = application(vec![service("permits", Access::Protected), service("news", Access::Open)]);
        let found = |held: &[Assignment], scope| weigh(&here, held, &asked(ACCESS_PRIVILEGE, scope, &[]), Relation::Unnamed);
        let everywhere = [held("all", ""), held("none", "")];
        assert!(found(&everywhere, "news").allowed);
        assert_eq!(found(&everywhere, "permits").reason.because, Because::NotAllowed);
        assert_eq!(found(&everywhere, "other").reason.because, Because::UnknownService);
        assert_eq!(found(&[held("none", "permits")], "permits").reason.because, Because::ProtectedService);
        assert_eq!(found(&[held("none", "permits")], "news").reason.because, Because::OpenService);
        assert!(!found(&[], "news").allowed);
    }
}
