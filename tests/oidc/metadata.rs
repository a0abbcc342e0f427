//! Discovery and keys as served: OIDC.md 1 to 7.

use crate::harness::relying_party::{Agent, RelyingParty, Reply, http};
use crate::harness::server::TestServer;
use passerelle::types::secret::Secret;

#[tokio::test]
async fn every_issuer_is_discovered_at_its_own_address() {
    let server = TestServer::start().await;
    let place = server.establishment("Lycée Ampère").await;
    for issuer in [place.issuer(), server.public_url.clone()] {
        let reply = Reply::of(http().get(format!("{issuer}/.well-known/openid-configuration"))).await;
        assert_eq!((reply.status.as_u16(), reply.header("content-type")), (200, Some("application/json")));
        let metadata = reply.json();
        assert_eq!(metadata["issuer"], issuer);
        for endpoint in ["authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "end_session_endpoint"] {
            let address = metadata[endpoint].as_str().unwrap();
            assert!(address.starts_with(&format!("{issuer}/")), "{address}");
            let answer = Reply::of(http().get(address)).await;
            assert_ne!(answer.status, 404, "{address}");
        }
        assert_eq!(metadata["request_uri_parameter_supported"], false);
        for supported in ["backchannel_logout_supported", "backchannel_logout_session_supported"] {
            assert_eq!(metadata[supported], true, "{supported}");
        }
        let algorithms = metadata["id_token_signing_alg_values_supported"].as_array().unwrap();
        assert!(algorithms.contains(&"RS256".into()) && algorithms.contains(&"ES256".into()));
        assert_eq!(metadata["token_endpoint_auth_methods_supported"].as_array().unwrap().len(), 3);
    }
}

#[tokio::test]
async fn keys_are_public_distinct_and_the_issuers_own() {
    let server = TestServer::start().await;
    let (one, two) = (server.establishment("Lycée A").await, server.establishment("Lycée B").await);
    let mut kids = Vec::new();
    for issuer in [one.issuer(), two.issuer(), server.public_url.clone()] {
        let keys = Reply::of(http().get(format!("{issuer}/jwks"))).await.json();
        for key in keys["keys"].as_array().unwrap() {
            kids.push(key["kid"].as_str().unwrap().to_owned());
            for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
                assert!(key.get(private).is_none());
            }
        }
    }
    assert_eq!(kids.len(), 6, "one of each algorithm for each issuer");
    kids.sort();
    kids.dedup();
    assert_eq!(kids.len(), 6);
}

#[tokio::test]
async fn keys_stay_the_same_over_a_restart() {
    let server = TestServer::start().await;
    let place = server.establishment("Lycée A").await;
    let before = RelyingParty::new(&place, "x", Secret::random("")).get("jwks").await.json();
    place.ctx.gateway.keys.forget(place.slug()).await;
    let after = place.ctx.ring().await.unwrap();
    assert_eq!(&before, after.jwks());
}

#[tokio::test]
async fn a_page_elsewhere_may_call_what_reads_no_cookie_and_nothing_else() {
    let server = TestServer::start().await;
    let place = server.establishment("Lycée A").await;
    let mut agent = Agent::new(&place);
    for path in [".well-known/openid-configuration", "jwks", "token", "userinfo"] {
        let address = format!("{}/{path}", place.issuer());
        let preflight = agent.request(reqwest::Method::OPTIONS, &address).header("origin", "https://spa.example");
        let reply = agent.send(preflight).await;
        assert_eq!((reply.status.as_u16(), reply.header("access-control-allow-origin")), (204, Some("*")), "{path}");
        assert!(reply.header("access-control-allow-credentials").is_none());
    }
    for path in ["login", "authorize", "logout", "consent"] {
        let reply = agent.get(&format!("{}/{path}", place.issuer())).await;
        assert!(reply.header("access-control-allow-origin").is_none(), "{path}");
    }
}

#[tokio::test]
async fn an_unknown_establishment_is_no_issuer() {
    let server = TestServer::start().await;
    for path in
        ["e/nowhere/jwks", "e/platform/jwks", "e/..%2fregistry/jwks", "e/nowhere/login", "e/nowhere/authorize?client_id=a", "nowhere"]
    {
        let reply = Reply::of(http().get(format!("{}/{path}", server.public_url))).await;
        assert_eq!(reply.status, 404, "{path}");
    }
}
