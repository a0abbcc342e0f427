//! `passerelle user explain`: the way from a directory entry to a role and on to a claim, and why not another.

use std::fmt::Write as _;

use super::output::{Output, print_json, print_line};
use super::word;
use crate::services::context::Context;
use crate::services::explanations::{self, ForClient, Question, Refused};
use crate::services::roles::{Decider, Explained, Loser, Miss, WhyNot};
use crate::store::establishment::user::User;

/// Prints why a person holds what they hold.
pub async fn show(ctx: &Context, output: Output, user: &User, question: Question<'_>) -> anyhow::Result<()> {
    let told = explanations::explain(ctx, user.id, question).await?;
    if output.is_json() {
        return print_json(&told);
    }
    let mut out = format!("{} ({})\n", user.display_name, user.username);
    let explanation = &told.explanation;
    if explanation.assignments.is_empty() {
        let _written = writeln!(out, "\n{}", output.text("cli-no-role", &[]));
    }
    for held in &explanation.assignments {
        print_held(&mut out, output, held);
    }
    if !explanation.losers.is_empty() {
        let _written = writeln!(out, "\n{}", output.text("cli-losers", &[]));
    }
    for loser in &explanation.losers {
        print_loser(&mut out, output, loser);
    }
    if !explanation.nearest_misses.is_empty() {
        let _written = writeln!(out, "\n{}", output.text("cli-nearest-misses", &[]));
    }
    for miss in &explanation.nearest_misses {
        print_miss(&mut out, output, miss);
    }
    if let Some(client) = &told.client {
        print_client(&mut out, output, client);
    }
    print_line(out.trim_end())
}

fn at(scope: &str) -> String {
    if scope.is_empty() { String::new() } else { format!(" @ {scope}") }
}

fn print_held(out: &mut String, output: Output, held: &Explained) {
    let idle = if held.counts { String::new() } else { format!(" — {}", output.text("cli-does-not-count", &[])) };
    let _written = writeln!(out, "\n{}: {}{} [{}]{idle}", held.application, held.role, at(&held.scope), word(held.origin));
    for step in &held.path {
        let _written = writeln!(out, "  → {:<8} {}", step.kind, step.name);
    }
    if let Some(reason) = &held.reason {
        let _written = writeln!(out, "  « {reason} »");
    }
}

fn print_loser(out: &mut String, output: Output, loser: &Loser) {
    let key = match loser.decided_by {
        Decider::CatalogueOrder => "cli-lost-by-order",
        Decider::RulePriority => "cli-lost-by-priority",
        Decider::Scope => "cli-lost-by-scope",
    };
    let winner = format!("{}{}", loser.winner, at(&loser.winner_scope));
    let arguments = [
        ("winner", winner.as_str().into()),
        ("rank", loser.rank.to_string().into()),
        ("winner_rank", loser.winner_rank.to_string().into()),
    ];
    let rule = loser.rule.map_or_else(|| word(loser.origin), |rule| rule.to_string());
    let _written = writeln!(out, "  {}: {}{} ({rule}): {}", loser.application, loser.role, at(&loser.scope), output.text(key, &arguments));
}

fn print_miss(out: &mut String, output: Output, miss: &Miss) {
    let key = match miss.why {
        WhyNot::Condition => "cli-miss",
        WhyNot::Captures => "cli-miss-captures",
        WhyNot::PersonNotActive => "cli-miss-person",
        WhyNot::NotYet => "cli-miss-not-yet",
        WhyNot::NoLonger => "cli-miss-no-longer",
        WhyNot::UnknownRole => "cli-miss-unknown",
        WhyNot::Scope => "cli-miss-scope",
        WhyNot::StrongerRule => "cli-miss-rule",
        WhyNot::StrongerRole => "cli-miss-role",
        WhyNot::Excluded => "cli-miss-excluded",
    };
    let seen = miss.value.as_deref().unwrap_or("–");
    let sentence = [("condition", miss.failed_condition.as_str().into()), ("value", seen.into())];
    let _written = writeln!(out, "  {}: {} ({}): {}", miss.application, miss.role, miss.rule, output.text(key, &sentence));
}

fn print_client(out: &mut String, output: Output, client: &ForClient) {
    let _written = writeln!(out, "\n{}", output.text("cli-told-client", &[("client", client.name.as_str().into())]));
    if let Some(refused) = client.refused {
        let key = match refused {
            Refused::ClientDisabled => "cli-refused-client",
            Refused::PersonNotActive => "cli-refused-person",
            Refused::NoRole => "cli-refused-role",
        };
        let _written = writeln!(out, "  {}", output.text(key, &[]));
    }
    if !client.may_ask_for_roles {
        let _written = writeln!(out, "  {}", output.text("cli-no-roles-scope", &[]));
    }
    for (name, value) in &client.claims {
        let _written = writeln!(out, "  {name} = {value}");
    }
}
