//! The whole way with a relying party of another project: discovery, sign-in, consent, code, tokens, UserInfo, refresh, logout.

use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreGenderClaim, CoreProviderMetadata};
use openidconnect::{
    AuthorizationCode, ClientId, ClientSecret, CsrfToken, EmptyAdditionalClaims, IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge,
    RedirectUrl, Scope, TokenResponse, UserInfoClaims,
};
use passerelle::store::establishment::client::{ConsentPolicy, SigningAlgorithm};

use crate::harness::gateway::PASSWORD;
use crate::harness::relying_party::{Agent, Callback, call};
use crate::harness::server::{CALLBACK, TestServer};

#[tokio::test]
async fn a_person_signs_in_and_consents_and_the_application_learns_who_they_are() {
    for algorithm in [SigningAlgorithm::Es256, SigningAlgorithm::Rs256] {
        let server = TestServer::start().await;
        let place = server.establishment("Lycée Évariste-Galois").await;
        let user = place.with_password().await;
        let (_, secret) = place
            .client("notes", |client| {
                client.consent = ConsentPolicy::Ask;
                client.id_token_signed_response_alg = algorithm;
            })
            .await;

        let issuer = IssuerUrl::new(place.issuer()).unwrap();
        let metadata = CoreProviderMetadata::discover_async(issuer, &call).await.unwrap();
        let party = CoreClient::from_provider_metadata(
            metadata,
            ClientId::new("notes".into()),
            Some(ClientSecret::new(secret.expose().to_owned())),
        )
        .set_redirect_uri(RedirectUrl::new(CALLBACK.into()).unwrap());
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (address, state, nonce) = party
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
            .add_scope(Scope::new("profile".into()))
            .add_scope(Scope::new("email".into()))
            .set_pkce_challenge(challenge)
            .url();

        let mut agent = Agent::new(&place);
        let page = agent.open(address.as_str()).await;
        assert!(page.text.contains("id=\"username\"") && page.text.contains("Application notes"), "{}", page.text);
        let page = agent.submit(&page, &[("username", "ELODIE"), ("password", PASSWORD)]).await;
        assert!(page.text.contains("id=\"allow\""), "{} {}", page.status, page.text);
        let answer = Callback::of(&agent.submit(&page, &[("answer", "allow")]).await);
        assert_eq!(answer.get("state"), Some(state.secret().as_str()));
        assert_eq!(answer.get("iss"), Some(place.issuer().as_str()));

        let code = AuthorizationCode::new(answer.code().to_owned());
        let tokens = party.exchange_code(code).unwrap().set_pkce_verifier(verifier).request_async(&call).await.unwrap();
        let id_token = tokens.id_token().unwrap();
        let claims = id_token.claims(&party.id_token_verifier(), &nonce).unwrap();
        assert_eq!(claims.subject().as_str(), user.id.to_string());
        assert!(claims.name().is_none(), "claims by scope go to UserInfo unless asked for (Core §5.4)");

        let claims: UserInfoClaims<EmptyAdditionalClaims, CoreGenderClaim> =
            party.user_info(tokens.access_token().clone(), Some(claims.subject().clone())).unwrap().request_async(&call).await.unwrap();
        assert_eq!(claims.email().unwrap().as_str(), "elodie.lefevre@acad-test.fr");
        assert_eq!(claims.preferred_username().unwrap().as_str(), "elodie");
        server.stop().await;
    }
}

#[tokio::test]
async fn a_second_application_asks_for_no_password_and_consent_is_asked_once() {
    let server = TestServer::start().await;
    let place = server.establishment("Collège Simone-Veil").await;
    let (cookie, _) = place.session(&place.user().await, 10).await;
    let (_, secret) = place.client("forum", |client| client.consent = ConsentPolicy::Ask).await;
    let party = crate::harness::relying_party::RelyingParty::new(&place, "forum", secret);
    let mut agent = Agent::new(&place).with_session(&place, &cookie);
    let page = agent.open(&party.authorize(&[])).await;
    assert!(page.text.contains("id=\"deny\""), "{}", page.text);
    Callback::of(&agent.submit(&page, &[("answer", "allow")]).await).code();
    Callback::of(&agent.open(&party.authorize(&[])).await).code();
    // More is asked than was allowed: the person is asked again.
    let page = agent.open(&party.authorize(&[("scope", "openid email")])).await;
    assert!(page.text.contains("id=\"deny\""));
    let denied = Callback::of(&agent.submit(&page, &[("answer", "deny")]).await);
    assert_eq!((denied.get("error"), denied.get("code"), denied.get("state")), (Some("access_denied"), None, Some("s t&é")));
}
