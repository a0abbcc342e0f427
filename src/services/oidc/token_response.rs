//! The token endpoint's answer (RFC 6749 §5.1, OpenID Connect Core §3.1.3.3). It goes out with `Cache-Control: no-store`.

use std::fmt;

use serde_json::{Value, json};

use crate::types::oauth_scope::OauthScope;
use crate::types::secret::Secret;

/// The tokens just issued.
#[derive(Clone)]
pub struct TokenResponse {
    /// The access token.
    pub access_token: Secret,
    /// How long it holds, in seconds.
    pub expires_in_s: i64,
    /// The refresh token, where one was granted.
    pub refresh_token: Option<Secret>,
    /// The ID token, for OpenID Connect requests: longer than a secret may be, once groups are in it.
    pub id_token: Option<String>,
    /// What was granted: always said, since it may be less than was asked (RFC 6749 §3.3).
    pub scope: OauthScope,
}

impl TokenResponse {
    /// The JSON body: the one place where the tokens are exposed, to the client they are for.
    pub fn body(&self) -> Value {
        let mut body = json!({
            "access_token": self.access_token.expose(),
            "token_type": "Bearer",
            "expires_in": self.expires_in_s,
            "scope": self.scope.to_string(),
        });
        let optional = [("refresh_token", self.refresh_token.as_ref().map(Secret::expose)), ("id_token", self.id_token.as_deref())];
        if let Some(members) = body.as_object_mut() {
            members.extend(optional.into_iter().filter_map(|(name, token)| Some((name.to_owned(), token?.into()))));
        }
        body
    }
}

impl fmt::Debug for TokenResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenResponse").field("scope", &self.scope).field("expires_in_s", &self.expires_in_s).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_name_what_was_issued_and_no_more() -> Result<(), crate::types::Invalid> {
        let secret = |raw: &str| Secret::parse("t", raw.to_owned());
        let mut issued = TokenResponse {
            access_token: secret("a")?,
            expires_in_s: 300,
            refresh_token: None,
            id_token: None,
            scope: OauthScope::parse("openid"),
        };
        assert_eq!(issued.body(), json!({ "access_token": "a", "token_type": "Bearer", "expires_in": 300, "scope": "openid" }));
        issued.id_token = Some("i".repeat(5000));
        assert!(issued.body().get("id_token").is_some_and(Value::is_string));
        assert!(!format!("{issued:?}").contains("iii"));
        Ok(())
    }
}
