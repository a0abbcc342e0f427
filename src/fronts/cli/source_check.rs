//! `passerelle source check`: the steps with what to do about each, then people as they would arrive, each field with the way it came.

use std::io::{self, Write};

use connectors::{CheckStep, Level, Record, Sample, Traced};
use serde_json::{Value, json};

use super::output::{Output, print_bytes, print_json};
use crate::services::source_words;
use crate::types::locale::Locale;

/// Prints what the check of a source found; fails when a step failed.
pub fn report(output: Output, steps: &[CheckStep]) -> anyhow::Result<()> {
    if output.is_json() {
        print_json(&steps.iter().map(shown).collect::<Vec<_>>())?;
    } else {
        output.list(steps, &["cli-step", "cli-result", "cli-detail"], |step| {
            let mark = match step.level {
                Level::Ok => "✓",
                Level::Warning => "!",
                Level::Failed => "✗",
            };
            let advice = source_words::advice(step, output.locale()).map(|advice| format!(" → {advice}")).unwrap_or_default();
            let detail = source_words::detail(step, output.locale());
            vec![source_words::name(step, output.locale()), mark.to_owned(), format!("{detail}{advice}")]
        })?;
        for step in steps.iter().filter(|step| !step.sample.is_empty()) {
            print(output, step)?;
        }
    }
    anyhow::ensure!(steps.iter().all(|step| step.level != Level::Failed), "{}", output.text("cli-check-failed", &[]));
    Ok(())
}

/// A step as scripts read it, in the words of the admin API.
fn shown(step: &CheckStep) -> Value {
    let facts: serde_json::Map<String, Value> = step.facts.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    json!({
        "name": step.name,
        "ok": step.level != Level::Failed,
        "level": step.level,
        "code": step.code,
        "facts": facts,
        "detail": source_words::detail(step, Locale::En),
        "advice": source_words::advice(step, Locale::En),
        "count": step.count,
        "sample": step.sample,
    })
}

fn print(output: Output, step: &CheckStep) -> anyhow::Result<()> {
    let mut out = Vec::new();
    let heading = if step.name == "groups" { "cli-sample-groups" } else { "cli-sample-people" };
    writeln!(out, "\n{}", output.text(heading, &[]))?;
    for Sample { record, trace, member_count } in &step.sample {
        match record {
            Record::Person(person) => {
                let closed = person.inactive_reason.as_ref().map(|why| output.text("cli-sample-closed", &[("why", why.as_str().into())]));
                writeln!(out, "\n  {}  {}  {}", person.username, person.dn, closed.unwrap_or_default())?;
            }
            Record::Group(group) => {
                let count = i64::try_from(member_count.unwrap_or(group.members.len())).unwrap_or(i64::MAX);
                writeln!(out, "  {}  {}  {}", group.name, group.dn, output.text("cli-sample-members", &[("count", count.into())]))?;
            }
            Record::Unreadable(entry) => {
                let place = entry.dn.as_deref().or(entry.external_id.as_deref()).unwrap_or("–");
                writeln!(out, "\n  ✗ {place}: {}", entry.reason)?;
            }
        }
        write_trace(&mut out, trace)?;
    }
    print_bytes(&out)
}

/// Prints the way each field of a person came.
pub fn print_trace(trace: &[Traced]) -> anyhow::Result<()> {
    let mut out = Vec::new();
    write_trace(&mut out, trace)?;
    print_bytes(&out)
}

fn write_trace(out: &mut impl Write, trace: &[Traced]) -> io::Result<()> {
    for line in trace {
        let values = if line.values.is_empty() { "–".to_owned() } else { line.values.join(" · ") };
        writeln!(out, "      {} ← {} ← {values}", line.field, line.from)?;
    }
    Ok(())
}
