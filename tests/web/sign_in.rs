//! The sign-in page over HTTP: who gets in, what everyone else is told, and which sessions come of it.

use crate::harness::gateway::PASSWORD;
use crate::harness::relying_party::{Agent, Callback, RelyingParty, Reply, http};
use crate::harness::server::{Place, TestServer};

const RIGHT: [(&str, &str); 2] = [("username", "elodie"), ("password", PASSWORD)];

async fn stage() -> (TestServer, Place, RelyingParty) {
    let server = TestServer::start().await;
    let place = server.establishment("Lycée Évariste-Galois").await;
    place.with_password().await;
    let (_, secret) = place.client("app", |_| {}).await;
    let party = RelyingParty::new(&place, "app", secret);
    (server, place, party)
}

#[tokio::test]
async fn the_page_has_its_stable_names_and_its_headers() {
    let (_server, place, party) = stage().await;
    let mut agent = Agent::new(&place);
    let page = agent.open(&party.authorize(&[("login_hint", "elodie")])).await;
    for id in ["username", "password", "sign-in"] {
        assert!(page.text.contains(&format!("id=\"{id}\"")), "{id}");
    }
    assert!(!page.text.contains("id=\"error\"") && page.text.contains("value=\"elodie\"") && page.text.contains("Lycée Évariste-Galois"));
    assert!(!page.text.contains("<script"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("frame-ancestors 'none'") && policy.contains("form-action 'self' https://app.example.fr"));
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
        ("x-frame-options", "DENY"),
        ("content-type", "text/html; charset=utf-8"),
    ] {
        assert_eq!(page.header(name), Some(value));
    }
    assert!(page.header("strict-transport-security").is_none(), "plain http on this machine");
}

#[tokio::test]
async fn everything_wrong_is_told_in_one_sentence() {
    let (_server, place, party) = stage().await;
    let other = place.other_user("basile").await;
    passerelle::services::users::disable(&place.ctx, other.id).await.unwrap();
    let mut sentences = Vec::new();
    for (username, password) in [("elodie", "wrong"), ("nobody", "wrong"), ("basile", PASSWORD), ("élodie", PASSWORD), ("' OR 1=1 --", "x")]
    {
        let mut agent = Agent::new(&place);
        let page = agent.open(&party.authorize(&[])).await;
        let refused = agent.submit(&page, &[("username", username), ("password", password)]).await;
        assert_eq!(refused.status, 401, "{username}");
        assert!(agent.session(&place).is_none());
        let (_, after) = refused.text.split_once("id=\"error\"").unwrap();
        sentences.push(after.split_once("</div>").unwrap().0.to_owned());
    }
    sentences.dedup();
    assert_eq!(sentences.len(), 1);
    let mut agent = Agent::new(&place);
    let page = agent.open(&party.authorize(&[])).await;
    assert_eq!(agent.submit(&page, &[("username", "elodie"), ("password", "")]).await.status, 422);
    assert_eq!(agent.submit(&page, &[("username", &"x".repeat(5000)), ("password", "x")]).await.status, 401);
    assert_eq!(agent.submit(&page, &[("username", "elodie"), ("password", &"x".repeat(5000))]).await.status, 401);
    // A mistake does not end the interaction.
    Callback::of(&agent.submit(&page, &RIGHT).await).code();
}

#[tokio::test]
async fn refusing_unknown_people_takes_the_same_work_as_known_ones() {
    use passerelle::services::login::attempt::{Attempt, sign_in};
    use passerelle::services::login::browser::Browser;
    let (_server, place, _) = stage().await;
    let browser = Browser::new();
    let address = std::net::IpAddr::from([192, 0, 2, 1]);
    // The hash is what takes the time: counted, not timed, so that a busy machine cannot change the answer.
    for (username, password, worked) in [("elodie", "wrong", 1), ("nobody", "wrong", 1), ("elodie", &"x".repeat(1000), 0)] {
        let before = place.ctx.gateway.passwords.verified();
        let attempt = Attempt { username, password, address, browser: &browser, session: None, interaction: None };
        sign_in(&place.ctx, &attempt).await.unwrap();
        assert_eq!(place.ctx.gateway.passwords.verified() - before, worked, "{username}");
    }
}

