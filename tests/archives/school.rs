//! A school with something of everything, and what must still be true of it wherever it was put.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use passerelle::config::Config;
use passerelle::services::applications;
use passerelle::services::archives::{self, Key, Lock, Progress, Saved};
use passerelle::services::clients;
use passerelle::services::context::Context;
use passerelle::services::keys::crypto::Algorithm;
use passerelle::services::login::attempt::{self, Attempt, Outcome};
use passerelle::services::login::browser::Browser;
use passerelle::services::oidc::jws::{self, TokenType};
use passerelle::services::roles::{assignments, rules};
use passerelle::services::tokens::{self, NewToken};
use passerelle::services::users::{self, NewUser};
use passerelle::services::vault::Place;
use passerelle::services::{links, sources};
use passerelle::store::establishment::source::Source;
use passerelle::store::establishment::user::{User, UserStatus};
use passerelle::store::establishment::{audit_event, group, membership, source};
use passerelle::types::page::PageRequest;
use passerelle::types::secret::Secret;
use serde::de::DeserializeOwned;
use serde_json::json;
use tempfile::TempDir;

use crate::harness::gateway::{PASSWORD, TestGateway, secret};

/// What the directory asks for.
pub const BIND_PASSWORD: &str = "bonjour annuaire";

/// A gateway with a school in it, and a folder for archives.
pub struct School {
    pub test: TestGateway,
    pub ctx: Context,
    pub folder: TempDir,
    /// An ID token that it signed.
    pub id_token: String,
    /// A bearer token of it.
    pub api_token: Secret,
}

impl School {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(adjust: impl FnOnce(&mut Config)) -> Self {
        let test = TestGateway::start_with(adjust).await;
        let (_, ctx) = test.establishment("Lycée Évariste-Galois").await;
        let elodie = person(&ctx, "elodie").await;
        person(&ctx, "zoe").await;
        let gone = person(&ctx, "absent").await;
        users::disable(&ctx, gone.id).await.unwrap();
        put_in_a_group(&ctx, &elodie).await;
        let settings = json!({ "urls": ["ldap://127.0.0.1:1"], "base_dn": "dc=acad-test,dc=fr", "tls": { "mode": "none" },
            "bind_dn": "cn=lecture,dc=acad-test,dc=fr", "bind_password": BIND_PASSWORD });
        sources::create(&ctx, &read(json!({ "name": "annuaire", "settings": settings }))).await.unwrap();
        applications::create(&ctx, &read(json!({ "name": "notes", "roles": [{ "name": "prof" }] }))).await.unwrap();
        rules::create(&ctx, &read(json!({ "application": "notes", "when": [{ "group": "profs" }], "role": "prof" }))).await.unwrap();
        let given = json!({ "user": elodie.id, "application": "notes", "role": "prof" });
        assignments::add(&ctx, &read(given)).await.unwrap();
        clients::create(&ctx, &read(json!({ "name": "Relevés", "redirect_uris": ["https://app.example.fr/callback"] }))).await.unwrap();
        let (_, api_token) = tokens::create(&ctx, &read::<NewToken>(json!({ "name": "Export", "scope": "auditor" }))).await.unwrap();
        let ring = ctx.ring().await.unwrap();
        let claims = json!({ "sub": elodie.id, "iss": ctx.issuer() }).as_object().unwrap().clone();
        let id_token = jws::sign(&ring.signer(Algorithm::Es256).unwrap(), TokenType::IdToken, &claims).unwrap();
        Self { test, ctx, folder: tempfile::tempdir().unwrap(), id_token, api_token }
    }

    /// Where an archive of this name goes.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// An archive of it, as the program itself writes it.
    pub async fn save(&self, name: &str, lock: &Lock) -> PathBuf {
        save(&self.ctx, lock, &self.file(name)).await.path
    }

    /// Fails unless everything that was true of the school is true here, as it is where it came from.
    pub async fn lives_on_in(&self, there: &Context) {
        self.holds(there).await;
        for name in ["elodie", "absent"] {
            assert_eq!(users::resolve(there, name).await.unwrap().id, users::resolve(&self.ctx, name).await.unwrap().id, "{name}");
        }
        assert_eq!(trail(there).await, trail(&self.ctx).await, "the history is there");
    }

