//! How an authorization request fails: on a page of the gateway, or by redirect to the client.

/// An error that must not leave the gateway, because whom to tell is itself in doubt (RFC 6749 §4.1.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum PageError {
    /// No client, or several, are named.
    #[error("client_id is missing or was sent more than once")]
    ClientMissing,
    /// No such client in this establishment.
    #[error("the client is not registered here")]
    ClientUnknown,
    /// The client was switched off.
    #[error("the client is disabled")]
    ClientDisabled,
    /// No redirect URI, or several: there is no default one.
    #[error("redirect_uri is missing or was sent more than once")]
    RedirectUriMissing,
    /// Not one of those registered.
    #[error("redirect_uri is not registered for this client")]
    RedirectUriUnregistered,
}

impl PageError {
    /// Every page error, for tests of the pages.
    pub const ALL: [Self; 5] =
        [Self::ClientMissing, Self::ClientUnknown, Self::ClientDisabled, Self::RedirectUriMissing, Self::RedirectUriUnregistered];

    /// The stem of its texts in the translations.
    pub const fn text_key(self) -> &'static str {
        match self {
            Self::ClientMissing => "error-client-missing",
            Self::ClientUnknown => "error-client-unknown",
            Self::ClientDisabled => "error-client-disabled",
            Self::RedirectUriMissing => "error-redirect-uri-missing",
            Self::RedirectUriUnregistered => "error-redirect-uri-unregistered",
        }
    }
}

/// The value of `error` in an authorization response (RFC 6749 §4.1.2.1, Core §3.1.2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AuthorizationErrorCode {
    /// A parameter is missing, repeated or malformed.
    InvalidRequest,
    /// The client may not use this flow.
    UnauthorizedClient,
    /// The person or a rule said no.
    AccessDenied,
    /// Not the code flow.
    UnsupportedResponseType,
    /// Nothing of the scope may be had.
    InvalidScope,
    /// The gateway failed.
    ServerError,
    /// The gateway is too busy.
    TemporarilyUnavailable,
    /// `prompt=none`, and nobody suitable is signed in.
    LoginRequired,
    /// `prompt=none`, and consent is missing.
    ConsentRequired,
    /// `prompt=none`, and some other page is needed.
    InteractionRequired,
    /// `prompt=none`, and the person must choose who to be.
    AccountSelectionRequired,
    /// `request` was sent.
    RequestNotSupported,
    /// `request_uri` was sent.
    RequestUriNotSupported,
}

impl AuthorizationErrorCode {
    /// The registered name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::AccessDenied => "access_denied",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::InteractionRequired => "interaction_required",
            Self::AccountSelectionRequired => "account_selection_required",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
        }
    }

    /// A sentence for developers, where no check has a better one.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::InvalidRequest => "the request is malformed",
            Self::UnauthorizedClient => "this client may not use the code flow",
            Self::AccessDenied => "the person or the establishment's rules refused access",
            Self::UnsupportedResponseType => "response_type must be code",
            Self::InvalidScope => "this client may ask for none of these scopes",
            Self::ServerError => "the gateway could not answer; try again",
            Self::TemporarilyUnavailable => "the gateway is busy; try again in a moment",
            Self::LoginRequired => "the person must sign in, and prompt none forbids asking",
            Self::ConsentRequired => "the person must consent, and prompt none forbids asking",
            Self::InteractionRequired => "a page must be shown, and prompt none forbids it",
            Self::AccountSelectionRequired => "the person must choose an account, and prompt none forbids asking",
            Self::RequestNotSupported => "request objects are not supported",
            Self::RequestUriNotSupported => "request_uri is not supported",
        }
    }
}

/// An error the client is told by redirect (RFC 6749 §4.1.2.1); the URI has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectError {
    /// Where to.
    pub redirect_uri: String,
    /// Which error.
    pub code: AuthorizationErrorCode,
    /// A sentence in printable ASCII.
    pub description: String,
    /// The client's state, if it sent one.
    pub state: Option<String>,
}

/// Either kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthorizationError {
    /// Shown on a page.
    Page(PageError),
    /// Sent to the client.
    Redirect(RedirectError),
}

impl From<PageError> for AuthorizationError {
    fn from(error: PageError) -> Self {
        Self::Page(error)
    }
}

impl From<RedirectError> for AuthorizationError {
    fn from(error: RedirectError) -> Self {
        Self::Redirect(error)
    }
}
