//! The address an authorization response goes to (RFC 6749 §4.1.2): the registered URI, untouched, with parameters added.

use url::form_urlencoded::Serializer;

use super::RedirectError;

/// The address of a success: `code`, `state` if one was sent, and `iss` (RFC 9207 §2).
pub fn success(redirect_uri: &str, code: &str, state: Option<&str>, issuer: &str) -> String {
    with_parameters(redirect_uri, &[("code", Some(code)), ("state", state), ("iss", Some(issuer))])
}

/// The address of an error: `error`, `error_description`, `state` if one was sent, and `iss` (RFC 9207 §2).
pub fn failure(error: &RedirectError, issuer: &str) -> String {
    let parameters = [
        ("error", Some(error.code.name())),
        ("error_description", Some(error.description.as_str())),
        ("state", error.state.as_deref()),
        ("iss", Some(issuer)),
    ];
    with_parameters(&error.redirect_uri, &parameters)
}

/// Adds parameters to a URI's query. The URI is not parsed and written again, which might change it: it has no fragment, by registration.
pub(in crate::services::oidc) fn with_parameters(uri: &str, parameters: &[(&str, Option<&str>)]) -> String {
    let mut query = Serializer::new(String::new());
    for (name, value) in parameters {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    let query = query.finish();
    let joint = match uri.split_once('?') {
        _ if query.is_empty() => "",
        None => "?",
        Some((_, "")) => "",
        Some((_, existing)) if existing.ends_with('&') => "",
        Some(_) => "&",
    };
    format!("{uri}{joint}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_join_an_existing_query() {
        assert_eq!(with_parameters("https://a.fr/cb", &[("x", Some("1"))]), "https://a.fr/cb?x=1");
        assert_eq!(with_parameters("https://a.fr/cb?k=v", &[("x", Some("1"))]), "https://a.fr/cb?k=v&x=1");
        assert_eq!(with_parameters("https://a.fr/cb?", &[("x", Some("1"))]), "https://a.fr/cb?x=1");
        assert_eq!(with_parameters("https://a.fr/cb?k=v", &[("x", None)]), "https://a.fr/cb?k=v");
        assert_eq!(with_parameters("fr.example.app:/cb", &[("x", Some("é&=+ "))]), "fr.example.app:/cb?x=%C3%A9%26%3D%2B+");
    }
}
