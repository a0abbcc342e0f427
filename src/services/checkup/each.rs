//! One establishment: its store, its keys, its sources, and what could not be sent.

use connectors::CheckStep;

use super::{Finding, Level, pushed};
use crate::services::context::Context;
use crate::services::outbox::{self, Filter};
use crate::services::schedules;
use crate::services::{source_words, sources};
use crate::store::establishment::source::Source;
use crate::types::page::PageRequest;

/// Looks into an establishment. Its sources are asked over the network.
pub async fn look_into(ctx: &Context) -> Vec<Finding> {
    let slug = ctx.slug();
    let mut findings = vec![Finding::told(slug, "store", Ok(&ctx.store.label()))];
    findings.push(keys(ctx).await);
    let dead = Filter { state: Some("dead".to_owned()), ..Filter::default() };
    match outbox::list(ctx, &PageRequest::first(1), &dead).await {
        Ok(found) if found.total == 0 => {}
        Ok(found) => {
            let about: [(&str, &dyn ToString); 2] = [("count", &found.total), ("slug", &slug)];
            findings.push(Finding::new(slug, "outbox", Level::Notice, "check-outbox", &about));
        }
        Err(error) => findings.push(Finding::told(slug, "outbox", Err(&error))),
    }
    let listed = match sources::list(ctx).await {
        Ok(listed) => listed,
        Err(error) => {
            findings.push(Finding::told(slug, "sources", Err(&error)));
            return findings;
        }
    };
    for source in listed.into_iter().filter(|s| s.enabled && s.routed_from.is_none()) {
        let what = format!("source {}", source.name);
        if let Some(told) = pushed::feed(ctx, &source, &what).await {
            findings.extend(told);
            continue;
        }
        findings.push(match sources::check(ctx, &source.name).await {
            Ok(steps) => {
                let worst = steps.iter().rev().max_by_key(|step| step.level);
                let told = |step: &CheckStep| {
                    let advice = source_words::advice(step, ctx.locale).map(|advice| format!(": {advice}")).unwrap_or_default();
                    format!("{}: {}{advice}", step.name, source_words::detail(step, ctx.locale))
                };
                let said = worst.map(told).unwrap_or_default();
                match worst.map(|step| step.level) {
                    Some(connectors::Level::Failed) => Finding::told(slug, &what, Err(&said)),
                    Some(connectors::Level::Warning) => Finding::new(slug, &what, Level::Notice, "check-said", &[("said", &said)]),
                    _ => {
                        let people = steps.iter().find(|step| step.name == "people");
                        Finding::told(slug, &what, Ok(&people.map(told).unwrap_or(said)))
                    }
                }
            }
            Err(error) => Finding::told(slug, &what, Err(&error)),
        });
        findings.extend(pace(ctx, &source, &what).await);
    }
    findings.extend(pushed::applications(ctx).await);
    findings
}

/// Whether a source that keeps up by itself does; nothing when all is well.
async fn pace(ctx: &Context, source: &Source, what: &str) -> Option<Finding> {
    let standing = match schedules::standing(ctx, source).await {
        Ok(standing) => standing,
        Err(error) => return Some(Finding::told(ctx.slug(), what, Err(&error))),
    };
    let since = standing.state.kept.succeeded_at.map_or_else(|| "–".to_owned(), |at| at.to_string());
    if standing.state.late {
        return Some(Finding::new(ctx.slug(), what, Level::Wrong, "check-source-late", &[("since", &since)]));
    }
    let until = standing.state.kept.paused_until.filter(|until| *until > ctx.now)?;
    let about: [(&str, &dyn ToString); 2] = [("until", &until), ("failures", &standing.state.kept.failures)];
    Some(Finding::new(ctx.slug(), what, Level::Notice, "check-source-paused", &about))
}

async fn keys(ctx: &Context) -> Finding {
    let gateway = &ctx.gateway;
    match gateway.keys.ring(&ctx.store, &gateway.vault, ctx.slug(), ctx.now).await {
        Ok(ring) => {
            let published = ring.jwks().get("keys").and_then(serde_json::Value::as_array).map_or(0, Vec::len);
            Finding::new(ctx.slug(), "keys", Level::Well, "check-keys", &[("count", &published)])
        }
        Err(error) => Finding::told(ctx.slug(), "keys", Err(&error)),
    }
}
