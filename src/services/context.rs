//! Who asks, where, when: the first argument of every service function.

mod actor;

pub use actor::{Actor, Subject};

use std::path::PathBuf;
use std::sync::Arc;

use uuid::Uuid;

use super::directories::Directories;
use super::egress::Egress;
use super::error::Error;
use super::keys::{Keys, Ring};
use super::mailer::Mailer;
use super::node::Node;
use super::passwords::PasswordPool;
use super::recent_establishments::RecentEstablishments;
use super::scim_services::ScimServices;
use super::vault::Vault;
use crate::config::{Archives, Limits};
use crate::store::registry::establishment::{Contact, DEFAULT_PLACEMENT, Establishment, EstablishmentStatus};
use crate::store::{Store, Stores};
use crate::types::id::EstablishmentId;
use crate::types::locale::Locale;
use crate::types::network::Networks;
use crate::types::permission::{GatewayRole, Permission};
use crate::types::slug::{PLATFORM, Slug};
use crate::types::time::Timestamp;

/// What the whole process shares: made once by `app`.
#[derive(Debug)]
pub struct Gateway {
    /// Every store.
    pub stores: Stores,
    /// The folder of the stores, or of what stands beside a database on this node: what a long work puts aside lies there.
    pub folder: PathBuf,
    /// The master key.
    pub vault: Vault,
    /// The server that takes letters.
    pub mailer: Mailer,
    /// Argon2id, bounded.
    pub passwords: PasswordPool,
    /// Directories that stand ready.
    pub directories: Directories,
    /// SCIM services that stand ready to be read.
    pub scim_services: ScimServices,
    /// Calls to addresses that clients name.
    pub egress: Egress,
    /// Signing keys, ready to use.
    pub keys: Keys,
    /// Establishments looked up a moment ago.
    pub establishments: RecentEstablishments,
    /// This process among others.
    pub node: Node,
    /// Bounds and lifetimes.
    pub limits: Limits,
    /// Archives that the gateway writes by itself.
    pub archives: Archives,
    /// Every address starts with it.
    pub public_url: String,
    /// Proxies that are believed when they name the browser's address.
    pub trusted_proxies: Networks,
}

/// One request's surroundings, in one establishment.
#[derive(Clone, Debug)]
pub struct Context {
    /// What the process shares.
    pub gateway: Arc<Gateway>,
    /// Where.
    pub establishment: Arc<Establishment>,
    /// Its store.
    pub store: Store,
    /// Who.
    pub actor: Actor,
    /// When: read once at the edge.
    pub now: Timestamp,
    /// Ties log lines and answers together.
    pub request_id: Uuid,
    /// In which language.
    pub locale: Locale,
}

impl Context {
    /// Opens a context in an establishment; the platform's slug opens the platform.
    ///
    /// # Errors
    /// `NotFound` for an unknown slug.
    pub async fn open(gateway: &Arc<Gateway>, slug: &str, actor: Actor, now: Timestamp) -> Result<Self, Error> {
        let establishment = if slug == PLATFORM {
            Arc::new(platform())
        } else {
            let unknown = || Error::not_found(format!("establishment «{slug}»"));
            Slug::parse(slug).map_err(|_| unknown())?;
            gateway.establishments.find(&gateway.stores, slug).await?.ok_or_else(unknown)?
        };
        let store = gateway.stores.establishment(&*establishment).await?;
        Ok(Self::over(gateway, establishment, store, actor, now))
    }

    /// A context over an establishment's store that stands open.
    pub fn over(gateway: &Arc<Gateway>, establishment: Arc<Establishment>, store: Store, actor: Actor, now: Timestamp) -> Self {
        Self { gateway: gateway.clone(), establishment, store, actor, now, request_id: Uuid::now_v7(), locale: Locale::default() }
    }

    /// The first line of every service function about the establishment as a whole.
    ///
    /// # Errors
    /// `Unauthenticated` or `Forbidden`.
    pub fn require(&self, permission: Permission) -> Result<(), Error> {
        self.check_platform(permission)?;
        if self.actor.may(permission) { Ok(()) } else { Err(self.refused(permission)) }
    }

    /// The first line of every service function about someone or something that is still to be read: whether the actor holds the permission
    /// anywhere at all. [`Self::require_for`] follows once it is known whom or what it is about.
    ///
    /// # Errors
    /// `Unauthenticated` or `Forbidden`.
    pub fn require_somewhere(&self, permission: Permission) -> Result<(), Error> {
        self.check_platform(permission)?;
        if self.actor.may_somewhere(permission) { Ok(()) } else { Err(self.refused(permission)) }
    }

