//! A provisioning as it is written by people: its fields with their usual values, and what is wrong with them. Stores nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::context::Context;
use super::super::roles::{Case, Pattern};
use super::mapping::{self, Mapping};
use crate::store::establishment::application::Application;
use crate::store::establishment::provisioning::{Adopt, Auth, AuthKind, Groups, OnLoss, Provisioning, Settings};
use crate::store::establishment::source::Bound;
use crate::types::{Invalid, nul};

/// Most requests a second that may be asked for.
const RATE_MAX: u32 = 200;
/// Longest texts, in bytes.
const TEXT_MAX_BYTES: usize = 500;
/// Most roles that are named.
const ROLES_MAX: usize = 200;
/// Most hours from one comparison to the next: a month.
const COMPARE_MAX_H: u32 = 31 * 24;

/// How the gateway signs in at the service. The secret is written and never read back.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthFields {
    /// With a token of the service, or with client credentials.
    pub kind: AuthKind,
    /// The bearer token, or the client's secret. Left out, the one before stays; it is given again when `url`, `token_url` or `client_id` changes.
    #[serde(default, skip_serializing)]
    pub secret: Option<String>,
    /// Where tokens are asked for, with client credentials.
    #[serde(default)]
    pub token_url: Option<String>,
    /// The client's name there.
    #[serde(default)]
    pub client_id: Option<String>,
    /// The scope that is asked for.
    #[serde(default)]
    pub scope: Option<String>,
}

// The secret is not for logs.
impl std::fmt::Debug for AuthFields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthFields").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// A provisioning as it is configured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own, named so in the API")]
pub struct ProvisioningFields {
    /// The base of the service (RFC 7644 §1.3): `/Users` and `/Groups` are below it.
    pub url: String,
    /// How the gateway signs in there.
    pub auth: AuthFields,
    /// Whoever holds one of these roles is written; whoever holds any when empty.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Attribute of SCIM to template over the person.
    #[serde(default = "mapping::usual")]
    pub mapping: BTreeMap<String, String>,
    /// What becomes there of whoever loses the last of these roles.
    #[serde(default = "deactivate")]
    pub on_loss: OnLoss,
    /// What stands there already and is taken for somebody's here: with `name`, also accounts by user name and groups by name, which are never
    /// deleted then.
    #[serde(default)]
    pub adopt: Adopt,
    /// Which groups are written.
    #[serde(default = "no_groups")]
    pub groups: Groups,
    /// The name of a group there; null is `{role}`, or `{name}` for groups of the establishment.
    #[serde(default)]
    pub group_name: Option<String>,
    /// Names of groups that are written: a regular expression that matches the whole name. Null is all.
    #[serde(default)]
    pub group_pattern: Option<String>,
    /// Most requests a second: 1 to 200.
    #[serde(default = "rate")]
    pub rate: u32,
    /// Bounds on what is deactivated and deleted in a day; up to ten always are.
    #[serde(default = "guard")]
    pub guard: Bound,
    /// Whether a comparison that repairs also removes what the gateway does not know there.
    #[serde(default)]
    pub remove_unknown: bool,
    /// Whether nothing is written, and only told what would be.
    #[serde(default)]
    pub dry_run: bool,
    /// Hours from one comparison to the next that nobody asked for: 1 to 744; 0 is never.
    #[serde(default = "daily")]
    pub compare_every: u32,
    /// Whether such a comparison also puts right what differs; otherwise it only tells.
    #[serde(default)]
    pub compare_repairs: bool,
    /// Whether anything is written.
    #[serde(default = "yes")]
    pub enabled: bool,
}

fn deactivate() -> OnLoss {
    OnLoss::Deactivate
}

fn no_groups() -> Groups {
    Groups::None
}

fn rate() -> u32 {
    10
}

fn guard() -> Bound {
    Bound { max_count: 500, max_percent: 20.0 }
}

fn daily() -> u32 {
    24
}

fn yes() -> bool {
    true
}

const fn usual_group_name(groups: Groups) -> &'static str {
    match groups {
        Groups::Roles => "{role}",
        Groups::None | Groups::Groups => "{name}",
    }
}

impl From<&Provisioning> for ProvisioningFields {
    fn from(standing: &Provisioning) -> Self {
        let Settings { url, auth, roles, mapping, on_loss, adopt, groups, group_name, group_pattern, rate, guard, .. } =
            standing.settings.clone();
        let Settings { remove_unknown, dry_run, compare_every, compare_repairs, .. } = standing.settings;
        let Auth { kind, token_url, client_id, scope } = auth;
        Self {
            url,
            auth: AuthFields { kind, secret: None, token_url, client_id, scope },
            roles,
            mapping,
            on_loss,
            adopt,
            group_name: Some(group_name).filter(|name| name != usual_group_name(groups)),
            groups,
            group_pattern,
            rate,
            guard,
            remove_unknown,
            dry_run,
            compare_every,
            compare_repairs,
            enabled: standing.enabled,
        }
    }
}

/// The settings as they are stored.
pub(super) fn settings_of(fields: &ProvisioningFields) -> Settings {
    let AuthFields { kind, token_url, client_id, scope, .. } = fields.auth.clone();
    Settings {
        url: base(&fields.url).to_owned(),
        auth: Auth { kind, token_url, client_id, scope },
        roles: fields.roles.clone(),
        mapping: fields.mapping.clone(),
        on_loss: fields.on_loss,
        adopt: fields.adopt,
        groups: fields.groups,
        group_name: fields.group_name.clone().unwrap_or_else(|| usual_group_name(fields.groups).to_owned()),
        group_pattern: fields.group_pattern.clone(),
        rate: fields.rate,
        guard: fields.guard,
        remove_unknown: fields.remove_unknown,
        dry_run: fields.dry_run,
        compare_every: fields.compare_every,
        compare_repairs: fields.compare_repairs,
    }
}

