//! What many callers at once must not break: a thing that works once works once, and a count counts everyone.

use std::sync::Arc;

use passerelle::store::establishment::interaction::Interaction;
use passerelle::store::establishment::{authorization_code, grant, interaction, one_time_link, refresh_token, session, throttle, user};
use passerelle::store::{Error, Store, Tx};
use tokio::sync::Barrier;

use super::engine::{Bed, on_every_engine};
use super::samples::{self, LATER, NOW, person, token};

/// Callers at once.
const CALLERS: usize = 64;

/// One caller's attempt, in a transaction of its own.
type Attempt = for<'a> fn(&'a mut Tx) -> futures::future::BoxFuture<'a, Result<bool, Error>>;

/// How many of many tasks that start together succeed.
async fn winners(store: &Store, attempt: Attempt) -> usize {
    let start = Arc::new(Barrier::new(CALLERS));
    let tasks = (0..CALLERS).map(|_| {
        let (store, start) = (store.clone(), Arc::clone(&start));
        tokio::spawn(async move {
            start.wait().await;
            let mut tx = store.begin().await.unwrap();
            let won = attempt(&mut tx).await.unwrap();
            match tx.commit().await {
                // PostgreSQL ends a transaction in which a statement was refused.
                Err(Error::Broken) if !won => {}
                committed => committed.unwrap(),
            }
            won
        })
    });
    futures::future::join_all(tasks).await.into_iter().filter(|won| *won.as_ref().unwrap()).count()
}

async fn with_things_that_work_once(bed: &Bed) {
    let someone = person("élodie");
    let signed_in = samples::session(&someone);
    let given = samples::grant("app", &signed_in);
    let begun = Interaction {
        browser_hash: Vec::new(),
        request: Vec::new(),
        signed_in_session: None,
        consent: None,
        consent_session: None,
        created_at: NOW,
        expires_at: LATER,
    };
    bed.write(async |tx| {
        user::insert(tx, &someone).await?;
        session::insert(tx, token("k"), &signed_in).await?;
        assert!(grant::insert_in_session(tx, &given, NOW).await?);
        authorization_code::insert(tx, token("k"), &samples::authorization_code(&given)).await?;
        refresh_token::insert(tx, token("k"), &samples::refresh_token(&given)).await?;
        one_time_link::replace(tx, token("k"), &samples::one_time_link(&someone)).await?;
        interaction::insert(tx, token("k"), &begun).await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thing_that_works_once_works_for_exactly_one_of_many() {
    on_every_engine(async |bed| {
        with_things_that_work_once(bed).await;
        let things: [(&str, Attempt); 4] = [
            ("code", |tx| Box::pin(authorization_code::spend(tx, token("k"), NOW))),
            ("refresh token", |tx| Box::pin(refresh_token::rotate(tx, token("k"), NOW))),
            ("one-time link", |tx| Box::pin(one_time_link::spend(tx, token("k"), NOW))),
            ("interaction", |tx| Box::pin(interaction::delete(tx, token("k")))),
        ];
        for (thing, attempt) in things {
            assert_eq!(winners(&bed.store, attempt).await, 1, "{thing}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_failure_of_many_at_once_is_counted() {
    on_every_engine(async |bed| {
        let count: Attempt = |tx| {
            Box::pin(async {
                let failures = throttle::count_failure(tx, token("k"), NOW, NOW.plus_s(-900)).await?;
                Ok(failures == 1)
            })
        };
        assert_eq!(winners(&bed.store, count).await, 1, "one caller is the first");
        let found = throttle::find(&mut bed.read().await, token("k")).await.unwrap().unwrap();
        assert_eq!(found.failures, i64::try_from(CALLERS).unwrap());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_user_name_is_given_to_exactly_one_of_many() {
    on_every_engine(async |bed| {
        let insert: Attempt = |tx| {
            Box::pin(async {
                match user::insert(tx, &person("Élodie")).await {
                    Ok(()) => Ok(true),
                    Err(Error::Taken(_)) => Ok(false),
                    Err(other) => Err(other),
                }
            })
        };
        assert_eq!(winners(&bed.store, insert).await, 1);
    })
    .await;
}
