//! The one place that checks a person's password: by their directory, or by a local hash. It opens no session and counts no attempt.

use connectors::ldap::{Bar, Verdict};

use crate::services::context::Context;
use crate::services::directories;
use crate::services::error::Error;
use crate::store::establishment::credential;
use crate::store::establishment::user::User;
use crate::types::secret::Secret;

/// What is known of a password that was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Check {
    /// It is this person's.
    Right,
    /// It is not; or nothing may be told.
    Wrong,
    /// It is this person's, and their directory lets them in no more, or not yet.
    Barred(Bar),
}

/// Whether the password is this person's: by the directory that states them now, or by a local hash where none does.
///
/// A local hash is worked through whoever asks and whatever the directory said, so that the time taken tells neither whether a name is known
/// nor where its password is kept (SECURITY 19).
///
/// # Errors
/// `TooMany` when no place to hash comes free in time, `Outside` when the person's directory does not answer.
pub(super) async fn verify(ctx: &Context, person: Option<&User>, password: &Secret) -> Result<Check, Error> {
    let hash = match person {
        Some(person) => {
            let mut tx = ctx.store.read().await?;
            credential::find_password_hash(&mut tx, person.id).await?
        }
        None => None,
    };
    let asked = async {
        match person {
            Some(person) => directories::verify_password(ctx, person, password).await,
            None => Ok(None),
        }
    };
    let (local, said) = tokio::try_join!(ctx.gateway.passwords.verify(password.clone(), hash), asked)?;
    // Whom a directory states has its password and no other: a local one from before does not outlive the move there.
    Ok(match said {
        Some(Verdict::Accepted) => Check::Right,
        Some(Verdict::Barred(bar)) => Check::Barred(bar),
        None if local => Check::Right,
        // A directory tells these whatever password was typed: to show them would tell anybody who is known there (SECURITY 19).
        Some(Verdict::Refused | Verdict::Locked | Verdict::Disabled) | None => Check::Wrong,
    })
}
