//! `passerelle check`: configuration, stores, mail, keys and sources: what is wrong, and what to do.

use serde::Serialize;

use super::args::Global;
use super::local::{Local, configuration};
use super::output::{Output, collect};
use crate::services::context::Context;
use crate::services::{establishments, sources};
use crate::store::registry::establishment::Filter;
use crate::types::slug::PLATFORM;

/// One thing looked at.
#[derive(Debug, Serialize)]
struct Finding {
    /// Where: `configuration`, or an establishment.
    place: String,
    /// What.
    what: String,
    /// Whether it is as it should be.
    ok: bool,
    /// What was found, and what to do.
    detail: String,
}

impl Finding {
    fn of(place: &str, what: impl Into<String>, outcome: Result<String, String>) -> Self {
        let ok = outcome.is_ok();
        let (Ok(detail) | Err(detail)) = outcome;
        Self { place: place.to_owned(), what: what.into(), ok, detail }
    }
}

/// Looks at everything, prints what it found, and fails when something is wrong.
pub async fn run(global: &Global, output: Output) -> anyhow::Result<()> {
    let config = configuration(global)?;
    let mut findings = vec![Finding::of("configuration", "settings", Ok(config.public_url.clone()))];
    let local = Local::open(global, false).await?;
    findings.push(Finding::of("configuration", "stores", Ok(config.store.label())));
    findings.push(mail(&local).await);
    let platform = local.platform().await?;
    let filter = Filter::default();
    let known = collect(usize::MAX, None, async |page| Ok(establishments::list(&platform, &page, &filter).await?)).await?;
    for slug in std::iter::once(PLATFORM).chain(known.iter().map(|e| e.slug.as_str())) {
        match local.establishment(slug).await {
            Ok(ctx) => look_into(&ctx, &mut findings).await,
            Err(error) => findings.push(Finding::of(slug, "store", Err(format!("{error:#}")))),
        }
    }
    output.list(&findings, &["cli-place", "cli-step", "cli-result", "cli-detail"], |f| {
        vec![f.place.clone(), f.what.clone(), if f.ok { "✓" } else { "✗" }.to_owned(), f.detail.clone()]
    })?;
    let wrong = findings.iter().filter(|f| !f.ok).count();
    anyhow::ensure!(wrong == 0, "{}", output.text("cli-check-wrong", &[("count", i64::try_from(wrong).unwrap_or(i64::MAX).into())]));
    Ok(())
}

/// Mail that is not configured is no fault: a small installation may do without.
async fn mail(local: &Local) -> Finding {
    let without = "not configured: one-time links are shown to whoever makes them; set mail.host and mail.from to send them".to_owned();
    Finding::of("configuration", "mail", local.gateway.mailer.check().await.unwrap_or(Ok(without)))
}

async fn look_into(ctx: &Context, findings: &mut Vec<Finding>) {
    findings.push(Finding::of(ctx.slug(), "store", Ok(ctx.store.label())));
    let gateway = &ctx.gateway;
    let signing = gateway.keys.ring(&ctx.store, &gateway.vault, ctx.slug(), ctx.now).await.map(|ring| {
        let published = ring.jwks().get("keys").and_then(serde_json::Value::as_array).map_or(0, Vec::len);
        format!("{published} signing keys; they open with the master key")
    });
    findings.push(Finding::of(ctx.slug(), "keys", signing.map_err(|e| e.to_string())));
    let listed = match sources::list(ctx).await {
        Ok(listed) => listed,
        Err(error) => return findings.push(Finding::of(ctx.slug(), "sources", Err(error.to_string()))),
    };
    for source in listed.into_iter().filter(|s| s.enabled) {
        let what = format!("source {}", source.name);
        let outcome = match sources::check(ctx, &source.name).await {
            Ok(steps) => match steps.iter().find(|s| !s.ok) {
                Some(step) => Err(format!("{}: {} {}", step.name, step.detail, step.advice.unwrap_or_default())),
                None => Ok(steps.last().map(|s| s.detail.clone()).unwrap_or_default()),
            },
            Err(error) => Err(error.to_string()),
        };
        findings.push(Finding::of(ctx.slug(), what, outcome));
    }
}
