//! The small operations: who am I, compare, and refusals of other extended operations. Changes nothing.

use ldap3_proto::proto::{LdapCompareRequest, LdapExtendedRequest, LdapExtendedResponse, LdapResult, LdapResultCode, OID_WHOAMI};

use super::connection::{Identity, result};
use super::{Refusal, Shared, filter, schema, search};

/// Answers an extended operation (RFC 4511 §4.12): "who am I" (RFC 4532), nothing else.
pub(super) fn answer(identity: &Identity, wanted: &LdapExtendedRequest) -> LdapExtendedResponse {
    if wanted.name != OID_WHOAMI {
        let refusal = Refusal::new(LdapResultCode::ProtocolError, format!("{} is not offered by this directory", wanted.name));
        return LdapExtendedResponse { res: result(Err(refusal)), name: None, value: None };
    }
    let who = match identity {
        Identity::Anonymous => String::new(),
        Identity::Person { dn, .. } | Identity::Service { dn, .. } => format!("dn:{dn}"),
    };
    LdapExtendedResponse { res: result(Ok(())), name: None, value: Some(who.into_bytes()) }
}

/// RFC 4511 §4.10.
pub(super) fn compare(shared: &Shared, identity: &Identity, wanted: &LdapCompareRequest) -> LdapResult {
    let outcome = compared(shared, identity, wanted);
    let code = match outcome {
        Ok(true) => LdapResultCode::CompareTrue,
        Ok(false) => LdapResultCode::CompareFalse,
        Err(refusal) => return result(Err(refusal)),
    };
    LdapResult { code, ..result(Ok(())) }
}

fn compared(shared: &Shared, identity: &Identity, wanted: &LdapCompareRequest) -> Result<bool, Refusal> {
    let key = search::visible_key(shared, identity, &wanted.dn)?;
    let tree = shared.tree();
    let node = tree.get(&key).ok_or_else(|| tree.missing(&key))?;
    if node.values(&schema::canonical(&wanted.atype)).is_empty() {
        return Err(Refusal::new(LdapResultCode::NoSuchAttribute, "the entry has no such attribute"));
    }
    let value = String::from_utf8_lossy(&wanted.val);
    filter::equal(node, &wanted.atype, value.as_bytes(), None)
        .ok_or_else(|| Refusal::new(LdapResultCode::InvalidAttributeSyntax, "the value breaks the attribute's syntax"))
}
