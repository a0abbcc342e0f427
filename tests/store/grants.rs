//! Grants, the codes and tokens that hang on them, and what people allowed.

use passerelle::store::establishment::access_token::LiveToken;
use passerelle::store::establishment::authorization_code::AuthorizationCode;
use passerelle::store::establishment::grant::Grant;
use passerelle::store::establishment::refresh_token::RefreshToken;
use passerelle::store::establishment::user::User;
use passerelle::store::establishment::{access_token, authorization_code, consent, grant, refresh_token, user};
use passerelle::types::id::{GrantId, SessionId, UserId};

use super::engine::{Bed, on_every_engine};
use super::samples::{self, LATER, NOW, person, token};

async fn with_people(bed: &Bed) -> [User; 2] {
    let people = [person("une"), person("autre")];
    bed.write(async |tx| user::insert_all(tx, &people).await).await;
    people
}

async fn with_grants(bed: &Bed, grants: &[Grant]) {
    bed.write(async |tx| {
        for one in grants {
            grant::insert(tx, one).await?;
        }
        Ok(())
    })
    .await;
}

async fn revoked(bed: &Bed, grants: &[Grant]) -> Vec<bool> {
    let (mut tx, mut found) = (bed.read().await, Vec::new());
    for one in grants {
        found.push(grant::find(&mut tx, one.id).await.unwrap().unwrap().revoked_at.is_some());
    }
    found
}

#[tokio::test]
async fn a_grant_comes_back_as_written() {
    on_every_engine(async |bed| {
        let [one, _] = with_people(bed).await;
        let full = Grant { revoked_at: Some(NOW), ..samples::grant(&one, "app", SessionId::new()) };
        let bare = Grant { nonce: None, scope: String::new(), ..samples::grant(&one, "app", SessionId::new()) };
        with_grants(bed, &[full.clone(), bare.clone()]).await;
        let mut tx = bed.read().await;
        assert_eq!(grant::find(&mut tx, full.id).await.unwrap().as_ref(), Some(&full));
        assert_eq!(grant::find(&mut tx, bare.id).await.unwrap(), Some(bare));
        assert_eq!(grant::find(&mut tx, GrantId::new()).await.unwrap(), None);
        drop(tx);
        bed.refuses_as_taken("grants.id", async |tx| grant::insert(tx, &full).await).await;
        bed.refuses_as_referenced(async |tx| grant::insert(tx, &samples::grant(&person("personne"), "app", SessionId::new())).await).await;
    })
    .await;
}

#[tokio::test]
async fn grants_are_revoked_one_by_one_and_by_person_session_and_client() {
    on_every_engine(async |bed| {
        let [one, other] = with_people(bed).await;
        let (session, second) = (SessionId::new(), SessionId::new());
        let grants = [
            samples::grant(&one, "a", session),
            samples::grant(&one, "b", session),
            samples::grant(&other, "a", second),
            samples::grant(&other, "c", SessionId::new()),
            samples::grant(&other, "d", SessionId::new()),
        ];
        with_grants(bed, &grants).await;
        bed.write(async |tx| grant::revoke(tx, grants[4].id, NOW).await).await;
        assert_eq!(revoked(bed, &grants).await, [false, false, false, false, true]);
        bed.write(async |tx| grant::revoke_of_session(tx, second, NOW).await).await;
        assert_eq!(revoked(bed, &grants).await, [false, false, true, false, true]);
        bed.write(async |tx| grant::revoke_of_client(tx, "b", NOW).await).await;
        assert_eq!(revoked(bed, &grants).await, [false, true, true, false, true]);
        bed.write(async |tx| grant::revoke_of_user(tx, one.id, NOW).await).await;
        assert_eq!(revoked(bed, &grants).await, [true, true, true, false, true]);
        bed.write(async |tx| {
            grant::revoke(tx, grants[0].id, LATER).await?;
            grant::revoke_of_user(tx, one.id, LATER).await?;
            grant::revoke_of_client(tx, "a", LATER).await?;
            grant::revoke_of_session(tx, session, LATER).await
        })
        .await;
        let first = grant::find(&mut bed.read().await, grants[0].id).await.unwrap().unwrap();
        assert_eq!(first.revoked_at, Some(NOW), "the first revocation stands");
    })
    .await;
}

