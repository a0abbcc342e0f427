//! The one place that checks a person's password: by their directory, or by a local hash. It opens no session and counts no attempt.

use crate::services::context::Context;
use crate::services::error::Error;
use crate::store::establishment::credential;
use crate::store::establishment::user::User;
use crate::types::secret::Secret;

/// Whether the password is this person's. For nobody known the same work is done, and the answer is no (SECURITY 19).
///
/// # Errors
/// `TooMany` when no place to hash comes free in time, `Outside` when the person's directory does not answer.
pub(super) async fn verify(ctx: &Context, person: Option<&User>, password: Secret) -> Result<bool, Error> {
    let hash = match person {
        Some(person) => {
            let mut tx = ctx.store.read().await?;
            credential::find_password_hash(&mut tx, person.id).await?
        }
        None => None,
    };
    ctx.gateway.passwords.verify(password, hash).await
}
