//! Sessions, interactions, one-time links, and counters of failed attempts.

use passerelle::store::establishment::interaction::{Answer, Interaction};
use passerelle::store::establishment::one_time_link::{OneTimeLink, Purpose};
use passerelle::store::establishment::session::Session;
use passerelle::store::establishment::throttle::Throttle;
use passerelle::store::establishment::user::{DisabledBy, User, UserStatus};
use passerelle::store::establishment::{interaction, one_time_link, session, throttle, user};
use passerelle::types::id::SessionId;

use super::engine::{Bed, on_every_engine};
use super::samples::{self, LATER, NOW, person, token};

async fn with_person(bed: &Bed, username: &str) -> User {
    let made = person(username);
    bed.write(async |tx| user::insert(tx, &made).await).await;
    made
}

#[tokio::test]
async fn a_session_lives_until_its_end_or_until_it_idles() {
    on_every_engine(async |bed| {
        let someone = with_person(bed, "élodie").await;
        let written = samples::session(&someone);
        bed.write(async |tx| session::insert(tx, token("s"), &written).await).await;
        let mut tx = bed.read().await;
        let cases = [(NOW, NOW, true), (LATER.plus_s(-1), NOW, true), (LATER, NOW, false), (NOW, NOW.plus_s(1), false)];
        for (now, idle_since, live) in cases {
            let found = session::find_live(&mut tx, token("s"), now, idle_since).await.unwrap();
            assert_eq!(found, live.then(|| written.clone()), "{now} {idle_since}");
            let visitor = session::find_live_with_user(&mut tx, token("s"), now, idle_since).await.unwrap();
            assert_eq!(visitor, live.then(|| (written.clone(), someone.clone())), "{now} {idle_since}");
        }
        assert_eq!(session::find_live(&mut tx, token("autre"), NOW, NOW).await.unwrap(), None);
        assert_eq!(session::find_live_with_user(&mut tx, token("autre"), NOW, NOW).await.unwrap(), None);
        bed.write(async |tx| session::touch(tx, written.id, NOW.plus_s(5)).await).await;
        let used = session::find_live(&mut tx, token("s"), NOW, NOW.plus_s(5)).await.unwrap();
        let written = Session { last_seen_at: NOW.plus_s(5), ..written };
        assert_eq!(used.as_ref(), Some(&written));
        let off = User { status: UserStatus::Disabled, disabled_by: Some(DisabledBy::Source), ..someone };
        bed.write(async |tx| user::update(tx, &off).await).await;
        let visitor = session::find_live_with_user(&mut tx, token("s"), NOW, NOW).await.unwrap();
        assert_eq!(visitor, Some((written, off)), "whether they may is for whoever asks");
    })
    .await;
}

