//! Why someone holds what they hold, down to the claim that an application would get now. Rules and their reasons are explained by `roles`.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::context::Context;
use super::error::Error;
use super::oidc::facts;
use super::roles::{self, Explanation};
use crate::store::establishment::assignment::Step;
use crate::store::establishment::client::{self, Client};
use crate::store::establishment::user::{self, User, UserStatus};
use crate::types::id::UserId;
use crate::types::permission::Permission;

/// The scope that releases roles.
const ROLES: &str = "roles";
/// Longest value of a claim in a path, in characters.
const VALUE_LENGTH_MAX: usize = 500;

/// What is to be explained.
#[derive(Clone, Copy, Debug, Default)]
pub struct Question<'a> {
    /// One application.
    pub application: Option<&'a str>,
    /// One role.
    pub role: Option<&'a str>,
    /// One client, by its identifier: then the application is that client's.
    pub client: Option<&'a str>,
}

/// Why someone would not get in by a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Refused {
    /// The client is disabled.
    ClientDisabled,
    /// The person is not active.
    PersonNotActive,
    /// The client wants a role of its application (`require_role`), and the person has none that counts.
    NoRole,
}

/// What a client would get now.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[expect(clippy::struct_excessive_bools, reason = "each is a field of its own in the API")]
pub struct ForClient {
    /// The client.
    pub client_id: String,
    /// What people read.
    pub name: String,
    /// The application whose roles it gets; none when it gets no roles.
    pub application: Option<String>,
    /// Scopes that it may ask for.
    pub scopes: Vec<String>,
    /// Whether it may ask for roles: they are in its claims only then, unless its claim shape gives them.
    pub may_ask_for_roles: bool,
    /// Whether a person without any role is refused.
    pub require_role: bool,
    /// Whether this person would get in.
    pub admitted: bool,
    /// Why not.
    pub refused: Option<Refused>,
    /// Whether the claims stand in the ID token too.
    pub claims_in_id_token: bool,
    /// The claims that it would get now, asking for all its scopes.
    #[schema(value_type = Object)]
    pub claims: Map<String, Value>,
}

/// Why, why not, and what of it an application is told.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Told {
    /// Why, and why not.
    #[serde(flatten)]
    pub explanation: Explanation,
    /// What a client would get now, when one was asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<ForClient>,
}

/// Explains someone's roles; with a client, down to the claim that it would get now.
///
/// # Errors
/// `NotFound` for an unknown person, application or client.
pub async fn explain(ctx: &Context, id: UserId, question: Question<'_>) -> Result<Told, Error> {
    let Some(client_id) = question.client else {
        // Whoever may see who holds what is told of that.
        return Ok(Told { explanation: roles::explain(ctx, id, question.application, question.role).await?, client: None });
    };
    ctx.require(Permission::Read)?;
    let mut tx = ctx.store.read().await?;
    let asked = client::find(&mut tx, client_id).await?.ok_or_else(|| Error::not_found(format!("client «{client_id}»")))?;
    let person = user::get(&mut tx, id).await?;
    let facts::Told { claims, by_role } = facts::told_in(&mut tx, ctx, &person, &asked).await?;
    let held = !facts::roles_in(&mut tx, ctx, &person, asked.application_id).await?.is_empty();
    drop(tx);
    let application = asked.application.as_deref().or(question.application);
    let mut explanation = roles::explain(ctx, id, application, question.role).await?;
    for explained in explanation.assignments.iter_mut().filter(|a| a.counts && asked.application.as_ref() == Some(&a.application)) {
        let scope = Some(explained.scope.as_str()).filter(|scope| !scope.is_empty());
        let shown = by_role.iter().filter(|(role, _)| role.role == explained.role && role.scope.as_deref() == scope);
        explained.path.extend(shown.flat_map(|(_, claims)| claims).map(|(name, value)| claim(name, value)));
    }
    Ok(Told { explanation, client: Some(for_client(asked, &person, held, claims)) })
}

fn claim(name: &str, value: &Value) -> Step {
    let text: String = value.to_string().chars().take(VALUE_LENGTH_MAX).collect();
    Step { kind: "claim".to_owned(), name: format!("{name} = {text}") }
}

fn for_client(asked: Client, person: &User, held: bool, claims: Map<String, Value>) -> ForClient {
    let refused = if !asked.enabled {
        Some(Refused::ClientDisabled)
    } else if person.status != UserStatus::Active {
        Some(Refused::PersonNotActive)
    } else {
        (asked.require_role && !held).then_some(Refused::NoRole)
    };
    ForClient {
        may_ask_for_roles: asked.scopes.iter().any(|scope| scope == ROLES),
        client_id: asked.client_id,
        name: asked.name,
        application: asked.application,
        scopes: asked.scopes,
        require_role: asked.require_role,
        admitted: refused.is_none(),
        claims: if refused.is_none() { claims } else { Map::new() },
        refused,
        claims_in_id_token: asked.claims_in_id_token,
    }
}
