//! What speaks of an application by its name: what was held, open reviews, rules that are prepared, and whoever answers for it or for one of its
//! services. Recomputes nothing.

use super::super::context::Context;
use super::super::error::Error;
use super::super::roles::{self, RuleFields};
use crate::store::Tx;
use crate::store::establishment::rule::{self, Rule};
use crate::store::establishment::{api_token, assignment_by_hand, campaign, ended_assignment, exclusion, review_item};
use crate::types::permission::{APPLICATION, GatewayRole};

/// Has it follow an application to another name. The caller recomputes everyone.
pub(super) async fn follow_in(tx: &mut Tx, ctx: &Context, from: &str, to: &str) -> Result<(), Error> {
    ended_assignment::rename_application(tx, from, to).await?;
    review_item::rename_application(tx, from, to).await?;
    campaign::rename_application(tx, from, to).await?;
    assignment_by_hand::rename_application(tx, from, to).await?;
    exclusion::rename_application(tx, from, to).await?;
    api_token::rename_application(tx, from, to).await?;
    for mut rule in answering_in(tx, from).await? {
        // A yearly end counts from when a person last wrote the rule.
        rule.scope = moved(rule.scope.as_deref(), (from, to));
        rule::update(tx, &rule).await?;
    }
    roles::rewrite_prepared_in(tx, ctx, |fields| rename(fields, (from, to))).await
}

/// The same place under the other name.
fn moved(scope: Option<&str>, (from, to): (&str, &str)) -> Option<String> {
    scope.and_then(|scope| scope.strip_prefix(from)).map(|service| format!("{to}{service}"))
}

/// Renames the application of a rule that is prepared, and that for which it has people answer. Whether it named either.
fn rename(fields: &mut RuleFields, (from, to): (&str, &str)) -> bool {
    let (gives, answers) = (fields.application == from, answers_for(fields, from));
    if answers {
        fields.scope = moved(fields.scope.as_deref(), (from, to));
    }
    if gives {
        to.clone_into(&mut fields.application);
    }
    gives || answers
}

fn answers_for(fields: &RuleFields, application: &str) -> bool {
    let rest = fields.scope.as_deref().and_then(|scope| scope.strip_prefix(application));
    let names = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    names && fields.application == APPLICATION && fields.role == GatewayRole::Responsible.name()
}

/// Rules that have people answer for an application, or for a service of it.
async fn answering_in(tx: &mut Tx, application: &str) -> Result<Vec<Rule>, Error> {
    Ok(rule::list(tx).await?.into_iter().filter(|rule| answers_for(&RuleFields::from(rule), application)).collect())
}

/// Whoever answered for an application that is gone would answer for the next one of that name.
///
/// # Errors
/// `Conflict`.
pub(super) async fn check_nobody_answers_in(tx: &mut Tx, ctx: &Context, application: &str) -> Result<(), Error> {
    let people = assignment_by_hand::count_answering_for(tx, application).await?;
    let tokens = api_token::count_answering_for(tx, application, ctx.now).await?;
    let rules = answering_in(tx, application).await?.len();
    if people == 0 && tokens == 0 && rules == 0 {
        return Ok(());
    }
    let answering = format!("people by hand: {people}, API tokens: {tokens}, rules: {rules}");
    Err(Error::Conflict(format!("for «{application}» answer {answering}. Take the role responsible from them first")))
}
