//! `/reviews` and `/reviews/{id}`: what waits for a reviewer, and the page on which they decide. Works without scripts.

use askama::Template;
use axum::extract::RawPathParams;
use axum::http::StatusCode;
use axum::response::Response;
use url::form_urlencoded::Serializer;

use super::answer::Answer;
use super::error_page::Problem;
use super::pages::Chrome;
use super::review_rows::{Row, day, rows};
use super::visit::Visit;
use crate::services::context::{Actor, Context};
use crate::services::error::Error;
use crate::services::login::session::{self, Live};
use crate::services::oidc::parameters::Parameters;
use crate::services::reviews::{self, Own, Verdict};
use crate::store::establishment::review_item::{Decision, ReviewItem};
use crate::types::id::{CampaignId, ReviewItemId};
use crate::types::page::{Page, PageRequest};

/// Rows of a page: one form holds them all, beside what else is in it.
const ROWS: i64 = 40;

/// One review in the list.
#[derive(Clone, Debug)]
struct Listed {
    title: String,
    due: String,
    open: u64,
    href: String,
}

/// The page that lists them.
#[derive(Clone, Debug, Template)]
#[template(path = "reviews.html")]
struct ReviewsPage {
    chrome: Chrome,
    reviews: Vec<Listed>,
    person: String,
    logout: String,
}

/// The page of one.
#[derive(Clone, Debug, Template)]
#[template(path = "review.html")]
struct ReviewPage {
    chrome: Chrome,
    title: String,
    due: String,
    open: u64,
    /// How many were just decided.
    done: Option<u64>,
    /// What was wrong with the last form.
    notice: Option<&'static str>,
    /// Whether decided ones are shown too.
    all: bool,
    to_decide: String,
    everything: String,
    list: String,
    next: Option<String>,
    action: String,
    csrf: String,
    /// The keys of those that may be decided together.
    shown: String,
    rows: Vec<Row>,
    reason: String,
}

/// What the last form held, where it is shown again.
#[derive(Default)]
struct Again {
    chosen: Vec<ReviewItemId>,
    reason: String,
    notice: Option<&'static str>,
}

/// Which part of the pages a sign-in leads to: one of these, and nothing else.
pub(super) fn page_of(wanted: &str) -> Option<String> {
    match wanted.strip_prefix("reviews") {
        Some("") => Some("reviews".to_owned()),
        Some(rest) => rest.strip_prefix('/')?.parse::<CampaignId>().ok().map(|id| format!("reviews/{id}")),
        None => None,
    }
}

/// The list.
pub(super) async fn list(visit: Visit) -> Response {
    let answer = listed(&visit).await;
    visit.respond(answer)
}

/// One review.
pub(super) async fn show(visit: Visit, parameters: RawPathParams) -> Response {
    let answer = shown(&visit, &parameters).await;
    visit.respond(answer)
}

/// Decisions, sent.
pub(super) async fn submit(visit: Visit, parameters: RawPathParams, body: String) -> Response {
    let sent = Parameters::decode(&body);
    let answer =
        if visit.owns("review", &sent) { decided(&visit, &parameters, &sent).await } else { Ok(Answer::problem(&visit, Problem::Csrf)) };
    visit.respond(answer)
}

/// The reviews that wait for someone who signed in.
pub(super) async fn waiting(visit: &Visit, live: &Live) -> Result<bool, Error> {
    Ok(reviews::own(&acting(visit, live)).await?.iter().any(|own| own.progress.open > 0))
}

/// The same request in the name of whoever signed in: what was laid before them is theirs to decide, whatever roles they have.
fn acting(visit: &Visit, live: &Live) -> Context {
    Context { actor: Actor::User { id: live.user.id, roles: Vec::new() }, ..visit.ctx.clone() }
}

/// Who is signed in, or the way to the sign-in page and back here.
async fn signed_in(visit: &Visit, page: &str) -> Result<Result<Live, Answer>, Error> {
    if let Some(blocked) = visit.blocked() {
        return Ok(Err(blocked));
    }
    let live = session::find(&visit.ctx, visit.session.as_deref()).await?;
    let query = Serializer::new(String::new()).append_pair("page", page).finish();
    Ok(live.ok_or_else(|| Answer::go(format!("{}?{query}", visit.path_of("login")))))
}

fn key_of(parameters: &RawPathParams) -> Option<CampaignId> {
    parameters.iter().find(|(name, _)| *name == "id").and_then(|(_, id)| id.parse().ok())
}

async fn listed(visit: &Visit) -> Result<Answer, Error> {
    let live = match signed_in(visit, "reviews").await? {
        Ok(live) => live,
        Err(answer) => return Ok(answer),
    };
    let locale = visit.ctx.locale;
    let row = |own: Own| Listed {
        title: own.campaign.title,
        due: day(locale, own.campaign.due_at),
        open: count(own.progress.open),
        href: visit.path_of(&format!("reviews/{}", own.campaign.id)),
    };
    let reviews = reviews::own(&acting(visit, &live)).await?.into_iter().map(row).collect();
    let (person, logout) = (live.user.display_name, visit.path_of("logout"));
    Ok(Answer::page(&ReviewsPage { chrome: visit.bilingual_chrome(), reviews, person, logout }))
}