#[tokio::test]
async fn every_sign_in_has_a_new_session_and_planted_cookies_are_never_adopted() {
    let (_server, place, party) = stage().await;
    let planted = "A".repeat(43);
    let mut victim = Agent::new(&place).with_session(&place, &planted);
    let page = victim.open(&party.authorize(&[])).await;
    Callback::of(&victim.submit(&page, &RIGHT).await).code();
    let own = victim.session(&place).unwrap().clone();
    assert_ne!(own, planted);
    let mut attacker = Agent::new(&place).with_session(&place, &planted);
    let silent = Callback::of(&attacker.open(&party.authorize(&[("prompt", "none")])).await);
    assert_eq!(silent.get("error"), Some("login_required"));
    // The attacker's own live session, planted: the victim's sign-in replaces it, and ends it everywhere.
    let (theirs, _) = place.session(&place.other_user("basile").await, 5).await;
    let mut victim = Agent::new(&place).with_session(&place, &theirs);
    let page = victim.open(&party.authorize(&[("prompt", "login")])).await;
    Callback::of(&victim.submit(&page, &RIGHT).await).code();
    let mut attacker = Agent::new(&place).with_session(&place, &theirs);
    let silent = Callback::of(&attacker.open(&party.authorize(&[("prompt", "none")])).await);
    assert_eq!(silent.get("error"), Some("login_required"));
}

#[tokio::test]
async fn on_a_shared_computer_the_next_person_leaves_nothing_of_the_one_before() {
    let (_server, place, party) = stage().await;
    let (theirs, _) = place.session(&place.other_user("basile").await, 5).await;
    let mut agent = Agent::new(&place).with_session(&place, &theirs);
    let code = Callback::of(&agent.open(&party.authorize(&[("scope", "openid offline_access")])).await).code().to_owned();
    let tokens = party.redeem(&code).await.json();
    let page = agent.open(&party.authorize(&[("prompt", "login")])).await;
    Callback::of(&agent.submit(&page, &RIGHT).await).code();
    let refresh = crate::harness::relying_party::text(&tokens, "refresh_token");
    assert_eq!(party.refresh(&refresh).await.error(), (400, "invalid_grant".into()));
}

#[tokio::test]
async fn cookies_are_hidden_from_scripts_and_end_with_the_browser() {
    let (_server, place, party) = stage().await;
    let mut agent = Agent::new(&place);
    let page = agent.open(&party.authorize(&[])).await;
    let reply = agent.submit_only(&page, &RIGHT).await;
    let lines: Vec<&str> = reply.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap()).collect();
    let session = lines.iter().find(|line| line.starts_with("passerelle-session-")).unwrap();
    assert!(session.contains("; HttpOnly") && session.contains("; SameSite=Lax") && session.contains("; Path=/"));
    assert!(!session.contains("Max-Age") && !session.contains("Domain"));
}

#[tokio::test]
async fn without_an_application_the_page_signs_in_and_says_so() {
    let (_server, place, party) = stage().await;
    let mut agent = Agent::new(&place);
    let page = agent.open(&format!("{}/login", party.issuer)).await;
    let done = agent.submit(&page, &RIGHT).await;
    assert!(done.text.contains("id=\"signed-in\"") && done.text.contains("Élodie Lefèvre"), "{}", done.text);
    Callback::of(&agent.open(&party.authorize(&[("prompt", "none")])).await).code();
}

