//! The facts that claims are made of, read from the store. What they become is decided in `claims` and `claim_shape`.

use std::sync::{Arc, LazyLock};

use moka::sync::Cache;
use serde_json::{Map, Value};

use super::claim_shape::ClaimShape;
use super::claims::{self, ClaimFacts, EstablishmentFacts, PersonFacts, RoleFacts};
use crate::services::context::Context;
use crate::services::error::Error;
use crate::services::roles;
use crate::store::Tx;
use crate::store::establishment::client::Client;
use crate::store::establishment::user::User;
use crate::store::establishment::{application, group};
use crate::types::id::ApplicationId;
use crate::types::locale::Locale;
use crate::types::oauth_scope::OauthScope;

/// Claim shapes kept compiled; each may hold regular expressions.
const SHAPES_MAX: u64 = 1024;

/// Most roles of which is told by which claim they show.
const ROLES_SHOWN_MAX: usize = 50;

/// Compiled claim shapes by their declarations: a pure function's results, so they never grow stale.
static SHAPES: LazyLock<Cache<String, Arc<ClaimShape>>> = LazyLock::new(|| Cache::new(SHAPES_MAX));

/// The claims about a person that a scope releases to a client.
pub async fn released_in(
    tx: &mut Tx,
    ctx: &Context,
    person: &User,
    client: &Client,
    scope: &OauthScope,
) -> Result<Map<String, Value>, Error> {
    let shape = shape_in(tx, client).await?;
    let facts = gather(tx, ctx, person, client, scope, shape.is_some()).await?;
    Ok(claims::released(&facts, scope, shape.as_deref().unwrap_or(&ClaimShape::default())))
}

/// What a client would be told of a person now, if it asked for everything that it may ask for.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// The claims.
    pub claims: Map<String, Value>,
    /// For each role the claims that it shows in: those that would be others without it.
    pub by_role: Vec<(RoleFacts, Map<String, Value>)>,
}

/// What a client would be told of a person now, and by which claim each role shows.
pub async fn told_in(tx: &mut Tx, ctx: &Context, person: &User, client: &Client) -> Result<Told, Error> {
    let scope: OauthScope = client.scopes.iter().cloned().collect();
    let shape = shape_in(tx, client).await?;
    let facts = gather(tx, ctx, person, client, &scope, shape.is_some()).await?;
    let shape = shape.as_deref().cloned().unwrap_or_default();
    let claims = claims::released(&facts, &scope, &shape);
    let shown = |role: &RoleFacts| {
        let roles = facts.roles.iter().filter(|other| *other != role).cloned().collect();
        let without = claims::released(&ClaimFacts { roles, ..facts.clone() }, &scope, &shape);
        claims
            .iter()
            .filter(|(name, value)| without.get(*name) != Some(*value))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    };
    let by_role = facts.roles.iter().take(ROLES_SHOWN_MAX).map(|role| (role.clone(), shown(role))).collect();
    Ok(Told { claims, by_role })
}

/// The roles that a person holds now in the client's application.
pub async fn roles_in(tx: &mut Tx, ctx: &Context, person: &User, application: Option<ApplicationId>) -> Result<Vec<RoleFacts>, Error> {
    let Some(application) = application else { return Ok(Vec::new()) };
    let held = roles::held_in(tx, ctx, person, application).await?;
    Ok(held.into_iter().map(|held| RoleFacts { role: held.role, scope: held.scope, until: held.until }).collect())
}

async fn gather(tx: &mut Tx, ctx: &Context, person: &User, client: &Client, scope: &OauthScope, shaped: bool) -> Result<ClaimFacts, Error> {
    // A shape may read any fact; without one, only what the scope releases is looked up.
    let groups = if shaped || scope.contains("groups") { group::effective_names_of_user(tx, person.id).await? } else { Vec::new() };
    let wants_roles = shaped || scope.contains("roles");
    let roles = if wants_roles { roles_in(tx, ctx, person, client.application_id).await? } else { Vec::new() };
    let here = &ctx.establishment;
    let establishment = EstablishmentFacts { slug: here.slug.clone(), name: here.name.clone(), uai: here.uai.clone() };
    Ok(ClaimFacts { person: facts_of(person), groups, roles, establishment })
}

fn facts_of(person: &User) -> PersonFacts {
    let value = |values: &Vec<String>| match values.as_slice() {
        [one] => Value::from(one.as_str()),
        several => Value::from(several),
    };
    let attributes = person.attributes.iter().map(|(name, values)| (name.clone(), value(values))).collect();
    PersonFacts {
        subject: subject(person),
        username: person.username.clone(),
        given_name: person.given_name.clone(),
        family_name: person.family_name.clone(),
        display_name: Some(person.display_name.clone()),
        email: person.email.clone(),
        // Nobody proved the address to the gateway: a directory states it.
        email_verified: false,
        locale: person.locale.as_deref().and_then(Locale::from_tag),
        updated_at: person.updated_at,
        attributes,
    }
}

/// The `sub` of a person: their key, which says nothing about them and never changes (OpenID Connect Core §2).
pub fn subject(person: &User) -> String {
    person.id.to_string()
}

/// The client's shape over its application's; none when neither declares anything.
async fn shape_in(tx: &mut Tx, client: &Client) -> Result<Option<Arc<ClaimShape>>, Error> {
    let of_application = match client.application_id {
        Some(id) => application::find(tx, id).await?.map(|found| found.claim_shape),
        None => None,
    };
    let declares = |shape: &Value| shape.get("claims").is_some();
    let own = Some(&client.claim_shape).filter(|shape| declares(shape));
    let inherited = of_application.as_ref().filter(|shape| declares(shape));
    if own.is_none() && inherited.is_none() {
        return Ok(None);
    }
    let key = format!("{}\n{}", inherited.unwrap_or(&Value::Null), own.unwrap_or(&Value::Null));
    if let Some(shape) = SHAPES.get(&key) {
        return Ok(Some(shape));
    }
    let parse = |shape: &Value| ClaimShape::parse(shape).map_err(|e| Error::Internal(format!("a stored claim shape is refused: {e}")));
    let shape = parse(inherited.unwrap_or(&Value::Null))?.overlaid(parse(own.unwrap_or(&Value::Null))?);
    let shape = Arc::new(shape);
    SHAPES.insert(key, shape.clone());
    Ok(Some(shape))
}
