//! What each cause is about, for catalogues of messages. Words them in no language.

use super::{Cause, words};

impl Cause {
    /// What the code is about, for catalogues of messages.
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        let coded = |code: &u32, text: &str| vec![("code", code.to_string()), ("said", words(text))];
        match self {
            Self::UnknownHost(said) => vec![("said", said.to_string())],
            Self::Unreachable { address, source } => vec![("address", address.clone()), ("said", source.to_string())],
            Self::CertificateName(name) => vec![("name", name.clone())],
            Self::Handshake(words) | Self::Protocol(words) | Self::Content(words) => vec![("said", words.clone())],
            Self::StartTlsRefused { code, text }
            | Self::Busy { code, text }
            | Self::Notice { code, text }
            | Self::Refused { code, text }
            | Self::BookmarkRefused { code, text } => coded(code, text),
            Self::TlsFile { path } => vec![("path", path.clone())],
            Self::BindRefused { dn, code, text } => [vec![("dn", dn.clone())], coded(code, text)].concat(),
            Self::EncryptionRequired(code) => vec![("code", code.to_string())],
            Self::NotADn(said) => vec![("said", said.to_string())],
            Self::BaseMissing(dn) | Self::AccessRefused(dn) => vec![("dn", dn.clone())],
            Self::SizeLimit { read, code } => vec![("count", read.to_string()), ("code", code.to_string())],
            Self::TimeLimit(count)
            | Self::Dropped(count)
            | Self::PageTooLarge(count)
            | Self::RepeatedPage(count)
            | Self::TooManyPages(count) => {
                vec![("count", count.to_string())]
            }
            Self::Referral(uri) => vec![("said", words(uri))],
            Self::Malformed(malformed) => vec![("said", malformed.to_string())],
            Self::Silent { what, within } => vec![("said", (*what).to_owned()), ("within", format!("{within:?}"))],
            Self::Deadline(within) | Self::Resting(within) => vec![("within", format!("{within:?}"))],
            Self::Service(fault) => fault.facts(),
            Self::UnknownAuthority
            | Self::CertificateExpired
            | Self::CertificateNotYetValid
            | Self::NotTls
            | Self::TlsPort
            | Self::CertificateIsAuthority
            | Self::ClearTextInjected
            | Self::NoAuthorities
            | Self::NoBindPassword
            | Self::ClosedAtOnce
            | Self::PagingIgnored
            | Self::GivenUp => Vec::new(),
        }
    }
}
