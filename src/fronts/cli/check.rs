//! `passerelle check`: configuration, machine, databases, stores, mail, keys and sources: what is wrong, and what to do.

use clap::Args;
use serde_json::json;

use super::args::Global;
use super::local::{Local, configuration};
use super::output::{Output, print_json};
use crate::app;
use crate::config::Config;
use crate::i18n::Argument;
use crate::services::checkup::{self, Finding, Level, Place};
use crate::services::context::Context;
use crate::store::StoreUrl;
use crate::store::registry::establishment::DEFAULT_PLACEMENT;
use crate::types::locale::Locale;
use crate::types::slug::PLATFORM;
use crate::types::time::Timestamp;

/// How far to look.
#[derive(Debug, Args)]
pub struct Options {
    /// Do not look into each establishment and its sources: with very many, that takes long.
    #[arg(long)]
    quick: bool,
}

/// Looks at everything, prints what it found, and fails when something is wrong. What is down is told, and the rest looked at all the same.
pub async fn run(global: &Global, output: Output, options: Options) -> anyhow::Result<()> {
    let config = configuration(global)?;
    let mut findings = vec![Finding::told("configuration", "settings", Ok(&config.public_url))];
    let urls = placements(&config)?;
    let folders: Vec<_> = urls.iter().filter_map(|(_, url)| url.folder().map(std::path::Path::to_owned)).collect();
    findings.extend(checkup::machine(&config, &folders));
    let (places, seen) = checkup::databases(&config, &urls, Timestamp::now).await;
    let answers = places.iter().all(|place| place.sight.is_some()) && !seen.iter().any(|found| found.what == "rights");
    findings.extend(seen);
    if answers {
        match Local::open(global, false).await {
            Ok(local) => look_inside((&local, output.locale()), &config, &places, options.quick, &mut findings).await?,
            Err(error) => findings.push(Finding::told("configuration", "stores", Err(&format!("{error:#}")))),
        }
    }
    print(output, &findings)?;
    let wrong = findings.iter().filter(|found| found.level == Level::Wrong).count();
    anyhow::ensure!(wrong == 0, "{}", output.text("cli-check-wrong", &[("count", i64::try_from(wrong).unwrap_or(i64::MAX).into())]));
    Ok(())
}

fn placements(config: &Config) -> anyhow::Result<Vec<(String, StoreUrl)>> {
    let named = std::iter::once((DEFAULT_PLACEMENT, config.store.url.as_str())).chain(config.store.placements());
    named.map(|(name, url)| Ok((name.to_owned(), app::store_url(url)?))).collect()
}

async fn look_inside(
    (local, locale): (&Local, Locale),
    config: &Config,
    places: &[Place],
    is_quick: bool,
    findings: &mut Vec<Finding>,
) -> anyhow::Result<()> {
    findings.push(Finding::told("configuration", "stores", Ok(&config.store.label())));
    // Mail that is not configured is no fault: a small installation may do without.
    findings.push(match local.gateway.mailer.check().await {
        Some(Ok(said)) => Finding::told("configuration", "mail", Ok(&said)),
        Some(Err(said)) => Finding::told("configuration", "mail", Err(&said)),
        None => Finding::new("configuration", "mail", Level::Well, "check-mail-none", &[]),
    });
    let (known, seen) = checkup::look_over(&local.platform().await?, places).await?;
    findings.extend(seen);
    let looked_into = if is_quick { 0 } else { known.len() };
    for slug in std::iter::once(PLATFORM).chain(known.iter().take(looked_into).map(|e| e.slug.as_str())) {
        match local.establishment(slug).await {
            Ok(ctx) => findings.extend(checkup::look_into(&Context { locale, ..ctx }).await),
            Err(error) => findings.push(Finding::told(slug, "store", Err(&format!("{error:#}")))),
        }
    }
    let about: [(&str, &dyn ToString); 2] = [("looked", &looked_into), ("count", &known.len())];
    findings.push(Finding::new("installation", "establishments", Level::Well, "check-looked", &about));
    Ok(())
}

fn print(output: Output, findings: &[Finding]) -> anyhow::Result<()> {
    let detail = |found: &Finding| {
        let arguments: Vec<Argument<'_>> = found.arguments.iter().map(|(name, value)| (*name, value.as_str().into())).collect();
        output.text(found.text, &arguments)
    };
    if output.is_json() {
        let rows = findings.iter().map(|found| {
            json!({
                "place": found.place,
                "what": found.what,
                "ok": found.level != Level::Wrong,
                "level": found.level,
                "detail": detail(found),
            })
        });
        return print_json(&rows.collect::<Vec<_>>());
    }
    let mark = |level| match level {
        Level::Well => "✓",
        Level::Notice => "!",
        Level::Wrong => "✗",
    };
    let rows: Vec<&Finding> = findings.iter().collect();
    let rows: Vec<[String; 4]> =
        rows.iter().map(|found| [found.place.clone(), found.what.clone(), mark(found.level).to_owned(), detail(found)]).collect();
    output.list(&rows, &["cli-place", "cli-step", "cli-result", "cli-detail"], |row| row.to_vec())
}