/// The base of a service without what says nothing.
fn base(raw: &str) -> &str {
    raw.trim().trim_end_matches('/')
}

/// Every field that does not fit. `kept` is what stands, whose secret stays when none is given.
pub(super) fn wrong_fields(
    ctx: &Context,
    application: &Application,
    fields: &ProvisioningFields,
    kept: Option<&Provisioning>,
) -> Vec<Invalid> {
    let mut wrong = Vec::new();
    let egress = &ctx.gateway.egress;
    let mut address = |field: &str, raw: &str| match egress.check(raw.trim()) {
        Err(refusal) => wrong.push(Invalid::new(field, refusal.to_string())),
        Ok(url) if url.query().is_some() => wrong.push(Invalid::new(field, "leave out the query, the part from ? on")),
        Ok(_) => {}
    };
    address("url", &fields.url);
    let auth = &fields.auth;
    if auth.kind == AuthKind::ClientCredentials {
        address("auth.token_url", auth.token_url.as_deref().unwrap_or_default());
        if auth.client_id.as_deref().unwrap_or_default().is_empty() {
            wrong.push(Invalid::new("auth.client_id", "is needed with client credentials (RFC 6749 §4.4)"));
        }
    } else if auth.token_url.is_some() || auth.client_id.is_some() || auth.scope.is_some() {
        wrong.push(Invalid::new("auth.kind", "token_url, client_id and scope go with `client_credentials` alone"));
    }
    wrong.extend(wrong_secret(fields, kept));
    wrong.extend(Mapping::parse(&fields.mapping).err().unwrap_or_default());
    wrong.extend(wrong_groups(fields));
    if !(1..=RATE_MAX).contains(&fields.rate) {
        wrong.push(Invalid::new("rate", format!("1 to {RATE_MAX} requests a second")));
    }
    if fields.compare_every > COMPARE_MAX_H {
        wrong.push(Invalid::new("compare_every", format!("1 to {COMPARE_MAX_H} hours, or 0 for never")));
    }
    if !(0.0..=100.0).contains(&fields.guard.max_percent) {
        wrong.push(Invalid::new("guard.max_percent", "a percentage from 0 to 100"));
    }
    if fields.roles.len() > ROLES_MAX {
        wrong.push(Invalid::new("roles", format!("at most {ROLES_MAX} roles")));
    }
    for role in &fields.roles {
        if !application.roles.iter().any(|known| known.name == *role) {
            wrong.push(Invalid::new("roles", format!("the catalogue of «{}» has no role «{role}»", application.name)));
        }
    }
    if let Ok(whole) = serde_json::to_value(fields) {
        wrong.extend(nul::refuse("", &whole).err());
    }
    wrong
}

fn wrong_secret(fields: &ProvisioningFields, kept: Option<&Provisioning>) -> Option<Invalid> {
    let field = "auth.secret";
    if let Some(secret) = &fields.auth.secret {
        let fits = !secret.is_empty() && secret.len() <= 8 * 1024 && secret.bytes().all(|b| matches!(b, 0x20..=0x7e));
        return (!fits).then(|| Invalid::new(field, "a secret has 1 to 8,192 letters, digits and signs of ASCII"));
    }
    let Some(kept) = kept.filter(|kept| kept.secret_sealed.is_some()) else {
        return Some(Invalid::new(field, "is needed: the bearer token, or the client's secret"));
    };
    let (auth, before) = (&fields.auth, &kept.settings);
    // Another path may be another tenant of the same host, and another client somebody else's.
    let stays = base(&fields.url) == before.url
        && auth.kind == before.auth.kind
        && auth.token_url == before.auth.token_url
        && auth.client_id == before.auth.client_id;
    let again = "give it again: `url`, `auth.kind`, `auth.token_url` or `auth.client_id` changed, and a stored secret is never sent to another \
                 place than it was given for";
    (!stays).then(|| Invalid::new(field, again))
}

fn wrong_groups(fields: &ProvisioningFields) -> Vec<Invalid> {
    let mut wrong = Vec::new();
    if let Some(raw) = &fields.group_pattern {
        wrong.extend(Pattern::compile("group_pattern", raw, Case::Ignored).err());
        if fields.groups != Groups::Groups {
            wrong.push(Invalid::new("group_pattern", "goes with `groups`: \"groups\" alone"));
        }
    }
    if let Some(name) = &fields.group_name {
        let (known, needed): (&[&str], &[&str]) = match fields.groups {
            Groups::Roles => (&["{role}", "{title}", "{application}"], &["{role}", "{title}"]),
            Groups::None | Groups::Groups => (&["{name}", "{display_name}"], &["{name}", "{display_name}"]),
        };
        let plain = known.iter().fold(name.clone(), |text, field| text.replace(field, ""));
        if plain.contains(['{', '}']) || name.len() > TEXT_MAX_BYTES || !needed.iter().any(|field| name.contains(field)) {
            let message =
                format!("a template of at most {TEXT_MAX_BYTES} bytes with one of {} (known: {})", needed.join(", "), known.join(", "));
            wrong.push(Invalid::new("group_name", message));
        }
    }
    wrong
}
