//! Grants, the codes and tokens that hang on them, and what people allowed.

use passerelle::store::establishment::access_token::LiveToken;
use passerelle::store::establishment::authorization_code::{AuthorizationCode, IssuedCode};
use passerelle::store::establishment::grant::Grant;
use passerelle::store::establishment::refresh_token::{IssuedRefreshToken, RefreshToken};
use passerelle::store::establishment::session::Session;
use passerelle::store::establishment::user::{DisabledBy, User, UserStatus};
use passerelle::store::establishment::{access_token, authorization_code, consent, grant, refresh_token, session, user};
use passerelle::types::id::{GrantId, SessionId, UserId};
use passerelle::types::secret::TokenHash;

use super::engine::{Bed, on_every_engine};
use super::samples::{self, LATER, NOW, person, token};

async fn with_people(bed: &Bed) -> [User; 2] {
    let people = [person("une"), person("autre")];
    bed.write(async |tx| user::insert_all(tx, &people).await).await;
    people
}

async fn with_session(bed: &Bed, user: &User) -> Session {
    let begun = samples::session(user);
    bed.write(async |tx| session::insert(tx, token(&begun.id.to_string()), &begun).await).await;
    begun
}

/// The code that each grant of these tests comes with, as it would at the authorization endpoint: a grant is read by its codes and tokens.
fn code_of(given: &Grant) -> TokenHash {
    token(&given.id.to_string())
}

async fn with_grants(bed: &Bed, grants: &[Grant]) {
    bed.write(async |tx| {
        for one in grants {
            assert!(grant::insert_in_session(tx, one, NOW).await?, "the session of {} is over", one.client_id);
            authorization_code::insert(tx, code_of(one), &samples::authorization_code(one)).await?;
        }
        Ok(())
    })
    .await;
}

/// A grant as it is now.
async fn read(bed: &Bed, given: &Grant) -> Option<Grant> {
    authorization_code::find(&mut bed.read().await, code_of(given)).await.unwrap().map(|issued| issued.grant)
}

async fn revoked(bed: &Bed, grants: &[Grant]) -> Vec<bool> {
    let mut found = Vec::new();
    for one in grants {
        found.push(read(bed, one).await.unwrap().revoked_at.is_some());
    }
    found
}

#[tokio::test]
async fn a_grant_comes_back_as_written() {
    on_every_engine(async |bed| {
        let [one, _] = with_people(bed).await;
        let signed_in = with_session(bed, &one).await;
        let full = Grant { revoked_at: Some(NOW), ..samples::grant("app", &signed_in) };
        let bare = Grant { nonce: None, scope: String::new(), ..samples::grant("app", &signed_in) };
        with_grants(bed, &[full.clone(), bare.clone()]).await;
        assert_eq!(read(bed, &full).await.as_ref(), Some(&full));
        assert_eq!(read(bed, &bare).await, Some(bare));
        assert_eq!(read(bed, &samples::grant("app", &signed_in)).await, None);
        bed.refuses_as_taken("grants.id", async |tx| grant::insert_in_session(tx, &full, NOW).await).await;
        let lost = Grant { user_id: UserId::new(), ..samples::grant("app", &signed_in) };
        bed.refuses_as_referenced(async |tx| grant::insert_in_session(tx, &lost, NOW).await).await;
    })
    .await;
}

