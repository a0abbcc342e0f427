//! The token endpoint over HTTP: OIDC.md 23 to 33 and 40 to 42, and what must not be redeemed twice.

use passerelle::store::establishment::client::{AuthMethod, Pkce, SigningAlgorithm};
use passerelle::store::establishment::throttle;
use passerelle::types::secret::{Secret, TokenHash};
use serde_json::json;

use crate::harness::relying_party::{Agent, Callback, RelyingParty, VERIFIER, claims, header, text};
use crate::harness::server::{CALLBACK, Place, TestServer};

const OTHER_CALLBACK: &str = "https://app.example.fr/other";

async fn stage() -> (TestServer, Place, RelyingParty, Agent) {
    let server = TestServer::start().await;
    let place = server.establishment("Lycée Ampère").await;
    let (_, secret) = place.client("app", |client| client.redirect_uris.push(OTHER_CALLBACK.into())).await;
    let (cookie, _) = place.session(&place.user().await, 60).await;
    let agent = Agent::new(&place).with_session(&place, &cookie);
    let party = RelyingParty::new(&place, "app", secret);
    (server, place, party, agent)
}

async fn code(agent: &mut Agent, party: &RelyingParty, changes: &[(&str, &str)]) -> String {
    Callback::of(&agent.open(&party.authorize(changes)).await).code().to_owned()
}

fn refused(code: &str) -> (u16, String) {
    (400, code.to_owned())
}

#[tokio::test]
async fn basic_and_post_both_work_and_basic_is_form_decoded() {
    let (_server, place, party, mut agent) = stage().await;
    let odd = Secret::parse("secret", "a:b%c+d é&=".into()).unwrap();
    place.change_client("app", |client| client.secret_hash = Some(odd.hash().as_bytes().to_vec())).await;
    let party = RelyingParty { secret: odd.clone(), ..party };
    let one = code(&mut agent, &party, &[]).await;
    assert_eq!(party.redeem(&one).await.status, 200);
    let two = code(&mut agent, &party, &[]).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", two.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
        ("client_id", "app"),
        ("client_secret", odd.expose()),
    ];
    assert_eq!(party.token_as(None, &form).await.status, 200);
}

