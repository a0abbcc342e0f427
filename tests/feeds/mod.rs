//! Tests of: feeds that push people and groups by SCIM, below HTTP.

mod correlating;
mod filtering;
mod groups;
mod guarding;
mod leaving;
mod mapping;
mod people;
mod tokens;
mod units;

use passerelle::services::context::{Actor, Context};
use passerelle::services::scim::change::{Stored, With};
use passerelle::services::scim::error::ScimError;
use passerelle::services::scim::feeds::{Feed, authenticate};
use passerelle::services::scim::patch;
use passerelle::services::scim::resources::{self, Asked, Listed};
use passerelle::services::scim::schema::Kind;
use passerelle::services::sources::{self, SourceFields};
use passerelle::services::tokens::{NewToken, create};
use passerelle::services::users;
use passerelle::store::establishment::api_token::{ApiToken, TokenKind};
use passerelle::store::establishment::user::User;
use passerelle::types::secret::Secret;
use serde_json::{Map, Value, json};

use crate::harness::gateway::TestGateway;

/// A gateway with an establishment, and a feed into it.
struct Fed {
    gateway: TestGateway,
    ctx: Context,
    feed: Feed,
}

impl Fed {
    async fn new() -> Self {
        let gateway = TestGateway::start().await;
        let (_, ctx) = gateway.establishment("Lycée Louise Michel").await;
        let feed = feed(&ctx, "entra", &json!({})).await;
        Self { gateway, ctx, feed }
    }

    async fn user(&self, body: Value) -> Result<Stored, ScimError> {
        resources::create(&self.feed, Kind::User, object(body), With::USUAL).await
    }

    async fn group(&self, name: &str, members: &[&Stored]) -> Result<Stored, ScimError> {
        let members: Vec<Value> = members.iter().map(|one| json!({ "value": one.id })).collect();
        let body = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name, "members": members });
        resources::create(&self.feed, Kind::Group, object(body), With::USUAL).await
    }

    async fn read(&self, kind: Kind, id: &str) -> Result<Stored, ScimError> {
        resources::read(&self.feed, kind, id, With::USUAL).await
    }

    async fn patch(&self, stored: &Stored, operations: Value) -> Result<Stored, ScimError> {
        patched(&self.feed, stored, operations).await
    }

    async fn list(&self, kind: Kind, asked: &Asked) -> Result<Listed, ScimError> {
        resources::list(&self.feed, kind, asked).await
    }

    async fn person(&self, username: &str) -> User {
        users::resolve(&self.ctx, username).await.unwrap()
    }
}

async fn patched(feed: &Feed, stored: &Stored, operations: Value) -> Result<Stored, ScimError> {
    let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations });
    let ops = patch::parse(&object(body)).unwrap();
    resources::patch(feed, stored.kind, &stored.id.to_string(), ops, None, With::USUAL).await
}

/// A source of kind `scim` with more fields than its name.
async fn source(ctx: &Context, name: &str, more: &Value) {
    let mut fields = json!({ "name": name, "kind": "scim", "settings": {} });
    fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let fields: SourceFields = serde_json::from_value(fields).unwrap();
    sources::create(ctx, &fields).await.unwrap();
}

async fn token(ctx: &Context, source: &str) -> (ApiToken, Secret) {
    let new = NewToken {
        name: format!("token of {source}"),
        kind: TokenKind::Scim,
        source: Some(source.to_owned()),
        scope: String::new(),
        within: None,
        expires_at: None,
    };
    create(ctx, &new).await.unwrap()
}

/// A feed of a source of its own, come in by a token.
async fn feed(ctx: &Context, name: &str, more: &Value) -> Feed {
    source(ctx, name, more).await;
    let (_, secret) = token(ctx, name).await;
    authenticate(&nobody(ctx), secret.expose()).await.unwrap()
}

fn nobody(ctx: &Context) -> Context {
    Context { actor: Actor::Anonymous, ..ctx.clone() }
}

fn object(body: Value) -> Map<String, Value> {
    let Value::Object(body) = body else { panic!("not an object") };
    body
}

fn person(username: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
        "userName": username, "externalId": format!("x-{username}"), "active": true,
        "name": { "givenName": "Élodie", "familyName": "Lefèvre" },
        "emails": [{ "type": "work", "value": format!("{username}@acad-test.fr"), "primary": true }],
    })
}

fn word(error: &ScimError) -> Option<&'static str> {
    error.scim_type.map(passerelle::services::scim::error::ScimType::as_str)
}
