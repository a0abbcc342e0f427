//! Tests of: the reviewer's page in Chromium, from the sign-in to the decisions. Its picture is kept beside the others.

use std::path::PathBuf;

use fantoccini::Locator;
use passerelle::services::applications::{self, ApplicationFields};
use passerelle::services::reviews::{self, NewCampaign};
use passerelle::services::roles::assignments::{self, NewAssignment};
use passerelle::store::establishment::campaign::Extent;
use passerelle::store::establishment::user::{self, User};
use passerelle::store::establishment::{application, application_use};
use serde_json::json;

use crate::harness::browser::Browser;
use crate::harness::gateway::PASSWORD;
use crate::harness::server::TestServer;

#[tokio::test]
async fn a_reviewer_signs_in_and_withdraws_a_role_in_a_browser() {
    let server = TestServer::start().await;
    let place = server.establishment("IUT d’Évrecy").await;
    let roles = json!([{ "name": "Chef", "title": "Chef de département" }, { "name": "Ens", "title": "Enseignant" }]);
    let fields: ApplicationFields = serde_json::from_value(json!({ "name": "scodoc", "title": "ScoDoc", "roles": roles })).unwrap();
    applications::create(&place.ctx, &fields).await.unwrap();
    let named =
        [("amuller", "Agnès Müller"), ("bernard.petit", "Bernard Petit"), ("chloe.martin", "Chloé Martin"), ("d.nguyen", "Duc Nguyen")];
    for (name, role, used) in
        [("amuller", "Ens", true), ("bernard.petit", "Chef", true), ("chloe.martin", "Ens", false), ("d.nguyen", "Ens", false)]
    {
        let user = place.other_user(name).await;
        let id = user.id;
        let new: NewAssignment = serde_json::from_value(json!({ "user": user.id, "application": "scodoc", "role": role })).unwrap();
        assignments::add(&place.ctx, &new).await.unwrap();
        let mut tx = place.ctx.store.begin().await.unwrap();
        let display_name = named.iter().find(|(known, _)| *known == name).unwrap().1.to_owned();
        user::update(&mut tx, &User { display_name, ..user }).await.unwrap();
        let scodoc = application::find_by_name(&mut tx, "scodoc").await.unwrap().unwrap();
        if used {
            application_use::note(&mut tx, id, scodoc.id, place.ctx.now).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
    let reviewer = place.with_password().await;
    let extent = Extent { application: Some("scodoc".to_owned()), reviewers: vec![reviewer.id], ..Extent::default() };
    let due_at = place.ctx.now.plus_s(14 * 24 * 3600);
    let new = NewCampaign { name: "automne".to_owned(), title: "Revue d’automne".to_owned(), due_at, extent };
    let begun = reviews::create(&place.ctx, &new).await.unwrap();

    let browser = Browser::start("fr").await;
    let client = browser.client();
    client.set_window_size(1100, 1050).await.unwrap();
    client.goto(&format!("{}/reviews/{}", place.issuer(), begun.campaign.id)).await.unwrap();
    let wait = async |selector: &str| client.wait().for_element(Locator::Css(selector)).await.unwrap();
    wait("#username").await.send_keys("elodie").await.unwrap();
    wait("#password").await.send_keys(PASSWORD).await.unwrap();
    wait("#sign-in").await.click().await.unwrap();
    wait("#withdraw").await;
    let labels = client.find_all(Locator::Css("tbody th label")).await.unwrap();
    assert_eq!(labels.len(), 4);
    // A name is its box's label.
    labels[2].click().await.unwrap();
    let unused = client.find_all(Locator::Css(".unused")).await.unwrap();
    assert_eq!(unused.len(), 2, "those who never used it stand out");
    wait("#reason").await.send_keys("n’enseigne plus ici").await.unwrap();
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("screenshots");
    std::fs::create_dir_all(&folder).unwrap();
    browser.screenshot(&folder.join("review.png")).await;
    wait("#withdraw").await.send_keys("\u{e007}").await.unwrap();
    let done = wait("#done").await.text().await.unwrap();
    assert!(done.contains("Une décision"), "{done}");
    assert_eq!(client.find_all(Locator::Css("tbody tr")).await.unwrap().len(), 3);
    browser.screenshot(&folder.join("review-decided.png")).await;
}
