//! What a service says it can do (RFC 7643 §5). Believes it for what saves work, and tries what matters.

use serde_json::Value;

use super::client::{Client, Got};
use super::path::member;
use crate::ldap::Cause;

/// Where it says so.
const PATH: &str = "/ServiceProviderConfig";

/// What it can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "a service says each of them by itself")]
pub(super) struct Features {
    /// Whether it said anything at all.
    pub(super) told: bool,
    pub(super) filter: bool,
    pub(super) sort: bool,
    pub(super) etag: bool,
    pub(super) cursor: bool,
}

impl Features {
    /// Asks the service; one that does not tell can do nothing beyond the least.
    pub(super) async fn read(client: &mut Client) -> Result<Self, Cause> {
        match client.look(PATH, &[], None).await? {
            Got::Resource(told, _) => Ok(Self::of(&told)),
            Got::Unchanged | Got::Missing => Ok(Self::default()),
        }
    }

    fn of(told: &Value) -> Self {
        let flag = |holder: &str, name: &str| {
            let value = member(told, holder).and_then(|holder| member(holder, name));
            value.is_some_and(|value| {
                value.as_bool().unwrap_or_else(|| value.as_str().is_some_and(|text| text.eq_ignore_ascii_case("true")))
            })
        };
        Self {
            told: true,
            filter: flag("filter", "supported"),
            sort: flag("sort", "supported"),
            etag: flag("etag", "supported"),
            cursor: flag("pagination", "cursor"),
        }
    }

    /// Their names, for a person.
    pub(super) fn names(self) -> String {
        let all = [(self.filter, "filter"), (self.sort, "sort"), (self.etag, "etag"), (self.cursor, "cursor")];
        let names: Vec<&str> = all.into_iter().filter(|(can, _)| *can).map(|(_, name)| name).collect();
        if names.is_empty() { "–".to_owned() } else { names.join(", ") }
    }
}

#[cfg(test)]
mod tests {
    use super::Features;
    use serde_json::json;

    #[test]
    fn what_is_not_said_is_not_counted_on() {
        let told = Features::of(
            &json!({"Filter": {"supported": true}, "sort": {"supported": "True"}, "etag": {}, "pagination": {"cursor": true}}),
        );
        assert_eq!(told, Features { told: true, filter: true, sort: true, etag: false, cursor: true });
        assert_eq!(told.names(), "filter, sort, cursor");
        assert_eq!(Features::of(&json!({})).names(), "–");
    }
}
