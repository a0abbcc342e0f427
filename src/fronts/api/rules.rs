//! `…/rules`: directory facts → roles, and what other rules would do.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::extract::{Here, Key, Of, OneOf};
use super::seen::{Losing, Seen};
use crate::fronts::http::answer::Created;
use crate::fronts::http::body::{Body, patched, shaped};
use crate::fronts::http::listing::Listing;
use crate::fronts::http::problem::{Problem, Refusals};
use crate::fronts::http::query::{self, Query, Trial};
use crate::fronts::http::version::{IfMatch, Versioned, VersionedBy};
use crate::services::context::Context;
use crate::services::roles::{self, Finding, Replaced, RuleFields, Simulation, rules};
use crate::store::establishment::rule::{Condition, Rule};
use crate::types::fold;
use crate::types::id::RuleId;
use crate::types::time::Timestamp;

/// What the gateway adds to a rule: left out of rules that come back to be simulated.
const SHOWN_ONLY: [&str; 4] = ["id", "created_at", "updated_at", "warnings"];

/// What a list of rules may be asked.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Rows of a page: 1 to 500, 50 when left out.
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Words to look for in application, role, scope and conditions.
    q: Option<String>,
    /// The application's name.
    application: Option<String>,
    /// Exact role.
    role: Option<String>,
    /// Exact scope.
    scope: Option<String>,
    /// Exact priority.
    priority: Option<i64>,
    /// Whether the rule is switched on.
    enabled: Option<bool>,
    /// Exact start.
    valid_from: Option<String>,
    /// Exact end.
    valid_until: Option<String>,
    /// Exact day of the year.
    ends: Option<String>,
}

impl Wanted {
    fn fits(&self, rule: &Rule, words: Option<&str>) -> bool {
        self.application.as_ref().is_none_or(|name| *name == rule.application)
            && self.role.as_ref().is_none_or(|role| *role == rule.role)
            && self.scope.as_ref().is_none_or(|scope| rule.scope.as_ref() == Some(scope))
            && self.priority.is_none_or(|priority| priority == rule.priority)
            && self.enabled.is_none_or(|enabled| enabled == rule.enabled)
            && self.valid_from.as_ref().is_none_or(|at| is_written(at, rule.valid_from))
            && self.valid_until.as_ref().is_none_or(|at| is_written(at, rule.valid_until))
            && self.ends.as_ref().is_none_or(|day| rule.ends.as_ref() == Some(day))
            && words.is_none_or(|words| fold(&told(rule)).contains(words))
    }
}

/// Whether an instant is the one that is written, in whatever zone.
fn is_written(text: &str, at: Option<Timestamp>) -> bool {
    serde_json::from_value::<Timestamp>(Value::String(text.to_owned())).is_ok_and(|wanted| at == Some(wanted))
}

/// What searches look in.
fn told(rule: &Rule) -> String {
    let mut words = vec![rule.application.as_str(), rule.role.as_str()];
    words.extend(rule.scope.as_deref());
    let mut waiting: Vec<&Condition> = rule.conditions.iter().rev().collect();
    while let Some(condition) = waiting.pop() {
        let parts = [&condition.group, &condition.attribute, &condition.matches, &condition.unit, &condition.source];
        words.extend(parts.into_iter().filter_map(|part| part.as_deref()));
        waiting.extend(condition.any.iter().chain(&condition.all).flatten());
    }
    words.join(" ")
}

/// A rule that was written, and what is remarkable about it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Written {
    #[serde(flatten)]
    rule: Rule,
    /// What may not be meant; the rule stands all the same.
    warnings: Vec<Finding>,
}

impl Written {
    async fn of(ctx: &Context, rule: Rule) -> Self {
        // The rule stands: what keeps its remarks from being found is no reason to say otherwise.
        let warnings = roles::lint_rule(ctx, rule.id).await.unwrap_or_default();
        Self { rule, warnings }
    }
}

/// What is remarkable about the rules.
#[derive(Debug, Serialize, ToSchema)]
pub struct Findings {
    /// By rule, as they are listed.
    findings: Vec<Finding>,
}

/// Tells what is remarkable about the rules: that one matches nobody, or that another stands before it. Nothing is written.
#[utoipa::path(get, path = "/establishments/{slug}/rules/lint", operation_id = "lint_rules", tag = "rules", params(Of),
    responses((status = 200, body = Findings), Refusals))]
pub async fn lint(Here(ctx): Here) -> Result<Json<Findings>, Problem> {
    Ok(Json(Findings { findings: roles::lint(&ctx).await? }))
}

/// How a change of one rule goes.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Change {
    /// Answers what would happen, and writes nothing.
    #[serde(default)]
    dry_run: bool,
    /// How many roles may be taken away: exactly so many, when they are more than the guard lets go.
    confirm_losses: Option<u64>,
}

/// Rules as they would be, all of them: those of the gateway are passed over.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Supposed {
    /// The rules, in any order.
    #[schema(value_type = Vec<RuleFields>)]
    rules: Vec<Value>,
}

/// Rules that were simulated, to be saved.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Simulated {
    /// The rules, all of them, as they were simulated.
    #[schema(value_type = Vec<RuleFields>)]
    rules: Vec<Value>,
    /// The `simulation` of the answer.
    simulation: String,
    /// So many roles may be taken away: the `lost_count` of the answer, where it is a large one.
    confirm_losses: Option<u64>,
}

