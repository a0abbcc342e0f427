//! The ring: an establishment's keys, ready to sign and verify. It knows no token and no claim.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::crypto::{self, Algorithm, GeneratedKey, SigningKey, VerifyingKey};
use crate::services::error::Error;
use crate::services::vault::{Place, Vault};
use crate::store::establishment::client::SigningAlgorithm;
use crate::store::establishment::signing_key::{self, KeyState, SigningKey as Row};
use crate::store::{Store, Tx};
use crate::types::time::Timestamp;

/// A ring is read again after this, so that a rotation made by another process is seen where no notice tells of it.
const RING_LIFETIME: Duration = Duration::from_mins(1);
/// RSA signatures and key makings that run at the same time: each takes a core.
const RSA_CONCURRENCY: usize = 2;

impl From<SigningAlgorithm> for Algorithm {
    fn from(stored: SigningAlgorithm) -> Self {
        match stored {
            SigningAlgorithm::Rs256 => Self::Rs256,
            SigningAlgorithm::Es256 => Self::Es256,
        }
    }
}

impl From<Algorithm> for SigningAlgorithm {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Rs256 => Self::Rs256,
            Algorithm::Es256 => Self::Es256,
        }
    }
}

/// One establishment's keys.
#[derive(Debug)]
pub struct Ring {
    signing: Vec<Arc<SigningKey>>,
    verifying: Vec<VerifyingKey>,
    jwks: Value,
}

impl Ring {
    /// The key that signs with an algorithm.
    ///
    /// # Errors
    /// `Internal` when there is none, which the making of rings rules out.
    pub fn signer(&self, algorithm: Algorithm) -> Result<Arc<SigningKey>, Error> {
        let found = self.signing.iter().find(|key| key.algorithm() == algorithm).cloned();
        found.ok_or_else(|| Error::Internal(format!("no active {algorithm} key, though a ring is made with one of each algorithm")))
    }

    /// Every published key, those that no longer sign included.
    pub fn verifying(&self) -> &[VerifyingKey] {
        &self.verifying
    }

    /// The key set as published (RFC 7517 §5).
    pub fn jwks(&self) -> &Value {
        &self.jwks
    }

    fn read(rows: &[Row], vault: &Vault, slug: &str) -> Result<Self, Error> {
        let broken = |why: String| Error::Internal(format!("a signing key of «{slug}» cannot be used: {why}"));
        let mut signing: Vec<Arc<SigningKey>> = Vec::new();
        for row in rows.iter().filter(|row| row.state == KeyState::Active) {
            let algorithm = Algorithm::from(row.algorithm);
            // Rows come newest first: the newest active key of an algorithm signs.
            if signing.iter().any(|key| key.algorithm() == algorithm) {
                continue;
            }
            let pkcs8 = vault.open_sealed(place(slug, &row.kid), &row.private_sealed).map_err(|e| broken(e.to_string()))?;
            let key = SigningKey::parse(&pkcs8, algorithm, row.kid.clone()).map_err(|e| broken(e.to_string()))?;
            signing.push(Arc::new(key));
        }
        let verifying = rows.iter().map(|row| VerifyingKey::from_jwk(&row.public_jwk).map_err(|e| broken(e.to_string())));
        let verifying = verifying.collect::<Result<Vec<_>, Error>>()?;
        let published: Vec<&Value> = rows.iter().map(|row| &row.public_jwk).collect();
        Ok(Self { signing, verifying, jwks: json!({ "keys": published }) })
    }

    fn lacks(&self) -> Vec<Algorithm> {
        Algorithm::ALL.into_iter().filter(|a| self.signing.iter().all(|key| key.algorithm() != *a)).collect()
    }
}

/// The rings of open establishments, and the bounded pool that RSA work runs on.
#[derive(Clone)]
pub struct Keys {
    rings: Cache<String, Arc<Ring>>,
    places: Arc<Semaphore>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("rings", &self.rings.entry_count()).finish_non_exhaustive()
    }
}

impl Keys {
    /// Rings of at most so many establishments.
    pub fn new(rings_max: u64) -> Self {
        let rings = Cache::builder().max_capacity(rings_max).time_to_live(RING_LIFETIME).build();
        Self { rings, places: Arc::new(Semaphore::new(RSA_CONCURRENCY)) }
    }

    /// An establishment's ring; keys it lacks are made, one of each algorithm.
    ///
    /// # Errors
    /// When the store fails, or a stored key does not open with the master key.
    pub async fn ring(&self, store: &Store, vault: &Vault, slug: &str, now: Timestamp) -> Result<Arc<Ring>, Error> {
        if let Some(ring) = self.rings.get(slug).await {
            return Ok(ring);
        }
        // Many first requests make one ring.
        let made = self.rings.try_get_with_by_ref(slug, self.open(store, vault, slug, now)).await;
        made.map_err(|shared| Arc::try_unwrap(shared).unwrap_or_else(|shared| Error::Internal(shared.to_string())))
    }

    /// Forgets a ring, after its keys were changed.
    pub async fn forget(&self, slug: &str) {
        self.rings.invalidate(slug).await;
    }

    /// Forgets every ring, because any may have changed.
    pub fn forget_all(&self) {
        self.rings.invalidate_all();
    }

    /// Runs RSA work, which takes most of a millisecond or more, where it delays no other request.
    ///
    /// # Errors
    /// `Internal` when the work ended early.
    pub async fn run_rsa<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let ended = || Error::Internal("RSA work ended early, though it cannot panic".to_owned());
        let place = self.places.clone().acquire_owned().await.map_err(|_| ended())?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(place);
            done
        });
        done.await.map_err(|_| ended())
    }

    async fn open(&self, store: &Store, vault: &Vault, slug: &str, now: Timestamp) -> Result<Arc<Ring>, Error> {
        let mut reader = store.read().await?;
        let ring = Ring::read(&signing_key::list(&mut reader).await?, vault, slug)?;
        drop(reader);
        if ring.lacks().is_empty() {
            return Ok(Arc::new(ring));
        }
        let mut made = Vec::new();
        for algorithm in ring.lacks() {
            let key = self.run_rsa(move || crypto::generate(algorithm)).await?;
            made.push(key.map_err(|e| Error::Internal(e.to_string()))?);
        }
        let mut tx = store.begin().await?;
        // Another process may have made them meanwhile: its keys stand, and these are dropped.
        let standing = Ring::read(&signing_key::list(&mut tx).await?, vault, slug)?;
        for key in made.iter().filter(|key| standing.lacks().contains(&key.algorithm)) {
            insert(&mut tx, vault, slug, key, now).await?;
        }
        let ring = Ring::read(&signing_key::list(&mut tx).await?, vault, slug)?;
        tx.commit().await?;
        tracing::info!(establishment = slug, "signing keys made");
        Ok(Arc::new(ring))
    }
}

async fn insert(tx: &mut Tx, vault: &Vault, slug: &str, key: &GeneratedKey, now: Timestamp) -> Result<(), Error> {
    let sealed = vault.seal(place(slug, &key.kid), &key.private_pkcs8).map_err(|e| Error::Internal(e.to_string()))?;
    let row = Row {
        kid: key.kid.clone(),
        algorithm: key.algorithm.into(),
        public_jwk: key.public_jwk.clone(),
        private_sealed: sealed,
        state: KeyState::Active,
        created_at: now,
    };
    Ok(signing_key::insert(tx, &row).await?)
}

fn place<'a>(slug: &'a str, kid: &'a str) -> Place<'a> {
    Place { establishment: slug, table: "signing_keys", column: "private_sealed", row: kid }
}
