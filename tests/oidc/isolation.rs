//! What must not cross: establishments, browsers, and people who may not sign in any more (SECURITY 23, 26, 27).

use passerelle::services::users;
use passerelle::store::establishment::user::{self, User, UserStatus};

use crate::harness::relying_party::{Agent, Callback, RelyingParty, text};
use crate::harness::server::{Place, TestServer};

async fn party(place: &Place) -> RelyingParty {
    let (_, secret) = place.client("app", |_| {}).await;
    RelyingParty::new(place, "app", secret)
}

async fn agent(place: &Place) -> Agent {
    let (cookie, _) = place.session(&place.user().await, 60).await;
    Agent::new(place).with_session(place, &cookie)
}

async fn tokens(place: &Place, party: &RelyingParty) -> serde_json::Value {
    let mut agent = agent(place).await;
    let code = Callback::of(&agent.open(&party.authorize(&[("scope", "openid offline_access")])).await).code().to_owned();
    party.redeem(&code).await.json()
}

#[tokio::test]
async fn nothing_of_one_establishment_opens_anything_in_another() {
    let server = TestServer::start().await;
    let (here, there) = (server.establishment("Lycée A").await, server.establishment("Lycée B").await);
    let (ours, theirs) = (party(&here).await, party(&there).await);
    let given = tokens(&here, &ours).await;
    assert_eq!(theirs.user_info(&text(&given, "access_token")).await.error(), (401, "invalid_token".into()));
    assert_eq!(theirs.refresh(&text(&given, "refresh_token")).await.error(), (400, "invalid_grant".into()));
    let mut signed_in = agent(&here).await;
    let code = Callback::of(&signed_in.open(&ours.authorize(&[])).await).code().to_owned();
    assert_eq!(theirs.redeem(&code).await.error(), (400, "invalid_grant".into()));
    // The same client's name and our secret prove nothing there.
    let stranger = RelyingParty { issuer: there.issuer(), ..ours.clone() };
    assert_eq!(stranger.redeem(&code).await.error(), (401, "invalid_client".into()));
    assert_eq!(ours.redeem(&code).await.status, 200, "none of that spent it");
    // A session here is none there, even with its cookie renamed.
    let cookie = signed_in.session(&here).unwrap().clone();
    let mut there_agent = signed_in.clone().with_session(&there, &cookie);
    let silent = Callback::of(&there_agent.open(&theirs.authorize(&[("prompt", "none")])).await);
    assert_eq!(silent.get("error"), Some("login_required"));
    // An ID token of here is no hint there.
    let hinted = theirs.authorize(&[("prompt", "none"), ("id_token_hint", &text(&given, "id_token"))]);
    let (cookie, _) = there.session(&there.user().await, 5).await;
    let mut there_agent = Agent::new(&there).with_session(&there, &cookie);
    assert_eq!(Callback::of(&there_agent.open(&hinted).await).get("error"), Some("login_required"));
}