#[tokio::test]
async fn pages_speak_the_language_asked_for() {
    let (_server, place, party) = stage().await;
    let mut agent = Agent::new(&place);
    let french = agent.open(&party.authorize(&[])).await;
    let english = agent.open(&party.authorize(&[("ui_locales", "de en")])).await;
    assert!(french.text.contains("<html lang=\"fr\"") && french.text.contains("Se connecter"));
    assert!(english.text.contains("<html lang=\"en\"") && english.text.contains("Sign in"));
    // The link to the other language shows the same page of the same interaction.
    let (_, link) = english.text.split_once("class=\"language\" href=\"").unwrap();
    let link = link.split_once('"').unwrap().0.replace("&#38;", "&").replace("&amp;", "&");
    let other = agent.open(&link).await;
    assert!(other.text.contains("<html lang=\"fr\""));
    Callback::of(&agent.submit(&other, &RIGHT).await).code();
}

#[tokio::test]
async fn sessions_end_when_idle_or_old() {
    use passerelle::services::context::Context;
    use passerelle::services::login::session;
    let (_server, place, _) = stage().await;
    let (cookie, made) = place.session(&place.user().await, 0).await;
    let at = |seconds: i64| Context { now: made.last_seen_at.plus_s(seconds), ..place.ctx.clone() };
    assert!(session::find(&at(0), Some(&cookie)).await.unwrap().is_some());
    assert!(session::find(&at(3601), Some(&cookie)).await.unwrap().is_none(), "past its end");
    let idle = i64::from(place.ctx.gateway.limits.session_idle_s);
    assert!(session::find(&at(idle + 1), Some(&cookie)).await.unwrap().is_none());
}

#[tokio::test]
async fn the_trail_names_who_signed_in_and_out() {
    use passerelle::store::establishment::audit_event::Filter;
    let (_server, place, party) = stage().await;
    let mut agent = Agent::new(&place);
    let page = agent.open(&party.authorize(&[])).await;
    agent.submit(&page, &RIGHT).await;
    let page = agent.get(&format!("{}/logout", party.issuer)).await;
    agent.submit(&page, &[]).await;
    let trail =
        passerelle::services::audit::list(&place.ctx, &passerelle::types::page::PageRequest::first(5), &Filter::default()).await.unwrap();
    let user = format!("user:{}", place.user().await.id);
    let told: Vec<_> = trail.items.iter().take(2).map(|event| (event.action.as_str(), event.actor.as_str())).collect();
    assert_eq!(told, [("session.ended", user.as_str()), ("session.begun", user.as_str())]);
}

#[tokio::test]
async fn behind_https_cookies_and_browsers_are_held_to_it() {
    let server = TestServer::start_with(|config| config.public_url = "https://id.example.fr".into()).await;
    let place = server.establishment("Lycée A").await;
    assert_eq!(place.issuer(), "https://id.example.fr/e/lycee-a");
    let page = Reply::of(http().get(format!("{}/e/lycee-a/login", server.listens_at))).await;
    assert_eq!(page.header("strict-transport-security"), Some("max-age=31536000"));
    let line = page.header("set-cookie").unwrap();
    assert!(line.starts_with("__Host-passerelle-browser-lycee-a=") && line.contains("; Secure") && line.contains("; Path=/"), "{line}");
    let metadata = Reply::of(http().get(format!("{}/e/lycee-a/.well-known/openid-configuration", server.listens_at))).await.json();
    let addresses = metadata.as_object().unwrap().iter().filter(|(name, _)| name.ends_with("_endpoint") || *name == "jwks_uri");
    assert!(addresses.into_iter().all(|(_, address)| address.as_str().unwrap().starts_with("https://id.example.fr/e/lycee-a/")));
}

#[tokio::test]
async fn whoever_only_reads_is_given_no_cookie() {
    let (_server, place, party) = stage().await;
    let mut agent = Agent::new(&place);
    for address in ["/", "/accessibility", "/nowhere", "/e/nowhere/login", "/healthz"] {
        assert!(agent.get(address).await.header("set-cookie").is_none(), "{address}");
    }
    agent.get(&party.authorize(&[("prompt", "none")])).await;
    agent.get(&format!("{}/jwks", party.issuer)).await;
    assert!(agent.cookies.is_empty());
}
