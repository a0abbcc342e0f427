//! The headers every page goes out with. No script runs, nothing is framed, forms go only where they must.

/// Longest list of form targets; a client has one for each origin of its redirect URIs.
const TARGETS_MAX: usize = 20;

/// The Content-Security-Policy of a page.
///
/// `form_targets` are the origins or schemes (`redirect_uri::form_target`) that a form of this page may lead to by redirect: Chromium applies
/// `form-action` to the whole chain, so a sign-in that ends at the application must name the application's origin (w3c/webappsec-csp #8).
pub fn csp(form_targets: &[&str]) -> String {
    let mut policy =
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'".to_owned();
    for target in form_targets.iter().filter(|target| is_source(target)).take(TARGETS_MAX) {
        policy.push(' ');
        policy.push_str(target);
    }
    policy
}

/// A target is an origin or a scheme of plain characters, so that none can end the directive and begin another.
fn is_source(target: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b':' | b'/' | b'.' | b'-' | b'+' | b'[' | b']');
    !target.is_empty() && target != "null" && target.bytes().all(plain)
}

/// All security headers of a page, by lower-case name; pages hold secrets and personal facts, so no cache keeps them.
pub fn headers(form_targets: &[&str]) -> [(&'static str, String); 7] {
    [
        ("content-security-policy", csp(form_targets)),
        ("cache-control", "no-store".to_owned()),
        ("referrer-policy", "no-referrer".to_owned()),
        ("x-content-type-options", "nosniff".to_owned()),
        ("x-frame-options", "DENY".to_owned()),
        ("cross-origin-opener-policy", "same-origin".to_owned()),
        ("permissions-policy", "camera=(), geolocation=(), microphone=()".to_owned()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_may_lead_to_the_application_and_nowhere_else() {
        let policy = csp(&["https://app.example.fr:8443", "fr.example.app:", "http://[::1]:80"]);
        assert!(policy.ends_with("form-action 'self' https://app.example.fr:8443 fr.example.app: http://[::1]:80"));
        assert!(!policy.contains("unsafe") && !policy.contains("script-src"));
    }

    #[test]
    fn a_target_cannot_add_a_directive() {
        assert_eq!(csp(&["https://a.fr; script-src *", "*", "null", "", "https://a.fr 'unsafe-inline'"]), csp(&[]));
    }
}