    /// Fails unless everything that was true of the school is true here.
    pub async fn holds(&self, there: &Context) {
        for (name, status) in [("elodie", UserStatus::Active), ("zoe", UserStatus::Active), ("absent", UserStatus::Disabled)] {
            let found = users::resolve(there, name).await.unwrap();
            assert_eq!(found.status, status, "{name}");
        }
        assert!(matches!(sign_in(there, "elodie").await, Outcome::SignedIn(_)), "the password is still right");
        assert!(matches!(sign_in(there, "absent").await, Outcome::Wrong), "who was disabled stays so");
        let ring = there.ring().await.unwrap();
        jws::verify(&self.id_token, TokenType::IdToken, ring.verifying()).expect("an ID token signed before is still verified");
        assert!(ring.signer(Algorithm::Rs256).is_ok(), "the private keys open");
        assert_eq!(bind_password(there).await, BIND_PASSWORD);
        let mut tx = there.store.read().await.unwrap();
        let elodie = users::resolve(there, "elodie").await.unwrap();
        assert_eq!(group::effective_names_of_user(&mut tx, elodie.id).await.unwrap(), ["profs"]);
        drop(tx);
        assert_eq!(rules::list(there).await.unwrap().len(), 1);
        assert!(trail(there).await > 2, "the history is there");
    }
}

/// How many people the history says were made.
async fn trail(ctx: &Context) -> i64 {
    let wanted = PageRequest::parse(Some(100), None, None).unwrap();
    let created = audit_event::Filter { action: Some("user.created".to_owned()), ..audit_event::Filter::default() };
    passerelle::services::audit::list(ctx, &wanted, &created).await.unwrap().total
}

/// Closes with a public key, and what opens it.
pub fn key_pair() -> (Lock, Key) {
    let identity = age::x25519::Identity::generate();
    let private = age::secrecy::ExposeSecret::expose_secret(&identity.to_string()).to_owned();
    (Lock::recipient(&identity.to_public().to_string()).unwrap(), Key::identities(&private).unwrap())
}

pub fn unwatched() -> Arc<Progress> {
    Arc::new(Progress::default())
}

pub async fn save(ctx: &Context, lock: &Lock, path: &Path) -> Saved {
    archives::save(ctx, lock, path, false, &unwatched()).await.unwrap()
}

/// Someone who signs in with [`PASSWORD`].
async fn person(ctx: &Context, username: &str) -> User {
    let (made, link) = users::create(ctx, &NewUser { username: username.to_owned(), ..NewUser::default() }).await.unwrap();
    let token = link.url.expose().rsplit('/').next().unwrap().to_owned();
    links::choose_password(ctx, &token, secret(PASSWORD)).await.unwrap();
    made
}

async fn put_in_a_group(ctx: &Context, member: &User) {
    let staff = crate::store::samples::group("profs");
    let mut tx = ctx.store.begin().await.unwrap();
    group::upsert_all(&mut tx, std::slice::from_ref(&staff)).await.unwrap();
    membership::insert_all(&mut tx, &[(staff.id, member.id)]).await.unwrap();
    tx.commit().await.unwrap();
}

pub async fn sign_in(ctx: &Context, username: &str) -> Outcome {
    let (address, browser) = (IpAddr::V4(Ipv4Addr::LOCALHOST), Browser::new());
    let attempt = Attempt { username, password: PASSWORD, address, browser: &browser, session: None, interaction: None };
    attempt::sign_in(ctx, &attempt).await.unwrap()
}

async fn bind_password(ctx: &Context) -> String {
    let found: Source = source::find_by_name(&mut ctx.store.read().await.unwrap(), "annuaire").await.unwrap().unwrap();
    let row = found.id.to_string();
    let place = Place { establishment: ctx.slug(), table: "sources", column: "secret_sealed", row: &row };
    let opened = ctx.gateway.vault.open_sealed(place, &found.secret_sealed.unwrap()).unwrap();
    String::from_utf8(opened.to_vec()).unwrap()
}

fn read<T: DeserializeOwned>(value: serde_json::Value) -> T {
    serde_json::from_value(value).unwrap()
}
