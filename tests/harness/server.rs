//! A gateway that answers on a socket of its own, with one establishment and one person who may sign in.

use std::sync::Arc;

use passerelle::config::Config;
use passerelle::services::context::{Actor, Context, Gateway, PlatformContext};
use passerelle::services::establishments::{self, NewEstablishment};
use passerelle::services::users::NewUser;
use passerelle::services::{links, users};
use passerelle::store::establishment::access_token;
use passerelle::store::establishment::client::{self, AuthMethod, Client, ConsentPolicy, Pkce, SigningAlgorithm};
use passerelle::store::establishment::grant::{self, Grant};
use passerelle::store::establishment::session::{self, Session};
use passerelle::store::establishment::user::User;
use passerelle::types::id::{GrantId, SessionId};
use passerelle::types::secret::Secret;
use passerelle::types::time::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::gateway::PASSWORD;
use super::store::TestStore;

/// Where the answers of tests' clients go; nothing listens there.
pub const CALLBACK: &str = "https://app.example.fr/callback";

/// A serving gateway; dropping it stops it.
pub struct TestServer {
    pub gateway: Arc<Gateway>,
    pub public_url: String,
    /// Where it listens, whatever its public address is.
    pub listens_at: String,
    // Goes with the gateway.
    _store: TestStore,
    stop: Option<oneshot::Sender<()>>,
    serving: tokio::task::JoinHandle<()>,
}

impl TestServer {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(adjust: impl FnOnce(&mut Config)) -> Self {
        let mut store = TestStore::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let config = &mut store.config;
        let listens_at = format!("http://{}", listener.local_addr().unwrap());
        config.public_url.clone_from(&listens_at);
        adjust(config);
        let gateway = passerelle::app::open(config).await.unwrap();
        let (stop, stopped) = oneshot::channel();
        let shared = gateway.clone();
        let serving = tokio::spawn(async move {
            passerelle::app::serve(shared, listener, async { drop(stopped.await) }).await.unwrap();
        });
        Self { gateway, public_url: config.public_url.clone(), listens_at, _store: store, stop: Some(stop), serving }
    }

