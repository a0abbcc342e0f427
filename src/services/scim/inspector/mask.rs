//! Hides secrets in what is kept of requests.

use serde_json::Value;

/// What stands in the place of a secret.
pub const MASK: &str = "***";

/// Parts of names whose values nobody is to read.
const SECRET: [&str; 7] = ["password", "passwd", "pwd", "secret", "token", "credential", "private"];

/// Hides the values of secret names, at any depth, and those that a PATCH operation puts at a secret path.
pub fn mask(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(mask),
        Value::Object(members) => {
            // Names of members count in any letter case, as where the request is carried out.
            let at_secret = members.iter().any(|(name, path)| name.eq_ignore_ascii_case("path") && path.as_str().is_some_and(is_secret));
            for (name, member) in members.iter_mut() {
                if is_secret(name) || (at_secret && name.eq_ignore_ascii_case("value")) {
                    *member = Value::String(MASK.to_owned());
                } else {
                    mask(member);
                }
            }
        }
        _ => {}
    }
}

/// Hides the values of secret parameters in an address.
pub fn masked_path(path: &str) -> String {
    let Some((path, query)) = path.split_once('?') else { return path.to_owned() };
    let part = |part: &str| match part.split_once('=') {
        Some((name, _)) if is_secret(name) => format!("{name}={MASK}"),
        _ => part.to_owned(),
    };
    format!("{path}?{}", query.split('&').map(part).collect::<Vec<_>>().join("&"))
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET.iter().any(|secret| name.contains(secret))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_hidden_wherever_they_stand() {
        let mut body = json!({
            "userName": "a", "Password": "x", "nested": [{"client_secret": {"a": 1}}],
            "Operations": [{"op": "replace", "path": "password", "value": "x"}, {"op": "replace", "path": "title", "value": "t"},
                {"op": "replace", "Path": "unicodePwd", "Value": "x"}]
        });
        mask(&mut body);
        assert_eq!(
            body,
            json!({
                "userName": "a", "Password": MASK, "nested": [{"client_secret": MASK}],
                "Operations": [{"op": "replace", "path": "password", "value": MASK}, {"op": "replace", "path": "title", "value": "t"},
                    {"op": "replace", "Path": "unicodePwd", "Value": MASK}]
            })
        );
    }

    #[test]
    fn secrets_in_an_address_are_hidden() {
        assert_eq!(masked_path("/Users?access_token=x&filter=userName eq \"a\""), "/Users?access_token=***&filter=userName eq \"a\"");
        assert_eq!(masked_path("/Users"), "/Users");
    }
}
