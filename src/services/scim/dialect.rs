//! Whose SCIM a request speaks, for people who look at a feed. Every dialect is taken from everyone; what
//! Entra ID is answered after it changed a group is all that is decided by it.

use serde::Serialize;
use serde_json::Value;

use super::patch::PATCH_URN;
use super::schema::ENTRA_GROUP_URN;

/// Who writes like that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// Microsoft Entra ID.
    Entra,
    /// Okta.
    Okta,
    /// Somebody else, or nothing shows who.
    #[default]
    Other,
}

impl Dialect {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Entra => "entra",
            Self::Okta => "okta",
            Self::Other => "other",
        }
    }

    /// From its word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Entra, Self::Okta, Self::Other].into_iter().find(|dialect| dialect.as_str() == word)
    }
}

/// Recognises a request by the name of its client (`User-Agent`), the query of its address and its body.
pub fn recognise(agent: Option<&str>, query: Option<&str>, body: Option<&Value>) -> Dialect {
    let agent = agent.unwrap_or_default().to_ascii_lowercase();
    if agent.contains("okta") {
        return Dialect::Okta;
    }
    let named = ["azure", "entra", "microsoft", "aad"].iter().any(|name| agent.contains(name));
    let flagged = query.is_some_and(|query| query.to_ascii_lowercase().contains("aadoptscim"));
    if named || flagged || body.is_some_and(is_entra) {
        return Dialect::Entra;
    }
    if body.is_some_and(is_okta) { Dialect::Okta } else { Dialect::Other }
}

fn is_entra(body: &Value) -> bool {
    let schemas = body.get("schemas").and_then(Value::as_array);
    if schemas.is_some_and(|schemas| schemas.iter().any(|urn| urn == ENTRA_GROUP_URN)) {
        return true;
    }
    // Its operations are in capitals, and its truths are texts.
    operations(body).any(|operation| {
        let capital =
            operation.get("op").and_then(Value::as_str).is_some_and(|op| op.starts_with(|first: char| first.is_ascii_uppercase()));
        let said = operation.get("value").and_then(Value::as_str);
        capital || (operation.get("path") == Some(&Value::from("active")) && said.is_some())
    })
}

fn is_okta(body: &Value) -> bool {
    // It tells the group itself in the value, beside its name.
    operations(body).any(|operation| {
        let value = operation.get("value").and_then(Value::as_object);
        operation.get("path").is_none() && value.is_some_and(|value| value.contains_key("id") && value.contains_key("displayName"))
    })
}

fn operations(body: &Value) -> impl Iterator<Item = &Value> {
    let patches = body.get("schemas").and_then(Value::as_array).is_some_and(|schemas| schemas.iter().any(|urn| urn == PATCH_URN));
    body.get("Operations").filter(|_| patches).and_then(Value::as_array).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patch(operation: &Value) -> Value {
        json!({"schemas": [PATCH_URN], "Operations": [operation]})
    }

    #[test]
    fn each_is_known_by_its_ways() {
        let by_body = |body: &Value| recognise(None, None, Some(body));
        assert_eq!(recognise(Some("Okta SCIM Client 1.0.0"), None, None), Dialect::Okta);
        assert_eq!(recognise(None, Some("filter=x&aadOptscim062020"), None), Dialect::Entra);
        assert_eq!(by_body(&patch(&json!({"op": "Replace", "path": "active", "value": "False"}))), Dialect::Entra);
        assert_eq!(by_body(&json!({"schemas": [ENTRA_GROUP_URN]})), Dialect::Entra);
        assert_eq!(by_body(&patch(&json!({"op": "replace", "value": {"id": "7", "displayName": "GEA"}}))), Dialect::Okta);
        assert_eq!(by_body(&patch(&json!({"op": "replace", "value": {"active": false}}))), Dialect::Other);
        assert_eq!(recognise(Some("curl/8"), None, Some(&json!([]))), Dialect::Other);
    }

    #[test]
    fn words_come_back() {
        for dialect in [Dialect::Entra, Dialect::Okta, Dialect::Other] {
            assert_eq!(Dialect::parse(dialect.as_str()), Some(dialect));
        }
        assert_eq!(Dialect::parse("ldap"), None);
    }
}
