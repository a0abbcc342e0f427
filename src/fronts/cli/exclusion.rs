//! At the terminal: what people are not to hold, and what they do not use.

use anyhow::Context as _;
use clap::Args;
use serde_json::json;

use super::local::Local;
use super::output::{Output, collect, or_dash, print_json};
use super::word;
use crate::services::roles::exclusions::{self, NewExclusion};
use crate::services::roles::unused;
use crate::services::users;
use crate::store::establishment::application_use;
use crate::store::establishment::exclusion::Filter;
use crate::types::id::ExclusionId;
use crate::types::time::Timestamp;

/// A role that someone is not to hold.
#[derive(Debug, Args)]
pub struct Exclude {
    /// The establishment.
    est: String,
    /// User name or identifier.
    user: String,
    /// The application.
    application: String,
    /// The role.
    role: String,
    /// In this scope; the role that holds everywhere when left out.
    #[arg(long)]
    scope: Option<String>,
    /// Why.
    #[arg(long)]
    reason: String,
    /// Until when, for instance 2027-08-31T00:00:00Z.
    #[arg(long)]
    until: Option<String>,
}

/// Which exclusions.
#[derive(Debug, Args)]
pub struct Wanted {
    /// The establishment.
    est: String,
    /// Only this person's.
    #[arg(long)]
    user: Option<String>,
    /// Only this application's.
    #[arg(long)]
    application: Option<String>,
    /// Most rows printed.
    #[arg(long, default_value_t = 1000)]
    limit: usize,
}

/// Which unused roles.
#[derive(Debug, Args)]
pub struct Unused {
    /// The establishment.
    est: String,
    /// Only this application's.
    #[arg(long)]
    application: Option<String>,
    /// Unused since then, for instance 2026-09-01T00:00:00Z; for 180 days when left out.
    #[arg(long)]
    since: Option<String>,
    /// Most rows printed.
    #[arg(long, default_value_t = 1000)]
    limit: usize,
}

/// Which unused accounts.
#[derive(Debug, Args)]
pub struct UnusedAccounts {
    /// The establishment.
    est: String,
    /// Unused since then, for instance 2026-09-01T00:00:00Z; for 180 days when left out.
    #[arg(long)]
    since: Option<String>,
    /// Most rows printed.
    #[arg(long, default_value_t = 1000)]
    limit: usize,
}

/// Reads an instant of a flag.
pub fn instant(flag: &'static str, raw: Option<String>) -> anyhow::Result<Option<Timestamp>> {
    raw.map(|raw| serde_json::from_value::<Timestamp>(raw.into())).transpose().context(flag)
}

/// `passerelle assignment exclude`.
pub async fn add(local: &Local, new: Exclude) -> anyhow::Result<()> {
    let ctx = local.establishment(&new.est).await?;
    let user = users::resolve(&ctx, &new.user).await?.id;
    let Exclude { application, role, scope, reason, until, .. } = new;
    let new = NewExclusion { user, application, role, scope, reason, valid_until: instant("--until", until)? };
    print_json(&exclusions::add(&ctx, &new).await?)
}

/// `passerelle assignment exclusions`.
pub async fn list(local: &Local, output: Output, wanted: Wanted) -> anyhow::Result<()> {
    let ctx = local.establishment(&wanted.est).await?;
    let user = match &wanted.user {
        Some(name) => Some(users::resolve(&ctx, name).await?.id),
        None => None,
    };
    let filter = Filter { user, application: wanted.application, ..Filter::default() };
    let found = collect(wanted.limit, None, async |page| Ok(exclusions::list(&ctx, &page, &filter).await?)).await?;
    let headings = ["cli-id", "cli-user", "cli-application", "cli-role", "cli-scope", "cli-reason", "cli-expires"];
    output.list(&found, &headings, |x| {
        let fixed = [x.id.to_string(), x.username.clone(), x.application.clone(), x.role.clone(), x.scope.clone()];
        fixed.into_iter().chain([x.reason.clone(), or_dash(x.valid_until.as_ref())]).collect()
    })
}

/// `passerelle assignment include`.
pub async fn end(local: &Local, output: Output, est: &str, id: &str) -> anyhow::Result<()> {
    let ctx = local.establishment(est).await?;
    let id: ExclusionId = id.parse()?;
    exclusions::end(&ctx, id).await?;
    let ended = output.text("cli-exclusion-ended", &[("id", id.to_string().into())]);
    output.done(&json!({ "ended": id }), &ended)
}

/// `passerelle assignment unused`.
pub async fn unused(local: &Local, output: Output, wanted: Unused) -> anyhow::Result<()> {
    let ctx = local.establishment(&wanted.est).await?;
    let since = instant("--since", wanted.since)?;
    let filter = application_use::Filter { application: wanted.application, ..application_use::Filter::default() };
    let found = collect(wanted.limit, None, async |page| Ok(unused::list(&ctx, &page, since, &filter).await?)).await?;
    let headings = ["cli-id", "cli-user", "cli-application", "cli-role", "cli-scope", "cli-origin", "cli-last-used", "cli-last-sign-in"];
    output.list(&found, &headings, |x| {
        let fixed = [x.id.to_string(), x.username.clone(), x.application.clone(), x.role.clone(), x.scope.clone(), word(x.origin)];
        fixed.into_iter().chain([or_dash(x.last_used_at.as_ref()), or_dash(x.last_sign_in_at.as_ref())]).collect()
    })
}

/// `passerelle user unused`.
pub async fn unused_accounts(local: &Local, output: Output, wanted: UnusedAccounts) -> anyhow::Result<()> {
    let ctx = local.establishment(&wanted.est).await?;
    let since = instant("--since", wanted.since)?;
    let found = collect(wanted.limit, None, async |page| Ok(unused::list_accounts(&ctx, &page, since).await?)).await?;
    output.list(&found, &["cli-username", "cli-name", "cli-email", "cli-unit", "cli-last-sign-in"], |x| {
        let fixed = [x.username.clone(), x.display_name.clone(), or_dash(x.email.as_ref()), or_dash(x.home_unit.as_ref())];
        fixed.into_iter().chain([or_dash(x.last_sign_in_at.as_ref())]).collect()
    })
}