async fn shown(visit: &Visit, parameters: &RawPathParams) -> Result<Answer, Error> {
    let Some(id) = key_of(parameters) else { return Ok(Answer::problem(visit, Problem::NotFound)) };
    match signed_in(visit, &format!("reviews/{id}")).await? {
        Ok(live) => page(visit, &live, id, Again::default()).await,
        Err(answer) => Ok(answer),
    }
}

async fn page(visit: &Visit, live: &Live, id: CampaignId, again: Again) -> Result<Answer, Error> {
    let all = visit.query.get("show") == Some("all");
    let Ok(wanted) = PageRequest::parse(Some(ROWS), visit.query.get("after"), None) else {
        return Ok(Answer::problem(visit, Problem::NotFound));
    };
    let undecided = (!all).then_some(false);
    let (own, listed) = reviews::own_items(&acting(visit, live), id, &wanted, undecided).await?;
    let here = visit.path_of(&format!("reviews/{id}"));
    let Page { items, next_cursor, .. } = listed;
    let open: Vec<String> =
        items.iter().map(|listed| &listed.item).filter(|item| item.decision != Some(Decision::Withdraw)).map(key).collect();
    let next = next_cursor.map(|cursor| {
        let mut query = Serializer::new(String::new());
        if all {
            query.append_pair("show", "all");
        }
        format!("{here}?{}", query.append_pair("after", &cursor).finish())
    });
    let page = ReviewPage {
        chrome: visit.bilingual_chrome(),
        title: own.campaign.title,
        due: day(visit.ctx.locale, own.campaign.due_at),
        open: count(own.progress.open),
        done: visit.query.get("done").and_then(|raw| raw.parse().ok()).filter(|_| again.notice.is_none()),
        notice: again.notice,
        all,
        to_decide: here.clone(),
        everything: format!("{here}?show=all"),
        list: visit.path_of("reviews"),
        next,
        action: visit.here(),
        csrf: visit.form_token("review"),
        shown: open.join(" "),
        rows: rows(&visit.ctx, &items, &again.chosen),
        reason: again.reason,
    };
    let answer = Answer::page(&page).bound();
    Ok(if page.notice.is_some() { answer.with_status(StatusCode::UNPROCESSABLE_ENTITY) } else { answer })
}

async fn decided(visit: &Visit, parameters: &RawPathParams, sent: &Parameters) -> Result<Answer, Error> {
    let Some(id) = key_of(parameters) else { return Ok(Answer::problem(visit, Problem::NotFound)) };
    let live = match signed_in(visit, &format!("reviews/{id}")).await? {
        Ok(live) => live,
        Err(answer) => return Ok(answer),
    };
    let reason = sent.get("reason").unwrap_or_default().trim().to_owned();
    let everyone = sent.get("all").is_some();
    let shown = sent.get("shown").unwrap_or_default().split(' ').filter_map(|key| key.parse::<ReviewItemId>().ok());
    let chosen: Vec<ReviewItemId> = shown.filter(|item| everyone || sent.get(&format!("item-{item}")).is_some()).collect();
    let again = |notice| Again { chosen: chosen.clone(), reason: reason.clone(), notice: Some(notice) };
    let decision = match sent.get("decision") {
        Some("keep") => Decision::Keep,
        Some("withdraw") => Decision::Withdraw,
        _ => return page(visit, &live, id, again("review-error-choose")).await,
    };
    if chosen.is_empty() {
        return page(visit, &live, id, again("review-error-choose")).await;
    }
    let verdict = |item: &ReviewItemId| Verdict { item: *item, decision, reason: Some(reason.clone()).filter(|words| !words.is_empty()) };
    let verdicts: Vec<Verdict> = chosen.iter().map(verdict).collect();
    match reviews::decide_own(&acting(visit, &live), id, &verdicts).await {
        Ok(decided) => {
            let mut query = Serializer::new(String::new());
            if visit.query.get("show") == Some("all") {
                query.append_pair("show", "all");
            }
            let query = query.append_pair("done", &decided.len().to_string()).finish();
            Ok(Answer::go(format!("{}?{query}", visit.path_of(&format!("reviews/{id}")))))
        }
        Err(Error::Invalid(_)) => page(visit, &live, id, again("review-error-reason")).await,
        Err(Error::Conflict(why)) => {
            tracing::info!(establishment = visit.ctx.slug(), request.id = %visit.ctx.request_id, why, "decisions of a review do not fit any more");
            page(visit, &live, id, again("review-error-changed")).await
        }
        Err(Error::Forbidden(_)) => page(visit, &live, id, again("review-error-own")).await,
        Err(error) => Err(error),
    }
}

fn key(item: &ReviewItem) -> String {
    item.id.to_string()
}

fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_leads_to_the_pages_of_reviews_and_nowhere_else() {
        let id = CampaignId::new();
        assert_eq!(page_of("reviews").as_deref(), Some("reviews"));
        assert_eq!(page_of(&format!("reviews/{id}")), Some(format!("reviews/{id}")));
        for wrong in
            ["", "login", "reviewsx", "reviews/", "reviews//evil.example", "//evil.example", "https://evil.example", "reviews/../logout"]
        {
            assert_eq!(page_of(wrong), None, "{wrong}");
        }
    }
}
