//! One caller of every kind, each with a real credential.

use passerelle::services::clients::{self, ADMIN_SCOPE, ClientFields};
use passerelle::services::context::Context;
use passerelle::services::users::{self, NewUser};
use passerelle::store::establishment::access_token;
use passerelle::store::establishment::grant::{self, Grant};
use passerelle::store::establishment::session::{self, Session};
use passerelle::store::establishment::user::{self, UserStatus};
use passerelle::types::id::{GrantId, SessionId, UserId};
use passerelle::types::secret::Secret;

use crate::api::kit::Served;

/// The unit of which one caller administers the people, and where all people of this test are at home.
pub const UNIT: &str = "rt";

/// Callers by their kind.
pub struct Callers(Vec<(&'static str, Option<String>)>);

impl Callers {
    /// Callers of one establishment, one of another, one of the platform.
    pub async fn make(api: &Served, here: &str, there: &str) -> Self {
        let (_, person) = access_token(&api.test.context(here).await).await;
        Self(vec![
            ("anonymous", None),
            ("person", Some(person)),
            ("auditor", Some(api.token(here, "auditor").await)),
            ("stranger", Some(api.token(there, "administrator").await)),
            ("unit admin", Some(api.token_within(here, "unit_administrator", Some(UNIT)).await)),
            ("help desk", Some(api.token(here, "help_desk").await)),
            ("responsible", Some(api.token_within(here, "responsible", Some("notes")).await)),
            ("administrator", Some(api.token(here, "administrator").await)),
            ("operator", Some(api.token("platform", "operator").await)),
        ])
    }

    pub fn all(&self) -> impl Iterator<Item = (&'static str, Option<&str>)> {
        self.0.iter().map(|(kind, token)| (*kind, token.as_deref()))
    }
}

/// Someone who holds no role, and an access token of theirs with the scope of the admin API.
pub async fn access_token(ctx: &Context) -> (UserId, String) {
    let new = NewUser { username: "someone".to_owned(), ..NewUser::default() };
    let (mut person, _) = users::create(ctx, &new).await.unwrap();
    let fields: ClientFields = serde_json::from_value(serde_json::json!({ "name": "Console", "scopes": ["openid", ADMIN_SCOPE] })).unwrap();
    let (client, _) = clients::create(ctx, &fields).await.unwrap();
    let token = Secret::random("");
    let end = ctx.now.plus_s(3600);
    let session = Session {
        id: SessionId::new(),
        user_id: person.id,
        method: "password".to_owned(),
        auth_time: ctx.now,
        last_seen_at: ctx.now,
        expires_at: end,
    };
    let given = Grant {
        id: GrantId::new(),
        user_id: person.id,
        client_id: client.client_id,
        session_id: session.id,
        sid: session.id,
        scope: ADMIN_SCOPE.to_owned(),
        nonce: None,
        auth_time: ctx.now,
        created_at: ctx.now,
        expires_at: end,
        revoked_at: None,
    };
    let mut tx = ctx.store.begin().await.unwrap();
    person.status = UserStatus::Active;
    user::update(&mut tx, &person).await.unwrap();
    session::insert(&mut tx, Secret::random("").hash(), &session).await.unwrap();
    assert!(grant::insert_in_session(&mut tx, &given, ctx.now).await.unwrap());
    access_token::insert(&mut tx, token.hash(), given.id, ADMIN_SCOPE, end).await.unwrap();
    tx.commit().await.unwrap();
    (person.id, token.expose().to_owned())
}
