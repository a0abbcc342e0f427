//! The choice of an establishment, over HTTP.

use crate::harness::gateway::PASSWORD;
use crate::harness::relying_party::Agent;
use crate::harness::server::TestServer;

#[tokio::test]
async fn establishments_are_found_by_name_without_accents_and_the_last_one_is_remembered() {
    let server = TestServer::start().await;
    let place = server.establishment("Lycée Évariste-Galois").await;
    place.with_password().await;
    let mut agent = Agent::new(&place);
    let page = agent.get("/").await;
    assert!(page.text.contains("id=\"establishment\"") && page.text.contains("id=\"continue\"") && !page.text.contains("Évariste"));
    let found = agent.get("/?q=evariste+galois").await;
    assert!(!found.text.contains("/e/lycee-evariste-galois/login") || found.text.contains("Évariste"), "{}", found.text);
    let found = agent.get("/?q=EVARISTE").await;
    assert!(found.text.contains("href=\"/e/lycee-evariste-galois/login\""), "{}", found.text);
    let none = agent.get("/?q=%22%3E%3Cscript%3Ezzz").await;
    assert!(none.text.contains("role=\"status\"") && !none.text.contains("<script"));

    let page = agent.open("/e/lycee-evariste-galois").await;
    agent.submit(&page, &[("username", "elodie"), ("password", PASSWORD)]).await;
    let again = agent.get("/").await;
    assert!(again.text.contains("id=\"last-title\"") && again.text.contains("/e/lycee-evariste-galois/login"), "{}", again.text);
    // A cookie that names nothing is passed over.
    agent.cookies.insert("passerelle-last".into(), "../registry".into());
    let page = agent.get("/").await;
    assert!(page.status == 200 && !page.text.contains("id=\"last-title\""));
}

#[tokio::test]
async fn assets_and_unknown_pages_are_answered() {
    let server = TestServer::start().await;
    let place = server.establishment("Lycée A").await;
    let mut agent = Agent::new(&place);
    let page = agent.get("/").await;
    let (_, href) = page.text.split_once("rel=\"stylesheet\" href=\"").unwrap();
    let sheet = agent.get(href.split_once('"').unwrap().0).await;
    assert_eq!((sheet.status.as_u16(), sheet.header("content-type")), (200, Some("text/css; charset=utf-8")));
    assert_eq!(agent.get("/assets/passerelle.svg").await.status, 200);
    assert_eq!(agent.get("/accessibility").await.status, 200);
    let missing = agent.get("/no/such/page").await;
    assert!(missing.status == 404 && missing.text.contains("id=\"error-title\""));
}
