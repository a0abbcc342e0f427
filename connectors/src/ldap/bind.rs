//! A person's password, checked by a simple bind on connections of its own: never the one that reads. Remembers no password.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ldap3::LdapResult;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use super::Directory;
use super::answering::is_unanswered;
use super::connection::{Connection, refusal};
use super::error::{Cause, Error};
use super::identity::{self, Claim};
use super::settings::SignIn;
use crate::secret::Password;

/// Connections kept between two checks.
const IDLE_MAX: usize = 8;
/// How long one is kept: directories close idle connections, often after minutes.
const IDLE_AGE_MAX: Duration = Duration::from_mins(1);

/// What the directory says of a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is right.
    Accepted,
    /// It is wrong, or the account does not exist or is somebody else's now.
    Refused,
    /// The account is locked after too many attempts; directories say so whatever password was typed.
    Locked,
    /// The account is closed, said whatever password was typed.
    Disabled,
    /// The password is right, and the directory does not let its owner in all the same.
    Barred(Bar),
}

/// Why a directory does not let someone in whose password is right. Active Directory says so of a right password only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bar {
    /// The account is disabled.
    AccountDisabled,
    /// The account's time is over.
    AccountExpired,
    /// The password's time is over.
    PasswordExpired,
    /// The password has to be changed before its first use.
    PasswordToChange,
    /// Not at this hour, or not from this machine.
    NotNow,
}

/// Connections for sign-in, at most so many at work.
pub(super) struct Binds {
    permits: Semaphore,
    idle: Mutex<Vec<Idle>>,
}

struct Idle {
    connection: Connection,
    server: String,
    since: Instant,
}

impl Binds {
    pub(super) fn new(at_once: usize) -> Self {
        Self { permits: Semaphore::new(at_once.max(1)), idle: Mutex::new(Vec::new()) }
    }

    fn take(&self) -> Option<Idle> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|one| one.since.elapsed() < IDLE_AGE_MAX && one.connection.is_open());
        idle.pop()
    }

    fn keep(&self, one: Idle) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_MAX && one.connection.is_open() {
            idle.push(one);
        }
    }
}

/// Checks a password, everything within the settings' `sign_in` deadline.
pub(super) async fn verify(directory: &Directory, claim: &Claim<'_>, password: &Password) -> Result<Verdict, Error> {
    // RFC 4513 §5.1.2: a bind with a name and no password succeeds as anonymous, and proves nothing.
    if password.is_empty() || claim.dn.trim().is_empty() || directory.settings().sign_in == SignIn::None {
        return Ok(Verdict::Refused);
    }
    let within = directory.settings().limits.sign_in;
    let breaker = &directory.servers().breaker;
    // A directory that is away must not hold every sign-in until its deadline.
    if let Err(rest) = breaker.admit(Instant::now(), within) {
        return Err(Cause::Resting(Duration::from_secs(rest.as_secs() + 1)).at(directory.first_server()));
    }
    let verdict = match timeout(within, attempt(directory, claim, password)).await {
        Ok(verdict) => verdict,
        Err(_) => Err(Cause::Silent { what: "check the password", within }.at(directory.first_server())),
    };
    match &verdict {
        Err(failed) if is_unanswered(&failed.cause) => breaker.unanswered(Instant::now()),
        _ => breaker.answered(),
    }
    verdict
}

async fn attempt(directory: &Directory, claim: &Claim<'_>, password: &Password) -> Result<Verdict, Error> {
    let binds = directory.binds();
    let Ok(_permit) = binds.permits.acquire().await else {
        return Err(Cause::GivenUp.at(directory.first_server()));
    };
    let within = directory.settings().limits.sign_in;
    if let Some(mut kept) = binds.take() {
        // A kept connection may have died unnoticed; only a fresh one's failure counts, and half of the time is left for it.
        if let Ok(answer) = kept.connection.bind(claim.dn, password, within / 2).await {
            return conclude(directory, claim, kept, answer).await;
        }
    }
    let (server, connection, answer) = directory.bind_at_first(claim.dn, password).await?;
    conclude(directory, claim, Idle { connection, server, since: Instant::now() }, answer).await
}

