//! Signing in with the directory's password: checked there by bind, for whom the directory states now.

use std::net::IpAddr;

use passerelle::services::context::Context;
use passerelle::services::error::Error;
use passerelle::services::login::attempt::{Attempt, Outcome, sign_in};
use passerelle::services::login::browser::Browser;
use passerelle::services::sources::{SourceFields, create};
use passerelle::services::sync;
use passerelle::store::establishment::source::{Guard, SourceKind};
use passerelle::store::establishment::sync_run::{Mode, State};
use passerelle::types::matching::Matching;
use serde_json::json;

use crate::harness::gateway::PASSWORD;
use crate::harness::relying_party::{Agent, Callback, RelyingParty};
use crate::harness::server::{Place, TestServer};
use crate::harness::slapd::{ADMIN_DN, ADMIN_PASSWORD, BASE, Slapd};

const PEOPLE: &str = "dn: dc=acad-test,dc=fr\nobjectClass: dcObject\nobjectClass: organization\no: Test\ndc: acad-test\n\n\
    dn: uid=anne,dc=acad-test,dc=fr\nobjectClass: inetOrgPerson\nuid: anne\ncn: Anne\nsn: Martin\nuserPassword: Essai-anne\n\n\
    dn: uid=bob,dc=acad-test,dc=fr\nobjectClass: inetOrgPerson\nuid: bob\ncn: Bob\nsn: Petit\n\n";

/// An establishment fed by a directory in which Anne has a password and Bob has none.
async fn stage() -> (TestServer, Place, Slapd) {
    let folder = tempfile::tempdir().unwrap();
    let ldif = folder.path().join("people.ldif");
    std::fs::write(&ldif, PEOPLE).unwrap();
    let slapd = Slapd::start(&ldif);
    let server = TestServer::start().await;
    let place = server.establishment("Lycée Louise Michel").await;
    let settings = json!({ "urls": [slapd.url()], "bind_dn": ADMIN_DN, "bind_password": ADMIN_PASSWORD, "base_dn": BASE });
    let guard = Guard::default();
    let fields = SourceFields {
        name: "ldap".into(),
        kind: SourceKind::Ldap,
        settings,
        schedule: None,
        guard,
        leaving: passerelle::types::leaving::Leaving::default(),
        matching: Matching::default(),
        route: None,
        enabled: true,
    };
    create(&place.ctx, &fields).await.unwrap();
    let run = sync::run_to_end(&place.ctx, "ldap", Mode::Full).await.unwrap();
    assert_eq!((run.state, run.counts.created), (State::Done, 2), "{:?}", run.error);
    (server, place, slapd)
}

async fn attempt(ctx: &Context, username: &str, password: &str) -> Result<Outcome, Error> {
    let (browser, address) = (Browser::new(), IpAddr::from([192, 0, 2, 1]));
    sign_in(ctx, &Attempt { username, password, address, browser: &browser, session: None, interaction: None }).await
}

#[tokio::test]
async fn a_directory_person_signs_in_with_the_directorys_password() {
    let (_server, place, _slapd) = stage().await;
    let (_, secret) = place.client("app", |_| {}).await;
    let party = RelyingParty::new(&place, "app", secret);
    let mut agent = Agent::new(&place);
    let page = agent.open(&party.authorize(&[("scope", "openid profile")])).await;
    let refused = agent.submit(&page, &[("username", "anne"), ("password", "wrong")]).await;
    assert_eq!(refused.status, 401);
    let answer = Callback::of(&agent.submit(&page, &[("username", "Anne"), ("password", "Essai-anne")]).await);
    let tokens = party.redeem(answer.code()).await.json();
    let told = party.user_info(tokens["access_token"].as_str().unwrap()).await.json();
    assert_eq!((told["preferred_username"].as_str(), told["family_name"].as_str()), (Some("anne"), Some("Martin")));
}

#[tokio::test]
async fn without_a_password_or_with_an_empty_one_nobody_gets_in() {
    let (_server, place, _slapd) = stage().await;
    for (username, password) in [("bob", "x"), ("bob", ""), ("anne", ""), ("anne", "\0"), ("anne,dc=acad-test", "Essai-anne"), ("*", "x")] {
        assert!(matches!(attempt(&place.ctx, username, password).await, Ok(Outcome::Wrong)), "{username}");
    }
    // A password of before the directory stated her opens nothing: hers is there.
    let anne = passerelle::services::users::resolve(&place.ctx, "anne").await.unwrap();
    let hash = place.ctx.gateway.passwords.hash(crate::harness::gateway::secret(PASSWORD)).await.unwrap();
    let mut tx = place.ctx.store.begin().await.unwrap();
    passerelle::store::establishment::credential::set_password_hash(&mut tx, anne.id, &hash, place.ctx.now).await.unwrap();
    tx.commit().await.unwrap();
    assert!(matches!(attempt(&place.ctx, "anne", PASSWORD).await, Ok(Outcome::Wrong)));
    assert!(matches!(attempt(&place.ctx, "anne", "Essai-anne").await, Ok(Outcome::SignedIn(_))));
}

#[tokio::test]
async fn a_directory_that_does_not_answer_is_told_and_signs_nobody_in() {
    let (_server, place, slapd) = stage().await;
    drop(slapd);
    assert!(matches!(attempt(&place.ctx, "anne", "Essai-anne").await, Err(Error::Outside(_))));
    let mut agent = Agent::new(&place);
    let page = agent.open(&format!("{}/login", place.issuer())).await;
    let reply = agent.submit(&page, &[("username", "anne"), ("password", "Essai-anne")]).await;
    assert_eq!(reply.status, 503);
    assert!(reply.text.contains("id=\"error\"") && agent.session(&place).is_none());
}