/// Lists rules, by application and priority.
#[utoipa::path(get, path = "/establishments/{slug}/rules", operation_id = "list_rules", tag = "rules", params(Of, Wanted),
    responses((status = 200, body = Listing<Rule>), Refusals))]
pub async fn list(Here(ctx): Here, Query(wanted): Query<Wanted>) -> Result<Json<Listing<Rule>>, Problem> {
    let page = query::page(wanted.limit, wanted.cursor.as_deref(), wanted.q.as_deref())?;
    let mut all = rules::list(&ctx).await?;
    all.retain(|rule| wanted.fits(rule, page.query.as_deref()));
    Ok(Json(Listing::cut(all, &page, |rule| rule.id.uuid())?))
}

/// Adds a rule; everyone's roles are recomputed with it. With `dry_run`, tells who would gain and lose what.
#[utoipa::path(post, path = "/establishments/{slug}/rules", operation_id = "create_rule", tag = "rules", params(Of, Trial),
    request_body = RuleFields, responses((status = 201, body = Written), (status = 200, body = Simulation), Refusals))]
pub async fn create(Here(ctx): Here, Query(trial): Query<Trial>, Body(fields): Body<RuleFields>) -> Result<Response, Problem> {
    if trial.dry_run {
        return Ok(Json(roles::simulate_change(&ctx, None, &fields).await?).into_response());
    }
    let made = rules::create(&ctx, &fields).await?;
    let location = format!("/api/v1/establishments/{}/rules/{}", ctx.slug(), made.id);
    Ok(Created { location, body: Written::of(&ctx, made).await }.into_response())
}

/// Shows one rule.
#[utoipa::path(get, path = "/establishments/{slug}/rules/{id}", operation_id = "show_rule", tag = "rules", params(OneOf),
    responses((status = 200, body = Rule), Refusals))]
pub async fn show(Here(ctx): Here, Key(id): Key<RuleId>) -> Result<Versioned<Rule>, Problem> {
    Ok(Versioned(rules::get(&ctx, id).await?))
}

/// Changes a rule (RFC 7396); everyone's roles are recomputed with it. With `dry_run`, tells who would gain and lose
/// what; otherwise a loss beyond the guard's bounds is confirmed by its number.
#[utoipa::path(patch, path = "/establishments/{slug}/rules/{id}", operation_id = "update_rule", tag = "rules", params(OneOf, Change, IfMatch),
    request_body(content = RuleFields, content_type = "application/merge-patch+json"),
    responses((status = 200, body = Written), Refusals))]
pub async fn update(
    Here(ctx): Here,
    Key(id): Key<RuleId>,
    Query(change): Query<Change>,
    if_match: IfMatch,
    Body(patch): Body<Value>,
) -> Result<Response, Problem> {
    let update = async || {
        let standing = rules::get(&ctx, id).await?;
        if_match.check(&standing)?;
        let fields = patched(&RuleFields::from(&standing), patch.clone())?;
        if change.dry_run {
            return Ok(Json(roles::simulate_change(&ctx, Some(id), &fields).await?).into_response());
        }
        let written = rules::update_confirmed(&ctx, &standing, &fields, change.confirm_losses).await?;
        Ok(VersionedBy(written.clone(), Written::of(&ctx, written).await).into_response())
    };
    if_match.change(update).await
}

/// Removes a rule, and what it gave. A loss beyond the guard's bounds is confirmed by its number.
#[utoipa::path(delete, path = "/establishments/{slug}/rules/{id}", operation_id = "delete_rule", tag = "rules", params(OneOf, Losing),
    responses((status = 204), Refusals))]
pub async fn delete(Here(ctx): Here, Key(id): Key<RuleId>, Query(losing): Query<Losing>) -> Result<StatusCode, Problem> {
    rules::delete_confirmed(&ctx, id, losing.confirm_losses).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Tells who would gain and lose what if the rules were these. Nothing is written.
#[utoipa::path(post, path = "/establishments/{slug}/rules/simulate", operation_id = "simulate_rules", tag = "rules", params(Of, Seen),
    request_body = Supposed, responses((status = 200, body = Simulation), Refusals))]
pub async fn simulate(Here(ctx): Here, Query(seen): Query<Seen>, Body(supposed): Body<Supposed>) -> Result<Json<Simulation>, Problem> {
    let rules = regular(supposed.rules)?;
    Ok(Json(roles::simulate_seen(&ctx, &rules, &seen.view()?).await?))
}

/// Puts these rules in the place of all that stand, as they were simulated. A loss beyond the guard's bounds is confirmed by its number.
#[utoipa::path(post, path = "/establishments/{slug}/rules/apply", operation_id = "apply_rules", tag = "rules", params(Of),
    request_body = Simulated, responses((status = 200, body = Replaced), Refusals))]
pub async fn apply(Here(ctx): Here, Body(simulated): Body<Simulated>) -> Result<Json<Replaced>, Problem> {
    let rules = regular(simulated.rules)?;
    Ok(Json(roles::apply(&ctx, &rules, &simulated.simulation, simulated.confirm_losses).await?))
}

/// Rules without what the gateway adds when it shows them.
fn regular(mut rules: Vec<Value>) -> Result<Vec<RuleFields>, Problem> {
    for rule in rules.iter_mut().filter_map(Value::as_object_mut) {
        rule.retain(|name, _| !SHOWN_ONLY.contains(&name.as_str()));
    }
    shaped(Value::Array(rules)).map_err(|problem| problem.within("rules"))
}
