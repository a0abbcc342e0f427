//! One person's account there: found, created, put right, made inactive or deleted. What is to be comes from `desired`; nothing is stored here.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Value, json};

use super::super::egress::Verb;
use super::desired::{Person, Target};
use super::mapping::{operations, replaced};
use super::remote::{Fault, Remote};
use crate::store::establishment::provisioned::{Action, Provisioned};
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
    },
    /// They are not there any more.
    Gone,
}

/// Writes one person.
///
/// # Errors
/// `Fault`.
pub async fn write(
    remote: &mut Remote<'_>,
    abilities: Abilities,
    target: &Target,
    row: &Provisioned,
    person: Option<&Person>,
) -> Result<Written, Fault> {
    let present = person.filter(|person| person.present).and_then(|person| person.account.as_ref());
    if let Some(account) = present {
        return ensure(remote, abilities, target, row.remote_id.as_deref(), account).await;
    }
    let id = match &row.remote_id {
        Some(id) => id.clone(),
        // Someone may have been created by an attempt that nobody heard the end of.
        None => match found(remote, "userName", &row.name).await? {
            Some((id, _)) => id,
            None => return Ok(Written::Gone),
        },
    };
    if target.deletes() {
        return match remote.ask(Verb::Delete, &format!("/Users/{}", segment(&id)), None, None).await {
            Ok(_) | Err(Fault::Missing) => Ok(Written::Gone),
            Err(other) => Err(other),
        };
    }
    // Of whoever is known no more, nothing is left there either.
    let nobody = json!({ "userName": format!("removed-{}", row.id), "active": false });
    let account = person.and_then(|person| person.account.as_ref()).unwrap_or(&nobody);
    let Some(there) = read(remote, "Users", &id).await? else { return Ok(Written::Gone) };
    let mut differences = target.mapping.differences(&there, account);
    if row.subject.starts_with(UNKNOWN) {
        // The gateway never wrote it: what it says of itself stays.
        differences.retain(|path, _| path == "active");
    }
    let changed = put_right(remote, abilities, (&id, &there), differences).await?;
    Ok(Written::There { id, action: changed.then_some(Action::Deactivate) })
}

/// Sees to it that someone is there as they are to be.
async fn ensure(
    remote: &mut Remote<'_>,
    abilities: Abilities,
    target: &Target,
    known: Option<&str>,
    account: &Value,
) -> Result<Written, Fault> {
    let standing = match known {
        Some(id) => read(remote, "Users", id).await?.map(|there| (id.to_owned(), there)),
        None => None,
    };
    // What was known is gone, or nothing was: someone may stand there under the same name.
    let text = |name: &str| account.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let standing = match standing {
        Some(standing) => Some(standing),
        None => found(remote, "userName", &text("userName")).await?,
    };
    if let Some((id, there)) = standing {
        let changed = put_right(remote, abilities, (&id, &there), target.mapping.differences(&there, account)).await?;
        return Ok(Written::There { id, action: changed.then_some(Action::Update) });
    }
    match remote.ask(Verb::Post, "/Users", Some(account), None).await {
        Ok(reply) => {
            let id = reply.body.get("id").and_then(Value::as_str);
            let id = id.ok_or_else(|| Fault::Refused("the service created an account and did not say its id".to_owned()))?;
            Ok(Written::There { id: id.to_owned(), action: Some(Action::Create) })
        }
        // Under another name then.
        Err(Fault::Taken(why)) => match found(remote, "externalId", &text("externalId")).await? {
            Some((id, there)) => {
                put_right(remote, abilities, (&id, &there), target.mapping.differences(&there, account)).await?;
                Ok(Written::There { id, action: Some(Action::Update) })
            }
            None => Err(Fault::Taken(why)),
        },
        Err(other) => Err(other),
    }
}

/// The account that has a value, with its identifier.
async fn found(remote: &mut Remote<'_>, attribute: &str, value: &str) -> Result<Option<(String, Value)>, Fault> {
    one(remote, "Users", attribute, value).await
}

/// The one resource that has a value, with its identifier.
///
/// # Errors
/// `Fault`; `Refused` when there are several.
pub(super) async fn one(remote: &mut Remote<'_>, resources: &str, attribute: &str, value: &str) -> Result<Option<(String, Value)>, Fault> {
    if value.is_empty() {
        return Ok(None);
    }
    let nowhere = |fault| match fault {
        Fault::Missing => Fault::Refused(format!("there is no /{resources} there: is the URL that of its SCIM service?")),
        other => other,
    };
    let mut all = remote.find(resources, attribute, value).await.map_err(nowhere)?;
    if all.len() > 1 {
        return Err(Fault::Refused(format!("{} of {resources} have the {attribute} «{value}»: leave one there", all.len())));
    }
    let Some(there) = all.pop() else { return Ok(None) };
    let id = there.get("id").and_then(Value::as_str).map(str::to_owned);
    id.map(|id| Some((id, there))).ok_or_else(|| Fault::Refused(format!("one of {resources} has no id")))
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
