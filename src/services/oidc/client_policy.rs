//! What an authorization needs to know of a client: a plain view, made from the stored client.

use crate::types::oauth_scope::OauthScope;

/// How a client proves itself at the token endpoint (OpenID Connect Core §9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMethod {
    /// HTTP Basic (RFC 6749 §2.3.1).
    ClientSecretBasic,
    /// Secret in the form (RFC 6749 §2.3.1).
    ClientSecretPost,
    /// None: a public client (RFC 6749 §2.1), held by PKCE alone.
    None,
}

impl AuthMethod {
    /// Every method the gateway supports.
    pub const ALL: [Self; 3] = [Self::ClientSecretBasic, Self::ClientSecretPost, Self::None];

    /// The registered name (RFC 7591 §2).
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::None => "none",
        }
    }

    /// The method of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|m| m.name() == name)
    }

    /// Whether a client registered with this method may come with another. The two ways of sending a secret are interchangeable,
    /// because relying parties switch between them unasked; a secret is never optional for a client that has one.
    pub fn allows(self, used: Self) -> bool {
        (self == Self::None) == (used == Self::None)
    }
}

/// Whether a client must use PKCE.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PkceRule {
    /// Every request has a challenge: the default.
    #[default]
    Required,
    /// A challenge may be missing; honoured for confidential clients only (RFC 9700 §2.1.1).
    Optional,
}

/// Whether people are asked before a client learns about them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConsentRule {
    /// Ask once for each set of scopes.
    #[default]
    Ask,
    /// A trusted client of the establishment: not asked, unless the client itself does by `prompt=consent`.
    Skip,
}

/// A client, as far as authorization goes.
#[derive(Clone, Debug)]
pub struct ClientPolicy {
    /// Its identifier.
    pub client_id: String,
    /// Where codes may go: compared as exact strings.
    pub redirect_uris: Vec<String>,
    /// How it proves itself.
    pub auth_method: AuthMethod,
    /// Whether it must use PKCE.
    pub pkce: PkceRule,
    /// Whether people are asked.
    pub consent: ConsentRule,
    /// What it may ask for.
    pub scopes: OauthScope,
    /// Whether someone without a role in its application is refused.
    pub require_role: bool,
    /// Whether it may be used at all.
    pub enabled: bool,
}

impl ClientPolicy {
    /// Whether a request without a challenge is refused: public clients always need one.
    pub fn needs_pkce(&self) -> bool {
        self.pkce == PkceRule::Required || self.auth_method == AuthMethod::None
    }
}