async fn conclude(directory: &Directory, claim: &Claim<'_>, mut used: Idle, answer: LdapResult) -> Result<Verdict, Error> {
    let Some(mut verdict) = verdict(&answer) else { return Err(refusal(answer, "", 0).at(&used.server)) };
    if matches!(verdict, Verdict::Accepted | Verdict::Barred(_)) {
        // The password is of whoever stands at that DN now, which may be given to somebody else.
        let bound = (verdict == Verdict::Accepted).then_some(&mut used.connection);
        let same = identity::holds(directory, claim, bound, &used.server).await;
        if !same.map_err(|cause| cause.at(&used.server))? {
            tracing::info!(server = %used.server, external_id = claim.external_id, "sign-in refused: the DN has another entry, or none that is seen");
            verdict = Verdict::Refused;
        }
    }
    directory.binds().keep(Idle { since: Instant::now(), ..used });
    Ok(verdict)
}

/// Result codes of RFC 4511 §4.2.2; `None` when the answer says nothing about the password.
fn verdict(answer: &LdapResult) -> Option<Verdict> {
    match answer.rc {
        0 => Some(Verdict::Accepted),
        // 389 Directory Server answers constraintViolation once the attempts are used up.
        19 => Some(Verdict::Locked),
        49 => Some(active_directory(&answer.text)),
        // 389 Directory Server: the account is inactivated.
        53 if answer.text.to_ascii_lowercase().contains("inactivated") => Some(Verdict::Disabled),
        // No such object, invalid DN, no password set, unwilling to try.
        32 | 34 | 48 | 53 => Some(Verdict::Refused),
        _ => None,
    }
}

/// Active Directory tells its reasons in the text alone, as `data 775` (a Windows error in hexadecimal). A locked account is told whatever
/// password was typed; the others only once it is right (learn.microsoft.com, "LDAP bind error codes").
fn active_directory(text: &str) -> Verdict {
    let code = text.split_once("data ").map(|(_, rest)| rest.split(|c: char| !c.is_ascii_hexdigit()).next().unwrap_or_default());
    let code = code.map(str::to_ascii_lowercase);
    match code.as_deref() {
        // ERROR_ACCOUNT_LOCKED_OUT.
        Some("775") => Verdict::Locked,
        // ERROR_INVALID_LOGON_HOURS, ERROR_INVALID_WORKSTATION.
        Some("530" | "531") => Verdict::Barred(Bar::NotNow),
        // ERROR_PASSWORD_EXPIRED.
        Some("532") => Verdict::Barred(Bar::PasswordExpired),
        // ERROR_ACCOUNT_DISABLED.
        Some("533") => Verdict::Barred(Bar::AccountDisabled),
        // ERROR_ACCOUNT_EXPIRED.
        Some("701") => Verdict::Barred(Bar::AccountExpired),
        // ERROR_PASSWORD_MUST_CHANGE.
        Some("773") => Verdict::Barred(Bar::PasswordToChange),
        // 52e: the password is wrong; 525: there is nobody of this name.
        _ => Verdict::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::{Bar, LdapResult, Verdict, verdict};

    #[test]
    fn the_directorys_answer_is_told_apart() {
        let of = |rc, text: &str| {
            verdict(&LdapResult { rc, text: text.to_owned(), matched: String::new(), refs: Vec::new(), ctrls: Vec::new() })
        };
        let ad = |data| format!("80090308: LdapErr: DSID-0C09042A, comment: AcceptSecurityContext error, data {data}, v3839\0");
        assert_eq!(of(0, ""), Some(Verdict::Accepted));
        assert_eq!(of(49, ""), Some(Verdict::Refused));
        for (data, said) in [
            ("525", Verdict::Refused),
            ("52e", Verdict::Refused),
            ("530", Verdict::Barred(Bar::NotNow)),
            ("531", Verdict::Barred(Bar::NotNow)),
            ("532", Verdict::Barred(Bar::PasswordExpired)),
            ("533", Verdict::Barred(Bar::AccountDisabled)),
            ("701", Verdict::Barred(Bar::AccountExpired)),
            ("773", Verdict::Barred(Bar::PasswordToChange)),
            ("775", Verdict::Locked),
        ] {
            assert_eq!(of(49, &ad(data)), Some(said), "{data}");
        }
        assert_eq!(of(19, "Exceed password retry limit. Please try later."), Some(Verdict::Locked));
        assert_eq!(of(53, "Account inactivated. Contact system administrator."), Some(Verdict::Disabled));
        assert_eq!(of(51, "busy"), None);
    }
}