    /// Stops as an operator would, and waits until everything is closed.
    pub async fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        (&mut self.serving).await.unwrap();
    }

    /// An establishment of this name.
    pub async fn establishment(&self, name: &str) -> Place {
        let now = Timestamp::now();
        let platform = PlatformContext::open(&self.gateway, Actor::System, now).await.unwrap();
        let new = NewEstablishment { name: name.to_owned(), ..NewEstablishment::default() };
        let created = establishments::create(&platform, &new).await.unwrap();
        let ctx = Context::open(&self.gateway, &created.establishment.slug, Actor::System, now).await.unwrap();
        let (user, _) = users::create(&ctx, &NewUser { username: "elodie".into(), ..person() }).await.unwrap();
        let place = Place { ctx };
        let user = place.activated(user).await;
        assert_eq!(user.username, "elodie");
        place
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn person() -> NewUser {
    NewUser {
        given_name: Some("Élodie".into()),
        family_name: Some("Lefèvre".into()),
        email: Some("elodie.lefevre@acad-test.fr".into()),
        locale: Some("fr".into()),
        ..NewUser::default()
    }
}

/// An establishment of a test, where the program itself acts.
#[derive(Clone)]
pub struct Place {
    pub ctx: Context,
}

impl Place {
    pub fn issuer(&self) -> String {
        self.ctx.issuer()
    }

    pub fn slug(&self) -> &str {
        self.ctx.slug()
    }

    pub async fn user(&self) -> User {
        users::resolve(&self.ctx, "elodie").await.unwrap()
    }

    /// Another person, who may sign in.
    pub async fn other_user(&self, username: &str) -> User {
        let (user, _) = users::create(&self.ctx, &NewUser { username: username.into(), ..NewUser::default() }).await.unwrap();
        self.activated(user).await
    }

    /// Lets a new person sign in, without the cost of hashing a password for each test.
    async fn activated(&self, user: User) -> User {
        let mut tx = self.ctx.store.begin().await.unwrap();
        let user = User { status: passerelle::store::establishment::user::UserStatus::Active, ..user };
        passerelle::store::establishment::user::update(&mut tx, &user).await.unwrap();
        tx.commit().await.unwrap();
        user
    }

    /// Gives the person [`PASSWORD`], by a one-time link as people do.
    pub async fn with_password(&self) -> User {
        let user = self.user().await;
        let link = users::reset(&self.ctx, user.id).await.unwrap();
        let token = link.url.expose().rsplit('/').next().unwrap().to_owned();
        links::choose_password(&self.ctx, &token, Secret::parse("password", PASSWORD.into()).unwrap()).await.unwrap()
    }

    /// A session of a person who signed in so many seconds ago: its cookie's value.
    pub async fn session(&self, user: &User, seconds_ago: i64) -> (String, Session) {
        let now = Timestamp::now();
        let cookie = Secret::random("");
        let session = Session {
            id: SessionId::new(),
            user_id: user.id,
            method: "pwd".into(),
            auth_time: now.plus_s(-seconds_ago),
            last_seen_at: now,
            expires_at: now.plus_s(3600),
        };
        let mut tx = self.ctx.store.begin().await.unwrap();
        session::insert(&mut tx, cookie.hash(), &session).await.unwrap();
        tx.commit().await.unwrap();
        (cookie.expose().to_owned(), session)
    }

    /// A confidential client of ES256, trusted, with PKCE; adjusted by the test. Answers its secret.
    pub async fn client(&self, id: &str, adjust: impl FnOnce(&mut Client)) -> (Client, Secret) {
        let secret = Secret::random("");
        let now = Timestamp::now();
        let mut made = Client {
            id: uuid::Uuid::now_v7(),
            client_id: id.into(),
            name: format!("Application {id}"),
            application_id: None,
            application: None,
            secret_hash: Some(secret.hash().as_bytes().to_vec()),
            redirect_uris: vec![CALLBACK.into()],
            post_logout_redirect_uris: vec!["https://app.example.fr/bye".into()],
            backchannel_logout_uri: None,
            backchannel_logout_session_required: false,
            token_endpoint_auth_method: AuthMethod::ClientSecretBasic,
            id_token_signed_response_alg: SigningAlgorithm::Es256,
            scopes: ["openid", "profile", "email", "groups", "roles", "establishment", "offline_access"].map(str::to_owned).into(),
            pkce: Pkce::Required,
            consent: ConsentPolicy::Skip,
            claims_in_id_token: false,
            require_role: false,
            claim_shape: serde_json::json!({}),
            enabled: true,
            created_at: now,
            updated_at: now,
        };
        adjust(&mut made);
        let mut tx = self.ctx.store.begin().await.unwrap();
        client::insert(&mut tx, &made).await.unwrap();
        tx.commit().await.unwrap();
        (made, secret)
    }

    /// What a client was given in a session, with an access token if it is to live until then.
    pub async fn granted(&self, client: &str, session: &Session, access_until: Option<Timestamp>) {
        let given = grant_of(client, session, self.ctx.now);
        let mut tx = self.ctx.store.begin().await.unwrap();
        assert!(grant::insert_in_session(&mut tx, &given, self.ctx.now).await.unwrap());
        if let Some(until) = access_until {
            access_token::insert(&mut tx, Secret::random("").hash(), given.id, "openid", until).await.unwrap();
        }
        tx.commit().await.unwrap();
    }

    /// Changes a client.
    pub async fn change_client(&self, id: &str, adjust: impl FnOnce(&mut Client)) {
        let mut tx = self.ctx.store.begin().await.unwrap();
        let mut found = client::find(&mut tx, id).await.unwrap().unwrap();
        adjust(&mut found);
        client::update(&mut tx, &found).await.unwrap();
        tx.commit().await.unwrap();
    }
}

/// What a client is given in a session: an hour's grant.
pub fn grant_of(client: &str, session: &Session, now: Timestamp) -> Grant {
    Grant {
        id: GrantId::new(),
        user_id: session.user_id,
        client_id: client.into(),
        session_id: session.id,
        sid: session.id,
        scope: "openid".into(),
        nonce: None,
        auth_time: now,
        created_at: now,
        expires_at: now.plus_s(3600),
        revoked_at: None,
    }
}
