//! Tokens of feeds: several, replaced without a gap, off at once.

use passerelle::services::context::Context;
use passerelle::services::scim::change::{Change, With};
use passerelle::services::scim::feeds::{Feed, authenticate};
use passerelle::services::scim::resources::{self, Asked};
use passerelle::services::scim::schema::Kind;
use passerelle::services::sources::{self, SourceFields};
use passerelle::services::tokens::{self, NewToken};
use passerelle::services::{establishments, sync};
use passerelle::store::establishment::api_token::{self, Filter, TokenKind};
use passerelle::store::establishment::sync_run::Mode;
use passerelle::types::page::PageRequest;
use serde_json::json;

use super::{Fed, nobody, object, person, source, token};

#[tokio::test]
async fn a_token_opens_its_own_feed_until_it_is_revoked() {
    let fed = Fed::new().await;
    let (made, secret) = token(&fed.ctx, "entra").await;
    let outside = nobody(&fed.ctx);
    let opened = authenticate(&outside, secret.expose()).await.unwrap();
    assert_eq!((opened.source.name.as_str(), opened.ctx.actor.label()), ("entra", "source:entra".to_owned()));
    let (_, elsewhere) = fed.gateway.establishment("Collège Ada Lovelace").await;
    assert_eq!(authenticate(&nobody(&elsewhere), secret.expose()).await.unwrap_err().status, 401);
    for wrong in ["", "x", &format!("{}x", secret.expose()), &format!("psl_{}_", fed.ctx.slug())] {
        assert_eq!(authenticate(&outside, wrong).await.unwrap_err().status, 401, "{wrong}");
    }
    let listed = tokens::list(&fed.ctx, &PageRequest::first(50), &Filter { kind: Some("scim".into()), ..Filter::default() }).await.unwrap();
    assert!(listed.items.iter().all(|one| one.scope == "entra") && listed.total == 2);
    assert!(listed.items.iter().any(|one| one.last_used_at.is_some()));
    tokens::revoke(&fed.ctx, made.id).await.unwrap();
    assert_eq!(authenticate(&outside, secret.expose()).await.unwrap_err().status, 401);
}

#[tokio::test]
async fn a_token_is_replaced_without_a_gap() {
    let fed = Fed::new().await;
    let (old, secret) = token(&fed.ctx, "entra").await;
    let (new, fresh) = tokens::rotate(&fed.ctx, old.id, 3600).await.unwrap();
    assert_eq!((new.kind, new.scope.as_str(), new.expires_at), (TokenKind::Scim, "entra", None));
    let outside = nobody(&fed.ctx);
    assert!(authenticate(&outside, secret.expose()).await.is_ok() && authenticate(&outside, fresh.expose()).await.is_ok());
    let later = Context { now: fed.ctx.now.plus_s(3601), ..outside };
    assert_eq!(authenticate(&later, secret.expose()).await.unwrap_err().status, 401);
    assert!(authenticate(&later, fresh.expose()).await.is_ok());
}

#[tokio::test]
async fn a_paused_feed_is_asked_to_come_back_and_a_blocked_establishment_answers_nobody() {
    let fed = Fed::new().await;
    let (_, secret) = token(&fed.ctx, "entra").await;
    let standing = sources::get(&fed.ctx, "entra").await.unwrap();
    let paused = SourceFields { enabled: false, name: "azure".to_owned(), ..SourceFields::from(&standing) };
    let paused = sources::update(&fed.ctx, &standing, &paused).await.unwrap();
    let told = authenticate(&nobody(&fed.ctx), secret.expose()).await.unwrap_err();
    assert_eq!((told.status, told.retry_after_s.is_some()), (503, true));
    sources::update(&fed.ctx, &paused, &SourceFields { enabled: true, ..SourceFields::from(&paused) }).await.unwrap();
    assert_eq!(authenticate(&nobody(&fed.ctx), secret.expose()).await.unwrap().source.name, "azure");
    let named =
        tokens::list(&fed.ctx, &PageRequest::first(50), &Filter { scope: Some("azure".into()), ..Filter::default() }).await.unwrap();
    assert_eq!(named.total, 2, "tokens bear the new name");
    establishments::block(&fed.ctx).await.unwrap();
    let blocked = nobody(&fed.gateway.context(fed.ctx.slug()).await);
    assert_eq!(authenticate(&blocked, secret.expose()).await.unwrap_err().status, 403);
}

