//! One person's account there: found, created, put right, made inactive or deleted. What is to be comes from `desired`; nothing is stored here.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Value, json};

use super::super::egress::Verb;
use super::adopt::{Sought, Standing};
use super::desired::Person;
use super::mapping::{operations, replaced};
use super::remote::{Fault, Remote};
use super::write_group::{Trouble, Writing};
use crate::store::establishment::provisioned::{Action, Kind, Provisioned};
use crate::store::establishment::provisioning_drift::Differing;
use crate::store::establishment::provisioning_state::Abilities;

/// Before the identifier of what only the application knows, as what a row stands for.
pub(super) const UNKNOWN: &str = "remote:";
/// The schema of changes (RFC 7644 §3.5.2).
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// What became of someone there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// They are there as they are to be.
    There {
        /// Their identifier there.
        id: String,
        /// What was done, if anything had to be.
        action: Option<Action>,
        /// Whether it stood there before and was taken over by its name.
        adopted: bool,
    },
    /// They are not there any more.
    Gone,
}

impl Writing<'_, '_> {
    /// Writes one person.
    ///
    /// # Errors
    /// `Trouble`.
    pub async fn person(&mut self, row: &Provisioned, person: Option<&Person>) -> Result<Written, Trouble> {
        let present = person.filter(|person| person.present).and_then(|person| person.account.as_ref());
        if let Some(account) = present {
            return self.ensure(row, account).await;
        }
        let id = match &row.remote_id {
            Some(id) => Some(id.clone()),
            None => self.left_behind(row, person).await?,
        };
        let Some(id) = id else { return Ok(Written::Gone) };
        // What stood there before the gateway did is nobody's to delete.
        if self.target.deletes() && !row.adopted {
            return match self.remote.ask(Verb::Delete, &format!("/Users/{}", segment(&id)), None, None).await {
                Ok(_) | Err(Fault::Missing) => Ok(Written::Gone),
                Err(other) => Err(other.into()),
            };
        }
        // Of whoever is known no more, nothing is left there either.
        let nobody = json!({ "userName": format!("removed-{}", row.id), "active": false });
        let account = person.and_then(|person| person.account.as_ref()).unwrap_or(&nobody);
        let Some(there) = read(self.remote, "Users", &id).await? else { return Ok(Written::Gone) };
        let mut differences = self.target.mapping.differences(&there, account);
        if row.subject.starts_with(UNKNOWN) {
            // The gateway never wrote it: what it says of itself stays.
            differences.retain(|path, _| path == "active");
        }
        let changed = put_right(self.remote, self.abilities, (&id, &there), differences).await?;
        Ok(Written::There { id, action: changed.then_some(Action::Deactivate), adopted: row.adopted })
    }

    /// What may have been created by an attempt that nobody heard the end of.
    async fn left_behind(&mut self, row: &Provisioned, person: Option<&Person>) -> Result<Option<String>, Trouble> {
        let account = person.and_then(|person| person.account.as_ref());
        let written = account.and_then(|account| account.get("externalId")).and_then(Value::as_str).map(str::to_owned);
        let key = written.or_else(|| self.target.mapping.key_of(&row.subject));
        let sought = Sought { kind: Kind::User, subject: &row.subject, name: &row.name, key: key.as_deref() };
        self.unheard_of(&sought).await
    }

    /// Sees to it that someone is there as they are to be.
    async fn ensure(&mut self, row: &Provisioned, account: &Value) -> Result<Written, Trouble> {
        let text = |name: &str| account.get(name).and_then(Value::as_str).unwrap_or_default();
        let key = Some(text("externalId")).filter(|key| !key.is_empty());
        let sought = Sought { kind: Kind::User, subject: &row.subject, name: text("userName"), key };
        let known = match &row.remote_id {
            Some(id) => {
                let there = read(self.remote, "Users", id).await?;
                there.map(|there| Standing { id: id.clone(), there, adopted: row.adopted })
            }
            None => None,
        };
        // What was known is gone, or nothing was: they may stand there all the same.
        let standing = match known {
            Some(standing) => Some(standing),
            None => self.standing(&sought).await?,
        };
        let standing = match standing {
            Some(standing) => standing,
            None => match self.remote.ask(Verb::Post, "/Users", Some(account), None).await {
                Ok(reply) => {
                    let id = reply.body.get("id").and_then(Value::as_str);
                    let id = id.ok_or_else(|| Fault::Refused("the service created an account and did not say its id".to_owned()))?;
                    return Ok(Written::There { id: id.to_owned(), action: Some(Action::Create), adopted: false });
                }
                Err(Fault::Taken(why)) => self.standing_in_the_way(&sought, why).await?,
                Err(other) => return Err(other.into()),
            },
        };
        let Standing { id, there, adopted } = standing;
        let changed = put_right(self.remote, self.abilities, (&id, &there), self.target.mapping.differences(&there, account)).await?;
        Ok(Written::There { id, action: changed.then_some(Action::Update), adopted })
    }
}

/// A resource as it stands there; none when it is gone.
pub(super) async fn read(remote: &mut Remote<'_>, resources: &str, id: &str) -> Result<Option<Value>, Fault> {
    match remote.ask(Verb::Get, &format!("/{resources}/{}", segment(id)), None, None).await {
        Ok(mut reply) => {
            // The version stands in the header, in the body, or nowhere (RFC 7644 §3.14).
            if let (Some(etag), Some(members)) = (reply.etag, reply.body.as_object_mut()) {
                members.insert("meta".to_owned(), json!({ "version": etag }));
            }
            Ok(Some(reply.body))
        }
        Err(Fault::Missing) => Ok(None),
        Err(other) => Err(other),
    }
}

/// Changes what differs. Answers whether anything did.
async fn put_right(
    remote: &mut Remote<'_>,
    abilities: Abilities,
    (id, there): (&str, &Value),
    differences: BTreeMap<String, Differing>,
) -> Result<bool, Fault> {
    if differences.is_empty() {
        return Ok(false);
    }
    let path = format!("/Users/{}", segment(id));
    let version = there.get("meta").and_then(|meta| meta.get("version")).and_then(Value::as_str).filter(|_| abilities.etag);
    if abilities.patch {
        match remote.ask(Verb::Patch, &path, Some(&patch(&operations(&differences))), version).await {
            Ok(_) => return Ok(true),
            // Some services announce PATCH and take not all of it.
            Err(Fault::Refused(why)) => tracing::debug!(why, "a change is put in the place of what stands"),
            Err(other) => return Err(other),
        }
    }
    remote.ask(Verb::Put, &path, Some(&replaced(there, &differences)), version).await?;
    Ok(true)
}

/// Operations as a change.
pub(super) fn patch(operations: &[Value]) -> Value {
    json!({ "schemas": [PATCH], "Operations": operations })
}

/// An identifier as a part of a path (RFC 3986 §3.3).
pub(super) fn segment(id: &str) -> String {
    let mut text = String::with_capacity(id.len());
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _never_fails = write!(text, "%{byte:02X}");
        }
    }
    // A dot alone would lead elsewhere.
    if matches!(text.as_str(), "." | "..") { text.replace('.', "%2E") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_stays_one_part_of_a_path() {
        assert_eq!(segment("a/../b?c#d e"), "a%2F..%2Fb%3Fc%23d%20e");
        assert_eq!(segment(".."), "%2E%2E");
        assert_eq!(segment("0199-abc_~.é"), "0199-abc_~.%C3%A9");
    }
}
