//! What people read of themselves at `/Me` (RFC 7644 §3.11), with an access token: the person as the gateway knows them, whichever source states
//! them, as far as the token's scope goes. Nothing is changed here.

use serde_json::{Map, Value, json};

use super::error::ScimError;
use super::feeds::base_url;
use super::schema::{Kind, PASSERELLE_URN, USER_URN};
use super::versions::{number_of, tag};
use crate::services::context::Context;
use crate::services::oidc::facts;
use crate::services::oidc::protected::{self, Bearer};
use crate::store::Tx;
use crate::store::establishment::user::{User, UserStatus};
use crate::store::establishment::{application, group};

/// A person's own resource.
#[derive(Clone, Debug)]
pub struct Me {
    /// All of it that the token is for.
    pub resource: Map<String, Value>,
    /// The revision that its version is made of: it changes with what is shown.
    pub rev: i64,
    /// Its permanent address.
    pub location: String,
}

/// The resource of whoever an access token stands for; nothing for a token that is none.
///
/// # Errors
/// 403 for a token without the scope `openid`.
pub async fn read(ctx: &Context, token: &str) -> Result<Option<Me>, ScimError> {
    let mut tx = ctx.store.read().await?;
    let Some(bearer) = protected::bearer_in(&mut tx, ctx, token).await? else { return Ok(None) };
    if !bearer.scope.contains("openid") {
        return Err(ScimError::new(403, "this needs an access token with the scope openid"));
    }
    let location = format!("{}/{}/{}", base_url(ctx), Kind::User.endpoint(), bearer.person.id);
    let mut resource = resource_in(&mut tx, ctx, &bearer).await?;
    // A person's groups and roles change without their row.
    let rev = number_of(&[&Value::Object(resource.clone()), &json!(bearer.person.updated_at)]);
    let meta = json!({
        "resourceType": Kind::User.name(),
        "created": bearer.person.created_at,
        "lastModified": bearer.person.updated_at,
        "location": location,
        "version": tag(rev),
    });
    resource.insert("meta".to_owned(), meta);
    Ok(Some(Me { resource, rev, location }))
}

async fn resource_in(tx: &mut Tx, ctx: &Context, bearer: &Bearer) -> Result<Map<String, Value>, ScimError> {
    let person = &bearer.person;
    let mut resource = Map::new();
    resource.insert("id".to_owned(), json!(person.id));
    resource.insert("userName".to_owned(), json!(person.username));
    resource.insert("active".to_owned(), json!(person.status == UserStatus::Active));
    let mut own = Map::new();
    if bearer.scope.contains("profile") {
        add_profile(&mut resource, &mut own, person);
    }
    if let Some(address) = person.email.as_ref().filter(|_| bearer.scope.contains("email")) {
        resource.insert("emails".to_owned(), json!([{ "value": address, "type": "work", "primary": true }]));
    }
    if bearer.scope.contains("groups") {
        let groups = group::list_direct_of_user(tx, person.id).await?;
        let shown = groups.into_iter().map(|group| {
            let address = format!("{}/{}/{}", base_url(ctx), Kind::Group.endpoint(), group.id);
            json!({ "value": group.id, "$ref": address, "display": group.display_name.unwrap_or(group.name), "type": "direct" })
        });
        add(&mut resource, "groups", shown.collect());
    }
    if bearer.scope.contains("roles") {
        add(&mut own, "assignments", assignments_in(tx, ctx, bearer).await?);
    }
    let mut schemas = vec![USER_URN];
    if !own.is_empty() {
        schemas.push(PASSERELLE_URN);
        resource.insert(PASSERELLE_URN.to_owned(), Value::Object(own));
    }
    resource.insert("schemas".to_owned(), json!(schemas));
    Ok(resource)
}

fn add_profile(resource: &mut Map<String, Value>, own: &mut Map<String, Value>, person: &User) {
    let texts = |pairs: [(&str, Option<&String>); 2]| -> Map<String, Value> {
        pairs.into_iter().filter_map(|(name, text)| text.map(|text| (name.to_owned(), json!(text)))).collect()
    };
    let name = texts([("familyName", person.family_name.as_ref()), ("givenName", person.given_name.as_ref())]);
    if !name.is_empty() {
        resource.insert("name".to_owned(), Value::Object(name));
    }
    resource.extend(texts([("displayName", Some(&person.display_name)), ("preferredLanguage", person.locale.as_ref())]));
    own.extend(person.home_unit.iter().map(|unit| ("homeUnit".to_owned(), json!(unit))));
    add(own, "units", person.units.iter().map(|unit| json!(unit)).collect());
}

/// A list that has something in it.
fn add(object: &mut Map<String, Value>, name: &str, items: Vec<Value>) {
    if !items.is_empty() {
        object.insert(name.to_owned(), Value::Array(items));
    }
}

/// Roles of the client's own application: others are not its concern.
async fn assignments_in(tx: &mut Tx, ctx: &Context, bearer: &Bearer) -> Result<Vec<Value>, ScimError> {
    let Some(id) = bearer.application else { return Ok(Vec::new()) };
    let Some(application) = application::find(tx, id).await? else { return Ok(Vec::new()) };
    let held = facts::roles_in(tx, ctx, &bearer.person, Some(id)).await?;
    let shown = held.into_iter().map(|held| {
        let mut shown = Map::new();
        shown.insert("application".to_owned(), json!(application.name));
        shown.insert("role".to_owned(), json!(held.role));
        shown.extend(held.scope.map(|scope| ("scope".to_owned(), json!(scope))));
        shown.extend(held.until.map(|until| ("until".to_owned(), json!(until))));
        Value::Object(shown)
    });
    Ok(shown.collect())
}
