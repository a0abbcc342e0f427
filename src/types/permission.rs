//! What the gateway itself lets people do. Its own roles are an application like any other (`passerelle`).
//!
//! A role holds everywhere, in a unit with all units below it, or for an application or one service of it. This file compares; it reads no store.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::time::Timestamp;

/// The gateway's own application, present in every establishment.
pub const APPLICATION: &str = "passerelle";

/// One thing someone may do in the gateway. Six of them are the responsibilities that Vaud lets a référent delegate (VAU-11 to VAU-14).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Create, change and see all establishments (on the platform only).
    ManageEstablishments,
    /// Read everything of an establishment but secrets.
    Read,
    /// Find people by name.
    SeePeople,
    /// Change what the gateway knows of people, and remove them.
    ManageUsers,
    /// Make people, disable them and enable them: attach and detach (Vaud).
    AttachPeople,
    /// Make one-time links by which people choose a password.
    ResetPasswords,
    /// Configure sources, run them, approve held runs.
    ManageSources,
    /// Applications, rules, and whatever gives roles to many.
    ManageRoles,
    /// The tree of units (Vaud).
    ManageUnits,
    /// Give and take away roles of the gateway itself: delegate responsibilities (Vaud).
    Delegate,
    /// Give someone a role of an application: validate a request for access (Vaud).
    ValidateAccess,
    /// Take such a role away: revoke access (Vaud).
    RevokeAccess,
    /// What an establishment chooses for its people: preferences (Vaud).
    ManagePreferences,
    /// Clients and their secrets.
    ManageClients,
    /// API tokens.
    ManageTokens,
    /// Save the establishment whole, and put it back.
    Archive,
}

impl Permission {
    /// Every permission.
    pub const ALL: [Self; 16] = [
        Self::ManageEstablishments,
        Self::Read,
        Self::SeePeople,
        Self::ManageUsers,
        Self::AttachPeople,
        Self::ResetPasswords,
        Self::ManageSources,
        Self::ManageRoles,
        Self::ManageUnits,
        Self::Delegate,
        Self::ValidateAccess,
        Self::RevokeAccess,
        Self::ManagePreferences,
        Self::ManageClients,
        Self::ManageTokens,
        Self::Archive,
    ];

    /// Its name among the privileges of the application `passerelle`.
    pub const fn privilege(self) -> &'static str {
        match self {
            Self::ManageEstablishments => "establishments.manage",
            Self::Read => "read",
            Self::SeePeople => "people.see",
            Self::ManageUsers => "users.manage",
            Self::AttachPeople => "people.attach",
            Self::ResetPasswords => "passwords.reset",
            Self::ManageSources => "sources.manage",
            Self::ManageRoles => "roles.manage",
            Self::ManageUnits => "units.manage",
            Self::Delegate => "responsibilities.delegate",
            Self::ValidateAccess => "access.validate",
            Self::RevokeAccess => "access.revoke",
            Self::ManagePreferences => "preferences.manage",
            Self::ManageClients => "clients.manage",
            Self::ManageTokens => "tokens.manage",
            Self::Archive => "archive",
        }
    }
}

/// A role of the application `passerelle`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GatewayRole {
    /// Runs the platform: may do everything, everywhere.
    Operator,
    /// Administers one establishment.
    Administrator,
    /// Reads one establishment.
    Auditor,
    /// Administers the people of one unit and of the units below it.
    UnitAdministrator,
    /// Sends people one-time links when they lost their password.
    HelpDesk,
    /// Answers for an application, or for one of its services: gives and takes away its roles.
    Responsible,
}

/// Where a role of the gateway can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// In the whole establishment only.
    Establishment,
    /// In a unit only.
    Unit,
    /// In a unit or in the whole establishment.
    UnitOrEstablishment,
    /// For an application, or `application/service`, only.
    Application,
}

impl GatewayRole {
    /// Every role: those of the whole establishment first, strongest first.
    pub const ALL: [Self; 6] =
        [Self::Operator, Self::Administrator, Self::Auditor, Self::UnitAdministrator, Self::HelpDesk, Self::Responsible];