#[tokio::test]
async fn the_grants_of_a_session_follow_the_one_that_replaces_it() {
    on_every_engine(async |bed| {
        let [one, other] = with_people(bed).await;
        let (from, to) = (SessionId::new(), SessionId::new());
        let grants = [samples::grant(&one, "a", from), samples::grant(&one, "b", from), samples::grant(&other, "a", SessionId::new())];
        with_grants(bed, &grants).await;
        bed.write(async |tx| grant::move_to_session(tx, from, to).await).await;
        let mut tx = bed.read().await;
        for (before, session_id) in grants.iter().zip([to, to, grants[2].session_id]) {
            let after = grant::find(&mut tx, before.id).await.unwrap();
            assert_eq!(after, Some(Grant { session_id, ..before.clone() }));
        }
    })
    .await;
}

#[tokio::test]
async fn a_code_is_spent_once_and_stays_to_tell_a_second_use() {
    on_every_engine(async |bed| {
        let [one, _] = with_people(bed).await;
        let given = samples::grant(&one, "app", SessionId::new());
        with_grants(bed, std::slice::from_ref(&given)).await;
        let written = samples::authorization_code(&given);
        let bare = AuthorizationCode { code_challenge: None, spent_at: Some(NOW), ..written.clone() };
        bed.write(async |tx| {
            authorization_code::insert(tx, token("c"), &written).await?;
            authorization_code::insert(tx, token("bare"), &bare).await
        })
        .await;
        let mut tx = bed.read().await;
        assert_eq!(authorization_code::find(&mut tx, token("c")).await.unwrap().as_ref(), Some(&written));
        assert_eq!(authorization_code::find(&mut tx, token("bare")).await.unwrap(), Some(bare));
        assert_eq!(authorization_code::find(&mut tx, token("autre")).await.unwrap(), None);
        for (text, spent) in [("c", true), ("c", false), ("bare", false), ("autre", false)] {
            assert_eq!(bed.write(async |tx| authorization_code::spend(tx, token(text), LATER).await).await, spent, "{text}");
        }
        let spent = authorization_code::find(&mut tx, token("c")).await.unwrap();
        assert_eq!(spent, Some(AuthorizationCode { spent_at: Some(LATER), ..written.clone() }));
        bed.refuses_as_taken("authorization_codes.code_hash", async |tx| authorization_code::insert(tx, token("c"), &written).await).await;
        let lost = AuthorizationCode { grant_id: GrantId::new(), ..written.clone() };
        bed.refuses_as_referenced(async |tx| authorization_code::insert(tx, token("x"), &lost).await).await;
    })
    .await;
}

#[tokio::test]
async fn a_refresh_token_is_rotated_once_and_stays_to_tell_a_second_use() {
    on_every_engine(async |bed| {
        let [one, _] = with_people(bed).await;
        let given = samples::grant(&one, "app", SessionId::new());
        with_grants(bed, std::slice::from_ref(&given)).await;
        let written = samples::refresh_token(&given);
        bed.write(async |tx| refresh_token::insert(tx, token("r"), &written).await).await;
        let mut tx = bed.read().await;
        assert_eq!(refresh_token::find(&mut tx, token("r")).await.unwrap().as_ref(), Some(&written));
        assert_eq!(refresh_token::find(&mut tx, token("autre")).await.unwrap(), None);
        for (text, rotated) in [("r", true), ("r", false), ("autre", false)] {
            assert_eq!(bed.write(async |tx| refresh_token::rotate(tx, token(text), NOW).await).await, rotated, "{text}");
        }
        let rotated = RefreshToken { rotated_at: Some(NOW), ..written.clone() };
        assert_eq!(refresh_token::find(&mut tx, token("r")).await.unwrap(), Some(rotated));
        bed.refuses_as_taken("refresh_tokens.token_hash", async |tx| refresh_token::insert(tx, token("r"), &written).await).await;
        let lost = RefreshToken { grant_id: GrantId::new(), ..written.clone() };
        bed.refuses_as_referenced(async |tx| refresh_token::insert(tx, token("x"), &lost).await).await;
    })
    .await;
}

