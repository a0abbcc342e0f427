//! Whether the entry at a DN still is the one that was read: names are given again, keys are not. Knows nothing of passwords.

use ldap3::Scope;

use super::Directory;
use super::connection::{Connection, refusal};
use super::error::Cause;
use super::search::{Query, run};
use super::settings::Limits;

/// Who an entry is said to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim<'a> {
    /// Where it lay when it was last read.
    pub(super) dn: &'a str,
    /// The key it had, in its canonical text.
    pub(super) external_id: &'a str,
}

/// Whether the entry at the DN has the key of the claim. `bound` is a connection bound as that entry, to `server`, when the bind succeeded: many
/// directories show people their own key; where they do not, or another one than was read, the service account's word counts.
///
/// # Errors
/// The service account could not look.
pub(super) async fn holds(directory: &Directory, claim: &Claim<'_>, bound: Option<&mut Connection>, server: &str) -> Result<bool, Cause> {
    if let Some(bound) = bound {
        let (own, _) = look(directory, claim.dn, bound).await?;
        if own.as_deref() == Some(claim.external_id) {
            return Ok(true);
        }
    }
    // The server that checked the password: another may not know yet of a change.
    let url = directory.settings().urls.iter().find(|url| url.text == server).ok_or(Cause::GivenUp)?;
    let mut reader = directory.open_at(url).await?;
    let (found, answer) = look(directory, claim.dn, &mut reader).await?;
    reader.close().await;
    match answer.rc {
        // No such object: it went since, or the account that reads does not see it.
        0 | 32 => Ok(found.as_deref() == Some(claim.external_id)),
        _ => Err(refusal(answer, claim.dn, 0)),
    }
}

/// The key of the entry, when this connection may see it.
async fn look(directory: &Directory, dn: &str, connection: &mut Connection) -> Result<(Option<String>, ldap3::LdapResult), Cause> {
    let limits = directory.settings().limits;
    let query = Query {
        base: dn,
        scope: Scope::Base,
        filter: "(objectClass=*)",
        names: &directory.entries().key_names(),
        page_size: 1,
        limits: Limits { stall: limits.sign_in, ..limits },
        references_expected: false,
    };
    let (entries, answer) = run(connection, &query, 1, 0).await?;
    Ok((directory.entries().key_shown(&entries), answer))
}
