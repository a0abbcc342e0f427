//! What is pushed: feeds, when they asked last and what waits of them; and applications that are written to. Asks nobody over the network.

use super::{Finding, Level};
use crate::services::context::Context;
use crate::services::error::Error;
use crate::services::provisioning::{self, Shown};
use crate::services::scim::feeds::{self, FeedStanding};
use crate::store::establishment::provisioning as provisionings;
use crate::store::establishment::source::Source;
use crate::types::permission::Permission;

/// Whoever asked nothing for so long has probably stopped, in seconds: a week, so that holidays of a day or two are none.
const SILENT_S: i64 = 7 * 24 * 3600;

/// A source that is pushed into; nothing for another.
pub async fn feed(ctx: &Context, source: &Source, what: &str) -> Option<Vec<Finding>> {
    match feeds::standing(ctx, source).await {
        Ok(None) => None,
        Ok(Some(standing)) => Some(told_of_feed(ctx, source, what, &standing)),
        Err(error) => Some(vec![Finding::told(ctx.slug(), what, Err(&error))]),
    }
}

fn told_of_feed(ctx: &Context, source: &Source, what: &str, standing: &FeedStanding) -> Vec<Finding> {
    let (slug, state) = (ctx.slug(), &standing.state);
    let mut findings = Vec::new();
    findings.push(match state.requested_at {
        None => {
            let about: [(&str, &dyn ToString); 3] = [("url", &standing.base_url), ("slug", &slug), ("name", &source.name)];
            Finding::new(slug, what, Level::Notice, "check-feed-never", &about)
        }
        Some(at) => {
            let is_silent = at.plus_s(SILENT_S) <= ctx.now;
            let (level, text) = if is_silent { (Level::Notice, "check-feed-silent") } else { (Level::Well, "check-feed") };
            Finding::new(slug, what, level, text, &[("at", &at), ("people", &state.users), ("groups", &state.groups)])
        }
    });
    if standing.held > 0 {
        let about: [(&str, &dyn ToString); 3] = [("count", &standing.held), ("slug", &slug), ("name", &source.name)];
        findings.push(Finding::new(slug, what, Level::Notice, "check-feed-held", &about));
    }
    findings
}

/// Every application that is written to.
pub async fn applications(ctx: &Context) -> Vec<Finding> {
    match standing(ctx).await {
        Ok(shown) => shown.iter().filter(|one| one.fields.enabled).flat_map(|one| told_of_application(ctx, one)).collect(),
        Err(error) => vec![Finding::told(ctx.slug(), "provisioning", Err(&error))],
    }
}

async fn standing(ctx: &Context) -> Result<Vec<Shown>, Error> {
    ctx.require(Permission::Read)?;
    let listed = provisionings::list(&mut ctx.store.read().await?).await?;
    let mut shown = Vec::with_capacity(listed.len());
    for one in &listed {
        shown.push(provisioning::shown(ctx, one).await?);
    }
    Ok(shown)
}

fn told_of_application(ctx: &Context, shown: &Shown) -> Vec<Finding> {
    let (slug, name, state) = (ctx.slug(), shown.application.as_str(), &shown.state);
    let what = format!("provisioning {name}");
    let count = |words: &[&str]| -> i64 {
        words.iter().flat_map(|word| [shown.queue.users.get(*word), shown.queue.groups.get(*word)]).flatten().sum()
    };
    let (waiting, held, failing) = (count(&["marked", "waiting"]), count(&["held"]), count(&["failed", "given_up"]));
    let mut findings = Vec::new();
    findings.push(match (&state.paused, state.rest_until.filter(|until| *until > ctx.now)) {
        (Some(why), _) => {
            let why = why.trim_end_matches('.');
            let about: [(&str, &dyn ToString); 4] = [("why", &why), ("waiting", &waiting), ("slug", &slug), ("name", &name)];
            Finding::new(slug, &what, Level::Wrong, "check-provisioning-paused", &about)
        }
        (None, Some(until)) => {
            let about: [(&str, &dyn ToString); 3] = [("until", &until), ("failures", &state.failures), ("waiting", &waiting)];
            Finding::new(slug, &what, Level::Notice, "check-provisioning-resting", &about)
        }
        (None, None) => {
            let written = state.written_at.map_or_else(|| "–".to_owned(), |at| at.to_string());
            let about: [(&str, &dyn ToString); 2] = [("written", &written), ("waiting", &waiting)];
            Finding::new(slug, &what, Level::Well, "check-provisioning", &about)
        }
    });
    for (count, text) in [(held, "check-provisioning-held"), (failing, "check-provisioning-failing")] {
        if count > 0 {
            let about: [(&str, &dyn ToString); 3] = [("count", &count), ("slug", &slug), ("name", &name)];
            findings.push(Finding::new(slug, &what, Level::Notice, text, &about));
        }
    }
    findings
}
