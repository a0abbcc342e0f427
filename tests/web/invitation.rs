//! One-time links over HTTP: a password is chosen once, by the person invited, and never by someone disabled.

use passerelle::services::users::{self, NewUser};
use passerelle::store::establishment::user::UserStatus;

use crate::harness::gateway::PASSWORD;
use crate::harness::relying_party::Agent;
use crate::harness::server::TestServer;

#[tokio::test]
async fn an_invited_person_chooses_a_password_once_and_signs_in() {
    let server = TestServer::start().await;
    let place = server.establishment("Lycée A").await;
    let (user, link) = users::create(&place.ctx, &NewUser { username: "basile".into(), ..NewUser::default() }).await.unwrap();
    assert_eq!(user.status, UserStatus::Pending);
    let mut agent = Agent::new(&place);
    let page = agent.open(link.url.expose()).await;
    assert!(page.text.contains("value=\"basile\""), "{}", page.text);
    let long = "x".repeat(600);
    let both = |password| [("password", password), ("password_confirm", password)];
    for (fields, sign) in [
        ([("password", PASSWORD), ("password_confirm", "other")], "differ"),
        (both("short"), "weak"),
        (both("basile-basile-basile"), "own name"),
        (both(long.as_str()), "long"),
    ] {
        let reply = agent.submit(&page, &fields).await;
        assert!(reply.status == 422 && reply.text.contains("id=\"error\""), "{sign}: {}", reply.status);
    }
    let forged = agent.post(&page.action(), &both(PASSWORD)).await;
    assert_eq!(forged.status, 403);
    let saved = agent.submit(&page, &both(PASSWORD)).await;
    assert!(saved.text.contains("id=\"password-saved\""), "{}", saved.text);
    assert_eq!(agent.submit(&page, &both(PASSWORD)).await.status, 404, "used once");
    assert_eq!(agent.open(link.url.expose()).await.status, 404);
    let page = agent.open(&format!("{}/login", place.issuer())).await;
    let done = agent.submit(&page, &[("username", "basile"), ("password", PASSWORD)]).await;
    assert!(done.text.contains("id=\"signed-in\""));
}

#[tokio::test]
async fn a_link_opens_nothing_for_someone_disabled_or_elsewhere() {
    let server = TestServer::start().await;
    let (here, there) = (server.establishment("Lycée A").await, server.establishment("Lycée B").await);
    let (user, link) = users::create(&here.ctx, &NewUser { username: "basile".into(), ..NewUser::default() }).await.unwrap();
    let mut agent = Agent::new(&here);
    let elsewhere = link.url.expose().replace(&here.issuer(), &there.issuer());
    assert_eq!(agent.open(&elsewhere).await.status, 404);
    users::disable(&here.ctx, user.id).await.unwrap();
    assert_eq!(agent.open(link.url.expose()).await.status, 404);
}
