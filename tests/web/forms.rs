//! Forms that are not the browser's own change nothing (SECURITY 10): a token missing, wrong, of another form or browser, or from elsewhere.

use passerelle::store::establishment::client::ConsentPolicy;

use crate::harness::gateway::PASSWORD;
use crate::harness::relying_party::{Agent, Callback, RelyingParty, Reply, http};
use crate::harness::server::{Place, TestServer};

async fn stage() -> (TestServer, Place, RelyingParty) {
    let server = TestServer::start().await;
    let place = server.establishment("Lycée A").await;
    let (_, secret) = place.client("app", |client| client.consent = ConsentPolicy::Ask).await;
    let party = RelyingParty::new(&place, "app", secret);
    (server, place, party)
}

fn form(token: &str) -> [(&str, &str); 3] {
    [("csrf", token), ("username", "elodie"), ("password", PASSWORD)]
}

#[tokio::test]
async fn a_sign_in_needs_the_token_of_its_own_page_and_browser() {
    let (_server, place, party) = stage().await;
    place.with_password().await;
    let mut agent = Agent::new(&place);
    let page = agent.open(&party.authorize(&[])).await;
    let token = page.field("csrf").unwrap();
    let mut stranger = Agent::new(&place);
    let others = stranger.open(&party.authorize(&[])).await.field("csrf").unwrap();
    let bare = agent.open(&format!("{}/login", party.issuer)).await.field("csrf").unwrap();
    for wrong in ["", "x", others.as_str(), bare.as_str()] {
        let reply = agent.post(&page.action(), &form(wrong)).await;
        assert_eq!(reply.status, 403, "«{wrong}»");
        assert!(reply.text.contains("id=\"error-title\"") && agent.session(&place).is_none());
    }
    // The right token without the cookie it was made for: another site cannot send that either.
    let mut cookieless = Agent::new(&place);
    let reply = cookieless.post(&page.action(), &form(&token)).await;
    assert!(reply.status.is_client_error() && cookieless.session(&place).is_none());
    // The right token, and a browser that says the form came from elsewhere.
    for (name, value) in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site")] {
        let request = agent.request(reqwest::Method::POST, &page.action()).form(&form(&token)).header(name, value);
        assert_eq!(agent.send(request).await.status, 403, "{name}: {value}");
    }
    let own = place.ctx.gateway.public_url.clone();
    let request = agent.request(reqwest::Method::POST, &page.action()).form(&form(&token)).header("origin", own);
    assert_eq!(agent.send(request).await.status, 303);
}

#[tokio::test]
async fn a_consent_needs_the_token_and_the_person_who_was_asked() {
    let (_server, place, party) = stage().await;
    let (cookie, _) = place.session(&place.user().await, 60).await;
    let mut agent = Agent::new(&place).with_session(&place, &cookie);
    let page = agent.open(&party.authorize(&[])).await;
    assert!(page.text.contains("id=\"allow\""));
    for wrong in [vec![("answer", "allow")], vec![("answer", "allow"), ("csrf", "x")]] {
        assert_eq!(agent.post(&page.action(), &wrong).await.status, 403);
    }
    // Without a word nothing is decided.
    let again = agent.submit(&page, &[("answer", "perhaps")]).await;
    assert!(again.text.contains("id=\"allow\""));
    // Someone else signs in in this browser after the answer: they are asked themselves.
    let way = agent.submit_only(&page, &[("answer", "allow")]).await;
    let (others, _) = place.session(&place.other_user("basile").await, 5).await;
    let mut next = agent.clone().with_session(&place, &others);
    let asked = next.follow(way.clone()).await;
    assert!(asked.text.contains("id=\"allow\"") && asked.text.contains("basile"), "{}", asked.text);
    // The person who answered goes on.
    Callback::of(&agent.follow(way).await).code();
}

