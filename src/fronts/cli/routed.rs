//! What a source of the platform became in each establishment, at the terminal.

use anyhow::anyhow;
use serde_json::{Value, json};

use super::output::{Output, or_dash, print_json, print_line};
use super::word;
use crate::services::error::Error;
use crate::services::routing::Passed;
use crate::store::establishment::routed_part::{Outcome, RoutedPart};
use crate::store::establishment::sync_run::State;

/// `passerelle source establishments`.
pub fn list(output: Output, parts: &[RoutedPart]) -> anyhow::Result<()> {
    let headings = [
        "cli-establishment",
        "cli-state",
        "cli-people",
        "cli-groups",
        "cli-created-count",
        "cli-updated",
        "cli-disabled",
        "cli-quarantined",
        "cli-run",
        "cli-detail",
    ];
    output.list(parts, &headings, |part| {
        let c = &part.counts;
        let counts = [c.created, c.updated, c.disabled, c.quarantined].map(|n| n.to_string());
        let head = [part.slug.clone(), word(part.outcome), part.people.to_string(), part.groups.to_string()];
        head.into_iter().chain(counts).chain([or_dash(part.run_id.as_ref()), or_dash(part.error.as_ref())]).collect()
    })
}

/// Prints a pass over establishments, a line for each. One that is held ends it with the exit code of a guard, one that failed as a failure.
pub fn report(output: Output, passed: &Passed) -> anyhow::Result<()> {
    let run = &passed.run;
    if output.is_json() {
        let unplaced: Vec<Value> = passed
            .unplaced
            .iter()
            .map(|one| json!({ "value": one.value, "people": one.people, "groups": one.groups, "names": one.names }))
            .collect();
        print_json(&json!({ "run": run, "establishments": passed.parts, "unplaced": unplaced }))?;
    } else {
        list(output, &passed.parts)?;
        for one in &passed.unplaced {
            let value = one.value.clone().unwrap_or_else(|| output.text("cli-no-establishment", &[]));
            let about = [("value", value.into()), ("people", one.people.into()), ("names", one.names.join(", ").into())];
            print_line(&output.text("cli-unplaced", &about))?;
        }
        print_line("")?;
        let pairs = [
            ("cli-id", run.id.to_string()),
            ("cli-state", word(run.state)),
            ("cli-read", run.counts.read.to_string()),
            ("cli-duration", run.duration_ms.map_or_else(|| "–".to_owned(), |ms| format!("{ms} ms"))),
            ("cli-detail", or_dash(run.note.as_ref())),
        ];
        output.thing(run, &pairs)?;
    }
    let held: Vec<&str> = passed.parts.iter().filter(|part| part.outcome == Outcome::Held).map(|part| part.slug.as_str()).collect();
    if !held.is_empty() {
        return Err(Error::Held(output.text("cli-held-there", &[("establishments", held.join(", ").into())])).into());
    }
    match (&run.error, run.state) {
        (Some(why), _) => Err(anyhow!("{why}")),
        (None, State::Failed) => Err(anyhow!("{}", output.text("cli-pass-failed", &[]))),
        (None, _) => Ok(()),
    }
}
