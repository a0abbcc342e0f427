//! Tests of: the sample application's own refusals. What a person sees of it is in the journeys.

use reqwest::{Client, StatusCode};

use crate::harness::demo::{INSTITUTE, start, wishes};

fn client() -> Client {
    Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

#[tokio::test]
async fn an_answer_nobody_asked_for_signs_nobody_in() {
    let demo = start(&wishes()).await;
    let address = format!("{}/callback/{}?code=stolen&state=guessed", demo.sample_url, INSTITUTE.slug);
    let answer = client().get(address).header("accept-language", "en").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert!(answer.text().await.unwrap().contains("This answer is not expected"));
    demo.stop().await.unwrap();
}

#[tokio::test]
async fn a_form_from_elsewhere_changes_nothing() {
    let demo = start(&wishes()).await;
    let teacher = INSTITUTE.person_dn(INSTITUTE.teacher.uid);
    let (from, to) = INSTITUTE.teacher_groups;
    let form = [
        ("form_token", "guessed".to_owned()),
        ("place", INSTITUTE.slug.to_owned()),
        ("person", teacher.clone()),
        ("from", INSTITUTE.group_dn(from)),
        ("to", INSTITUTE.group_dn(to)),
    ];
    for path in ["/directory/move", "/directory/sync", "/logout"] {
        let answer = client().post(format!("{}{path}", demo.sample_url)).form(&form).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{path}");
    }
    let groups = demo.directory.groups_of(&teacher).unwrap();
    assert!(groups.iter().any(|group| group.dn() == INSTITUTE.group_dn(from)));
    demo.stop().await.unwrap();
}

#[tokio::test]
async fn a_sign_in_asks_the_issuer_with_pkce_state_and_nonce() {
    let demo = start(&wishes()).await;
    let answer = client().get(format!("{}/login/{}", demo.sample_url, INSTITUTE.slug)).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let location = url::Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap();
    assert!(location.as_str().starts_with(&format!("{}/e/{}/authorize?", demo.public_url, INSTITUTE.slug)), "{location}");
    let parameters: std::collections::HashMap<_, _> = location.query_pairs().into_owned().collect();
    assert_eq!(parameters["code_challenge_method"], "S256");
    for key in ["state", "nonce", "code_challenge"] {
        assert!(parameters[key].len() >= 16, "{key}");
    }
    let cookie = answer.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    demo.stop().await.unwrap();
}

#[tokio::test]
async fn every_page_speaks_both_languages_under_a_strict_policy() {
    let demo = start(&wishes()).await;
    for (path, language, wanted) in [
        ("/", "fr", "Choisissez un établissement"),
        ("/", "en", "Choose an establishment"),
        ("/directory", "fr", "L’annuaire de la démonstration"),
        ("/mail", "fr", "Aucune lettre n’est encore partie"),
        ("/mail", "en", "No letter has left yet"),
        ("/signed-out", "en", "You are signed out"),
        ("/nowhere", "en", "There is no such page"),
    ] {
        let answer = client().get(format!("{}{path}", demo.sample_url)).header("accept-language", language).send().await.unwrap();
        let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.contains("default-src 'none'") && policy.contains(&demo.public_url), "{policy}");
        let page = answer.text().await.unwrap();
        assert!(page.contains(wanted) && !page.contains('⟦') && !page.contains("<script"), "{path} {language}");
    }
    demo.stop().await.unwrap();
}
