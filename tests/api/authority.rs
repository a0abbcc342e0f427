//! Nobody gets more than they hold, and nothing outlives what it was made by (SECURITY 13, 24, 26).

use passerelle::services::context::{Actor, Context};
use passerelle::services::error::Error;
use passerelle::services::establishments;
use passerelle::services::links;
use passerelle::services::sources::{self, SourceFields};
use passerelle::services::tokens::{self, NewToken};
use passerelle::services::users::{self, NewUser};
use passerelle::store::establishment::api_token::TokenKind;
use passerelle::types::id::{TokenId, UserId};
use passerelle::types::permission::GatewayRole;
use serde_json::json;

use crate::harness::gateway::{PASSWORD, TestGateway, secret};

fn acting(ctx: &Context, role: GatewayRole) -> Context {
    Context { actor: Actor::token(TokenId::new(), role), ..ctx.clone() }
}

fn named(username: &str) -> NewUser {
    NewUser { username: username.to_owned(), ..NewUser::default() }
}

fn new_token(scope: &str) -> NewToken {
    NewToken { name: "script".to_owned(), kind: TokenKind::Api, source: None, scope: scope.to_owned(), within: None, expires_at: None }
}

#[tokio::test]
async fn on_the_platform_only_operators_configure() {
    let test = TestGateway::start().await;
    let platform = test.platform().await;
    let fields: SourceFields =
        serde_json::from_value(json!({ "name": "annuaire", "settings": { "urls": ["ldap://127.0.0.1:1"], "base_dn": "dc=x" } })).unwrap();
    let weak = acting(platform.context(), GatewayRole::Administrator);
    assert!(matches!(sources::create(&weak, &fields).await, Err(Error::Forbidden(_))));
    assert!(matches!(tokens::create(&weak, &new_token("administrator")).await, Err(Error::Forbidden(_))));
    let operator = acting(platform.context(), GatewayRole::Operator);
    sources::create(&operator, &fields).await.unwrap();
    let (_, there) = test.establishment("Lycée Ampère").await;
    sources::create(&acting(&there, GatewayRole::Administrator), &fields).await.unwrap();
}

#[tokio::test]
async fn whoever_may_not_is_sent_to_someone_who_may() {
    let test = TestGateway::start().await;
    let (_, there) = test.establishment("Lycée Ampère").await;
    let administrator = acting(&there, GatewayRole::Administrator);
    let told = establishments::current(&administrator).await.unwrap_err().to_string();
    assert!(told.contains("operator of the platform") && !told.contains("Ampère"), "{told}");
    let auditor = acting(&there, GatewayRole::Auditor);
    let told = tokens::create(&auditor, &new_token("auditor")).await.unwrap_err().to_string();
    assert!(told.contains("administrator of Lycée Ampère"), "{told}");
}

async fn operator(test: &TestGateway) -> UserId {
    let platform = test.platform().await;
    let (person, link) = establishments::create_operator(&platform, &named("anne")).await.unwrap();
    let token = link.url.expose().rsplit('/').next().unwrap().to_owned();
    links::choose_password(platform.context(), &token, secret(PASSWORD)).await.unwrap();
    person.id
}

#[tokio::test]
async fn a_token_opens_nothing_once_its_maker_is_disabled() {
    let test = TestGateway::start().await;
    let maker = operator(&test).await;
    let platform = test.platform().await;
    let (_, there) = test.establishment("Lycée Ampère").await;
    let as_maker = |ctx: &Context| Context { actor: Actor::user(maker, &[GatewayRole::Operator]), ..ctx.clone() };
    let (_, here) = tokens::create(&as_maker(platform.context()), &new_token("operator")).await.unwrap();
    let (made, away) = tokens::create(&as_maker(&there), &new_token("administrator")).await.unwrap();
    assert_eq!(made.created_by, Some(maker));
    let child =
        Context { actor: Actor::Token { id: made.id, role: GatewayRole::Administrator.into(), maker: made.created_by }, ..there.clone() };
    let (_, heir) = tokens::create(&child, &new_token("auditor")).await.unwrap();
    let now = there.now;
    for token in [&here, &away, &heir] {
        assert!(tokens::authenticate(&test.gateway, token.expose(), now).await.unwrap().is_some());
    }
    users::disable(platform.context(), maker).await.unwrap();
    for token in [&here, &away, &heir] {
        assert!(tokens::authenticate(&test.gateway, token.expose(), now).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn nobody_revokes_a_stronger_token() {
    let test = TestGateway::start().await;
    let platform = test.platform().await;
    let (_, there) = test.establishment("Lycée Ampère").await;
    let (strong, _) = tokens::create(&there, &new_token("administrator")).await.unwrap();
    let auditor = acting(&there, GatewayRole::Auditor);
    assert!(matches!(tokens::revoke(&auditor, strong.id).await, Err(Error::Forbidden(_))));
    let (operator, _) = tokens::create(platform.context(), &new_token("operator")).await.unwrap();
    let weak = acting(platform.context(), GatewayRole::Administrator);
    assert!(matches!(tokens::revoke(&weak, operator.id).await, Err(Error::Forbidden(_))));
}

#[tokio::test]
async fn a_link_made_before_a_person_was_disabled_stays_dead() {
    let test = TestGateway::start().await;
    let (_, ctx) = test.establishment("Lycée Ampère").await;
    let (person, link) = users::create(&ctx, &named("élève")).await.unwrap();
    let token = link.url.expose().rsplit('/').next().unwrap().to_owned();
    links::find(&ctx, &token).await.unwrap();
    users::disable(&ctx, person.id).await.unwrap();
    users::enable(&ctx, person.id).await.unwrap();
    assert!(matches!(links::find(&ctx, &token).await, Err(Error::NotFound(_))));
}
