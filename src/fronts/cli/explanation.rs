//! `passerelle user explain`: the way from a directory entry to a role, and why not another.

use super::output::{Output, print_json};
use super::word;
use crate::services::context::Context;
use crate::services::roles;
use crate::store::establishment::user::User;

/// Prints why a person holds what they hold.
pub async fn show(ctx: &Context, output: Output, user: &User, application: Option<&str>, role: Option<&str>) -> anyhow::Result<()> {
    let explanation = roles::explain(ctx, user.id, application, role).await?;
    if output.is_json() {
        return print_json(&explanation);
    }
    println!("{} ({})", user.display_name, user.username);
    if explanation.assignments.is_empty() {
        println!("\n{}", output.text("cli-no-role", &[]));
    }
    for held in &explanation.assignments {
        let scope = if held.scope.is_empty() { String::new() } else { format!(" @ {}", held.scope) };
        let idle = if held.counts { String::new() } else { format!(" — {}", output.text("cli-does-not-count", &[])) };
        println!("\n{}: {}{scope} [{}]{idle}", held.application, held.role, word(held.origin));
        for step in &held.path {
            println!("  → {:<8} {}", step.kind, step.name);
        }
        if let Some(reason) = &held.reason {
            println!("  « {reason} »");
        }
    }
    if !explanation.nearest_misses.is_empty() {
        println!("\n{}", output.text("cli-nearest-misses", &[]));
    }
    for miss in &explanation.nearest_misses {
        let seen = miss.value.as_deref().unwrap_or("–");
        let sentence = [("condition", miss.failed_condition.as_str().into()), ("value", seen.into())];
        println!("  {}: {} ({}): {}", miss.application, miss.role, miss.rule, output.text("cli-miss", &sentence));
    }
    Ok(())
}
