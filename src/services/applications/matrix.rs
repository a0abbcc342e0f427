//! An application's privileges beside its roles, as one table. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use utoipa::ToSchema;

use crate::store::establishment::application::{Application, Level};

/// One privilege, and how far each role has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct MatrixRow {
    /// The privilege.
    pub privilege: String,
    /// Role → level; every role is there.
    pub levels: BTreeMap<String, Level>,
}

/// Privileges × roles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Matrix {
    /// The application's name.
    pub application: String,
    /// Its roles, strongest first.
    pub roles: Vec<String>,
    /// Its privileges, by name; `*` stands for every one that a role does not name.
    pub rows: Vec<MatrixRow>,
}

impl From<&Application> for Matrix {
    fn from(application: &Application) -> Self {
        let roles = &application.roles;
        let privileges: BTreeSet<&String> = roles.iter().flat_map(|role| role.privileges.keys()).collect();
        let row = |privilege: &String| MatrixRow {
            privilege: privilege.clone(),
            levels: roles.iter().map(|role| (role.name.clone(), role.level(privilege))).collect(),
        };
        Self {
            application: application.name.clone(),
            roles: roles.iter().map(|role| role.name.clone()).collect(),
            rows: privileges.into_iter().map(row).collect(),
        }
    }
}
