//! The rows of a reviewer's page: one role of one person each, in words. Decides nothing.

use crate::i18n::text_with;
use crate::services::context::Context;
use crate::services::reviews::OwnItem;
use crate::services::roles::unused::UNUSED_S;
use crate::store::establishment::assignment::Origin;
use crate::store::establishment::review_item::Decision;
use crate::types::id::ReviewItemId;
use crate::types::locale::Locale;
use crate::types::time::Timestamp;

/// One row.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// The item.
    pub(super) key: String,
    /// Who.
    pub(super) person: String,
    /// The name they sign in with.
    pub(super) username: String,
    /// The application's title.
    pub(super) application: String,
    /// The role's title, with its scope.
    pub(super) role: String,
    /// Where it comes from, as a key of the texts.
    pub(super) origin: &'static str,
    /// When the application was last used.
    pub(super) used: String,
    /// Whether it is hardly used, or not at all.
    pub(super) unused: bool,
    /// What was decided, as a key of the texts.
    pub(super) decision: &'static str,
    /// Why.
    pub(super) reason: Option<String>,
    /// Whether it can still be decided.
    pub(super) choosable: bool,
    /// Whether it was ticked.
    pub(super) chosen: bool,
}

/// The rows of a page.
pub(super) fn rows(ctx: &Context, items: &[OwnItem], chosen: &[ReviewItemId]) -> Vec<Row> {
    items.iter().map(|listed| row(ctx, listed, chosen)).collect()
}

fn row(ctx: &Context, listed: &OwnItem, chosen: &[ReviewItemId]) -> Row {
    let OwnItem { item, application, role } = listed;
    let used = match item.last_used_at {
        Some(at) => text_with(ctx.locale, "review-used-on", &[("day", day(ctx.locale, at).into())]),
        None => crate::i18n::text(ctx.locale, "review-used-never"),
    };
    Row {
        key: item.id.to_string(),
        person: item.display_name.clone(),
        username: item.username.clone(),
        application: application.clone(),
        role: if item.scope.is_empty() { role.clone() } else { format!("{role} ({})", item.scope) },
        origin: match item.origin {
            Origin::Manual => "review-origin-manual",
            Origin::Rule => "review-origin-rule",
            Origin::Default => "review-origin-default",
        },
        used,
        unused: item.last_used_at.is_none_or(|at| at < ctx.now.plus_s(-UNUSED_S)),
        decision: match item.decision {
            None => "review-decision-open",
            Some(Decision::Keep) => "review-decision-kept",
            Some(Decision::Withdraw) => "review-decision-withdrawn",
        },
        reason: item.reason.clone(),
        choosable: item.decision != Some(Decision::Withdraw),
        chosen: chosen.contains(&item.id),
    }
}

/// A day in figures, as people of a language write it.
pub(super) fn day(locale: Locale, at: Timestamp) -> String {
    let moment = at.civil_utc();
    match locale {
        Locale::Fr => format!("{:02}/{:02}/{}", moment.day, moment.month, moment.year),
        Locale::En => format!("{}-{:02}-{:02}", moment.year, moment.month, moment.day),
    }
}
