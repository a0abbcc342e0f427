//! UserInfo over HTTP: OIDC.md 34 to 37.

use passerelle::store::establishment::application::{self, Application, Cardinality, Role, ScopeKind};
use passerelle::store::establishment::assignment::{self, Assignment, Origin};
use passerelle::types::id::{ApplicationId, AssignmentId};
use serde_json::{Value, json};

use crate::harness::relying_party::{Agent, Callback, RelyingParty, Reply, claims, text};
use crate::harness::server::{Place, TestServer};

async fn stage() -> (TestServer, Place, RelyingParty, Agent) {
    let server = TestServer::start().await;
    let place = server.establishment("Lycée Ampère").await;
    let (_, secret) = place.client("app", |_| {}).await;
    let (cookie, _) = place.session(&place.user().await, 60).await;
    let agent = Agent::new(&place).with_session(&place, &cookie);
    let party = RelyingParty::new(&place, "app", secret);
    (server, place, party, agent)
}

async fn tokens(agent: &mut Agent, party: &RelyingParty, scope: &str) -> Value {
    let code = Callback::of(&agent.open(&party.authorize(&[("scope", scope)])).await).code().to_owned();
    party.redeem(&code).await.json()
}

#[tokio::test]
async fn the_token_comes_by_header_or_by_form_and_by_one_of_them() {
    let (_server, _place, party, mut agent) = stage().await;
    let access = text(&tokens(&mut agent, &party, "openid").await, "access_token");
    let address = format!("{}/userinfo", party.issuer);
    let form = [("access_token", access.as_str())];
    let (get, post) = (party.http.get(&address), party.http.post(&address));
    assert_eq!(Reply::of(get.bearer_auth(&access)).await.status, 200);
    assert_eq!(Reply::of(post.try_clone().unwrap().bearer_auth(&access)).await.status, 200);
    assert_eq!(Reply::of(post.try_clone().unwrap().form(&form)).await.status, 200);
    assert_eq!(Reply::of(post.bearer_auth(&access).form(&form)).await.error(), (400, "invalid_request".into()));
    // In the address it would end up in logs (RFC 9700 §4.3.2).
    let none = Reply::of(party.http.get(format!("{address}?access_token={access}"))).await;
    assert_eq!((none.status.as_u16(), none.header("www-authenticate")), (401, Some("Bearer")));
    let wrong = party.user_info("no-such-token").await;
    assert!(wrong.header("www-authenticate").unwrap().starts_with("Bearer error=\"invalid_token\""));
    assert_eq!(wrong.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn sub_is_the_id_tokens_and_claims_follow_the_scope() {
    let (_server, place, party, mut agent) = stage().await;
    let bare = tokens(&mut agent, &party, "openid").await;
    let told = party.user_info(&text(&bare, "access_token")).await.json();
    assert_eq!(told, json!({ "sub": claims(&text(&bare, "id_token"))["sub"] }));
    let all = tokens(&mut agent, &party, "openid profile email groups roles establishment").await;
    let told = party.user_info(&text(&all, "access_token")).await.json();
    let user = place.user().await;
    let expected = json!({
        "sub": user.id, "name": "Élodie Lefèvre", "given_name": "Élodie", "family_name": "Lefèvre", "preferred_username": "elodie",
        "locale": "fr", "updated_at": user.updated_at.seconds(), "email": "elodie.lefevre@acad-test.fr", "email_verified": false,
        "establishment": { "slug": place.slug(), "name": "Lycée Ampère" },
    });
    assert_eq!(told, expected, "no empty values; a number of seconds; real booleans");
}

#[tokio::test]
async fn a_token_without_openid_is_not_for_user_info() {
    let (_server, _place, party, mut agent) = stage().await;
    let plain = tokens(&mut agent, &party, "email").await;
    assert!(plain.get("id_token").is_none());
    assert_eq!(party.user_info(&text(&plain, "access_token")).await.error(), (403, "insufficient_scope".into()));
}

/// An application with one role, for the client.
async fn with_application(place: &Place, shape: Value) -> Application {
    let now = place.ctx.now;
    let role = |name: &str| Role { name: name.into(), ..Role::default() };
    let made = Application {
        id: ApplicationId::new(),
        name: "scodoc".into(),
        title: "ScoDoc".into(),
        cardinality: Cardinality::Multi,
        default_role: None,
        scope_kind: ScopeKind::Unit,
        roles: vec![role("Admin"), role("Ens")],
        claim_shape: shape,
        policy: application::Policy::default(),
        services: Vec::new(),
        created_at: now,
        updated_at: now,
    };
    let mut tx = place.ctx.store.begin().await.unwrap();
    application::insert(&mut tx, &made).await.unwrap();
    tx.commit().await.unwrap();
    place.change_client("app", |client| client.application_id = Some(made.id)).await;
    made
}

async fn give(place: &Place, application: &Application, role: &str, scope: &str, until_s: Option<i64>) {
    let given = Assignment {
        id: AssignmentId::new(),
        user_id: place.user().await.id,
        application_id: application.id,
        application: application.name.clone(),
        role: role.into(),
        scope: scope.into(),
        origin: Origin::Manual,
        rule_id: None,
        valid_from: None,
        valid_until: until_s.map(|s| place.ctx.now.plus_s(s)),
        reason: Vec::new(),
        given_by: None,
        created_at: place.ctx.now,
    };
    let mut tx = place.ctx.store.begin().await.unwrap();
    assignment::insert_all(&mut tx, &[given]).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn roles_are_those_of_the_clients_application_that_hold_now() {
    let (_server, place, party, mut agent) = stage().await;
    let shape = json!({ "claims": { "role": { "from": "role_names", "pick": "first", "scope": "roles" } } });
    let application = with_application(&place, shape).await;
    give(&place, &application, "Ens", "RT", Some(3600)).await;
    give(&place, &application, "Ens", "GEA", Some(-1)).await;
    let access = text(&tokens(&mut agent, &party, "openid roles").await, "access_token");
    let told = party.user_info(&access).await.json();
    assert_eq!(told["roles"], json!(["Ens_RT"]));
    assert_eq!(told["role"], "Ens", "the application's claim shape is applied");
    let until = place.ctx.now.plus_s(3600).to_string();
    assert_eq!(told["assignments"], json!([{ "role": "Ens", "scope": "RT", "until": until }]));
    // What changed is told at the next call.
    give(&place, &application, "Admin", "", None).await;
    assert_eq!(party.user_info(&access).await.json()["roles"], json!(["Admin", "Ens_RT"]));
}

#[tokio::test]
async fn a_client_that_wants_a_role_gets_nobody_without_one() {
    let (_server, place, party, mut agent) = stage().await;
    let application = with_application(&place, json!({})).await;
    place.change_client("app", |client| client.require_role = true).await;
    let page = agent.open(&party.authorize(&[])).await;
    assert_eq!(page.status, 403);
    assert!(page.text.contains("id=\"error-title\"") && page.text.contains("Application app"), "{}", page.text);
    let silent = Callback::of(&agent.open(&party.authorize(&[("prompt", "none")])).await);
    assert_eq!(silent.get("error"), Some("access_denied"));
    give(&place, &application, "Ens", "RT", None).await;
    let given = tokens(&mut agent, &party, "openid offline_access").await;
    // The role is taken away: the next refresh gives nothing.
    let mut tx = place.ctx.store.begin().await.unwrap();
    let held = assignment::list_of_user(&mut tx, place.user().await.id).await.unwrap();
    for assignment in held {
        assignment::delete(&mut tx, assignment.id).await.unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(party.refresh(&text(&given, "refresh_token")).await.error(), (400, "invalid_grant".into()));
}
