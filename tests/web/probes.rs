//! What whoever runs the gateway asks of it.

use passerelle::store::registry::installation;
use passerelle::types::network::Networks;

use crate::harness::relying_party::{Reply, http};
use crate::harness::server::TestServer;

#[tokio::test]
async fn it_says_that_it_lives_is_ready_and_what_it_measured() {
    let server = TestServer::start().await;
    let get = |path: &str| Reply::of(http().get(format!("{}{path}", server.public_url)));
    assert_eq!((get("/healthz").await.status, get("/readyz").await.status), (200.try_into().unwrap(), 200.try_into().unwrap()));
    for hostile in ["/no/such/place/1", "/no/such/place/2"] {
        get(hostile).await;
    }
    let measures = get("/metrics").await;
    assert!(measures.text.contains("passerelle_http_requests_total{"));
    assert!(measures.text.contains("route=\"/healthz\"") && !measures.text.contains("no/such/place"), "labels are routes");
}

#[tokio::test]
async fn measures_are_for_whoever_is_nearby() {
    let server = TestServer::start_with(|config| config.listen.trusted_proxies = Networks::parse("127.0.0.1").unwrap()).await;
    let get = |sender: &str| Reply::of(http().get(format!("{}/metrics", server.public_url)).header("x-forwarded-for", sender));
    for (sender, status) in
        [("203.0.113.9", 404), ("10.1.2.3, 203.0.113.9", 404), ("2001:db8::1", 404), ("10.1.2.3", 200), ("fd00::1", 200)]
    {
        assert_eq!(get(sender).await.status, status, "{sender}");
    }
    assert!(!get("203.0.113.9").await.text.contains("passerelle_"));
}

#[tokio::test]
async fn it_stops_when_asked_and_answers_no_more() {
    let server = TestServer::start().await;
    let address = format!("{}/healthz", server.public_url);
    assert_eq!(Reply::of(http().get(&address)).await.status, 200);
    server.stop().await;
    assert!(http().get(&address).send().await.is_err());
}

#[tokio::test]
async fn a_node_that_was_asked_to_stop_is_not_ready_and_keeps_no_connection() {
    let server = TestServer::start().await;
    let get = async |path: &str| Reply::of(http().get(format!("{}{path}", server.public_url))).await;
    assert_eq!(get("/readyz").await.header("connection"), None);
    server.gateway.node.stop();
    let (alive, ready) = (get("/healthz").await, get("/readyz").await);
    assert_eq!((alive.status.as_u16(), ready.status.as_u16()), (200, 503));
    assert_eq!(alive.header("connection"), Some("close"), "the next request goes elsewhere");
}

#[tokio::test]
async fn a_node_whose_master_key_is_not_the_installations_is_not_ready() {
    let server = TestServer::start().await;
    let registry = server.gateway.stores.registry();
    let mut tx = registry.begin().await.unwrap();
    installation::set_key_check(&mut tx, b"sealed under another key").await.unwrap();
    tx.commit().await.unwrap();
    let get = |path: &str| Reply::of(http().get(format!("{}{path}", server.public_url)));
    assert_eq!((get("/healthz").await.status.as_u16(), get("/readyz").await.status.as_u16()), (200, 503));
}

#[tokio::test]
async fn what_has_expired_is_swept_and_the_rest_stays() {
    use passerelle::services::housekeeping;
    use passerelle::services::login::session::find;
    let server = TestServer::start().await;
    let place = server.establishment("Lycée A").await;
    let (cookie, _) = place.session(&place.user().await, 0).await;
    housekeeping::sweep(&server.gateway, place.ctx.now).await;
    assert!(find(&place.ctx, Some(&cookie)).await.unwrap().is_some());
    housekeeping::sweep(&server.gateway, place.ctx.now.plus_s(7200)).await;
    assert!(find(&place.ctx, Some(&cookie)).await.unwrap().is_none());
}

#[tokio::test]
async fn bodies_and_headers_have_bounds() {
    let server = TestServer::start().await;
    let place = server.establishment("Lycée A").await;
    for path in ["token", "userinfo", "login", "logout", "authorize", "consent"] {
        let body = format!("a={}", "x".repeat(100_000));
        let request =
            http().post(format!("{}/{path}", place.issuer())).header("content-type", "application/x-www-form-urlencoded").body(body);
        assert_eq!(Reply::of(request).await.status, 413, "{path}");
    }
}
