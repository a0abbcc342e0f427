//! What can go wrong with a directory: one cause a case, each saying what, where and what to do. Holds no secret and no entry's content.

mod facts;

use std::time::Duration;

pub use super::ber::Malformed;
use crate::dn::DnError;
use crate::scim::Fault;

/// Something went wrong with a directory.
#[derive(Debug, thiserror::Error)]
#[error("{server}: {cause}. {}", cause.advice())]
pub struct Error {
    /// The server's URL, as configured.
    pub server: String,
    /// What went wrong.
    #[source]
    pub cause: Cause,
}

/// The cause of an [`Error`], one a case.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// The host name has no address.
    #[error("the host name cannot be resolved ({0})")]
    UnknownHost(#[source] std::io::Error),
    /// No address took the connection.
    #[error("no connection to {address} ({source})")]
    Unreachable {
        /// The address tried last.
        address: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The certificate leads to no authority we trust.
    #[error("its certificate is signed by an authority that is not trusted here")]
    UnknownAuthority,
    /// The certificate's time is over.
    #[error("its certificate has expired")]
    CertificateExpired,
    /// The certificate's time has not come.
    #[error("its certificate is not valid yet")]
    CertificateNotYetValid,
    /// The certificate names another host.
    #[error("its certificate is not for the name `{0}`")]
    CertificateName(String),
    /// TLS was asked of a server that does not speak it.
    #[error("it does not speak TLS on this port")]
    NotTls,
    /// Plain LDAP was spoken to a TLS port.
    #[error("this port speaks TLS")]
    TlsPort,
    /// The directory shows the certificate of an authority as its own.
    #[error("the directory shows a certificate that is an authority's own (CA:TRUE), as self-signed ones often are")]
    CertificateIsAuthority,
    /// Any other failure of the handshake.
    #[error("TLS failed ({0})")]
    Handshake(String),
    /// StartTLS was refused (RFC 4511 §4.14).
    #[error("StartTLS was refused (code {code}{})", said(.text))]
    StartTlsRefused {
        /// The result code.
        code: u32,
        /// The server's words.
        text: String,
    },
    /// Bytes arrived in clear between StartTLS and the handshake.
    #[error("something was added in clear after StartTLS")]
    ClearTextInjected,
    /// A certificate or key file cannot be used.
    #[error("{path} cannot be used as PEM certificates or key: ask whoever runs the gateway")]
    TlsFile {
        /// The file; whether it is there, and what it is, the log alone says.
        path: String,
    },
    /// No authority at all is trusted.
    #[error("the system has no trusted certificate authority")]
    NoAuthorities,
    /// A bind DN is configured without its password.
    #[error("`bind_dn` is set and `bind_password` is not")]
    NoBindPassword,
    /// The service account was refused.
    #[error("the bind as `{dn}` was refused (code {code}{})", said(.text))]
    BindRefused {
        /// The account.
        dn: String,
        /// The result code.
        code: u32,
        /// The server's words.
        text: String,
    },
    /// The server wants encryption first.
    #[error("it accepts no request without TLS (code {0})")]
    EncryptionRequired(u32),
    /// What was given as a DN is none.
    #[error("that is not a DN: {0}")]
    NotADn(#[source] DnError),
    /// The base does not exist, or is not visible to this account.
    #[error("the base `{0}` does not exist there, or this account may not see it")]
    BaseMissing(String),
    /// The account may not search here.
    #[error("this account may not read `{0}`")]
    AccessRefused(String),
    /// The server stopped at its size limit.
    #[error("it stopped at its size limit after {read} entries (code {code})")]
    SizeLimit {
        /// Entries read before.
        read: usize,
        /// 4 or 11.
        code: u32,
    },
    /// The server stopped at its time limit.
    #[error("it stopped at its time limit after {0} entries")]
    TimeLimit(usize),
    /// The server is busy or unavailable.
    #[error("it is busy or shutting down (code {code}{})", said(.text))]
    Busy {
        /// 51 or 52.
        code: u32,
        /// The server's words.
        text: String,
    },
    /// The server said goodbye (Notice of Disconnection, RFC 4511 §4.4.1).
    #[error("it ended the connection (code {code}{})", said(.text))]
    Notice {
        /// The result code.
        code: u32,
        /// The server's words.
        text: String,
    },
    /// Any other refusal.
    #[error("it refused the request (code {code}{})", said(.text))]
    Refused {
        /// The result code.
        code: u32,
        /// The server's words.
        text: String,
    },
    /// The connection closed before the first answer.
    #[error("it closed the connection without an answer")]
    ClosedAtOnce,
    /// The connection closed in the middle.
    #[error("the connection was dropped after {0} entries")]
    Dropped(usize),
    /// The server ignored paging, so the answer may be cut.
    #[error("it ignored paging (RFC 2696): what came may not be everything")]
    PagingIgnored,
    /// One page holds more than can be kept at once.
    #[error("one page holds more than {0} bytes")]
    PageTooLarge(usize),
    /// The server gave the same page again and again.
    #[error("it gives the same page again and again (after {0} entries)")]
    RepeatedPage(usize),
    /// The server points to another server.
    #[error("it refers to another server{}", said(.0))]
    Referral(String),
    /// A message that is not LDAP's.
    #[error("its answer is malformed: {0}")]
    Malformed(#[source] Malformed),
    /// The server said nothing for too long.
    #[error("it did not {what} within {within:?}")]
    Silent {
        /// What was awaited.
        what: &'static str,
        /// How long.
        within: Duration,
    },
    /// No server answered several times in a row.
    #[error("no server answered several times in a row: nobody is asked for another {0:?}")]
    Resting(Duration),
    /// The whole reading took too long.
    #[error("reading was not finished within {0:?}")]
    Deadline(Duration),
    /// More pages than any directory has.
    #[error("it sent more than {0} pages")]
    TooManyPages(usize),
    /// What a file holds cannot be used; the text says on which line.
    #[error("{0}")]
    Content(String),
    /// Where the last reading ended is of no use any more: the source is to be read whole.
    #[error("it cannot say what changed since the last run{}", refused(*.code, .text))]
    BookmarkRefused {
        /// The server's result code; 0 when it did not come to asking.
        code: u32,
        /// The server's words, or ours.
        text: String,
    },
    /// Nobody takes the records any more.
    #[error("the reading was given up")]
    GivenUp,
    /// What a SCIM service did, or did not do.
    #[error(transparent)]
    Service(Fault),
    /// Anything the LDAP library says that has no case of its own.
    #[error("{0}")]
    Protocol(String),
}

impl Cause {
    /// Every code but those of SCIM services, which are [`Fault::CODES`].
    pub const CODES: [&str; 40] = [
        "access_refused",
        "base_missing",
        "bind_refused",
        "bookmark_refused",
        "busy",
        "certificate_expired",
        "certificate_is_authority",
        "certificate_name",
        "certificate_not_yet_valid",
        "clear_text_injected",
        "closed_at_once",
        "content",
        "deadline",
        "dropped",
        "encryption_required",
        "given_up",
        "handshake",
        "malformed",
        "no_authorities",
        "no_bind_password",
        "not_a_dn",
        "not_tls",
        "notice",
        "page_too_large",
        "paging_ignored",
        "protocol",
        "referral",
        "refused",
        "repeated_page",
        "silent",
        "resting",
        "size_limit",
        "starttls_refused",
        "time_limit",
        "tls_file",
        "tls_port",
        "too_many_pages",
        "unknown_authority",
        "unknown_host",
        "unreachable",
    ];

    /// A stable name, for catalogues of messages and for counting.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownHost(_) => "unknown_host",
            Self::Unreachable { .. } => "unreachable",
            Self::UnknownAuthority => "unknown_authority",
            Self::CertificateExpired => "certificate_expired",
            Self::CertificateNotYetValid => "certificate_not_yet_valid",
            Self::CertificateName(_) => "certificate_name",
            Self::NotTls => "not_tls",
            Self::TlsPort => "tls_port",
            Self::CertificateIsAuthority => "certificate_is_authority",
            Self::Handshake(_) => "handshake",
            Self::StartTlsRefused { .. } => "starttls_refused",
            Self::ClearTextInjected => "clear_text_injected",
            Self::TlsFile { .. } => "tls_file",
            Self::NoAuthorities => "no_authorities",
            Self::NoBindPassword => "no_bind_password",
            Self::BindRefused { .. } => "bind_refused",
            Self::EncryptionRequired(_) => "encryption_required",
            Self::NotADn(_) => "not_a_dn",
            Self::BaseMissing(_) => "base_missing",
            Self::AccessRefused(_) => "access_refused",
            Self::SizeLimit { .. } => "size_limit",
            Self::TimeLimit(_) => "time_limit",
            Self::Busy { .. } => "busy",
            Self::Notice { .. } => "notice",
            Self::Refused { .. } => "refused",
            Self::ClosedAtOnce => "closed_at_once",
            Self::Dropped(_) => "dropped",
            Self::PagingIgnored => "paging_ignored",
            Self::PageTooLarge(_) => "page_too_large",
            Self::RepeatedPage(_) => "repeated_page",
            Self::Referral(_) => "referral",
            Self::Malformed(_) => "malformed",
            Self::Silent { .. } => "silent",
            Self::Resting(_) => "resting",
            Self::Deadline(_) => "deadline",
            Self::TooManyPages(_) => "too_many_pages",
            Self::Content(_) => "content",
            Self::BookmarkRefused { .. } => "bookmark_refused",
            Self::GivenUp => "given_up",
            Self::Service(fault) => fault.code(),
            Self::Protocol(_) => "protocol",
        }
    }

    /// What to do next, one sentence without its full stop.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::UnknownHost(_) => "Check the host name in the source's address, and this machine's DNS",
            Self::Unreachable { .. } => "Check the address and port of the source, that its server runs, and the firewall between",
            Self::UnknownAuthority => "Put the authority's certificate (PEM) in a file and name it in `tls.ca_file`",
            Self::CertificateExpired => "Renew the server's certificate; nothing is read until then",
            Self::CertificateNotYetValid => "Check the clocks of both machines, and the certificate's dates",
            Self::CertificateName(_) => "Use in the source's address a name the certificate carries, or have it issued again with this one",
            Self::NotTls => "Write `ldap://` with `tls.mode` `starttls`, or use the directory's LDAPS port (often 636)",
            Self::TlsPort => "Write `ldaps://` in `urls`",
            Self::CertificateIsAuthority => {
                "Give the directory a certificate of its own, signed by that authority and without CA:TRUE, and name the authority in `tls.ca_file`"
            }
            Self::Handshake(_) => {
                "Check the server's certificate, its TLS versions (1.2 or 1.3), and whether it wants `tls.client_cert_file`"
            }
            Self::StartTlsRefused { .. } => "Enable TLS in the directory, or use `ldaps://`; `tls.mode` `none` only on a network you trust",
            Self::ClearTextInjected => "Someone may stand between the two machines: use `ldaps://`",
            Self::TlsFile { .. } => "The gateway's log says why; the file must be a regular one in PEM, of at most 1 MiB",
            Self::NoAuthorities => "Install the system's certificates, or name the authority in `tls.ca_file`",
            Self::NoBindPassword => "Give the password again: it is not kept when a URL changes",
            Self::BindRefused { .. } => "Check `bind_dn` and `bind_password`, and that the account is neither locked nor expired",
            Self::EncryptionRequired(_) => "Use `ldaps://`, or `tls.mode` `starttls`",
            Self::NotADn(_) => "Write it as the directory does, for instance `uid=a,ou=people,dc=example,dc=fr`",
            Self::BaseMissing(_) => "Check `base_dn` and `group_base_dn`, and the account's right to read them",
            Self::AccessRefused(_) => "Give `bind_dn` the right to read this branch",
            Self::SizeLimit { .. } => {
                "Raise the limit for `bind_dn` in the directory (OpenLDAP: size.prtotal=unlimited); nothing was changed"
            }
            Self::TimeLimit(_) => "Raise the time limit for `bind_dn`, or index the attributes of the filter; nothing was changed",
            Self::Busy { .. } | Self::Notice { .. } => "Try again later; nothing was changed",
            Self::ClosedAtOnce => {
                "Perhaps this is a TLS port (use `ldaps://`), the directory wants `tls.client_cert_file`, or it takes no more connections"
            }
            Self::Dropped(_) => "Try again; if it recurs, the directory's log and the network between say more. Nothing was changed",
            Self::PagingIgnored => "Enable the paged results control in the directory (OpenLDAP: size.pr); nothing was changed",
            Self::PageTooLarge(_) => "Lower `page_size`; nothing was changed",
            Self::RepeatedPage(_) => "This is a fault of the directory or of a proxy before it; nothing was changed",
            Self::Referral(_) => "Name that server in `urls`: referrals are not followed",
            Self::Malformed(_) => "Check that `urls` leads to an LDAP server; the connection was ended",
            Self::Silent { .. } | Self::Resting(_) => "Check the load of the server and the network between",
            Self::Deadline(_) => "Raise the run's deadline, or narrow the filters; nothing was changed",
            Self::TooManyPages(_) => "Raise `page_size`, or narrow the filters",
            Self::Content(_) => "Correct the file or the source's settings, and give the file again; nothing was changed",
            Self::BookmarkRefused { .. } => "The next run reads everything, and goes on from there",
            Self::GivenUp => "Start it again",
            Self::Service(fault) => fault.advice(),
            Self::Refused { .. } | Self::Protocol(_) => "The directory's log says more",
        }
    }

    /// True when the bookmark is to be thrown away and the source read whole: asking again would be refused again.
    pub fn bookmark_refused(&self) -> bool {
        matches!(self, Self::BookmarkRefused { .. })
    }

    pub(crate) fn at(self, server: &str) -> Error {
        Error { server: server.to_owned(), cause: self }
    }

    /// True when another server of the list may do better.
    pub(crate) fn concerns_one_server(&self) -> bool {
        !matches!(self, Self::BindRefused { .. } | Self::NoBindPassword | Self::TlsFile { .. } | Self::NoAuthorities | Self::NotADn(_))
    }
}

fn refused(code: u32, text: &str) -> String {
    if code == 0 { said(text) } else { format!(" (code {code}{})", said(text)) }
}

/// A server's words, shortened and without control characters.
pub(crate) fn words(text: &str) -> String {
    const TEXT_CHARS_MAX: usize = 200;
    text.chars().filter(|c| !c.is_control()).take(TEXT_CHARS_MAX).collect::<String>().trim().to_owned()
}

fn said(text: &str) -> String {
    let clean = words(text);
    if clean.is_empty() { String::new() } else { format!(": {clean}") }
}