#[tokio::test]
async fn a_feed_has_nothing_to_read_and_its_token_no_role() {
    let fed = Fed::new().await;
    assert!(sync::run_to_end(&fed.ctx, "entra", Mode::Full).await.unwrap_err().to_string().contains("not read"));
    assert!(sources::check(&fed.ctx, "entra").await.unwrap_err().to_string().contains("not read"));
    let mut fields: SourceFields = serde_json::from_value(json!({ "name": "x", "kind": "scim", "settings": { "urls": [] } })).unwrap();
    assert!(sources::create(&fed.ctx, &fields).await.unwrap_err().to_string().contains("settings"));
    fields.settings = json!({});
    assert!(sources::create(fed.gateway.platform().await.context(), &fields).await.is_err(), "the platform takes no feed");
    source(&fed.ctx, "administrator", &json!({})).await;
    let (_, secret) = token(&fed.ctx, "administrator").await;
    let caller = tokens::authenticate(&fed.ctx.gateway, secret.expose(), fed.ctx.now).await.unwrap();
    assert!(caller.is_none(), "a feed's token opens no admin API, whatever its source is called");
    let wrong = NewToken {
        name: "x".into(),
        kind: TokenKind::Scim,
        source: Some("nobody".into()),
        scope: "auditor".into(),
        within: None,
        expires_at: None,
    };
    let told = tokens::create(&fed.ctx, &wrong).await.unwrap_err().to_string();
    assert!(told.contains("scope") && told.contains("source"), "{told}");
}

#[tokio::test]
async fn what_a_feed_asked_before_it_was_paused_or_removed_is_not_done_after() {
    let fed = Fed::new().await;
    let standing = sources::get(&fed.ctx, "entra").await.unwrap();
    let paused = sources::update(&fed.ctx, &standing, &SourceFields { enabled: false, ..SourceFields::from(&standing) }).await.unwrap();
    let refused = fed.user(person("lea")).await.unwrap_err();
    assert_eq!((refused.status, refused.retry_after_s.is_some()), (503, true));
    sources::update(&fed.ctx, &paused, &SourceFields { enabled: true, ..SourceFields::from(&paused) }).await.unwrap();
    fed.user(person("lea")).await.unwrap();
}

#[tokio::test]
async fn what_waits_is_not_done_once_its_token_is_revoked() {
    let fed = Fed::new().await;
    let (made, secret) = token(&fed.ctx, "entra").await;
    let revoked = authenticate(&nobody(&fed.ctx), secret.expose()).await.unwrap();
    let writer = fed.ctx.store.begin().await.unwrap();
    let create = async |feed: &Feed, name: &str| {
        resources::create(feed, Kind::User, object(person(name)), With::USUAL).await.map_err(|refused| refused.status)
    };
    // All of them wait for whoever writes, and so do two of a token that lives on.
    let (a, b, c, d, ()) =
        tokio::join!(create(&fed.feed, "a"), create(&revoked, "b"), create(&fed.feed, "c"), create(&revoked, "d"), async {
            let mut writer = writer;
            api_token::expire(&mut writer, made.id, fed.ctx.now).await.unwrap();
            writer.commit().await.unwrap();
        });
    assert_eq!((a.is_ok(), b.err(), c.is_ok(), d.err()), (true, Some(401), true, Some(401)));
    assert_eq!(fed.list(Kind::User, &Asked::default()).await.unwrap().total, 2);
    tokens::revoke(&fed.ctx, fed.feed.token).await.unwrap();
    let changes = (0..150).map(|n| Change::Create { kind: Kind::User, body: object(person(&format!("p{n}"))) }).collect();
    let done = resources::carry_all(&fed.feed, changes, With::default()).await;
    assert!(done.len() == 150 && done.iter().all(|one| one.as_ref().is_err_and(|refused| refused.status == 401)));
}

#[tokio::test]
async fn what_waits_is_not_done_once_its_token_expired_or_its_establishment_is_blocked() {
    let fed = Fed::new().await;
    tokens::rotate(&fed.ctx, fed.feed.token, 3600).await.unwrap();
    let at = |s: i64| Feed { ctx: Context { now: fed.ctx.now.plus_s(s), ..fed.feed.ctx.clone() }, ..fed.feed.clone() };
    let create = async |feed: &Feed, name: &str| {
        resources::create(feed, Kind::User, object(person(name)), With::USUAL).await.map_err(|refused| refused.status)
    };
    assert!(create(&at(0), "a").await.is_ok());
    assert_eq!(create(&at(3600), "b").await.err(), Some(401));
    establishments::block(&fed.ctx).await.unwrap();
    assert_eq!(create(&at(0), "b").await.err(), Some(403));
    establishments::unblock(&fed.ctx).await.unwrap();
    assert!(create(&at(0), "b").await.is_ok());
}
