//! One guarded connection: the LDAP library on one side, the directory on the other, and why it ended. Ends with its owner.

use std::sync::Arc;
use std::time::Duration;

use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapError, LdapResult, StdStream};
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::error::Cause;
use super::guard::{self, Chunk, Ending, Watch};
use super::transport::{Stream, malformed};
use crate::secret::Password;

/// How long a polite goodbye may take.
const GOODBYE: Duration = Duration::from_millis(500);

/// A connection ready for requests.
pub(super) struct Connection {
    pub(super) ldap: Ldap,
    /// The entries of the search at work.
    pub(super) entries: mpsc::Receiver<Chunk>,
    watch: Arc<Watch>,
    answered: bool,
    /// The guard and the library's driver; dropping the set ends both.
    _tasks: JoinSet<()>,
}

impl Connection {
    /// Puts the guard and the library on a connected stream.
    pub(super) async fn start(stream: Stream) -> Result<Self, Cause> {
        let broken = |error: &dyn std::fmt::Display| Cause::Protocol(format!("the library could not start: {error}"));
        let (ours, library) = UnixStream::pair().map_err(|error| broken(&error))?;
        let library = library.into_std().map_err(|error| broken(&error))?;
        let settings = LdapConnSettings::new().set_std_stream(StdStream::Unix(library));
        let (driver, ldap) = LdapConnAsync::with_settings(settings, "ldapi:///").await.map_err(|error| broken(&error))?;
        let watch = Arc::new(Watch::default());
        let mut tasks = JoinSet::new();
        let watched = Arc::clone(&watch);
        let (chunks, entries) = mpsc::channel(guard::CHUNKS_WAITING_MAX);
        tasks.spawn(async move { guard::run(stream, ours, chunks, &watched).await });
        tasks.spawn(async move {
            // The guard keeps the reason; the library knows only that its side closed.
            if let Err(error) = driver.drive().await {
                tracing::debug!(%error, "directory connection ended");
            }
        });
        Ok(Self { ldap, entries, watch, answered: false, _tasks: tasks })
    }

    /// A simple bind (RFC 4513 §5.1.3).
    pub(super) async fn bind(&mut self, dn: &str, password: &Password, within: Duration) -> Result<LdapResult, Cause> {
        let answer = timeout(within, self.ldap.simple_bind(dn, password.expose())).await;
        self.answer(answer.map_err(|_| Cause::Silent { what: "answer the bind", within })?)
    }

    /// A bind as whom the client certificate names (RFC 4513 §5.2.3).
    pub(super) async fn bind_by_certificate(&mut self, within: Duration) -> Result<LdapResult, Cause> {
        let answer = timeout(within, self.ldap.sasl_external_bind()).await;
        self.answer(answer.map_err(|_| Cause::Silent { what: "answer the bind", within })?)
    }

    fn answer(&mut self, answer: ldap3::result::Result<LdapResult>) -> Result<LdapResult, Cause> {
        let answer = answer.map_err(|error| self.cause(&error, 0))?;
        self.answered = true;
        Ok(answer)
    }

    /// Notes that the directory answered once.
    pub(super) fn heard(&mut self) {
        self.answered = true;
    }

    /// Why a request failed, from the guard when it knows.
    pub(super) fn cause(&self, error: &LdapError, read: usize) -> Cause {
        let library_lost_it = matches!(
            error,
            LdapError::EndOfStream
                | LdapError::ResultRecv { .. }
                | LdapError::OpSend { .. }
                | LdapError::IdScrubSend { .. }
                | LdapError::MiscSend { .. }
                | LdapError::Io { .. }
        );
        match self.watch.ending() {
            Some(Ending::Notice { code, text }) => Cause::Notice { code, text },
            Some(Ending::Malformed(reason)) => malformed(reason),
            Some(Ending::Tls(words)) => Cause::Handshake(words),
            Some(Ending::Closed) | None if library_lost_it && !self.answered => Cause::ClosedAtOnce,
            Some(Ending::Closed) | None if library_lost_it => Cause::Dropped(read),
            Some(Ending::Closed) | None => Cause::Protocol(error.to_string()),
        }
    }

    /// Asks something that costs nothing, beside whatever search is at work: any answer will do.
    pub(super) fn ping(&self, within: Duration) -> impl Future<Output = Result<(), Cause>> + use<> {
        // A filter that nothing matches, so that no entry comes among those of the search.
        const NOTHING: &str = "(!(objectClass=*))";
        let mut ldap = self.ldap.clone();
        async move {
            let answer = timeout(within, ldap.search("", ldap3::Scope::Base, NOTHING, vec!["1.1"])).await;
            match answer.map_err(|_| Cause::Silent { what: "answer while it was listened to", within })? {
                Ok(_) | Err(LdapError::LdapResult { .. }) => Ok(()),
                // The search at work ends with the connection, and its cause tells more.
                Err(_) => Err(Cause::Dropped(0)),
            }
        }
    }

    /// True while the directory has not closed.
    pub(super) fn is_open(&self) -> bool {
        self.watch.ending().is_none()
    }

    /// Says goodbye (RFC 4511 §4.3) and ends.
    pub(super) async fn close(mut self) {
        // The connection ends either way.
        let _ = timeout(GOODBYE, self.ldap.unbind()).await;
    }
}

/// What a result code other than success means for a request; `about` is the DN it concerned.
pub(super) fn refusal(answer: LdapResult, about: &str, read: usize) -> Cause {
    let LdapResult { rc: code, text, refs, .. } = answer;
    match code {
        3 => Cause::TimeLimit(read),
        4 | 11 => Cause::SizeLimit { read, code },
        8 | 13 => Cause::EncryptionRequired(code),
        10 => Cause::Referral(refs.into_iter().next().unwrap_or_default()),
        12 => Cause::PagingIgnored,
        32 => Cause::BaseMissing(about.to_owned()),
        50 => Cause::AccessRefused(about.to_owned()),
        51 | 52 => Cause::Busy { code, text },
        _ => Cause::Refused { code, text },
    }
}