    /// Whether the actor holds a permission for someone or something (SCO-13, SCO-17).
    ///
    /// # Errors
    /// `Unauthenticated` or `Forbidden`; `NotFound` for a person whom the actor may not even see.
    pub fn require_for(&self, permission: Permission, subject: &Subject<'_>) -> Result<(), Error> {
        self.require_somewhere(permission)?;
        if self.actor.may_for(permission, subject) {
            return Ok(());
        }
        match subject {
            Subject::Person(person) | Subject::Access { person, .. }
                if !self.actor.may_for(Permission::SeePeople, &Subject::Person(person)) =>
            {
                Err(Error::not_found("user"))
            }
            Subject::Person(_) | Subject::Access { .. } | Subject::Unit(_) => Err(self.refused(permission)),
        }
    }

    /// Whoever configures the platform could make themselves an operator: by a source that states one, a client that signs one in, a rule. So
    /// on the platform only operators configure (SECURITY 24).
    fn check_platform(&self, permission: Permission) -> Result<(), Error> {
        use Permission::{AttachPeople, ManageUsers, Read, ResetPasswords, SeePeople};
        let configures = !matches!(permission, Read | SeePeople | ManageUsers | AttachPeople | ResetPasswords);
        if self.is_platform() && configures && self.actor != Actor::Anonymous && !self.actor.may_act_as(GatewayRole::Operator) {
            return Err(Error::Forbidden("on the platform only operators configure: ask one".to_owned()));
        }
        Ok(())
    }

    fn refused(&self, permission: Permission) -> Error {
        if self.actor == Actor::Anonymous {
            return Error::Unauthenticated;
        }
        // What operators alone do, and whatever is done on the platform, no administrator can give.
        let by_operators = self.is_platform() || permission == Permission::ManageEstablishments;
        let whom =
            if by_operators { "operator of the platform".to_owned() } else { format!("administrator of {}", self.establishment.name) };
        let here = if self.actor.may_somewhere(permission) { " here" } else { "" };
        Error::Forbidden(format!("this needs the permission {permission:?}{here}; ask an {whom}"))
    }

    /// The establishment's signing keys.
    ///
    /// # Errors
    /// When they cannot be read, or made the first time.
    pub async fn ring(&self) -> Result<Arc<Ring>, Error> {
        self.gateway.keys.ring(&self.store, &self.gateway.vault, self.slug(), self.now).await
    }

    /// Whether people may sign in here.
    pub fn is_open(&self) -> bool {
        self.establishment.status == EstablishmentStatus::Active
    }

    /// The establishment's slug.
    pub fn slug(&self) -> &str {
        &self.establishment.slug
    }

    /// Whether this is the platform itself.
    pub fn is_platform(&self) -> bool {
        self.establishment.slug == PLATFORM
    }

    /// The issuer: `{public_url}/e/{slug}`, and `{public_url}` for the platform.
    pub fn issuer(&self) -> String {
        issuer(&self.gateway.public_url, self.slug())
    }
}

/// The issuer of an establishment (OpenID Connect Core §2, `iss`).
pub fn issuer(public_url: &str, slug: &str) -> String {
    if slug == PLATFORM { public_url.to_owned() } else { format!("{public_url}/e/{slug}") }
}

/// Work on the platform: a context in the platform's own establishment, with the registry at hand.
#[derive(Clone, Debug)]
pub struct PlatformContext(Context);

impl PlatformContext {
    /// Opens a context on the platform.
    ///
    /// # Errors
    /// When the platform's store cannot be opened.
    pub async fn open(gateway: &Arc<Gateway>, actor: Actor, now: Timestamp) -> Result<Self, Error> {
        Ok(Self(Context::open(gateway, PLATFORM, actor, now).await?))
    }

    /// From a context that is on the platform already.
    ///
    /// # Errors
    /// `NotFound` in an establishment: what the platform has is not there.
    pub fn from_context(context: Context) -> Result<Self, Error> {
        if context.is_platform() { Ok(Self(context)) } else { Err(Error::not_found("page of the platform here")) }
    }

    /// The context in the platform's own establishment.
    pub fn context(&self) -> &Context {
        &self.0
    }

    /// The registry.
    pub fn registry(&self) -> &Store {
        self.0.gateway.stores.registry()
    }

    /// A context in an establishment, for the same actor.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn enter(&self, slug: &str) -> Result<Context, Error> {
        let there = Context::open(&self.0.gateway, slug, self.0.actor.clone(), self.0.now).await?;
        Ok(Context { request_id: self.0.request_id, locale: self.0.locale, ..there })
    }
}

/// The platform as an establishment. It is not in the registry: nobody lists, blocks or deletes it.
fn platform() -> Establishment {
    Establishment {
        id: EstablishmentId::from(Uuid::nil()),
        number: 0,
        slug: PLATFORM.to_owned(),
        name: "Passerelle".to_owned(),
        uai: None,
        zone: None,
        locality: None,
        contact: Contact::default(),
        status: EstablishmentStatus::Active,
        placement: DEFAULT_PLACEMENT.to_owned(),
        created_at: Timestamp::default(),
        updated_at: Timestamp::default(),
    }
}