    /// The role's name in the catalogue.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Administrator => "administrator",
            Self::Auditor => "auditor",
            Self::UnitAdministrator => "unit_administrator",
            Self::HelpDesk => "help_desk",
            Self::Responsible => "responsible",
        }
    }

    /// The key of the text that people read of it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Operator => "role-operator",
            Self::Administrator => "role-administrator",
            Self::Auditor => "role-auditor",
            Self::UnitAdministrator => "role-unit-administrator",
            Self::HelpDesk => "role-help-desk",
            Self::Responsible => "role-responsible",
        }
    }

    /// The role of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.name() == name)
    }

    /// Where it can hold.
    pub const fn bound(self) -> Bound {
        match self {
            Self::Operator | Self::Administrator | Self::Auditor => Bound::Establishment,
            Self::UnitAdministrator => Bound::Unit,
            Self::HelpDesk => Bound::UnitOrEstablishment,
            Self::Responsible => Bound::Application,
        }
    }

    /// Whether whoever has this role holds every permission that the other gives.
    pub fn covers(self, other: Self) -> bool {
        Permission::ALL.into_iter().all(|permission| self.gives(permission) || !other.gives(permission))
    }

    /// Whether the role gives a permission.
    pub const fn gives(self, permission: Permission) -> bool {
        use Permission as P;
        match self {
            Self::Operator => true,
            Self::Administrator => !matches!(permission, P::ManageEstablishments),
            Self::Auditor => matches!(permission, P::Read | P::SeePeople),
            Self::UnitAdministrator => matches!(
                permission,
                P::SeePeople | P::ManageUsers | P::AttachPeople | P::ResetPasswords | P::Delegate | P::ValidateAccess | P::RevokeAccess
            ),
            Self::HelpDesk => matches!(permission, P::SeePeople | P::ResetPasswords),
            Self::Responsible => matches!(permission, P::SeePeople | P::ValidateAccess | P::RevokeAccess),
        }
    }
}

/// Where a role of the gateway holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Extent {
    /// In the whole establishment.
    Everywhere,
    /// In a unit and those below it.
    Unit {
        /// The unit.
        top: String,
        /// The unit with all that were below it when the role was looked up.
        all: Arc<BTreeSet<String>>,
    },
    /// For an application, with all its services.
    Application(String),
    /// For one service of an application.
    Service {
        /// The application.
        application: String,
        /// The service.
        service: String,
    },
}

impl Extent {
    /// A unit, alone until what lies below it is known.
    pub fn unit(top: &str) -> Self {
        Self::Unit { top: top.to_owned(), all: Arc::new(BTreeSet::from([top.to_owned()])) }
    }

    /// The extent that a scope names for a role: none when the role cannot hold there.
    pub fn of(role: GatewayRole, scope: &str) -> Option<Self> {
        match (role.bound(), scope) {
            (Bound::Establishment | Bound::UnitOrEstablishment, "") => Some(Self::Everywhere),
            (Bound::Establishment, _) | (Bound::Unit | Bound::Application, "") => None,
            (Bound::Unit | Bound::UnitOrEstablishment, unit) => Some(Self::unit(unit)),
            (Bound::Application, named) => {
                let (application, service) = named.split_once('/').map_or((named, None), |(name, service)| (name, Some(service)));
                match service {
                    // Whoever answered for the gateway itself could give any role of it.
                    _ if application == APPLICATION || application.is_empty() || service == Some("") => None,
                    Some(service) => Some(Self::Service { application: application.to_owned(), service: service.to_owned() }),
                    None => Some(Self::Application(application.to_owned())),
                }
            }
        }
    }

    /// The scope that names it: empty everywhere.
    pub fn scope(&self) -> String {
        match self {
            Self::Everywhere => String::new(),
            Self::Unit { top, .. } => top.clone(),
            Self::Application(name) => name.clone(),
            Self::Service { application, service } => format!("{application}/{service}"),
        }
    }

    /// Whether the other lies within.
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Everywhere, _) => true,
            (Self::Unit { all, .. }, Self::Unit { top, .. }) => all.contains(top),
            (Self::Application(own), Self::Application(name)) => own == name,
            (Self::Application(own), Self::Service { application, .. }) => own == application,
            (Self::Service { .. }, Self::Service { .. }) => self == other,
            (Self::Unit { .. } | Self::Application(_) | Self::Service { .. }, _) => false,
        }
    }
}

/// A role of the gateway where it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The role.
    pub role: GatewayRole,
    /// Where.
    pub extent: Extent,
    /// Until when; for ever when absent.
    pub until: Option<Timestamp>,
}

impl From<GatewayRole> for Held {
    fn from(role: GatewayRole) -> Self {
        Self { role, extent: Extent::Everywhere, until: None }
    }
}

impl Held {
    /// The role of a name in a scope; none for a role that the gateway does not know, or that cannot hold there.
    pub fn parse(role: &str, scope: &str) -> Option<Self> {
        let role = GatewayRole::from_name(role)?;
        Some(Self { role, extent: Extent::of(role, scope)?, until: None })
    }

