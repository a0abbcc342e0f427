//! What the gateway itself lets people do. Its own roles are an application like any other (`passerelle`).

/// The gateway's own application, present in every establishment.
pub const APPLICATION: &str = "passerelle";

/// One thing someone may do in the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Create, change and see all establishments (on the platform only).
    ManageEstablishments,
    /// Read everything of an establishment but secrets.
    Read,
    /// Create, disable, enable, invite and reset people.
    ManageUsers,
    /// Configure sources, run them, approve held runs.
    ManageSources,
    /// Applications, rules, assignments.
    ManageRoles,
    /// Clients and their secrets.
    ManageClients,
    /// API tokens.
    ManageTokens,
    /// Save the establishment whole, and put it back.
    Archive,
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
}

impl GatewayRole {
    /// Every role, strongest first.
    pub const ALL: [Self; 3] = [Self::Operator, Self::Administrator, Self::Auditor];

    /// The role's name in the catalogue.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Administrator => "administrator",
            Self::Auditor => "auditor",
        }
    }

    /// The role of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.name() == name)
    }

    /// Whether whoever has this role holds all that the other gives.
    pub const fn covers(self, other: Self) -> bool {
        match self {
            Self::Operator => true,
            Self::Administrator => !matches!(other, Self::Operator),
            Self::Auditor => matches!(other, Self::Auditor),
        }
    }

    /// Whether the role gives a permission.
    pub const fn gives(self, permission: Permission) -> bool {
        match self {
            Self::Operator => true,
            Self::Administrator => !matches!(permission, Permission::ManageEstablishments),
            Self::Auditor => matches!(permission, Permission::Read),
        }
    }
}
