//! One establishment: its store, its keys, its sources, and what could not be sent.

use super::{Finding, Level};
use crate::services::context::Context;
use crate::services::outbox::{self, Filter};
use crate::services::sources;
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
        findings.push(match sources::check(ctx, &source.name).await {
            Ok(steps) => match steps.iter().find(|s| !s.ok) {
                Some(step) => {
                    let said = format!("{}: {} {}", step.name, step.detail, step.advice.unwrap_or_default());
                    Finding::told(slug, &what, Err(&said))
                }
                None => Finding::told(slug, &what, Ok(&steps.last().map(|s| s.detail.clone()).unwrap_or_default())),
            },
            Err(error) => Finding::told(slug, &what, Err(&error)),
        });
    }
    findings
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
