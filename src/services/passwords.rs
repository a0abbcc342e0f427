//! Local passwords: Argon2id on a bounded pool, and the rules a new password has to meet.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier, Version};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use super::error::Error;
use crate::types::fold;
use crate::types::secret::{Secret, fill_random};

/// Memory of one hash, in KiB (OWASP Password Storage Cheat Sheet: 19 MiB, two passes, one lane).
const MEMORY_KIB: u32 = 19 * 1024;
/// Passes of one hash.
const PASSES: u32 = 2;
/// Callers that may wait for a place in the pool, for each place.
const QUEUE_PER_PLACE: usize = 32;
/// How long a caller waits for a place before being asked to come back.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// Fewest characters of a new password (CNIL deliberation 2022-100: with throttling 50 bits; we ask for more).
pub const LENGTH_MIN: usize = 12;

/// Hashes and verifies, at most so many at once.
#[derive(Clone)]
pub struct PasswordPool {
    places: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    dummy: Arc<str>,
    length_max: usize,
    verified: Arc<AtomicU64>,
}

impl fmt::Debug for PasswordPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordPool").field("free", &self.places.available_permits()).finish_non_exhaustive()
    }
}

impl PasswordPool {
    /// A pool of so many hashing places.
    ///
    /// # Errors
    /// `Internal` when the parameters were refused, which they are not.
    pub fn new(concurrency: usize, length_max: usize) -> Result<Self, Error> {
        // The hash of a random password nobody has: unknown people take as long to refuse as known ones.
        let dummy = hash_now(Secret::random("").expose())?;
        let concurrency = concurrency.max(1);
        let waiting = Arc::new(Semaphore::new(concurrency * QUEUE_PER_PLACE));
        Ok(Self { places: Arc::new(Semaphore::new(concurrency)), waiting, dummy: dummy.into(), length_max, verified: Arc::default() })
    }

    /// Checks that a password may be chosen by this person.
    ///
    /// # Errors
    /// `Invalid` when it is too short, too long, of one repeated pattern, or made of the person's own names.
    pub fn check_new(&self, password: &Secret, personal: &[&str]) -> Result<(), Error> {
        let text = password.expose();
        let characters = text.chars().count();
        if characters < LENGTH_MIN {
            return Err(Error::invalid(
                "password",
                format!("has {characters} characters: choose at least {LENGTH_MIN}, for instance four words"),
            ));
        }
        if text.len() > self.length_max {
            return Err(Error::invalid("password", format!("is longer than {} bytes", self.length_max)));
        }
        let folded = fold(text);
        let distinct: std::collections::BTreeSet<char> = folded.chars().collect();
        if distinct.len() < 5 {
            return Err(Error::invalid("password", "repeats too few characters: choose a less regular one"));
        }
        let stripped = personal.iter().filter(|p| p.chars().count() >= 3).fold(folded, |rest, p| rest.replace(&fold(p), ""));
        if stripped.chars().count() < LENGTH_MIN / 2 {
            return Err(Error::invalid("password", "is made of your own names: choose another"));
        }
        Ok(())
    }

    /// Hashes a password.
    ///
    /// # Errors
    /// `TooMany` when the pool has no place in time.
    pub async fn hash(&self, password: Secret) -> Result<String, Error> {
        self.run(move || hash_now(password.expose())).await?
    }

    /// Whether a password fits a hash. Without a hash the work is done all the same, and the answer is no.
    ///
    /// # Errors
    /// `TooMany` when the pool has no place in time.
    pub async fn verify(&self, password: Secret, hash: Option<String>) -> Result<bool, Error> {
        if password.expose().len() > self.length_max {
            return Ok(false);
        }
        let known = hash.is_some();
        self.verified.fetch_add(1, Ordering::Relaxed);
        let dummy = self.dummy.clone();
        let fits = self.run(move || verify_now(password.expose(), hash.as_deref().unwrap_or(&dummy))).await?;
        Ok(known && fits)
    }

    /// Hashes worked through so far to verify a password: as many for people unknown as for people known.
    pub fn verified(&self) -> u64 {
        self.verified.load(Ordering::Relaxed)
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let busy = || Error::TooMany { retry_after_s: 5 };
        let _queued = self.waiting.try_acquire().map_err(|_| busy())?;
        let place = tokio::time::timeout(WAIT_MAX, self.places.clone().acquire_owned()).await.map_err(|_| busy())?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(place);
            done
        });
        done.await.map_err(|_| Error::Internal("hashing a password ended early, though it cannot panic".to_owned()))
    }
}

fn argon2() -> Result<Argon2<'static>, Error> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).map_err(|e| Error::Internal(format!("Argon2id refused its parameters: {e}")))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash_now(password: &str) -> Result<String, Error> {
    let mut salt = Zeroizing::new([0_u8; 16]);
    fill_random(salt.as_mut_slice());
    argon2()?
        .hash_password_with_salt(password.as_bytes(), salt.as_slice())
        .map(|hash| hash.to_string())
        .map_err(|e| Error::Internal(format!("Argon2id refused a password within bounds: {e}")))
}

fn verify_now(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|parsed| argon2().is_ok_and(|a| a.verify_password(password.as_bytes(), &parsed).is_ok()))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]
mod tests {
    use super::*;

    fn secret(raw: &str) -> Secret {
        Secret::parse("password", raw.to_owned()).unwrap()
    }

    #[tokio::test]
    async fn only_the_right_password_fits_its_hash() {
        let pool = PasswordPool::new(2, 256).unwrap();
        let hash = pool.hash(secret("quatre mots assez longs")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(pool.verify(secret("quatre mots assez longs"), Some(hash.clone())).await.unwrap());
        assert!(!pool.verify(secret("quatre mots assez longz"), Some(hash)).await.unwrap());
        assert!(!pool.verify(secret("quatre mots assez longs"), None).await.unwrap());
    }

    #[test]
    fn weak_passwords_are_refused_with_the_reason() {
        let pool = PasswordPool::new(1, 256).unwrap();
        for weak in ["court", "aaaaaaaaaaaaaaaa", "Élodie-Lefèvre", "elodielefevreelodie"] {
            assert!(pool.check_new(&secret(weak), &["Élodie", "Lefèvre"]).is_err(), "{weak}");
        }
        assert!(pool.check_new(&secret("cheval pile agrafe correct"), &["Élodie"]).is_ok());
    }
}