/// Marks a person disabled and does nothing else: what remains is what every check must see for itself.
async fn only_mark_disabled(place: &Place) {
    let mut tx = place.ctx.store.begin().await.unwrap();
    let user = User { status: UserStatus::Disabled, ..place.user().await };
    user::update(&mut tx, &user).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_disabled_person_is_stopped_at_every_step() {
    let server = TestServer::start().await;
    let place = server.establishment("Lycée A").await;
    let party = party(&place).await;
    place.with_password().await;
    let given = tokens(&place, &party).await;
    let mut signed_in = agent(&place).await;
    let code = Callback::of(&signed_in.open(&party.authorize(&[])).await).code().to_owned();
    let mut fresh = Agent::new(&place);
    let page = fresh.open(&party.authorize(&[])).await;
    only_mark_disabled(&place).await;
    let refused = fresh.submit(&page, &[("username", "elodie"), ("password", crate::harness::gateway::PASSWORD)]).await;
    assert_eq!(refused.status, 401);
    assert!(refused.text.contains("id=\"error\"") && fresh.session(&place).is_none());
    assert_eq!(Callback::of(&signed_in.open(&party.authorize(&[("prompt", "none")])).await).get("error"), Some("login_required"));
    assert_eq!(party.redeem(&code).await.error(), (400, "invalid_grant".into()));
    assert_eq!(party.user_info(&text(&given, "access_token")).await.error(), (401, "invalid_token".into()));
    assert_eq!(party.refresh(&text(&given, "refresh_token")).await.error(), (400, "invalid_grant".into()));
}

#[tokio::test]
async fn disabling_ends_sessions_and_grants_for_good() {
    let server = TestServer::start().await;
    let place = server.establishment("Lycée A").await;
    let party = party(&place).await;
    place.with_password().await;
    let given = tokens(&place, &party).await;
    let mut signed_in = agent(&place).await;
    let user = place.user().await;
    users::disable(&place.ctx, user.id).await.unwrap();
    users::enable(&place.ctx, user.id).await.unwrap();
    // Back, but with nothing from before.
    assert_eq!(Callback::of(&signed_in.open(&party.authorize(&[("prompt", "none")])).await).get("error"), Some("login_required"));
    assert_eq!(party.refresh(&text(&given, "refresh_token")).await.error(), (400, "invalid_grant".into()));
}

#[tokio::test]
async fn a_disabled_client_is_stopped_at_every_step() {
    let server = TestServer::start().await;
    let place = server.establishment("Lycée A").await;
    let party = party(&place).await;
    place.with_password().await;
    let given = tokens(&place, &party).await;
    let mut fresh = Agent::new(&place);
    let page = fresh.open(&party.authorize(&[])).await;
    place.change_client("app", |client| client.enabled = false).await;
    // The end of the flow checks again (SECURITY 27).
    let end = fresh.submit(&page, &[("username", "elodie"), ("password", crate::harness::gateway::PASSWORD)]).await;
    assert_eq!((end.status.as_u16(), end.header("location")), (400, None));
    assert_eq!(party.user_info(&text(&given, "access_token")).await.status, 401);
    assert_eq!(party.refresh(&text(&given, "refresh_token")).await.status, 401);
}

#[tokio::test]
async fn an_interaction_is_worth_nothing_in_another_browser() {
    let server = TestServer::start().await;
    let place = server.establishment("Lycée A").await;
    let party = party(&place).await;
    let mut attacker = Agent::new(&place);
    let page = attacker.open(&party.authorize(&[])).await;
    // A victim who is signed in follows the attacker's link: no code for the attacker's request.
    let mut victim = agent(&place).await;
    let address = page.action();
    for step in [address.clone(), address.replace("/login?", "/authorize?"), address.replace("/login?", "/consent?")] {
        let reply = victim.get(&step).await;
        assert_eq!((reply.status.as_u16(), reply.header("location")), (400, None), "{step}");
    }
    let form = [("username", "elodie"), ("password", "x"), ("csrf", &page.field("csrf").unwrap())];
    assert!(victim.post(&address, &form).await.status.is_client_error());
}

#[tokio::test]
async fn a_suspended_establishment_signs_nobody_in() {
    use passerelle::services::context::Context;
    use passerelle::services::oidc::protected;
    use passerelle::store::registry::establishment::{Establishment, EstablishmentStatus};
    let server = TestServer::start().await;
    let place = server.establishment("Lycée A").await;
    let party = party(&place).await;
    let given = tokens(&place, &party).await;
    let blocked = Establishment { status: EstablishmentStatus::Blocked, ..(*place.ctx.establishment).clone() };
    let ctx = Context { establishment: std::sync::Arc::new(blocked), ..place.ctx.clone() };
    assert!(protected::user_info(&ctx, &text(&given, "access_token")).await.is_err());
    let (cookie, _) = place.session(&place.user().await, 5).await;
    assert!(passerelle::services::login::session::find(&ctx, Some(&cookie)).await.unwrap().is_none());
}
