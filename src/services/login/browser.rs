//! The browser: a random cookie that interactions are bound to, and the form tokens made from it. It proves no identity.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;

use crate::types::secret::{Secret, TokenHash};

/// Shortest value of the cookie that can be one of ours, in bytes.
const LENGTH_MIN: usize = 43;

/// One browser, as known by its cookie.
#[derive(Clone, Debug)]
pub struct Browser(Secret);

impl Browser {
    /// A browser that has no cookie yet.
    pub fn new() -> Self {
        Self(Secret::random(""))
    }

    /// The browser of a cookie; none when the value cannot be one of ours.
    pub fn from_cookie(value: &str) -> Option<Self> {
        let fits = value.len() >= LENGTH_MIN && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        Secret::parse("browser", value.to_owned()).ok().filter(|_| fits).map(Self)
    }

    /// The value that goes into the cookie.
    pub fn cookie(&self) -> &str {
        self.0.expose()
    }

    /// What the store keeps of it.
    pub fn hash(&self) -> TokenHash {
        self.0.hash()
    }

    /// The token of one form in this browser: whoever does not read the cookie cannot make it.
    pub fn form_token(&self, form: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.expose().as_bytes());
        BASE64_URL_SAFE_NO_PAD.encode(hmac::sign(&key, form.as_bytes()))
    }

    /// Whether a form came from this browser's own page, in constant time.
    pub fn knows(&self, form: &str, token: &str) -> bool {
        self.form_token(form).as_bytes().ct_eq(token.as_bytes()).into()
    }
}

impl Default for Browser {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_tokens_fit_their_form_and_browser_only() {
        let (one, other) = (Browser::new(), Browser::new());
        let token = one.form_token("/e/a/login");
        assert!(one.knows("/e/a/login", &token));
        assert!(!one.knows("/e/b/login", &token) && !other.knows("/e/a/login", &token) && !one.knows("/e/a/login", ""));
    }

    #[test]
    fn a_cookie_that_is_none_of_ours_is_no_browser() {
        assert!(Browser::from_cookie("short").is_none());
        assert!(Browser::from_cookie(&"é".repeat(40)).is_none());
        let made = Browser::new();
        assert!(Browser::from_cookie(made.cookie()).is_some_and(|read| read.hash() == made.hash()));
    }
}
