//! The one secret of a source: taken out of its settings, which are stored and shown, and asked for again when it would travel elsewhere.

use connectors::ldap::TlsMode;
use connectors::{Directory, Password};
use serde_json::Value;

use super::super::context::Context;
use super::super::directories;
use super::super::error::Error;
use super::super::scim_services;
use super::SourceFields;
use crate::store::establishment::source::SourceKind;
use crate::types::Invalid;
use crate::types::secret::Secret;

/// The key of a directory's secret.
const BIND_PASSWORD: &str = "bind_password";

/// What was said of the secret.
pub(super) enum Said {
    Nothing,
    Forget,
    New(Secret),
}

/// The key within the settings: written, never read back.
pub(super) fn key(fields: &SourceFields) -> &'static str {
    if fields.kind == SourceKind::Scim { scim_services::secret_key(&fields.settings) } else { BIND_PASSWORD }
}

impl Said {
    /// Takes the secret out of the settings.
    pub(super) fn take(key: &str, settings: &mut Value) -> Result<Self, Invalid> {
        let field = || format!("settings.{key}");
        match settings.as_object_mut().and_then(|keys| keys.remove(key)) {
            None => Ok(Self::Nothing),
            Some(Value::Null) => Ok(Self::Forget),
            Some(Value::String(text)) if text.is_empty() => Ok(Self::Forget),
            Some(Value::String(text)) => Secret::parse_token(&field(), text).map(Self::New),
            Some(_) => Err(Invalid::new(field(), "must be a text")),
        }
    }
}

/// Tries settings without their secret, and tells whether it would travel elsewhere than with those before.
///
/// # Errors
/// `Invalid` naming the key, or saying which file cannot be used.
pub(super) async fn tried(
    ctx: &Context,
    kind: SourceKind,
    (before, after): (&Value, &Value),
    route: Option<&str>,
    secret: Option<Password>,
) -> Result<bool, Error> {
    if kind == SourceKind::Scim {
        let service = scim_services::prepare(&ctx.gateway.egress, after, secret).await?;
        scim_services::check_addresses(&ctx.gateway.egress, before, after)?;
        return Ok(scim_services::leads_elsewhere(before, &service));
    }
    Ok(leads_elsewhere(before, &directories::prepare(after, route, secret).await?))
}

/// Whether the bind password would travel to another server, for another account, to a server vouched for by others, or less protected, than it
/// was given for.
fn leads_elsewhere(before: &Value, after: &Directory) -> bool {
    let Ok(before) = directories::parse(before) else { return true };
    let after = after.settings();
    let known = |url: &connectors::ldap::Url| before.urls.iter().any(|b| b.host == url.host && b.port == url.port);
    let protection = |mode: TlsMode| mode != TlsMode::None;
    before.bind_dn != after.bind_dn
        || !after.urls.iter().all(known)
        || before.tls.ca_file != after.tls.ca_file
        || (protection(before.tls.mode) && !protection(after.tls.mode))
}
