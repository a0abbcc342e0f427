//! The reviewer's page: signing in to it, deciding on it, and what it refuses.

use passerelle::services::applications::{self, ApplicationFields};
use passerelle::services::reviews::{self, NewCampaign};
use passerelle::services::roles::assignments::{self, NewAssignment};
use passerelle::store::establishment::assignment;
use passerelle::store::establishment::campaign::Extent;
use passerelle::store::establishment::review_item::Filter;
use passerelle::types::page::PageRequest;
use serde_json::json;

use crate::harness::gateway::PASSWORD;
use crate::harness::relying_party::{Agent, Reply};
use crate::harness::server::{Place, TestServer};

/// Three people with a role by hand, which elodie reviews: the page's address.
async fn stage(server: &TestServer) -> (Place, String) {
    let place = server.establishment("Lycée Ampère").await;
    let roles = json!([{ "name": "chef", "title": "Chef <de> département" }]);
    let fields: ApplicationFields = serde_json::from_value(json!({ "name": "notes", "title": "Relevés", "roles": roles })).unwrap();
    applications::create(&place.ctx, &fields).await.unwrap();
    for name in ["anne", "basile", "chloe"] {
        let user = place.other_user(name).await;
        let new: NewAssignment =
            serde_json::from_value(json!({ "user": user.id, "application": "notes", "role": "chef", "scope": "RT" })).unwrap();
        assignments::add(&place.ctx, &new).await.unwrap();
    }
    let reviewer = place.with_password().await;
    let new = NewCampaign {
        name: "automne".to_owned(),
        title: "Revue d’automne".to_owned(),
        due_at: place.ctx.now.plus_s(14 * 24 * 3600),
        extent: Extent { application: Some("notes".to_owned()), reviewers: vec![reviewer.id], ..Extent::default() },
    };
    let begun = reviews::create(&place.ctx, &new).await.unwrap();
    let address = format!("/e/{}/reviews/{}", place.slug(), begun.campaign.id);
    (place, address)
}

/// The names of the page's checkboxes, in its order.
fn boxes(page: &Reply) -> Vec<String> {
    let found = regex::Regex::new("name=\"(item-[0-9a-f-]+)\"").unwrap();
    found.captures_iter(&page.text).map(|c| c[1].to_owned()).collect()
}

async fn held(place: &Place) -> usize {
    let filter = assignment::Filter { application: Some("notes".to_owned()), ..assignment::Filter::default() };
    assignments::list(&place.ctx, &PageRequest::first(50), &filter).await.unwrap().items.len()
}

#[tokio::test]
async fn a_reviewer_signs_in_and_decides_on_several_at_once() {
    let server = TestServer::start().await;
    let (place, address) = stage(&server).await;
    let mut agent = Agent::new(&place);
    let sign_in = agent.open(&address).await;
    assert!(sign_in.text.contains("id=\"password\""), "{}", sign_in.text);
    let page = agent.submit(&sign_in, &[("username", "elodie"), ("password", PASSWORD)]).await;
    for said in [
        "Revue d’automne",
        "Chef &#60;de&#62; département (RT)",
        "Relevés",
        "jamais",
        "3 décisions",
        "<caption",
        "scope=\"col\"",
        "scope=\"row\"",
    ] {
        assert!(page.text.contains(said), "«{said}» is missing: {}", page.text);
    }
    let rows = boxes(&page);
    assert_eq!(rows.len(), 3);
    let shown = page.field("shown").unwrap();
    let nothing = agent.submit(&page, &[("shown", &shown), ("decision", "withdraw"), ("reason", "parti")]).await;
    assert_eq!((nothing.status.as_u16(), nothing.text.contains("id=\"error\"")), (422, true));
    let silent = agent.submit(&page, &[("shown", &shown), (&rows[0], "on"), ("decision", "withdraw")]).await;
    assert_eq!((silent.status.as_u16(), silent.text.matches(" checked").count()), (422, 1), "what was ticked stays ticked");
    assert_eq!(held(&place).await, 3);
    let one = [("shown", shown.as_str()), (rows[0].as_str(), "on"), ("decision", "withdraw"), ("reason", "n’y enseigne plus")];
    let after = agent.submit(&page, &one).await;
    assert!(after.text.contains("id=\"done\"") && boxes(&after).len() == 2, "{}", after.text);
    assert_eq!(held(&place).await, 2);
    let shown = after.field("shown").unwrap();
    let last = agent.submit(&after, &[("shown", &shown), ("all", "on"), ("decision", "keep")]).await;
    assert!(last.text.contains("id=\"nothing\"") && last.text.contains("Tout est décidé"), "{}", last.text);
    assert_eq!(held(&place).await, 2);
    let all = agent.open(&format!("{address}?show=all&ui_locales=en")).await;
    assert!(all.text.contains("n’y enseigne plus") && all.text.contains("withdrawn") && boxes(&all).len() == 2, "{}", all.text);
    let offered = agent.open(&format!("/e/{}/reviews", place.slug())).await;
    assert!(offered.text.contains(&address), "{}", offered.text);
}

#[tokio::test]
async fn the_page_is_the_reviewers_alone_and_takes_no_form_from_elsewhere() {
    let server = TestServer::start().await;
    let (place, address) = stage(&server).await;
    let anne = passerelle::services::users::resolve(&place.ctx, "anne").await.unwrap();
    let mut stranger = Agent::new(&place).with_session(&place, &place.session(&anne, 60).await.0);
    assert_eq!(stranger.get(&address).await.status, 404);
    assert_eq!(stranger.get(&format!("/e/{}/reviews/no-such", place.slug())).await.status, 404);
    assert!(stranger.open(&format!("/e/{}/login", place.slug())).await.text.contains("id=\"signed-in\""));
    let mut agent = Agent::new(&place).with_session(&place, &place.session(&place.user().await, 60).await.0);
    let page = agent.get(&address).await;
    let shown = page.field("shown").unwrap();
    let form = [("shown", shown.as_str()), ("all", "on"), ("decision", "withdraw"), ("reason", "x"), ("csrf", "forged")];
    assert_eq!(agent.post(&address, &form).await.status, 403);
    let csrf = page.field("csrf").unwrap();
    let form = [("shown", shown.as_str()), ("all", "on"), ("decision", "withdraw"), ("reason", "x"), ("csrf", csrf.as_str())];
    assert_eq!(stranger.post(&address, &form).await.status, 403, "another browser's token");
    assert_eq!(held(&place).await, 3);
    assert!(agent.open(&format!("/e/{}/login", place.slug())).await.text.contains("id=\"reviews\""), "what waits is pointed out");
    // Once it is closed, there is no such page any more, and the result stays.
    let id = address.rsplit('/').next().unwrap().parse().unwrap();
    reviews::close(&place.ctx, id).await.unwrap();
    assert_eq!(agent.get(&address).await.status, 404);
    assert_eq!(reviews::items(&place.ctx, id, &PageRequest::first(9), &Filter::default()).await.unwrap().total, 3);
}
