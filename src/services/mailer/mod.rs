//! The way to the server that takes letters: settings made ready once, one connection a letter. What a letter says is not its concern.

mod judgement;
mod relay;

use std::fmt;

use lettre::Message;

use crate::config::{Mail, Security};
use relay::Relay;

pub use judgement::Sending;

/// Why mail cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum MailerError {
    /// A file of the settings cannot be read.
    #[error("{setting} names {path}, which cannot be read: {source}")]
    File {
        /// The setting.
        setting: &'static str,
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A setting cannot be used.
    #[error("{setting} {reason}")]
    Setting {
        /// The setting.
        setting: &'static str,
        /// What is wrong, and what to do.
        reason: String,
    },
}

/// Sends letters, where a server is configured.
pub struct Mailer(Option<Relay>);

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Mailer").field(&self.0.as_ref().map(|relay| &relay.host)).finish()
    }
}

impl Mailer {
    /// Makes the settings ready: reads the files they name. Opens no connection.
    ///
    /// # Errors
    /// The setting whose file cannot be read or used.
    pub fn open(settings: &Mail, public_url: &str) -> Result<Self, MailerError> {
        if settings.host.is_empty() {
            return Ok(Self(None));
        }
        Relay::new(settings, public_url).map(Some).map(Self)
    }

    /// Whether there is a server to send to.
    pub const fn is_configured(&self) -> bool {
        self.0.is_some()
    }

    /// Connects and signs in as for a letter, and sends none. `None` without a server.
    ///
    /// # Errors
    /// What is wrong, and what to do.
    pub async fn check(&self) -> Option<Result<String, String>> {
        match &self.0 {
            Some(relay) => Some(relay.check().await),
            None => None,
        }
    }

    /// Whom letters are from, and where their answers go.
    pub(in crate::services) fn sender(&self) -> Option<(&lettre::message::Mailbox, Option<&lettre::message::Mailbox>)> {
        self.0.as_ref().map(|relay| (&relay.from, relay.reply_to.as_ref()))
    }

    /// Hands one letter over, once.
    pub(in crate::services) async fn send(&self, letter: &Message) -> Sending {
        match &self.0 {
            Some(relay) => relay.send(letter).await,
            None => Sending::Later("no server takes mail: set mail.host".to_owned()),
        }
    }
}

/// An address as headers and envelopes take it: a domain with other letters than ASCII is written in its ASCII form (RFC 5891).
///
/// # Errors
/// `None` for an address that SMTP does not carry.
pub(in crate::services) fn address(email: &str) -> Option<lettre::Address> {
    let (local, domain) = email.rsplit_once('@')?;
    let domain = match url::Host::parse(domain) {
        Ok(url::Host::Domain(ascii)) => ascii,
        _ => domain.to_owned(),
    };
    lettre::Address::new(local, domain).ok()
}

/// The words of the settings for a way of protecting the connection.
const fn word(security: Security) -> &'static str {
    match security {
        Security::Starttls => "STARTTLS",
        Security::Tls => "TLS",
        Security::None => "no encryption",
    }
}