#[tokio::test]
async fn a_page_from_before_is_worth_nothing_afterwards() {
    let (_server, place, party) = stage().await;
    place.with_password().await;
    let mut agent = Agent::new(&place);
    let page = agent.open(&party.authorize(&[])).await;
    let consent = agent.submit(&page, &[("username", "elodie"), ("password", PASSWORD)]).await;
    Callback::of(&agent.submit(&consent, &[("answer", "allow")]).await).code();
    // The interaction ended with its code: its pages and forms lead to no second one.
    for reply in [
        agent.submit(&page, &[("username", "elodie"), ("password", PASSWORD)]).await,
        agent.submit(&consent, &[("answer", "allow")]).await,
        agent.open(&page.action()).await,
        agent.open(&page.action().replace("/login?", "/authorize?")).await,
    ] {
        assert_eq!((reply.status.as_u16(), reply.header("location")), (400, None));
    }
}

#[tokio::test]
async fn what_a_request_says_never_becomes_markup_or_an_address() {
    let (_server, place, party) = stage().await;
    let hostile = "\"><script>alert(1)</script>";
    let mut agent = Agent::new(&place);
    let page = agent.open(&party.authorize(&[("login_hint", hostile), ("state", hostile), ("ui_locales", hostile)])).await;
    assert!(page.text.contains("id=\"username\"") && !page.text.contains("<script>"));
    let own = format!("{}/login?interaction={}&x={}", party.issuer, "%22%3E%3Cscript%3E", "%22%3E%3Cscript%3E");
    let reply: Reply = agent.open(&own).await;
    assert!(!reply.text.contains("<script>"));
    // Links come from the configuration, whatever the Host header says (CVE-2026-29067).
    let address = format!("{}/.well-known/openid-configuration", party.issuer);
    let request = agent.request(reqwest::Method::GET, &address).header("host", "evil.example").header("x-forwarded-host", "evil.example");
    assert!(!agent.send(request).await.text.contains("evil.example"));
    let request = agent.request(reqwest::Method::GET, &party.authorize(&[])).header("host", "evil.example");
    assert!(agent.send(request).await.location().starts_with("/e/"));
}

#[tokio::test]
async fn a_nul_character_is_refused_in_every_address_and_form() {
    let (server, place, _party) = stage().await;
    let issuer = place.issuer();
    for address in [
        format!("{issuer}/authorize?client_id=a%00b"),
        format!("{issuer}/login?interaction=%00"),
        format!("{issuer}/invitation/%00"),
        format!("{}/e/%00/login", server.public_url),
        format!("{}/?q=%00", server.public_url),
        format!("{}/api/v1/establishments?q=a%00", server.public_url),
        format!("{}/api/v1/establishments/{}/sources/%00", server.public_url, place.slug()),
    ] {
        let refused = Reply::of(http().get(&address)).await;
        assert_eq!(refused.status, 400, "{address}");
        assert!(refused.text.contains("NUL character"), "{address}: {}", refused.text);
    }
    let odd = [("client_id", "a\0b"), ("client_secret", "x"), ("grant_type", "authorization_code"), ("code", "\0"), ("token", "\0")];
    for path in ["token", "introspect", "revoke"] {
        let refused = Reply::of(http().post(format!("{issuer}/{path}")).form(&odd)).await;
        assert!(matches!(refused.status.as_u16(), 400 | 404), "{path}: {} {}", refused.status, refused.text);
    }
    let refused = Reply::of(http().post(format!("{issuer}/token")).form(&odd)).await;
    assert!(refused.text.contains("NUL character"), "{}", refused.text);
    let basic = Reply::of(http().post(format!("{issuer}/token")).basic_auth("a%00b", Some("x")).form(&odd[2..3])).await;
    assert_eq!(basic.status, 401, "{}", basic.text);
    let mut agent = Agent::new(&place);
    let page = agent.open(&format!("{issuer}/login")).await;
    let token = page.field("csrf").unwrap();
    let reply = agent.post(&page.action(), &[("csrf", token.as_str()), ("username", "elo\0die"), ("password", "a\0b")]).await;
    assert!(reply.text.contains("id=\"error\"") && agent.session(&place).is_none(), "{} {}", reply.status, reply.text);
    // `%2500` is a text like any other.
    assert_ne!(Reply::of(http().get(format!("{}/?q=%2500", server.public_url))).await.status, 400);
}