#[tokio::test]
async fn an_access_token_lives_until_it_expires_or_its_grant_is_revoked() {
    on_every_engine(async |bed| {
        let [one, _] = with_people(bed).await;
        let given = samples::grant(&one, "app", SessionId::new());
        with_grants(bed, std::slice::from_ref(&given)).await;
        bed.write(async |tx| {
            access_token::insert(tx, token("a"), given.id, "openid é", LATER).await?;
            access_token::insert(tx, token("old"), given.id, "", NOW).await
        })
        .await;
        let live = LiveToken {
            grant_id: given.id,
            user_id: one.id,
            client_id: "app".to_owned(),
            session_id: given.session_id,
            scope: "openid é".to_owned(),
            expires_at: LATER,
        };
        let mut tx = bed.read().await;
        assert_eq!(access_token::find_live(&mut tx, token("a"), LATER.plus_s(-1)).await.unwrap(), Some(live));
        assert_eq!(access_token::find_live(&mut tx, token("a"), LATER).await.unwrap(), None);
        assert!(access_token::find_live(&mut tx, token("old"), NOW.plus_s(-1)).await.unwrap().is_some());
        bed.write(async |tx| access_token::delete_expired(tx, NOW).await).await;
        assert_eq!(access_token::find_live(&mut tx, token("old"), NOW.plus_s(-1)).await.unwrap(), None);
        bed.write(async |tx| grant::revoke(tx, given.id, NOW).await).await;
        assert_eq!(access_token::find_live(&mut tx, token("a"), NOW).await.unwrap(), None);
        bed.refuses_as_taken("access_tokens.token_hash", async |tx| access_token::insert(tx, token("a"), given.id, "", NOW).await).await;
        bed.refuses_as_referenced(async |tx| access_token::insert(tx, token("x"), GrantId::new(), "", NOW).await).await;
    })
    .await;
}

#[tokio::test]
async fn a_grant_that_is_over_goes_with_its_codes_and_tokens() {
    on_every_engine(async |bed| {
        let [one, _] = with_people(bed).await;
        let over = Grant { expires_at: NOW, ..samples::grant(&one, "a", SessionId::new()) };
        let lasting = samples::grant(&one, "b", SessionId::new());
        with_grants(bed, &[over.clone(), lasting.clone()]).await;
        bed.write(async |tx| {
            for given in [&over, &lasting] {
                let key = token(&given.client_id);
                authorization_code::insert(tx, key, &samples::authorization_code(given)).await?;
                refresh_token::insert(tx, key, &samples::refresh_token(given)).await?;
                access_token::insert(tx, key, given.id, "openid", LATER).await?;
            }
            grant::delete_expired(tx, NOW).await
        })
        .await;
        let mut tx = bed.read().await;
        for (given, stays) in [(&over, false), (&lasting, true)] {
            let key = token(&given.client_id);
            assert_eq!(grant::find(&mut tx, given.id).await.unwrap().is_some(), stays);
            assert_eq!(authorization_code::find(&mut tx, key).await.unwrap().is_some(), stays);
            assert_eq!(refresh_token::find(&mut tx, key).await.unwrap().is_some(), stays);
            assert_eq!(access_token::find_live(&mut tx, key, NOW).await.unwrap().is_some(), stays);
        }
    })
    .await;
}

#[tokio::test]
async fn what_a_person_allowed_a_client_is_kept_and_replaced() {
    on_every_engine(async |bed| {
        let [one, other] = with_people(bed).await;
        for scope in ["openid", "openid profile é"] {
            bed.write(async |tx| consent::upsert(tx, one.id, "app", scope, NOW).await).await;
            assert_eq!(consent::find_scope(&mut bed.read().await, one.id, "app").await.unwrap().as_deref(), Some(scope));
        }
        let mut tx = bed.read().await;
        assert_eq!(consent::find_scope(&mut tx, one.id, "autre").await.unwrap(), None);
        assert_eq!(consent::find_scope(&mut tx, other.id, "app").await.unwrap(), None);
        drop(tx);
        bed.refuses_as_referenced(async |tx| consent::upsert(tx, UserId::new(), "app", "openid", NOW).await).await;
    })
    .await;
}
