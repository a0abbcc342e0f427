//! `…/rule-sets`: rules prepared for a date, such as the first day of a school year.

use axum::Json;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::extract::{Here, Key, NamedOf, Of};
use super::seen::Seen;
use crate::fronts::http::answer::Created;
use crate::fronts::http::body::{Body, patched};
use crate::fronts::http::listing::Listing;
use crate::fronts::http::problem::{Problem, Refusals};
use crate::fronts::http::query::{self, Query};
use crate::fronts::http::version::{IfMatch, Versioned};
use crate::services::roles::Simulation;
use crate::services::rule_sets::{self, Applied, RuleSetFields};
use crate::store::establishment::rule_set::{RuleSet, RuleSetState};
use crate::types::fold;
use crate::types::time::Timestamp;

/// What a list of rule sets may be asked.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Rows of a page: 1 to 500, 50 when left out.
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Words to look for in name and title.
    q: Option<String>,
    /// Exact name.
    name: Option<String>,
    /// How far they came.
    #[param(inline)]
    state: Option<RuleSetState>,
}

/// When a rule set is applied by itself.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// From this instant on.
    apply_at: Timestamp,
    /// So many roles may be taken away: the number that a simulation tells, where it is a large one.
    confirm_losses: Option<u64>,
}

/// A word on what is taken away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Confirmed {
    /// So many roles may be taken away: the number that a simulation tells, where it is a large one.
    confirm_losses: Option<u64>,
}

/// Lists rule sets, by name.
#[utoipa::path(get, path = "/establishments/{slug}/rule-sets", operation_id = "list_rule_sets", tag = "rule-sets", params(Of, Wanted),
    responses((status = 200, body = Listing<RuleSet>), Refusals))]
pub async fn list(Here(ctx): Here, Query(wanted): Query<Wanted>) -> Result<Json<Listing<RuleSet>>, Problem> {
    let page = query::page(wanted.limit, wanted.cursor.as_deref(), wanted.q.as_deref())?;
    let mut all = rule_sets::list(&ctx).await?;
    all.retain(|set| {
        wanted.name.as_ref().is_none_or(|name| *name == set.name)
            && wanted.state.is_none_or(|state| state == set.state)
            && page.query.as_ref().is_none_or(|words| fold(&format!("{} {}", set.name, set.title)).contains(words))
    });
    Ok(Json(Listing::cut(all, &page, |set| set.id.uuid())?))
}

/// Prepares a rule set. Nothing of it stands yet.
#[utoipa::path(post, path = "/establishments/{slug}/rule-sets", operation_id = "create_rule_set", tag = "rule-sets", params(Of),
    request_body = RuleSetFields, responses((status = 201, body = RuleSet), Refusals))]
pub async fn create(Here(ctx): Here, Body(fields): Body<RuleSetFields>) -> Result<Created<RuleSet>, Problem> {
    let made = rule_sets::create(&ctx, &fields).await?;
    Ok(Created { location: format!("/api/v1/establishments/{}/rule-sets/{}", ctx.slug(), made.name), body: made })
}

/// Shows one rule set.
#[utoipa::path(get, path = "/establishments/{slug}/rule-sets/{name}", operation_id = "show_rule_set", tag = "rule-sets", params(NamedOf),
    responses((status = 200, body = RuleSet), Refusals))]
pub async fn show(Here(ctx): Here, Key(name): Key<String>) -> Result<Versioned<RuleSet>, Problem> {
    Ok(Versioned(rule_sets::get(&ctx, &name).await?))
}

/// Changes a rule set that is neither scheduled nor applied (RFC 7396); it is prepared again.
#[utoipa::path(patch, path = "/establishments/{slug}/rule-sets/{name}", operation_id = "update_rule_set", tag = "rule-sets",
    params(NamedOf, IfMatch), request_body(content = RuleSetFields, content_type = "application/merge-patch+json"),
    responses((status = 200, body = RuleSet), Refusals))]
