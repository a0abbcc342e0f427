//! Claim shapes: how an application wants its claims, by declaration. The language is total and bounded: no loops, no code, regular
//! expressions in linear time. `docs/claims.md` documents it for integrators.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::claims::{self, ClaimFacts};
use super::shape_rule::ShapeRule;
use crate::types::Invalid;
use crate::types::oauth_scope::OauthScope;

/// Most claims one shape declares.
const CLAIMS_MAX: usize = 50;
/// Longest claim name, in bytes: names may be URIs.
const NAME_MAX_BYTES: usize = 200;
/// Claims the protocol gives their meaning, which no declaration may change (RFC 7519 §4.1, Core §2 and §3.1.3.6, RFC 7800).
const RESERVED: [&str; 22] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "nbf",
    "jti",
    "nonce",
    "at_hash",
    "c_hash",
    "s_hash",
    "auth_time",
    "acr",
    "amr",
    "azp",
    "sid",
    "events",
    "cnf",
    "act",
    "client_id",
    "scope",
    "typ",
];

/// A checked declaration: for each claim a rule, or nothing when the claim is to be left out.
#[derive(Clone, Debug, Default)]
pub struct ClaimShape(BTreeMap<String, Option<ShapeRule>>);

impl ClaimShape {
    /// Reads a declaration: `{}` or `{"claims": {NAME: RULE or null}}`.
    ///
    /// # Errors
    /// `Invalid`, its field the path of the claim, for anything unknown, reserved, or too long.
    pub fn parse(declaration: &Value) -> Result<Self, Invalid> {
        let refuse = |field: &str, why: &str| Invalid::new(field, why);
        let members = match declaration {
            Value::Null => return Ok(Self::default()),
            Value::Object(members) => members,
            _ => return Err(refuse("claim_shape", "is an object: {\"claims\": {…}}")),
        };
        if let Some(name) = members.keys().find(|name| *name != "claims") {
            return Err(refuse("claim_shape", &format!("«{name}» is unknown: the one member is claims")));
        }
        let Some(claims) = members.get("claims") else { return Ok(Self::default()) };
        let claims = claims.as_object().ok_or_else(|| refuse("claim_shape.claims", "is an object of claim names"))?;
        if claims.len() > CLAIMS_MAX {
            return Err(refuse("claim_shape.claims", &format!("declares more than {CLAIMS_MAX} claims")));
        }
        claims.iter().map(|(name, rule)| Ok((checked_name(name)?, checked_rule(name, rule)?))).collect::<Result<_, _>>().map(Self)
    }

    /// This shape with another's claims over it: a client's own shape goes over its application's.
    #[must_use]
    pub fn overlaid(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Writes the declared claims over those the scope released.
    pub(super) fn apply(&self, facts: &ClaimFacts, scope: &OauthScope, released: &mut Map<String, Value>) {
        for (name, rule) in &self.0 {
            match rule {
                None => drop(released.remove(name)),
                Some(rule) if rule.scope().is_none_or(|needed| scope.contains(needed)) => claims::put(released, name, rule.value(facts)),
                Some(_) => {}
            }
        }
    }
}

fn checked_name(name: &str) -> Result<String, Invalid> {
    let refuse = |why: &str| Invalid::new(format!("claim_shape.claims.{name}"), why);
    if name.is_empty() || name.len() > NAME_MAX_BYTES || name.chars().any(char::is_control) {
        return Err(refuse("a claim's name has 1 to 200 bytes and no control characters"));
    }
    if RESERVED.contains(&name) {
        return Err(refuse("is given its meaning by the protocol: choose another name"));
    }
    Ok(name.to_owned())
}

fn checked_rule(name: &str, rule: &Value) -> Result<Option<ShapeRule>, Invalid> {
    if rule.is_null() {
        return Ok(None);
    }
    ShapeRule::parse(rule).map(Some).map_err(|why| Invalid::new(format!("claim_shape.claims.{name}"), why))
}
