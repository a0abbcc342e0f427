//! What a failed conversation means for the letter: tried again, refused for good, or uncertain and therefore never sent again by itself.

use std::error::Error as _;
use std::io::{self, ErrorKind};

use lettre::transport::smtp::Error;

use super::relay::Relay;
use crate::config::Security;

/// Longest answer of a server that is kept, in characters.
const SAID_LENGTH_MAX: usize = 300;
/// RFC 4954 §6: the server wants a sign-in first.
const SIGN_IN_WANTED: u16 = 530;
/// RFC 4954 §6: what it was given is wrong.
const SIGN_IN_WRONG: u16 = 535;

/// What came of handing a letter over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sending {
    /// The server has it.
    Sent,
    /// It has not, and may take it later.
    Later(String),
    /// It never will.
    Refused(String),
    /// Nobody can tell: the answer to the whole letter did not come.
    Uncertain(String),
}

/// How far the conversation came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Connecting, with TLS where it comes first, up to the greeting.
    Connect,
    /// Asking for TLS.
    Protect,
    /// Signing in.
    SignIn,
    /// Naming the sender.
    Sender,
    /// Naming the recipient.
    Recipient,
    /// Asking whether the letter may come.
    Announcement,
    /// The letter itself, and the answer to it.
    Letter,
}

impl Stage {
    /// What a failure here means for the letter. Up to the sign-in it is the installation's own matter, and the letter waits.
    pub(super) fn judged(self, relay: &Relay, error: &Error) -> Sending {
        let text = self.failed(relay, error);
        let wants_sign_in = error.status().is_some_and(|code| u16::from(code) == SIGN_IN_WANTED);
        match self {
            Self::Connect | Self::Protect | Self::SignIn => Sending::Later(text),
            _ if error.is_transient() || wants_sign_in => Sending::Later(text),
            _ if error.is_permanent() => Sending::Refused(text),
            Self::Sender | Self::Recipient | Self::Announcement => Sending::Later(text),
            Self::Letter => Sending::Uncertain(text),
        }
    }

    /// What is wrong and what to do, in a sentence.
    pub(super) fn failed(self, relay: &Relay, error: &Error) -> String {
        let (place, said) = (relay.place(), said(error));
        let status = error.status().map(u16::from);
        match self {
            Self::Connect | Self::Protect if is_about_tls(error) => {
                format!(
                    "TLS with {place} failed ({said}): let mail.host be the name in its certificate, name its authority in mail.ca_file, or \
                     see whether mail.port and mail.security go together"
                )
            }
            Self::Connect => format!("{place} cannot be reached ({said}): see mail.host, mail.port and whether the server runs"),
            Self::Protect if error.is_client() => {
                format!("{place} offers no STARTTLS: set mail.security = \"tls\" with its port, usually 465")
            }
            Self::Protect => format!("{place} did not begin TLS ({said})"),
            Self::SignIn if status == Some(SIGN_IN_WRONG) => {
                format!("{place} refuses the sign-in ({said}): see mail.username and the password")
            }
            Self::SignIn if error.is_client() => {
                format!("{place} takes neither PLAIN nor LOGIN: leave mail.username empty, or ask its operator")
            }
            Self::SignIn => format!("{place} did not take the sign-in ({said})"),
            _ if status == Some(SIGN_IN_WANTED) => format!("{place} wants a sign-in ({said}): set mail.username and the password"),
            Self::Sender => format!("{place} does not take letters from mail.from ({said})"),
            Self::Recipient => format!("{place} does not take letters to this address ({said})"),
            Self::Announcement => format!("{place} does not take the letter ({said})"),
            Self::Letter if error.status().is_some() => format!("{place} did not keep the letter ({said})"),
            Self::Letter => {
                format!("{place} broke off without saying whether it has the letter ({said}): ask the recipient, or send it again")
            }
        }
    }

    /// The same for a server that says nothing.
    pub(super) fn silent(self, relay: &Relay) -> String {
        let place = relay.place();
        match self {
            Self::Connect if relay.security() != Security::None => {
                format!("{place} says nothing: see mail.host, mail.port, and whether the port speaks TLS from the start (mail.security)")
            }
            Self::Connect => format!("{place} says nothing: see mail.host and mail.port"),
            Self::Letter => format!("{place} did not say in time whether it has the letter: ask the recipient, or send it again"),
            Self::Protect | Self::SignIn | Self::Sender | Self::Recipient | Self::Announcement => {
                format!("{place} stopped answering: it is tried again")
            }
        }
    }
}

/// TLS failures come as input that is not valid, or ends too soon, below the transport's own error.
fn is_about_tls(error: &Error) -> bool {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(io) = inner.downcast_ref::<io::Error>() {
            return matches!(io.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof);
        }
        cause = inner.source();
    }
    false
}

/// The server's words, or the library's, on one line, without the recipient's address: servers like to repeat it, and logs are not for it.
pub(super) fn said(error: &Error) -> String {
    let text = match (error.status(), error.source()) {
        (Some(code), Some(words)) => format!("{} {words}", u16::from(code)),
        (Some(code), None) => u16::from(code).to_string(),
        (None, Some(cause)) => cause.to_string(),
        (None, None) => error.to_string(),
    };
    let plain = text.split_whitespace().map(|word| if word.contains('@') { "(address)" } else { word }).collect::<Vec<_>>().join(" ");
    plain.chars().filter(|c| !c.is_control()).take(SAID_LENGTH_MAX).collect()
}
