//! RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0): what a request asks and what may be done about it. It ends no session itself.

use super::authorize::response::with_parameters;
use super::id_token::Hint;
use super::parameters::Parameters;
use super::redirect_uri;

/// Longest `state` echoed, in bytes.
const STATE_MAX_BYTES: usize = 2048;

/// A logout request as it came (RP-Initiated Logout §2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogoutRequest {
    /// An ID token of ours, to be verified with [`super::id_token::verify_hint`].
    pub id_token_hint: Option<String>,
    /// The client, when it is named beside or instead of the hint.
    pub client_id: Option<String>,
    /// Where the person goes afterwards.
    pub post_logout_redirect_uri: Option<String>,
    /// Echoed there.
    pub state: Option<String>,
    /// The client's wish for the pages' language.
    pub ui_locales: Option<String>,
}

/// Why a logout request gets an error page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum LogoutError {
    /// A parameter came twice, or is too long.
    #[error("the logout request is malformed")]
    Malformed,
    /// The hint is not one of ours.
    #[error("id_token_hint was not issued here")]
    Hint,
    /// The client named and the client of the hint differ, or it is not registered.
    #[error("the client named is not the one of id_token_hint")]
    Client,
    /// The address to return to is not registered.
    #[error("post_logout_redirect_uri is not registered for this client")]
    RedirectUriUnregistered,
}

impl LogoutError {
    /// Every error, for tests of the pages.
    pub const ALL: [Self; 4] = [Self::Malformed, Self::Hint, Self::Client, Self::RedirectUriUnregistered];

    /// The stem of its texts in the translations.
    pub const fn text_key(self) -> &'static str {
        match self {
            Self::Malformed => "error-logout-malformed",
            Self::Hint => "error-logout-hint",
            Self::Client => "error-logout-client",
            Self::RedirectUriUnregistered => "error-logout-redirect-uri",
        }
    }
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogoutStep {
    /// Ask the person first: whoever sent them here proved nothing about them.
    Confirm {
        /// Where to go once they agree.
        then: Option<String>,
    },
    /// End the session, if there is one, and go there, or show that it is done.
    End {
        /// The registered address, with `state` if one was sent.
        then: Option<String>,
    },
}

/// The session of this browser.
#[derive(Clone, Copy, Debug)]
pub struct LogoutSession<'a> {
    /// Who is signed in, as the hint's client knows them.
    pub subject: &'a str,
    /// The session.
    pub session_id: &'a str,
}

impl LogoutRequest {
    /// Reads the parameters of a GET or a POST.
    ///
    /// # Errors
    /// `Malformed` when one came twice or `state` is too long.
    pub fn read(parameters: &Parameters) -> Result<Self, LogoutError> {
        let taken = |name: &str| parameters.get(name).map(str::to_owned);
        if parameters.repeated().is_some() || parameters.get("state").is_some_and(|s| s.len() > STATE_MAX_BYTES) {
            return Err(LogoutError::Malformed);
        }
        Ok(Self {
            id_token_hint: taken("id_token_hint"),
            client_id: taken("client_id"),
            post_logout_redirect_uri: taken("post_logout_redirect_uri"),
            state: taken("state"),
            ui_locales: taken("ui_locales"),
        })
    }

    /// Decides, given the verified hint, the addresses registered for its client, and this browser's session.
    ///
    /// # Errors
    /// `Hint` when a hint was sent and none is verified, `Client` when two clients are named, `RedirectUriUnregistered` for another address.
    pub fn decide(
        &self,
        hint: Option<&Hint>,
        registered: Option<&[String]>,
        session: Option<LogoutSession<'_>>,
    ) -> Result<LogoutStep, LogoutError> {
        if self.id_token_hint.is_some() && hint.is_none() {
            return Err(LogoutError::Hint);
        }
        if let (Some(named), Some(hint)) = (&self.client_id, hint)
            && *named != hint.client_id
        {
            return Err(LogoutError::Client);
        }
        let then = match (&self.post_logout_redirect_uri, hint) {
            (Some(uri), Some(_)) => Some(self.return_address(uri, registered.ok_or(LogoutError::Client)?)?),
            // RP-Initiated Logout §3: without a hint nothing proves the request genuine, so nobody is sent anywhere.
            (_, None) | (None, Some(_)) => None,
        };
        let unquestioned = match (session, hint) {
            (None, _) => true,
            (Some(session), Some(hint)) => {
                session.subject == hint.subject && hint.session_id.as_deref().is_none_or(|id| id == session.session_id)
            }
            (Some(_), None) => false,
        };
        Ok(if unquestioned { LogoutStep::End { then } } else { LogoutStep::Confirm { then } })
    }

    fn return_address(&self, uri: &str, registered: &[String]) -> Result<String, LogoutError> {
        if !redirect_uri::is_registered(uri, registered) {
            return Err(LogoutError::RedirectUriUnregistered);
        }
        Ok(with_parameters(uri, &[("state", self.state.as_deref())]))
    }
}