pub async fn update(
    Here(ctx): Here,
    Key(name): Key<String>,
    if_match: IfMatch,
    Body(patch): Body<Value>,
) -> Result<Versioned<RuleSet>, Problem> {
    let update = async || {
        let standing = rule_sets::get(&ctx, &name).await?;
        if_match.check(&standing)?;
        let fields = patched(&rule_sets::fields_of(&standing)?, patch.clone())?;
        Ok(Versioned(rule_sets::update(&ctx, &standing, &fields).await?))
    };
    if_match.change(update).await
}

/// Removes a rule set that is not scheduled. Rules that stand stay.
#[utoipa::path(delete, path = "/establishments/{slug}/rule-sets/{name}", operation_id = "delete_rule_set", tag = "rule-sets",
    params(NamedOf), responses((status = 204), Refusals))]
pub async fn delete(Here(ctx): Here, Key(name): Key<String>) -> Result<StatusCode, Problem> {
    rule_sets::delete(&ctx, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Tells who would gain and lose what if the rule set were applied now. Nothing is written.
#[utoipa::path(post, path = "/establishments/{slug}/rule-sets/{name}/simulate", operation_id = "simulate_rule_set", tag = "rule-sets",
    params(NamedOf, Seen), responses((status = 200, body = Simulation), Refusals))]
pub async fn simulate(Here(ctx): Here, Key(name): Key<String>, Query(seen): Query<Seen>) -> Result<Json<Simulation>, Problem> {
    Ok(Json(rule_sets::simulate(&ctx, &name, &seen.view()?).await?))
}

/// Has a rule set applied by itself at an instant. When it would take away much more by then than is foretold now, it is held instead, and
/// administrators are written to.
#[utoipa::path(post, path = "/establishments/{slug}/rule-sets/{name}/schedule", operation_id = "schedule_rule_set", tag = "rule-sets",
    params(NamedOf), request_body = Plan, responses((status = 200, body = RuleSet), Refusals))]
pub async fn schedule(Here(ctx): Here, Key(name): Key<String>, Body(plan): Body<Plan>) -> Result<Versioned<RuleSet>, Problem> {
    Ok(Versioned(rule_sets::schedule(&ctx, &name, plan.apply_at, plan.confirm_losses).await?))
}

/// Applies a rule set now: its rules stand in the place of all others.
#[utoipa::path(post, path = "/establishments/{slug}/rule-sets/{name}/apply", operation_id = "apply_rule_set", tag = "rule-sets",
    params(NamedOf), request_body = Confirmed, responses((status = 200, body = Applied), Refusals))]
pub async fn apply(Here(ctx): Here, Key(name): Key<String>, Body(word): Body<Confirmed>) -> Result<Json<Applied>, Problem> {
    Ok(Json(rule_sets::apply(&ctx, &name, word.confirm_losses).await?))
}

/// Puts the rules back that stood before the rule set was applied.
#[utoipa::path(post, path = "/establishments/{slug}/rule-sets/{name}/rollback", operation_id = "roll_back_rule_set", tag = "rule-sets",
    params(NamedOf), request_body = Confirmed, responses((status = 200, body = Applied), Refusals))]
pub async fn roll_back(Here(ctx): Here, Key(name): Key<String>, Body(word): Body<Confirmed>) -> Result<Json<Applied>, Problem> {
    Ok(Json(rule_sets::roll_back(&ctx, &name, word.confirm_losses).await?))
}

/// Has a rule set that is scheduled or held not applied.
#[utoipa::path(post, path = "/establishments/{slug}/rule-sets/{name}/cancel", operation_id = "cancel_rule_set", tag = "rule-sets",
    params(NamedOf), responses((status = 200, body = RuleSet), Refusals))]
pub async fn cancel(Here(ctx): Here, Key(name): Key<String>) -> Result<Versioned<RuleSet>, Problem> {
    Ok(Versioned(rule_sets::cancel(&ctx, &name).await?))
}