#[tokio::test]
async fn sessions_end_one_by_one_by_person_and_by_age() {
    on_every_engine(async |bed| {
        let (one, other) = (with_person(bed, "une").await, with_person(bed, "autre").await);
        let all = [
            samples::session(&one),
            samples::session(&one),
            samples::session(&one),
            samples::session(&other),
            Session { expires_at: NOW, ..samples::session(&other) },
        ];
        bed.write(async |tx| {
            for (n, one) in all.iter().enumerate() {
                session::insert(tx, token(&n.to_string()), one).await?;
            }
            session::delete(tx, all[0].id).await?;
            session::delete_expired(tx, NOW).await
        })
        .await;
        let mut tx = bed.read().await;
        let mut live = Vec::new();
        for n in 0..all.len() {
            let found = session::find_live(&mut tx, token(&n.to_string()), NOW.plus_s(-1), NOW).await.unwrap();
            live.push(found.is_some());
        }
        assert_eq!(live, [false, true, true, true, false]);
        assert_eq!(bed.write(async |tx| session::delete_of_user(tx, one.id).await).await, 2);
        assert_eq!(bed.write(async |tx| session::delete_of_user(tx, one.id).await).await, 0);
        assert_eq!(session::find_live(&mut tx, token("1"), NOW, NOW).await.unwrap(), None);
        assert_eq!(session::find_live(&mut tx, token("3"), NOW, NOW).await.unwrap().as_ref(), Some(&all[3]));
        let same_cookie = samples::session(&other);
        bed.refuses_as_taken("sessions.token_hash", async |tx| session::insert(tx, token("3"), &same_cookie).await).await;
        bed.refuses_as_taken("sessions.id", async |tx| session::insert(tx, token("4"), &all[3]).await).await;
        bed.refuses_as_referenced(async |tx| session::insert(tx, token("5"), &samples::session(&person("personne"))).await).await;
        bed.write(async |tx| session::insert(tx, token("6"), &samples::session(&one)).await).await;
        assert_eq!(bed.write(async |tx| session::delete_all(tx).await).await, 2, "whoever's they are");
        assert_eq!(bed.write(async |tx| session::delete_all(tx).await).await, 0);
        assert_eq!(session::find_live(&mut tx, token("3"), NOW, NOW).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn an_interaction_keeps_its_request_in_order_and_what_happened_in_it() {
    on_every_engine(async |bed| {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let begun = Interaction {
            browser_hash: vec![0, 255, 7],
            request: vec![pair("scope", "openid é"), pair("a", ""), pair("scope", "twice"), pair("state", "\"'%00&=")],
            signed_in_session: None,
            consent: None,
            consent_session: None,
            created_at: NOW,
            expires_at: LATER,
        };
        let empty = Interaction { request: Vec::new(), browser_hash: Vec::new(), expires_at: NOW, ..begun.clone() };
        bed.write(async |tx| {
            interaction::insert(tx, token("i"), &begun).await?;
            interaction::insert(tx, token("vide"), &empty).await
        })
        .await;
        let mut tx = bed.read().await;
        assert_eq!(interaction::find_live(&mut tx, token("i"), LATER.plus_s(-1)).await.unwrap().as_ref(), Some(&begun));
        assert_eq!(interaction::find_live(&mut tx, token("i"), LATER).await.unwrap(), None);
        assert_eq!(interaction::find_live(&mut tx, token("vide"), NOW.plus_s(-1)).await.unwrap(), Some(empty));
        let (first, second) = (SessionId::new(), SessionId::new());
        bed.write(async |tx| interaction::mark_consent(tx, token("i"), Answer::Denied, first).await).await;
        let denied = Interaction { consent: Some(Answer::Denied), consent_session: Some(first), ..begun.clone() };
        assert_eq!(interaction::find_live(&mut tx, token("i"), NOW).await.unwrap(), Some(denied));
        bed.write(async |tx| interaction::mark_signed_in(tx, token("i"), second).await).await;
        let signed_in = Interaction { signed_in_session: Some(second), ..begun.clone() };
        assert_eq!(
            interaction::find_live(&mut tx, token("i"), NOW).await.unwrap(),
            Some(signed_in.clone()),
            "another's answer is forgotten"
        );
        bed.write(async |tx| interaction::mark_consent(tx, token("i"), Answer::Allowed, second).await).await;
        let allowed = Interaction { consent: Some(Answer::Allowed), consent_session: Some(second), ..signed_in };
        assert_eq!(interaction::find_live(&mut tx, token("i"), NOW).await.unwrap(), Some(allowed));
        bed.refuses_as_taken("interactions.id_hash", async |tx| interaction::insert(tx, token("i"), &begun).await).await;
    })
    .await;
}

#[tokio::test]
async fn an_interaction_ends_once_and_old_ones_are_forgotten() {
    on_every_engine(async |bed| {
        let lasting = |expires_at| Interaction {
            browser_hash: vec![1],
            request: Vec::new(),
            signed_in_session: None,
            consent: None,
            consent_session: None,
            created_at: NOW,
            expires_at,
        };
        bed.write(async |tx| {
            interaction::insert(tx, token("old"), &lasting(NOW)).await?;
            interaction::insert(tx, token("new"), &lasting(LATER)).await?;
            interaction::insert(tx, token("one"), &lasting(LATER)).await?;
            interaction::insert(tx, token("two"), &lasting(LATER)).await?;
            interaction::delete_expired(tx, NOW).await
        })
        .await;
        let mut tx = bed.read().await;
        assert_eq!(interaction::find_live(&mut tx, token("old"), NOW.plus_s(-1)).await.unwrap(), None);
        drop(tx);
        assert!(bed.write(async |tx| interaction::delete(tx, token("new")).await).await);
        assert!(!bed.write(async |tx| interaction::delete(tx, token("new")).await).await);
        bed.write(async |tx| interaction::delete_all(tx).await).await;
        for text in ["one", "two"] {
            assert!(!bed.write(async |tx| interaction::delete(tx, token(text)).await).await, "{text}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_one_time_link_works_once_and_a_newer_one_replaces_it() {
    on_every_engine(async |bed| {
        let (one, other) = (with_person(bed, "une").await, with_person(bed, "autre").await);
        let reset = OneTimeLink { purpose: Purpose::Reset, ..samples::one_time_link(&one) };
        bed.write(async |tx| {
            one_time_link::replace(tx, token("first"), &samples::one_time_link(&one)).await?;
            one_time_link::replace(tx, token("other"), &samples::one_time_link(&other)).await?;
            one_time_link::replace(tx, token("second"), &reset).await
        })
        .await;
        let mut tx = bed.read().await;
        assert_eq!(one_time_link::find_live(&mut tx, token("first"), NOW).await.unwrap(), None);
        assert_eq!(one_time_link::find_live(&mut tx, token("second"), LATER.plus_s(-1)).await.unwrap(), Some(reset));
        assert_eq!(one_time_link::find_live(&mut tx, token("second"), LATER).await.unwrap(), None);
        assert_eq!(one_time_link::find_live(&mut tx, token("other"), NOW).await.unwrap(), Some(samples::one_time_link(&other)));
        for (text, at, spent) in [("first", NOW, false), ("second", LATER, false), ("second", NOW, true), ("second", NOW, false)] {
            assert_eq!(bed.write(async |tx| one_time_link::spend(tx, token(text), at).await).await, spent, "{text} {at}");
        }
        assert_eq!(one_time_link::find_live(&mut tx, token("second"), NOW).await.unwrap(), None);
        bed.write(async |tx| one_time_link::delete_of_user(tx, one.id).await).await;
        assert!(one_time_link::find_live(&mut tx, token("other"), NOW).await.unwrap().is_some());
        bed.write(async |tx| one_time_link::delete_of_user(tx, other.id).await).await;
        assert_eq!(one_time_link::find_live(&mut tx, token("other"), NOW).await.unwrap(), None);
        let nobody = samples::one_time_link(&person("personne"));
        bed.refuses_as_referenced(async |tx| one_time_link::replace(tx, token("x"), &nobody).await).await;
    })
    .await;
}

#[tokio::test]
async fn old_one_time_links_are_forgotten() {
    on_every_engine(async |bed| {
        let (one, other) = (with_person(bed, "une").await, with_person(bed, "autre").await);
        bed.write(async |tx| {
            one_time_link::replace(tx, token("old"), &OneTimeLink { expires_at: NOW, ..samples::one_time_link(&one) }).await?;
            one_time_link::replace(tx, token("new"), &samples::one_time_link(&other)).await?;
            one_time_link::delete_expired(tx, NOW).await
        })
        .await;
        let mut tx = bed.read().await;
        assert_eq!(one_time_link::find_live(&mut tx, token("old"), NOW.plus_s(-1)).await.unwrap(), None);
        assert!(one_time_link::find_live(&mut tx, token("new"), NOW).await.unwrap().is_some());
    })
    .await;
}

#[tokio::test]
async fn failures_are_counted_within_a_window_and_block_until_an_instant() {
    on_every_engine(async |bed| {
        let window = 900;
        let count = async |at| bed.write(async |tx| throttle::count_failure(tx, token("k"), at, at.plus_s(-window)).await).await;
        assert_eq!(throttle::find(&mut bed.read().await, token("k")).await.unwrap(), None);
        assert_eq!((count(NOW).await, count(NOW.plus_s(1)).await, count(NOW.plus_s(window)).await), (1, 2, 3));
        bed.write(async |tx| throttle::block(tx, token("k"), LATER).await).await;
        let found = throttle::find(&mut bed.read().await, token("k")).await.unwrap();
        assert_eq!(found, Some(Throttle { failures: 3, window_started_at: NOW, blocked_until: LATER }));
        assert_eq!(count(NOW.plus_s(window + 1)).await, 1, "a window that is over starts anew");
        let anew = throttle::find(&mut bed.read().await, token("k")).await.unwrap();
        assert_eq!(anew, Some(Throttle { failures: 1, window_started_at: NOW.plus_s(window + 1), blocked_until: LATER }));
        bed.write(async |tx| throttle::clear(tx, token("k")).await).await;
        assert_eq!(throttle::find(&mut bed.read().await, token("k")).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_failure_taken_back_unblocks_below_the_bound_only() {
    on_every_engine(async |bed| {
        bed.write(async |tx| {
            for _ in 0..3 {
                throttle::count_failure(tx, token("k"), NOW, NOW.plus_s(-900)).await?;
            }
            throttle::block(tx, token("k"), LATER).await
        })
        .await;
        let take_back = async |bound| bed.write(async |tx| throttle::take_back(tx, token("k"), NOW, bound).await).await;
        let found = async || throttle::find(&mut bed.read().await, token("k")).await.unwrap().unwrap();
        take_back(2).await;
        assert_eq!(found().await, Throttle { failures: 2, window_started_at: NOW, blocked_until: LATER });
        take_back(2).await;
        assert_eq!(found().await, Throttle { failures: 1, window_started_at: NOW, blocked_until: NOW });
        take_back(2).await;
        take_back(2).await;
        assert_eq!(found().await.failures, 0, "a count never falls below nothing");
    })
    .await;
}

#[tokio::test]
async fn stale_counters_go_unless_they_still_block() {
    on_every_engine(async |bed| {
        bed.write(async |tx| {
            for (key, at) in [("old", NOW.plus_s(-1000)), ("blocking", NOW.plus_s(-1000)), ("new", NOW)] {
                throttle::count_failure(tx, token(key), at, at).await?;
            }
            throttle::block(tx, token("blocking"), NOW.plus_s(1)).await?;
            throttle::delete_stale(tx, NOW.plus_s(-900), NOW).await
        })
        .await;
        let mut tx = bed.read().await;
        assert_eq!(throttle::find(&mut tx, token("old")).await.unwrap(), None);
        assert!(throttle::find(&mut tx, token("blocking")).await.unwrap().is_some());
        assert!(throttle::find(&mut tx, token("new")).await.unwrap().is_some());
    })
    .await;
}
