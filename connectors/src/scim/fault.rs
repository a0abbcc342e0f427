//! What can go wrong with a SCIM service beyond the connection to it: one case each, with what to do. Holds no secret and no resource's content.

use crate::ldap::{Cause, words};

/// Something a SCIM service did, or did not do.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The gateway does not call such addresses.
    #[error("its host is, or leads to, a private address or this machine's own")]
    PrivateAddress,
    /// TLS was asked of a server that does not speak it.
    #[error("it does not speak TLS on this port")]
    NotHttps,
    /// A client is named, and its secret is not kept.
    #[error("`client_id` is set and `client_secret` is not")]
    SecretMissing,
    /// The authorization server gave no token (RFC 6749 §5.2).
    #[error("{server} gave no token (status {status}{})", said(.text))]
    TokenNotGiven {
        /// Its address.
        server: String,
        /// The status; 200 when what came holds no token.
        status: u16,
        /// Its words.
        text: String,
    },
    /// 401.
    #[error("it does not accept the token (status 401{})", said(.0))]
    TokenRefused(String),
    /// 403.
    #[error("the token may not read `{path}` (status 403{})", said(.text))]
    TokenForbidden {
        /// What was asked for.
        path: String,
        /// The service's words.
        text: String,
    },
    /// 404 where there has to be something.
    #[error("there is no `{0}` there (status 404)")]
    EndpointMissing(String),
    /// Any 3xx.
    #[error("it sends elsewhere (status {status}{})", said(.to))]
    Redirected {
        /// The status.
        status: u16,
        /// Where to.
        to: String,
    },
    /// 429, 502, 503 or 504, for longer than a run lasts.
    #[error("it is busy (status {status}), and asks to wait for longer than this may last")]
    ServiceBusy {
        /// The status.
        status: u16,
    },
    /// Any other 5xx.
    #[error("it failed (status {status}{})", said(.text))]
    ServiceFailed {
        /// The status.
        status: u16,
        /// Its words.
        text: String,
    },
    /// Any other refusal.
    #[error("it refused the request for `{path}` (status {status}{})", said(.text))]
    RequestRefused {
        /// What was asked for.
        path: String,
        /// The status.
        status: u16,
        /// Its `scimType` (RFC 7644 §3.12), empty when it gives none.
        kind: String,
        /// Its words.
        text: String,
    },
    /// The answer ended before its end.
    #[error("its answer broke off ({0})")]
    AnswerBroken(String),
    /// What came is no SCIM.
    #[error("its answer is not SCIM: {0}")]
    NotScim(String),
    /// One answer is larger than can be kept at once.
    #[error("one answer holds more than {0} bytes")]
    AnswerTooLarge(usize),
    /// Its pages do not make up the whole that it announces.
    #[error("its pages do not fit together: {read} resources came where it announced {told}, read {passes} times")]
    PagesIncoherent {
        /// Different resources that came.
        read: usize,
        /// The largest total that it announced.
        told: usize,
        /// How often they were read.
        passes: usize,
    },
}

impl Fault {
    /// Every code.
    pub const CODES: [&str; 15] = [
        "answer_broken",
        "answer_too_large",
        "endpoint_missing",
        "not_https",
        "not_scim",
        "pages_incoherent",
        "private_address",
        "redirected",
        "request_refused",
        "secret_missing",
        "service_busy",
        "service_failed",
        "token_forbidden",
        "token_not_given",
        "token_refused",
    ];

    pub(super) fn cause(self) -> Cause {
        Cause::Service(self)
    }

    /// A stable name, for catalogues of messages and for counting.
    pub fn code(&self) -> &'static str {
        match self {
            Self::PrivateAddress => "private_address",
            Self::NotHttps => "not_https",
            Self::SecretMissing => "secret_missing",
            Self::TokenNotGiven { .. } => "token_not_given",
            Self::TokenRefused(_) => "token_refused",
            Self::TokenForbidden { .. } => "token_forbidden",
            Self::EndpointMissing(_) => "endpoint_missing",
            Self::Redirected { .. } => "redirected",
            Self::ServiceBusy { .. } => "service_busy",
            Self::ServiceFailed { .. } => "service_failed",
            Self::RequestRefused { .. } => "request_refused",
            Self::AnswerBroken(_) => "answer_broken",
            Self::NotScim(_) => "not_scim",
            Self::AnswerTooLarge(_) => "answer_too_large",
            Self::PagesIncoherent { .. } => "pages_incoherent",
        }
    }

    /// What to do next, one sentence without its full stop.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::PrivateAddress => "An operator allows it in `egress.private_hosts_allowed`",
            Self::NotHttps => "Check the port in `url`: `https://` needs a port that speaks TLS",
            Self::SecretMissing => "Give `client_secret` again: it is not kept when an address changes",
            Self::TokenNotGiven { .. } => {
                "Check `token_url`, `client_id`, `client_secret`, `scope`, and `token_endpoint_auth_method` if the server wants the other one"
            }
            Self::TokenRefused(_) => "Have the service issue a new token, and give it as `token`",
            Self::TokenForbidden { .. } => "Have the service let this token read users and groups; without groups, set `groups` to `none`",
            Self::EndpointMissing(_) => "Check `url`: it is the address before `/Users`; where there are no groups, set `groups` to `none`",
            Self::Redirected { .. } => {
                "Write in `url` the address that it sends to, if it is the service's: a token is never sent after a redirect"
            }
            Self::ServiceBusy { .. } => "Try again later, or raise `page_pause_ms`; nothing was changed",
            Self::ServiceFailed { .. } => "Try again later; the service's log says more. Nothing was changed",
            Self::RequestRefused { .. } => "Check `user_filter`, `group_filter` and `page_size` against what the service accepts",
            Self::AnswerBroken(_) => "Try again; if it recurs, the service's log and the network between say more. Nothing was changed",
            Self::NotScim(_) => "Check `url`: it is the address before `/Users` of a SCIM 2.0 service, not that of a web page",
            Self::AnswerTooLarge(_) => "Lower `page_size`; nothing was changed",
            Self::PagesIncoherent { .. } => {
                "People may have come or gone meanwhile: try again at a quieter hour. If it recurs, raise `page_size` or set `paging` to `cursor`; \
                 nothing was changed"
            }
        }
    }

    /// What the code is about, for catalogues of messages.
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        let answered = |status: &u16, text: &str| vec![("status", status.to_string()), ("said", words(text))];
        match self {
            Self::PrivateAddress | Self::NotHttps | Self::SecretMissing => Vec::new(),
            Self::TokenNotGiven { server, status, text } => [vec![("server", server.clone())], answered(status, text)].concat(),
            Self::TokenRefused(text) | Self::AnswerBroken(text) | Self::NotScim(text) => vec![("said", words(text))],
            Self::TokenForbidden { path, text } => vec![("path", path.clone()), ("said", words(text))],
            Self::EndpointMissing(path) => vec![("path", path.clone())],
            Self::Redirected { status, to } => answered(status, to),
            Self::ServiceBusy { status } => vec![("status", status.to_string())],
            Self::ServiceFailed { status, text } => answered(status, text),
            Self::RequestRefused { path, status, text, .. } => [vec![("path", path.clone())], answered(status, text)].concat(),
            Self::AnswerTooLarge(bytes) => vec![("count", bytes.to_string())],
            Self::PagesIncoherent { read, told, passes } => {
                vec![("read", read.to_string()), ("told", told.to_string()), ("passes", passes.to_string())]
            }
        }
    }
}

fn said(text: &str) -> String {
    let clean = words(text);
    if clean.is_empty() { String::new() } else { format!(": {clean}") }
}
