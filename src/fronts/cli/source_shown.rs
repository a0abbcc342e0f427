//! `passerelle source list|show`: sources as they are configured, and how they go.

use serde_json::{Value, json};

use super::output::{Output, beside, or_dash, print_json};
use super::word;
use crate::services::context::Context;
use crate::services::schedules;
use crate::services::scim::feeds;
use crate::services::scim_services::is_pushed;
use crate::services::sources;
use crate::store::establishment::source::{Source, SourceKind};

/// A source with what its last runs left, as the admin API answers it.
pub async fn with_standing(ctx: &Context, source: &Source) -> anyhow::Result<Value> {
    let standing = schedules::standing(ctx, source).await?;
    let feed = feeds::standing(ctx, source).await?;
    beside(&sources::shown(source), [("next_run_at", json!(standing.next_run_at)), ("state", json!(standing.state)), ("feed", json!(feed))])
}

/// `passerelle source list`.
pub async fn list(ctx: &Context, output: Output) -> anyhow::Result<()> {
    let sources = sources::list(ctx).await?;
    let mut shown = Vec::with_capacity(sources.len());
    for source in &sources {
        shown.push(with_standing(ctx, source).await?);
    }
    if output.is_json() {
        return print_json(&shown);
    }
    let rows: Vec<(&Source, &Value)> = sources.iter().zip(&shown).collect();
    let headings = ["cli-name", "cli-kind", "cli-enabled", "cli-last-success", "cli-last-request", "cli-next-run", "cli-address"];
    output.list(&rows, &headings, |(source, shown)| {
        let fixed = [source.name.clone(), kind(output, source), output.whether(source.enabled)];
        let moments = ["/state/succeeded_at", "/feed/requested_at", "/next_run_at"].map(|place| at(shown, place));
        fixed.into_iter().chain(moments).chain([address(output, source)]).collect()
    })
}

/// `passerelle source show`.
pub async fn show(ctx: &Context, output: Output, source: &Source) -> anyhow::Result<()> {
    let shown = with_standing(ctx, source).await?;
    let is_fed = is_pushed(source);
    let address = if is_fed { at(&shown, "/feed/base_url") } else { address(output, source) };
    let mut pairs = vec![
        ("cli-name", source.name.clone()),
        ("cli-kind", kind(output, source)),
        ("cli-enabled", output.whether(source.enabled)),
        ("cli-address", address),
    ];
    if is_fed {
        pairs.push(("cli-last-request", at(&shown, "/feed/requested_at")));
        pairs.push(("cli-people", number(&shown, "/feed/users")));
        pairs.push(("cli-groups", number(&shown, "/feed/groups")));
        pairs.push(("cli-waiting-requests", number(&shown, "/feed/held")));
    } else {
        pairs.push(("cli-secret", output.whether(source.secret_sealed.is_some())));
        pairs.push(("cli-last-success", at(&shown, "/state/succeeded_at")));
        pairs.push(("cli-next-run", at(&shown, "/next_run_at")));
        pairs.push(("cli-failures", number(&shown, "/state/failures")));
        pairs.push(("cli-error", at(&shown, "/state/error")));
        pairs.push(("cli-rest-until", at(&shown, "/state/paused_until")));
        pairs.push(("cli-schedule", source.schedule.as_ref().map_or_else(|| "–".to_owned(), |schedule| json!(schedule).to_string())));
    }
    pairs.push(("cli-settings", source.settings.to_string()));
    pairs.push(("cli-matching", json!(source.matching.clone().unwrap_or_default()).to_string()));
    pairs.push(("cli-guard", json!(source.guard).to_string()));
    pairs.push(("cli-leaving", json!(source.leaving.unwrap_or_default()).to_string()));
    pairs.push(("cli-created", source.created_at.to_string()));
    pairs.push(("cli-updated-at", source.updated_at.to_string()));
    output.thing(&shown, &pairs)
}

/// Its kind; of SCIM, which way things go.
fn kind(output: Output, source: &Source) -> String {
    let named = [("kind", word(source.kind).into())];
    match source.kind {
        SourceKind::Scim if is_pushed(source) => output.text("cli-pushed-kind", &named),
        SourceKind::Scim => output.text("cli-pulled-kind", &named),
        SourceKind::Ldap | SourceKind::Csv | SourceKind::Ldif => word(source.kind),
    }
}

/// Where it is read from.
fn address(output: Output, source: &Source) -> String {
    if is_pushed(source) {
        return output.text("cli-pushed-address", &[]);
    }
    match ["urls", "url"].into_iter().find_map(|key| source.settings.get(key)) {
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
        Some(Value::String(one)) => one.clone(),
        _ => "–".to_owned(),
    }
}

fn at(shown: &Value, place: &str) -> String {
    or_dash(shown.pointer(place).and_then(Value::as_str).map(str::to_owned).as_ref())
}

fn number(shown: &Value, place: &str) -> String {
    or_dash(shown.pointer(place).and_then(Value::as_i64).as_ref())
}