    /// The same, held until then; for ever when absent.
    #[must_use]
    pub fn lasting(self, until: Option<Timestamp>) -> Self {
        Self { until, ..self }
    }

    /// Whether it gives a permission everywhere.
    pub fn gives(&self, permission: Permission) -> bool {
        self.extent == Extent::Everywhere && self.role.gives(permission)
    }

    /// Whether it is held at least as long as the other.
    pub fn outlasts(&self, other: &Self) -> bool {
        self.until.is_none_or(|end| other.until.is_some_and(|until| until <= end))
    }

    /// Whether whoever has it holds all that the other gives, wherever that holds. How long is not looked at.
    pub fn covers(&self, other: &Self) -> bool {
        self.role.covers(other.role) && self.extent.covers(&other.extent)
    }
}

impl std::fmt::Display for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.extent {
            Extent::Everywhere => f.write_str(self.role.name()),
            narrow => write!(f, "{} in {}", self.role.name(), narrow.scope()),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]
mod tests {
    use super::*;

    fn held(role: &str, scope: &str) -> Held {
        Held::parse(role, scope).unwrap()
    }

    #[test]
    fn a_role_holds_only_where_it_can() {
        let nowhere = [
            ("administrator", "rt"),
            ("operator", "rt"),
            ("auditor", "rt"),
            ("unit_administrator", ""),
            ("responsible", ""),
            ("responsible", "passerelle"),
            ("responsible", "passerelle/x"),
            ("responsible", "/x"),
            ("responsible", "notes/"),
            ("chief", ""),
        ];
        for (role, scope) in nowhere {
            assert_eq!(Held::parse(role, scope), None, "{role} in «{scope}»");
        }
        assert_eq!(held("help_desk", "").extent, Extent::Everywhere);
        assert_eq!(held("responsible", "notes/marks").extent.scope(), "notes/marks");
    }

    #[test]
    fn nobody_covers_what_gives_more_or_holds_elsewhere() {
        let order = ["operator", "administrator", "auditor"];
        for (at, one) in order.iter().enumerate() {
            for (below, other) in order.iter().enumerate() {
                assert_eq!(held(one, "").covers(&held(other, "")), at <= below, "{one} and {other}");
            }
        }
        let administrator = held("administrator", "");
        for (role, scope) in [("unit_administrator", "rt"), ("help_desk", ""), ("responsible", "notes/marks")] {
            assert!(administrator.covers(&held(role, scope)), "{role}");
            assert!(!held(role, scope).covers(&administrator), "{role}");
            assert!(held(role, scope).covers(&held(role, scope)), "{role}");
            assert!(!held(role, scope).covers(&held("auditor", "")), "{role}");
        }
        let unit = held("unit_administrator", "rt");
        assert!(unit.covers(&held("help_desk", "rt")));
        assert!(!unit.covers(&held("help_desk", "")) && !unit.covers(&held("unit_administrator", "geii")));
        assert!(!unit.covers(&held("responsible", "notes")) && !held("help_desk", "").covers(&unit));
        let application = held("responsible", "notes");
        assert!(application.covers(&held("responsible", "notes/marks")));
        assert!(!held("responsible", "notes/marks").covers(&application));
        assert!(!held("responsible", "notes/marks").covers(&held("responsible", "notes/absences")));
    }

    #[test]
    fn a_unit_covers_those_below_it() {
        let all = Arc::new(["iut", "rt"].map(str::to_owned).into());
        let above = Held { extent: Extent::Unit { top: "iut".to_owned(), all }, ..held("unit_administrator", "iut") };
        assert!(above.covers(&held("unit_administrator", "rt")));
        assert!(!held("unit_administrator", "rt").covers(&above));
    }

    #[test]
    fn what_ends_outlasts_nothing_that_ends_later_or_never() {
        let until = |end: Option<i64>| held("help_desk", "").lasting(end.map(Timestamp::from_seconds));
        assert!(until(None).outlasts(&until(None)) && until(None).outlasts(&until(Some(9))));
        assert!(until(Some(9)).outlasts(&until(Some(9))) && until(Some(9)).outlasts(&until(Some(1))));
        assert!(!until(Some(9)).outlasts(&until(Some(10))) && !until(Some(9)).outlasts(&until(None)));
    }

    #[test]
    fn every_permission_has_a_privilege_of_its_own() {
        let names: BTreeSet<&str> = Permission::ALL.into_iter().map(Permission::privilege).collect();
        assert_eq!(names.len(), Permission::ALL.len());
        for permission in Permission::ALL {
            assert!(GatewayRole::Operator.gives(permission));
        }
    }
}
