//! What is left of a feed's people when the feed itself goes, or they are erased.

use passerelle::services::context::Context;
use passerelle::services::leaving::{self, Fate};
use passerelle::services::scim::feeds::authenticate;
use passerelle::services::scim::resources;
use passerelle::services::scim::schema::Kind;
use passerelle::services::sources::{self, SourceFields};
use passerelle::services::users;
use passerelle::store::establishment::scim_resource::{self, Kind as RowKind};
use passerelle::store::establishment::user::{self, UserStatus};
use passerelle::types::id::UserId;
use passerelle::types::leaving::{Afterwards, Leaving};

use super::{Fed, nobody, person, token};

#[tokio::test]
async fn a_feed_that_is_removed_takes_its_resources_and_tokens_and_its_people_as_it_is_said() {
    for (fate, stays) in [(Fate::Keep, true), (Fate::Disable, true), (Fate::Purge, false)] {
        let fed = Fed::new().await;
        let (_, secret) = token(&fed.ctx, "entra").await;
        let made = fed.user(person("lea")).await.unwrap();
        fed.group("GEA", &[&made]).await.unwrap();
        let removal = leaving::remove(&fed.ctx, "entra", fate, Some("entra"), false).await.unwrap();
        assert_eq!(removal.people, 1);
        assert_eq!(authenticate(&nobody(&fed.ctx), secret.expose()).await.unwrap_err().status, 401);
        let mut tx = fed.ctx.store.read().await.unwrap();
        assert_eq!(scim_resource::find(&mut tx, fed.feed.source.id, RowKind::User, made.id).await.unwrap(), None);
        let found = user::find(&mut tx, UserId::from(made.id)).await.unwrap();
        assert_eq!(found.is_some(), stays, "{fate:?}");
        assert_eq!(found.is_some_and(|user| user.status == UserStatus::Active), fate == Fate::Keep, "{fate:?}");
    }
}

#[tokio::test]
async fn whoever_a_feed_took_away_is_erased_after_the_days_of_grace() {
    let fed = Fed::new().await;
    let policy = Leaving { grace_days: 30, then: Afterwards::Purge };
    let source = sources::get(&fed.ctx, "entra").await.unwrap();
    let fields = SourceFields { leaving: policy, ..SourceFields::from(&source) };
    sources::update(&fed.ctx, &source, &fields).await.unwrap();
    let made = fed.user(person("lea")).await.unwrap();
    let stays = fed.user(person("zoe")).await.unwrap();
    resources::remove(&fed.feed, Kind::User, &made.id.to_string(), None).await.unwrap();
    let there = async |one: uuid::Uuid| user::find(&mut fed.ctx.store.read().await.unwrap(), UserId::from(one)).await.unwrap().is_some();
    for (day, is_there) in [(29, true), (31, false)] {
        let at = Context { now: fed.ctx.now.plus_s(day * 24 * 3600), ..fed.ctx.clone() };
        leaving::round(&at).await.unwrap();
        assert_eq!((there(made.id).await, there(stays.id).await), (is_there, true), "day {day}");
    }
}

#[tokio::test]
async fn someone_who_left_and_was_removed_is_somebody_new_when_the_feed_states_them_again() {
    let fed = Fed::new().await;
    let made = fed.user(person("lea")).await.unwrap();
    assert!(users::delete(&fed.ctx, UserId::from(made.id)).await.is_err(), "whom a source states is removed there first");
    resources::remove(&fed.feed, Kind::User, &made.id.to_string(), None).await.unwrap();
    users::delete(&fed.ctx, UserId::from(made.id)).await.unwrap();
    let again = fed.user(person("lea")).await.unwrap();
    assert_ne!(again.id, made.id);
}
