//! People of whom only the key is left.

use std::collections::BTreeMap;

use passerelle::store::establishment::user::{Filter, User, UserStatus};
use passerelle::store::establishment::{consent, credential, group, link, membership, source, user};
use passerelle::types::id::UserId;
use passerelle::types::page::PageRequest;

use super::engine::on_every_engine;
use super::samples::{self, LATER, NOW, person};

#[tokio::test]
async fn an_erased_person_keeps_the_key_and_nothing_that_tells_who_it_was() {
    on_every_engine(async |bed| {
        let (one, other) = (person("zoé"), person("autre"));
        let feed = samples::source("annuaire");
        let (many, few) = (samples::group("tous"), samples::group("quelques-uns"));
        bed.write(async |tx| {
            user::insert_all(tx, &[one.clone(), other.clone()]).await?;
            source::insert(tx, &feed).await?;
            link::upsert_all(tx, &[samples::link(&feed, &one, "1"), samples::link(&feed, &other, "2")]).await?;
            group::upsert_all(tx, &[many.clone(), few.clone()]).await?;
            membership::insert_all(tx, &[(many.id, one.id), (many.id, other.id)]).await?;
            credential::set_password_hash(tx, one.id, "$argon2id$…", NOW).await?;
            consent::upsert(tx, one.id, "client", "openid", NOW).await
        })
        .await;
        bed.write(async |tx| {
            credential::delete_of_user(tx, one.id).await?;
            consent::delete_of_user(tx, one.id).await?;
            membership::delete_of_user(tx, one.id).await?;
            link::delete_of_user(tx, one.id).await?;
            user::erase(tx, one.id, "erased-1", LATER).await
        })
        .await;
        let mut tx = bed.read().await;
        let found = user::find(&mut tx, one.id).await.unwrap().unwrap();
        let nobody = User {
            username: "erased-1".to_owned(),
            given_name: None,
            family_name: None,
            display_name: "erased-1".to_owned(),
            email: None,
            locale: None,
            status: UserStatus::Disabled,
            home_unit: None,
            units: Vec::new(),
            attributes: BTreeMap::new(),
            last_sign_in_at: None,
            updated_at: LATER,
            erased_at: Some(LATER),
            ..one.clone()
        };
        assert_eq!(found, nobody);
        let by_name = user::list(&mut tx, &PageRequest::parse(None, None, Some("zoé")).unwrap(), &Filter::default()).await.unwrap();
        assert_eq!(by_name.total, 0, "searches find them no more");
        assert_eq!(credential::find_password_hash(&mut tx, one.id).await.unwrap(), None);
        assert_eq!(consent::find_scope(&mut tx, one.id, "client").await.unwrap(), None);
        assert_eq!(link::list_of_source(&mut tx, feed.id).await.unwrap(), [samples::link(&feed, &other, "2")]);
        assert_eq!(membership::users_of_group(&mut tx, many.id).await.unwrap(), [other.id]);
        let recounted = group::find(&mut tx, many.id).await.unwrap().unwrap();
        assert_eq!((recounted.member_count, recounted.members_hash), (many.member_count - 1, Vec::new()), "the next run compares again");
        assert_eq!(group::find(&mut tx, few.id).await.unwrap(), Some(few));
        assert_eq!(user::find(&mut tx, other.id).await.unwrap(), Some(other));
        drop(tx);
        bed.refuses_as_not_found("user", async |tx| user::erase(tx, UserId::new(), "erased-2", LATER).await).await;
    })
    .await;
}