#[tokio::test]
async fn nothing_is_granted_in_a_session_that_has_ended() {
    on_every_engine(async |bed| {
        let [one, other] = with_people(bed).await;
        let (signed_in, left) = (with_session(bed, &one).await, with_session(bed, &one).await);
        with_session(bed, &other).await;
        bed.write(async |tx| session::delete(tx, left.id).await).await;
        let never = Session { id: SessionId::new(), ..signed_in.clone() };
        let cases = [(&left, NOW, false), (&never, NOW, false), (&signed_in, LATER, false), (&signed_in, LATER.plus_s(-1), true)];
        for (within, now, granted) in cases {
            let given = samples::grant("app", within);
            assert_eq!(bed.write(async |tx| grant::insert_in_session(tx, &given, now).await).await, granted, "{now}");
            let code = samples::authorization_code(&given);
            if granted {
                bed.write(async |tx| authorization_code::insert(tx, code_of(&given), &code).await).await;
                assert_eq!(read(bed, &given).await, Some(given));
            } else {
                bed.refuses_as_referenced(async |tx| authorization_code::insert(tx, code_of(&given), &code).await).await;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn grants_are_revoked_one_by_one_and_by_person_session_and_client() {
    on_every_engine(async |bed| {
        let [one, other] = with_people(bed).await;
        let (first, second, third) = (with_session(bed, &one).await, with_session(bed, &other).await, with_session(bed, &other).await);
        let grants = [
            samples::grant("a", &first),
            samples::grant("b", &first),
            samples::grant("a", &second),
            samples::grant("c", &third),
            samples::grant("d", &third),
        ];
        with_grants(bed, &grants).await;
        bed.write(async |tx| grant::revoke(tx, grants[4].id, NOW).await).await;
        assert_eq!(revoked(bed, &grants).await, [false, false, false, false, true]);
        bed.write(async |tx| grant::revoke_of_session(tx, second.id, NOW).await).await;
        assert_eq!(revoked(bed, &grants).await, [false, false, true, false, true]);
        bed.write(async |tx| grant::revoke_of_client(tx, "b", NOW).await).await;
        assert_eq!(revoked(bed, &grants).await, [false, true, true, false, true]);
        bed.write(async |tx| grant::revoke_of_user(tx, one.id, NOW).await).await;
        assert_eq!(revoked(bed, &grants).await, [true, true, true, false, true]);
        bed.write(async |tx| {
            grant::revoke(tx, grants[0].id, LATER).await?;
            grant::revoke_of_user(tx, one.id, LATER).await?;
            grant::revoke_of_client(tx, "a", LATER).await?;
            grant::revoke_of_session(tx, first.id, LATER).await
        })
        .await;
        assert_eq!(read(bed, &grants[0]).await.unwrap().revoked_at, Some(NOW), "the first revocation stands");
        assert_eq!(revoked(bed, &grants).await, [true, true, true, false, true]);
        assert_eq!(bed.write(async |tx| grant::revoke_all(tx, LATER).await).await, 1, "the others were revoked");
        assert_eq!(bed.write(async |tx| grant::revoke_all(tx, LATER).await).await, 0);
        assert_eq!(revoked(bed, &grants).await, [true; 5]);
        assert_eq!(read(bed, &grants[0]).await.unwrap().revoked_at, Some(NOW), "the first revocation stands");
    })
    .await;
}

#[tokio::test]
async fn the_grants_of_a_session_follow_the_one_that_replaces_it() {
    on_every_engine(async |bed| {
        let [one, other] = with_people(bed).await;
        let (from, to, elsewhere) = (with_session(bed, &one).await, with_session(bed, &one).await, with_session(bed, &other).await);
        let grants = [samples::grant("a", &from), samples::grant("b", &from), samples::grant("a", &elsewhere)];
        with_grants(bed, &grants).await;
        bed.write(async |tx| grant::move_to_session(tx, from.id, &to).await).await;
        for (before, session_id) in grants.iter().zip([to.id, to.id, elsewhere.id]) {
            assert_eq!(read(bed, before).await, Some(Grant { session_id, ..before.clone() }));
        }
    })
    .await;
}

#[tokio::test]
async fn a_code_is_spent_once_and_stays_to_tell_a_second_use() {
    on_every_engine(async |bed| {
        let [one, _] = with_people(bed).await;
        let given = samples::grant("app", &with_session(bed, &one).await);
        with_grants(bed, std::slice::from_ref(&given)).await;
        let written = samples::authorization_code(&given);
        let bare = AuthorizationCode { code_challenge: None, spent_at: Some(NOW), ..written.clone() };
        bed.write(async |tx| {
            authorization_code::insert(tx, token("c"), &written).await?;
            authorization_code::insert(tx, token("bare"), &bare).await
        })
        .await;
        let mut tx = bed.read().await;
        let issued = |code: &AuthorizationCode| IssuedCode {
            grant: given.clone(),
            redirect_uri: code.redirect_uri.clone(),
            code_challenge: code.code_challenge.clone(),
            code_expires_at: code.expires_at,
            spent_at: code.spent_at,
        };
        assert_eq!(authorization_code::find(&mut tx, token("c")).await.unwrap(), Some(issued(&written)));
        assert_eq!(authorization_code::find(&mut tx, token("bare")).await.unwrap(), Some(issued(&bare)));
        assert_eq!(authorization_code::find(&mut tx, token("autre")).await.unwrap(), None);
        for (text, spent) in [("c", true), ("c", false), ("bare", false), ("autre", false)] {
            assert_eq!(bed.write(async |tx| authorization_code::spend(tx, token(text), LATER).await).await, spent, "{text}");
        }
        let spent = authorization_code::find(&mut tx, token("c")).await.unwrap();
        assert_eq!(spent, Some(issued(&AuthorizationCode { spent_at: Some(LATER), ..written.clone() })));
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
        let given = samples::grant("app", &with_session(bed, &one).await);
        with_grants(bed, std::slice::from_ref(&given)).await;
        let written = samples::refresh_token(&given);
        bed.write(async |tx| refresh_token::insert(tx, token("r"), &written).await).await;
        let mut tx = bed.read().await;
        let issued = |rotated_at| IssuedRefreshToken { grant: given.clone(), token_expires_at: written.expires_at, rotated_at };
        assert_eq!(refresh_token::find(&mut tx, token("r")).await.unwrap(), Some(issued(None)));
        assert_eq!(refresh_token::find(&mut tx, token("autre")).await.unwrap(), None);
        for (text, rotated) in [("r", true), ("r", false), ("autre", false)] {
            assert_eq!(bed.write(async |tx| refresh_token::rotate(tx, token(text), NOW).await).await, rotated, "{text}");
        }
        assert_eq!(refresh_token::find(&mut tx, token("r")).await.unwrap(), Some(issued(Some(NOW))));
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
        let given = samples::grant("app", &with_session(bed, &one).await);
        with_grants(bed, std::slice::from_ref(&given)).await;
        bed.write(async |tx| {
            access_token::insert(tx, token("a"), given.id, "openid é", LATER.plus_s(9)).await?;
            access_token::insert(tx, token("old"), given.id, "", NOW).await
        })
        .await;
        let live = LiveToken {
            grant_id: given.id,
            user: one.clone(),
            client_id: "app".to_owned(),
            session_id: given.session_id,
            scope: "openid é".to_owned(),
            token_expires_at: LATER.plus_s(9),
        };
        let mut tx = bed.read().await;
        assert_eq!(access_token::find_live(&mut tx, token("a"), LATER.plus_s(8)).await.unwrap().as_ref(), Some(&live));
        let off = User { status: UserStatus::Disabled, disabled_by: Some(DisabledBy::Administrator), ..one };
        bed.write(async |tx| user::update(tx, &off).await).await;
        let of_the_disabled = access_token::find_live(&mut tx, token("a"), NOW).await.unwrap();
        assert_eq!(of_the_disabled, Some(LiveToken { user: off, ..live }), "whether they may is for whoever asks");
        assert_eq!(access_token::find_live(&mut tx, token("a"), LATER.plus_s(9)).await.unwrap(), None);
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
        let signed_in = with_session(bed, &one).await;
        let over = Grant { expires_at: NOW, ..samples::grant("a", &signed_in) };
        let lasting = samples::grant("b", &signed_in);
        with_grants(bed, &[over.clone(), lasting.clone()]).await;
        bed.write(async |tx| {
            for given in [&over, &lasting] {
                let key = token(&given.client_id);
                refresh_token::insert(tx, key, &samples::refresh_token(given)).await?;
                access_token::insert(tx, key, given.id, "openid", LATER).await?;
            }
            grant::delete_expired(tx, NOW).await
        })
        .await;
        let mut tx = bed.read().await;
        for (given, stays) in [(&over, false), (&lasting, true)] {
            let key = token(&given.client_id);
            assert_eq!(authorization_code::find(&mut tx, code_of(given)).await.unwrap().is_some(), stays);
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