#[tokio::test]
async fn a_wrong_client_is_one_answer_whatever_is_wrong() {
    let (_server, place, party, mut agent) = stage().await;
    let code = code(&mut agent, &party, &[]).await;
    let wrong = RelyingParty { secret: Secret::random(""), ..party.clone() };
    let unknown = RelyingParty { client_id: "nobody".into(), ..party.clone() };
    let mut answers = vec![wrong.redeem(&code).await, unknown.redeem(&code).await];
    answers.push(party.token_as(None, &[("grant_type", "authorization_code"), ("code", &code), ("client_id", "app")]).await);
    place.change_client("app", |client| client.enabled = false).await;
    answers.push(party.redeem(&code).await);
    for answer in &answers {
        assert_eq!(answer.error(), (401, "invalid_client".into()));
        assert_eq!(answer.text, answers[0].text);
        assert!(answer.header("www-authenticate").unwrap().starts_with("Basic"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    // None of that spent the code.
    place.change_client("app", |client| client.enabled = true).await;
    assert_eq!(party.redeem(&code).await.status, 200);
}

/// Names of clients that are made up count together, and write nothing once the gate is shut.
#[tokio::test]
async fn made_up_clients_share_one_counter_and_fill_no_store() {
    let server = TestServer::start_with(|config| config.limits.sign_in_attempts_max = 1).await;
    let place = server.establishment("Lycée Ampère").await;
    let (_, secret) = place.client("app", |_| {}).await;
    let party = RelyingParty::new(&place, "app", secret);
    let mut answers = Vec::new();
    for n in 0..24 {
        let unknown = RelyingParty { client_id: format!("nobody-{n}"), ..party.clone() };
        answers.push(unknown.redeem("code").await.status);
    }
    assert_eq!(answers.iter().filter(|status| **status == 401).count(), 20);
    assert!(answers[20..].iter().all(|status| *status == 429), "{answers:?}");
    let counted = throttle::find(&mut place.ctx.store.read().await.unwrap(), TokenHash::of("clients:127.0.0.1")).await.unwrap();
    assert_eq!(counted.unwrap().failures, 21, "the last ones were not written");
    // A client that is there has a counter of its own.
    assert_eq!(RelyingParty { secret: Secret::random(""), ..party.clone() }.redeem("code").await.status, 401);
    assert_eq!(party.redeem("code").await.error(), (400, "invalid_grant".into()));
}

#[tokio::test]
async fn an_empty_secret_never_proves_anything() {
    let (_server, place, party, mut agent) = stage().await;
    place.change_client("app", |client| client.secret_hash = None).await;
    let code = code(&mut agent, &party, &[]).await;
    let empty = party.token_as(Some("Basic YXBwOg=="), &[("grant_type", "authorization_code"), ("code", &code)]).await;
    assert_eq!(empty.error(), (401, "invalid_client".into()));
}

#[tokio::test]
async fn a_second_use_of_a_code_is_refused_and_revokes_what_it_gave() {
    let (_server, _place, party, mut agent) = stage().await;
    let code = code(&mut agent, &party, &[("scope", "openid offline_access")]).await;
    let tokens = party.redeem(&code).await.json();
    let access = text(&tokens, "access_token");
    assert_eq!(party.user_info(&access).await.status, 200);
    assert_eq!(party.redeem(&code).await.error(), refused("invalid_grant"));
    assert_eq!(party.user_info(&access).await.error(), (401, "invalid_token".into()));
    assert_eq!(party.refresh(&text(&tokens, "refresh_token")).await.error(), refused("invalid_grant"));
}

#[tokio::test]
async fn answers_are_json_typed_and_never_stored() {
    let (_server, _place, party, mut agent) = stage().await;
    let code = code(&mut agent, &party, &[]).await;
    let given = party.redeem(&code).await;
    let body = given.json();
    assert_eq!((&body["token_type"], &body["expires_in"], &body["scope"]), (&json!("Bearer"), &json!(300), &json!("openid")));
    assert!(text(&body, "access_token").len() >= 43);
    assert!(body.get("refresh_token").is_none());
    for reply in [given, party.redeem(&code).await, party.token(&[("grant_type", "password")]).await, party.token(&[]).await] {
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        assert_eq!(reply.header("content-type"), Some("application/json"));
        reply.json();
    }
    assert_eq!(party.token(&[("grant_type", "password")]).await.error(), refused("unsupported_grant_type"));
    let not_a_form = party.http.post(format!("{}/token", party.issuer)).json(&json!({ "grant_type": "authorization_code" }));
    assert_eq!(crate::harness::relying_party::Reply::of(not_a_form).await.error(), refused("invalid_request"));
}

#[tokio::test]
async fn a_code_is_redeemed_with_its_verifier_and_its_redirect_uri_only() {
    let (_server, place, party, mut agent) = stage().await;
    let given = code(&mut agent, &party, &[]).await;
    let wrong = "b".repeat(43);
    for (redirect_uri, verifier) in [(CALLBACK, ""), (CALLBACK, wrong.as_str()), (OTHER_CALLBACK, VERIFIER), ("", VERIFIER)] {
        let form = [("grant_type", "authorization_code"), ("code", &given), ("redirect_uri", redirect_uri), ("code_verifier", verifier)];
        assert_eq!(party.token(&form).await.error(), refused("invalid_grant"), "{redirect_uri} {verifier}");
    }
    // Whoever could not redeem it did not spend it either.
    assert_eq!(party.redeem(&given).await.status, 200);
    // A code asked for without a challenge is not redeemed with a verifier (CVE-2023-48228).
    place.change_client("app", |client| client.pkce = Pkce::Optional).await;
    let bare = code(&mut agent, &party, &[("code_challenge", ""), ("code_challenge_method", "")]).await;
    assert_eq!(party.redeem(&bare).await.error(), refused("invalid_grant"));
    let form = [("grant_type", "authorization_code"), ("code", bare.as_str()), ("redirect_uri", CALLBACK)];
    assert_eq!(party.token(&form).await.status, 200);
}

#[tokio::test]
async fn a_public_client_redeems_with_its_verifier_alone() {
    let (_server, place, party, mut agent) = stage().await;
    place
        .change_client("app", |client| {
            client.token_endpoint_auth_method = AuthMethod::None;
            client.secret_hash = None;
            client.pkce = Pkce::Optional;
        })
        .await;
    let bare = agent.open(&party.authorize(&[("code_challenge", ""), ("code_challenge_method", "")])).await;
    assert_eq!(Callback::of(&bare).get("error"), Some("invalid_request"), "PKCE is optional for confidential clients only");
    let given = code(&mut agent, &party, &[]).await;
    let form = |verifier| {
        [
            ("grant_type", "authorization_code"),
            ("code", given.as_str()),
            ("redirect_uri", CALLBACK),
            ("client_id", "app"),
            ("code_verifier", verifier),
        ]
    };
    assert_eq!(party.token_as(None, &form("")).await.error(), refused("invalid_grant"));
    assert_eq!(party.token_as(None, &form(VERIFIER)).await.status, 200);
}

#[tokio::test]
async fn id_tokens_have_the_claims_of_the_specification() {
    let (_server, place, party, mut agent) = stage().await;
    for (algorithm, name) in [(SigningAlgorithm::Es256, "ES256"), (SigningAlgorithm::Rs256, "RS256")] {
        place.change_client("app", |client| client.id_token_signed_response_alg = algorithm).await;
        let given = code(&mut agent, &party, &[("scope", "openid profile email")]).await;
        let tokens = party.redeem(&given).await.json();
        let id_token = text(&tokens, "id_token");
        let head = header(&id_token);
        assert_eq!(head["alg"], name);
        let keys = party.get("jwks").await.json();
        let kids: Vec<_> = keys["keys"].as_array().unwrap().iter().map(|key| key["kid"].clone()).collect();
        assert!(kids.contains(&head["kid"]));
        let claims = claims(&id_token);
        assert_eq!((&claims["iss"], &claims["aud"]), (&json!(place.issuer()), &json!("app")));
        assert_eq!(claims["sub"], place.user().await.id.to_string());
        assert!(claims["exp"].as_i64().unwrap() > claims["iat"].as_i64().unwrap());
        let expected = passerelle::services::oidc::id_token::at_hash(&text(&tokens, "access_token"));
        assert_eq!(claims["at_hash"], expected);
        assert!(claims["sid"].is_string() && claims.get("name").is_none() && claims.get("email").is_none());
    }
    place.change_client("app", |client| client.claims_in_id_token = true).await;
    let given = code(&mut agent, &party, &[("scope", "openid profile")]).await;
    let claims = claims(&text(&party.redeem(&given).await.json(), "id_token"));
    assert_eq!((claims["name"].as_str(), claims.get("email")), (Some("Élodie Lefèvre"), None));
}

#[tokio::test]
async fn offline_access_gives_refresh_tokens_that_rotate() {
    let (_server, _place, party, mut agent) = stage().await;
    let given = code(&mut agent, &party, &[("scope", "openid email offline_access"), ("prompt", "")]).await;
    let first = party.redeem(&given).await.json();
    let second = party.refresh(&text(&first, "refresh_token")).await.json();
    let (before, after) = (claims(&text(&first, "id_token")), claims(&text(&second, "id_token")));
    for name in ["iss", "sub", "aud", "auth_time", "sid"] {
        assert_eq!(before[name], after[name], "{name}");
    }
    assert!(after["iat"].as_i64() >= before["iat"].as_i64() && after.get("nonce").is_none());
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    let form = |scope| [("grant_type", "refresh_token"), ("refresh_token", second["refresh_token"].as_str().unwrap()), ("scope", scope)];
    assert_eq!(party.token(&form("openid profile")).await.error(), refused("invalid_scope"));
    let narrower = party.token(&form("openid")).await.json();
    assert_eq!(narrower["scope"], "openid");
    assert!(party.user_info(&text(&narrower, "access_token")).await.json().get("email").is_none());
}

#[tokio::test]
async fn reuse_of_a_rotated_token_revokes_its_family() {
    let (_server, _place, party, mut agent) = stage().await;
    let given = code(&mut agent, &party, &[("scope", "openid offline_access")]).await;
    let first = text(&party.redeem(&given).await.json(), "refresh_token");
    let second = party.refresh(&first).await.json();
    assert_eq!(party.refresh(&first).await.error(), refused("invalid_grant"));
    assert_eq!(party.refresh(&text(&second, "refresh_token")).await.error(), refused("invalid_grant"));
    assert_eq!(party.user_info(&text(&second, "access_token")).await.error(), (401, "invalid_token".into()));
}

#[tokio::test]
async fn another_clients_proofs_are_refused_and_burn_nothing() {
    let (_server, place, party, mut agent) = stage().await;
    let (_, secret) = place.client("other", |_| {}).await;
    let other = RelyingParty::new(&place, "other", secret);
    let given = code(&mut agent, &party, &[("scope", "openid offline_access")]).await;
    assert_eq!(other.redeem(&given).await.error(), refused("invalid_grant"));
    let tokens = party.redeem(&given).await.json();
    // Spent by now: the other client's use of it is still not a reuse by its owner.
    assert_eq!(other.redeem(&given).await.error(), refused("invalid_grant"));
    let refresh = text(&tokens, "refresh_token");
    assert_eq!(other.refresh(&refresh).await.error(), refused("invalid_grant"));
    assert_eq!(party.refresh(&refresh).await.status, 200);
}

#[tokio::test]
async fn codes_and_refresh_tokens_expire() {
    use passerelle::services::oidc::parameters::Parameters;
    use passerelle::services::oidc::tokens;
    let (_server, place, party, mut agent) = stage().await;
    let given = code(&mut agent, &party, &[("scope", "openid offline_access")]).await;
    let later = |seconds: i64| passerelle::services::context::Context { now: place.ctx.now.plus_s(seconds), ..place.ctx.clone() };
    let secret = party.secret.expose();
    let address = std::net::IpAddr::from([127, 0, 0, 1]);
    let redeem = |code: String| {
        let pairs = [
            ("grant_type", "authorization_code".to_owned()),
            ("code", code),
            ("redirect_uri", CALLBACK.into()),
            ("code_verifier", VERIFIER.into()),
        ];
        Parameters::new(pairs.into_iter().chain([("client_id", "app".to_owned()), ("client_secret", secret.to_owned())]))
    };
    assert!(tokens::answer(&later(3600), None, &redeem(given), address).await.is_err(), "a code is short-lived");
    let given = code(&mut agent, &party, &[("scope", "openid offline_access")]).await;
    let issued = tokens::answer(&later(0), None, &redeem(given), address).await.unwrap();
    let refresh = |token: &Secret| {
        let pairs = [("grant_type", "refresh_token"), ("refresh_token", token.expose()), ("client_id", "app"), ("client_secret", secret)];
        Parameters::new(pairs)
    };
    let month_s = i64::from(place.ctx.gateway.limits.refresh_token_lifetime_s);
    let renewed = tokens::answer(&later(month_s - 60), None, &refresh(&issued.refresh_token.unwrap()), address).await.unwrap();
    // Rotation does not prolong the family.
    assert!(tokens::answer(&later(month_s + 60), None, &refresh(&renewed.refresh_token.unwrap()), address).await.is_err());
}
