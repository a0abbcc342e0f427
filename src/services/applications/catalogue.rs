//! Ready-made applications, as files that people can read, copy and change.

use serde::Serialize;
use utoipa::ToSchema;

use super::super::context::Context;
use super::super::error::Error;
use super::fields::ApplicationFields;
use crate::store::establishment::application::{self, Cardinality};
use crate::types::permission::Permission;

/// Applications that come with the gateway: name and text.
pub const fn catalogue() -> [(&'static str, &'static str); 9] {
    [
        ("espace-securise", include_str!("../../../config/catalog/espace-securise.toml")),
        ("gitlab", include_str!("../../../config/catalog/gitlab.toml")),
        ("grafana", include_str!("../../../config/catalog/grafana.toml")),
        ("jupyterhub", include_str!("../../../config/catalog/jupyterhub.toml")),
        ("moodle", include_str!("../../../config/catalog/moodle.toml")),
        ("omenori", include_str!("../../../config/catalog/omenori.toml")),
        ("sacoche", include_str!("../../../config/catalog/sacoche.toml")),
        ("scodoc", include_str!("../../../config/catalog/scodoc.toml")),
        ("vie-scolaire", include_str!("../../../config/catalog/vie-scolaire.toml")),
    ]
}

/// A catalogue that comes with the gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Shipped {
    /// Its name, which is the application's.
    pub name: String,
    /// What people read.
    pub title: String,
    /// Its edition.
    pub version: Option<String>,
    /// How many roles one person may hold.
    pub cardinality: Cardinality,
    /// Its roles, strongest first.
    pub roles: Vec<String>,
    /// Whether the establishment has an application of this name.
    pub installed: bool,
    /// The edition that it has.
    pub installed_version: Option<String>,
}

/// The catalogues that come with the gateway, by name, beside what the establishment has of them.
///
/// # Errors
/// `Forbidden`.
pub async fn shipped(ctx: &Context) -> Result<Vec<Shipped>, Error> {
    ctx.require(Permission::Read)?;
    let mut tx = ctx.store.read().await?;
    let here = application::list(&mut tx).await?;
    let told = |(name, text): (&str, &str)| {
        let fields = from_catalogue(text)?;
        let installed = here.iter().find(|application| application.name == name);
        Ok(Shipped {
            name: fields.name,
            title: fields.title,
            version: fields.policy.version,
            cardinality: fields.cardinality,
            roles: fields.roles.into_iter().map(|role| role.name).collect(),
            installed: installed.is_some(),
            installed_version: installed.and_then(|application| application.policy.version.clone()),
        })
    };
    catalogue().into_iter().map(told).collect()
}

/// A catalogue that comes with the gateway.
///
/// # Errors
/// `Invalid` with the names of those that there are.
pub fn shipped_of(name: &str) -> Result<ApplicationFields, Error> {
    if let Some((_, text)) = catalogue().into_iter().find(|(shipped, _)| *shipped == name) {
        return from_catalogue(text);
    }
    let names: Vec<&str> = catalogue().iter().map(|(name, _)| *name).collect();
    Err(Error::invalid("catalogue", format!("«{name}» does not come with the gateway: {}", names.join(", "))))
}

/// Reads an application from the text of a catalogue file, in TOML or JSON.
///
/// # Errors
/// `Invalid` with the line of the mistake, or every field that does not fit.
pub fn from_catalogue(text: &str) -> Result<ApplicationFields, Error> {
    let unread = |error: String| Error::invalid("catalogue", error);
    let mut fields: ApplicationFields = if text.trim_start().starts_with('{') {
        serde_json::from_str(text).map_err(|error| unread(error.to_string()))?
    } else {
        toml::from_str(text).map_err(|error| unread(error.to_string()))?
    };
    // TOML has no null: a shape that leaves a claim out stands there as JSON.
    if let Some(shape) = fields.claim_shape.as_str() {
        fields.claim_shape = serde_json::from_str(shape).map_err(|error| Error::invalid("claim_shape", error.to_string()))?;
    }
    fields.checked()
}

/// An application as a catalogue file in TOML.
///
/// # Errors
/// `Internal` when it cannot be written so, which nothing that was accepted should cause.
pub fn to_toml(fields: &ApplicationFields) -> Result<String, Error> {
    let mut told = fields.clone();
    if holds_null(&told.claim_shape) {
        told.claim_shape = serde_json::Value::from(told.claim_shape.to_string());
    }
    toml::to_string_pretty(&told).map_err(|error| Error::Internal(format!("an application can be told in TOML, and was not: {error}")))
}

fn holds_null(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::Null => true,
        serde_json::Value::Array(items) => items.iter().any(holds_null),
        serde_json::Value::Object(members) => members.values().any(holds_null),
        _ => false,
    }
}
