//! Tests of: the sample application in Chromium, from the choice of an establishment to the sign-out. Pictures of what people see are kept
//! in the folder for temporary files of the build, under `screenshots`; `scripts/screenshots` makes those of the README of them.

use std::path::PathBuf;

use fantoccini::Locator;
use fantoccini::elements::Element;
use passerelle::demo::people::{Establishment, WellKnown};
use passerelle::demo::run::Demo;

use crate::harness::browser::Browser;
use crate::harness::demo::{INSTITUTE, LYCEE, start, wishes};

fn picture(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("screenshots");
    std::fs::create_dir_all(&folder).unwrap();
    folder.join(name)
}

/// An element, once it is there.
async fn element(browser: &Browser, selector: &str) -> Element {
    let wanted = browser.client().wait().for_element(Locator::Css(selector)).await;
    match wanted {
        Ok(element) => element,
        Err(error) => {
            let (url, page) = (browser.client().current_url().await, browser.client().source().await);
            panic!("{selector} ({error}) is not on {url:?}: {}", page.unwrap_or_default());
        }
    }
}

async fn text(browser: &Browser, selector: &str) -> String {
    element(browser, selector).await.text().await.unwrap()
}

async fn click(browser: &Browser, selector: &str) {
    element(browser, selector).await.click().await.unwrap();
}

async fn roles(browser: &Browser) -> Vec<String> {
    element(browser, "#signed-in-as").await;
    let mut roles = Vec::new();
    for role in browser.client().find_all(Locator::Css("#roles li")).await.unwrap() {
        roles.push(role.text().await.unwrap());
    }
    roles
}

/// From the first page to the gateway's sign-in page, and in.
async fn sign_in(browser: &Browser, demo: &Demo, at: &Establishment, person: &WellKnown) {
    browser.client().goto(&demo.sample_url).await.unwrap();
    click(browser, &format!("#sign-in-{}", at.slug)).await;
    element(browser, "#username").await.send_keys(person.uid).await.unwrap();
    element(browser, "#password").await.send_keys(&person.password()).await.unwrap();
}

#[tokio::test]
async fn a_teacher_signs_in_sees_their_roles_and_why_and_signs_out() {
    let demo = start(&wishes()).await;
    let browser = Browser::start("fr").await;
    sign_in(&browser, &demo, INSTITUTE, &INSTITUTE.teacher).await;
    browser.screenshot(&picture("connexion.png")).await;
    click(&browser, "#sign-in").await;

    assert_eq!(text(&browser, "#signed-in-as").await, INSTITUTE.teacher.uid);
    assert_eq!(roles(&browser).await, ["Ens_RT"]);
    let why = text(&browser, "#why").await;
    for step in ["uid=amuller", "ens-RT", "unit", "Ens"] {
        assert!(why.contains(step), "{step} is not in {why}");
    }
    assert!(text(&browser, "#groups").await.contains("dept-RT"), "nested groups are missing");
    for token in ["#id-token-claims", "#id-token-header"] {
        assert!(text(&browser, token).await.starts_with('{'));
    }
    assert!(text(&browser, "#id-token-claims").await.contains("Ens_RT"));
    browser.screenshot(&picture("application-exemple.png")).await;

    click(&browser, "#sign-out").await;
    element(&browser, "#signed-out").await;
    assert!(browser.client().current_url().await.unwrap().as_str().starts_with(&demo.sample_url));
    // The session at the gateway has ended too: the next sign-in asks for the password again.
    browser.client().goto(&format!("{}/login/{}", demo.sample_url, INSTITUTE.slug)).await.unwrap();
    element(&browser, "#password").await;
    demo.stop().await.unwrap();
}

#[tokio::test]
async fn a_teacher_moved_in_the_directory_has_another_role_after_a_sync() {
    let demo = start(&wishes()).await;
    let browser = Browser::start("en").await;
    browser.client().goto(&demo.sample_url).await.unwrap();
    element(&browser, "#sign-in-iut-evrecy").await;
    browser.screenshot(&picture("sample-start.png")).await;
    sign_in(&browser, &demo, INSTITUTE, &INSTITUTE.teacher).await;
    browser.screenshot(&picture("sign-in.png")).await;
    click(&browser, "#sign-in").await;
    assert_eq!(roles(&browser).await, ["Ens_RT"]);
    browser.screenshot(&picture("sample-signed-in.png")).await;

    click(&browser, "#change-group").await;
    click(&browser, "#move").await;
    element(&browser, "#moved").await;
    browser.screenshot(&picture("directory.png")).await;
    click(&browser, "#sync").await;
    assert_eq!(text(&browser, "#run-added").await, "1");
    assert_eq!(text(&browser, "#run-removed").await, "1");
    let changes = text(&browser, "#changes").await;
    assert!(changes.contains("ens-INFO") && changes.contains("ens-RT"), "{changes}");
    browser.screenshot(&picture("directory-synced.png")).await;

    click(&browser, "#see-role").await;
    assert_eq!(roles(&browser).await, ["Ens_INFO"]);
    demo.stop().await.unwrap();
}

#[tokio::test]
async fn who_denies_consent_is_told_kindly_and_may_change_their_mind() {
    let demo = start(&wishes()).await;
    let browser = Browser::start("en").await;
    sign_in(&browser, &demo, LYCEE, &LYCEE.pupil).await;
    click(&browser, "#sign-in").await;
    browser.screenshot(&picture("consent.png")).await;
    click(&browser, "#deny").await;
    assert_eq!(text(&browser, "#error-title").await, "You said no");

    click(&browser, "#again").await;
    click(&browser, "#allow").await;
    assert_eq!(text(&browser, "#signed-in-as").await, LYCEE.pupil.uid);
    let roles = roles(&browser).await;
    assert!(roles.iter().any(|role| role.starts_with("eleve")), "{roles:?}");
    demo.stop().await.unwrap();
}
