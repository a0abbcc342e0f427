//! Who asks, and what they may do to whom. Compares what was looked up when the request came; reads no store.

use crate::store::establishment::application::{Application, ScopeKind};
use crate::store::establishment::user::User;
use crate::types::id::{TokenId, UserId};
use crate::types::permission::{APPLICATION, Extent, GatewayRole, Held, Permission};

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The program itself, or whoever may run its command line on the machine.
    System,
    /// Nobody known.
    Anonymous,
    /// A person signed in, with their roles in the gateway.
    User {
        /// The person.
        id: UserId,
        /// Roles in the application `passerelle`, each where it holds.
        roles: Vec<Held>,
    },
    /// An API token, acting with one role.
    Token {
        /// The token.
        id: TokenId,
        /// Its role, where it holds.
        role: Held,
        /// The person who answers for it.
        maker: Option<UserId>,
    },
    /// A source's sync run.
    Source(String),
}

/// Whom or what an act is about.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    /// A person: in the reach of whoever administers their home unit (SCO-17).
    Person(&'a User),
    /// A unit.
    Unit(&'a str),
    /// A role of an application that someone is to have, or not to have any more.
    Access {
        /// The person.
        person: &'a User,
        /// The application.
        application: &'a Application,
        /// The role.
        role: &'a str,
        /// Where the role holds.
        scope: &'a str,
    },
}

impl Actor {
    /// Someone with roles that hold everywhere.
    pub fn user(id: UserId, roles: &[GatewayRole]) -> Self {
        Self::User { id, roles: roles.iter().copied().map(Held::from).collect() }
    }

    /// A token with a role that holds everywhere, for which nobody in particular answers.
    pub fn token(id: TokenId, role: GatewayRole) -> Self {
        Self::Token { id, role: role.into(), maker: None }
    }

    /// As the audit trail names it.
    pub fn label(&self) -> String {
        match self {
            Self::System => "system".to_owned(),
            Self::Anonymous => "anonymous".to_owned(),
            Self::User { id, .. } => format!("user:{id}"),
            Self::Token { id, .. } => format!("token:{id}"),
            Self::Source(name) => format!("source:{name}"),
        }
    }

    /// The person who acts: in person, or by a token that they made.
    pub fn person(&self) -> Option<UserId> {
        match self {
            Self::User { id, .. } => Some(*id),
            Self::Token { maker, .. } => *maker,
            Self::System | Self::Anonymous | Self::Source(_) => None,
        }
    }

    /// The roles of the gateway that the actor holds.
    pub fn held(&self) -> &[Held] {
        match self {
            Self::User { roles, .. } => roles,
            Self::Token { role, .. } => std::slice::from_ref(role),
            Self::System | Self::Anonymous | Self::Source(_) => &[],
        }
    }

    /// Whether the actor holds everything that a role of the gateway gives: nobody hands on more than they hold (SECURITY 24).
    pub fn covers(&self, wanted: &Held) -> bool {
        *self == Self::System || self.held().iter().any(|held| held.covers(wanted))
    }

    /// The same for a role that holds everywhere.
    pub fn may_act_as(&self, wanted: GatewayRole) -> bool {
        self.covers(&wanted.into())
    }

    /// Whether the actor may give someone a role of the gateway until its end, or take it away, which is to give it until now: holds it at
    /// least as long, may delegate, and reaches the person.
    pub fn may_delegate(&self, wanted: &Held, person: Option<&User>) -> bool {
        let reached = |held: &Held| person.is_none_or(|person| reaches(&held.extent, &Subject::Person(person)));
        let hands_on = |held: &Held| held.role.gives(Permission::Delegate) && held.covers(wanted) && held.outlasts(wanted) && reached(held);
        *self == Self::System || self.held().iter().any(hands_on)
    }

    /// Whether the actor may give whatever there is.
    pub fn may_delegate_all(&self) -> bool {
        *self == Self::System
    }

    /// Whether the actor holds a permission in the whole establishment.
    pub fn may(&self, permission: Permission) -> bool {
        match self {
            Self::System => true,
            Self::Anonymous => false,
            Self::User { .. } | Self::Token { .. } => self.held().iter().any(|held| held.gives(permission)),
            // A run writes the facts of its source and configures nothing.
            Self::Source(_) => {
                matches!(permission, Permission::ManageUsers | Permission::AttachPeople | Permission::SeePeople | Permission::Read)
            }
        }
    }

    /// Whether the actor holds a permission anywhere.
    pub fn may_somewhere(&self, permission: Permission) -> bool {
        self.may(permission) || self.held().iter().any(|held| held.role.gives(permission))
    }

    /// Whether the actor holds a permission for someone or something. One role must give all of it: two that each give half do not add up.
    pub fn may_for(&self, permission: Permission, subject: &Subject<'_>) -> bool {
        self.may(permission) || self.held().iter().any(|held| held.role.gives(permission) && reaches(&held.extent, subject))
    }

    /// Whether the actor gives any role of an application.
    pub fn gives_of(&self, application: &Application) -> bool {
        let in_units = || application.roles.iter().any(|role| application.scope_kind_of(role) == ScopeKind::Unit);
        let gives = |held: &Held| match &held.extent {
            _ if !held.role.gives(Permission::ValidateAccess) => false,
            Extent::Everywhere => true,
            Extent::Unit { .. } => in_units(),
            Extent::Application(own) | Extent::Service { application: own, .. } => *own == application.name,
        };
        *self == Self::System || self.held().iter().any(gives)
    }

    /// The units in which the actor holds a permission; none when it is not only in units.
    pub fn units_for(&self, permission: Permission) -> Option<Vec<String>> {
        if self.may(permission) {
            return None;
        }
        let mut units = Vec::new();
        for held in self.held().iter().filter(|held| held.role.gives(permission)) {
            let Extent::Unit { all, .. } = &held.extent else { return None };
            units.extend(all.iter().cloned());
        }
        units.sort_unstable();
        units.dedup();
        Some(units)
    }
}

fn reaches(extent: &Extent, subject: &Subject<'_>) -> bool {
    match (extent, subject) {
        // Whoever answers for an application gives it to anyone of the establishment, whom they find by name.
        (Extent::Everywhere, _) | (Extent::Application(_) | Extent::Service { .. }, Subject::Person(_)) => true,
        (Extent::Unit { all, .. }, Subject::Person(person)) => person.home_unit.as_ref().is_some_and(|home| all.contains(home)),
        (Extent::Unit { all, .. }, Subject::Unit(unit)) => all.contains(*unit),
        (Extent::Unit { all, .. }, Subject::Access { person, application, role, scope }) => {
            let theirs = person.home_unit.as_ref().is_some_and(|home| all.contains(home));
            let in_units = application.role(role).is_some_and(|role| application.scope_kind_of(role) == ScopeKind::Unit);
            theirs && application.name != APPLICATION && in_units && all.contains(*scope)
        }
        (Extent::Application(_) | Extent::Service { .. }, Subject::Unit(_)) => false,
        (Extent::Application(own), Subject::Access { application, .. }) => application.name != APPLICATION && application.name == *own,
        (Extent::Service { application: own, service }, Subject::Access { application, scope, .. }) => {
            application.name != APPLICATION && application.name == *own && service == scope
        }
    }
}
