//! Who is told that someone signed out, how often, and what the receipt says of it; at times that the tests choose.

use passerelle::services::logout_notices::{self, Outcome};
use passerelle::services::outbox::{self, State};
use passerelle::services::{jobs, users};
use passerelle::store::establishment::session::Session;
use passerelle::store::establishment::user::User;
use passerelle::store::establishment::{client, grant};
use passerelle::types::page::PageRequest;
use passerelle::types::secret::Secret;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::gateway::TestGateway;
use crate::harness::listener::{Answer, Listener};
use crate::harness::relying_party::{claims, text};
use crate::harness::server::{Place, grant_of};

/// An establishment without any front: what is due is sent when the test says so, at the time that it says.
async fn quiet() -> (TestGateway, Place) {
    let gateway = TestGateway::start().await;
    let (_, ctx) = gateway.establishment("Collège Jean-Jaurès").await;
    (gateway, Place { ctx })
}

/// Sends what is due so many seconds later.
async fn send_after(place: &Place, seconds: i64) {
    jobs::run_due(&place.ctx.gateway, place.ctx.now.plus_s(seconds)).await.unwrap();
}

async fn only_row(place: &Place) -> outbox::Outgoing {
    let mut all = outbox::list(&place.ctx, &PageRequest::first(500), &outbox::Filter::default()).await.unwrap();
    assert_eq!(all.total, 1);
    all.items.remove(0)
}

#[tokio::test]
async fn disabling_someone_tells_every_application_once_and_others_nothing() {
    let (mut one, mut two, mut three) = (Listener::start(&[]).await, Listener::start(&[]).await, Listener::start(&[]).await);
    let (_gateway, place) = quiet().await;
    place.client("one", one.registered()).await;
    let by_session = two.registered();
    place
        .client("two", |client| {
            by_session(client);
            client.backchannel_logout_session_required = true;
        })
        .await;
    let shut = three.registered();
    place
        .client("three", |client| {
            shut(client);
            client.enabled = false;
        })
        .await;
    place.client("deaf", |_| {}).await;
    let (user, other) = (place.other_user("anne").await, place.other_user("bob").await);
    let (_, morning) = place.session(&user, 60).await;
    let (_, evening) = place.session(&user, 30).await;
    let (_, foreign) = place.session(&other, 30).await;
    for client in ["one", "two", "three", "deaf"] {
        for session in [&morning, &evening, &foreign] {
            place.granted(client, session, None).await;
        }
    }
    users::disable(&place.ctx, user.id).await.unwrap();
    send_after(&place, 0).await;
    let said: Vec<Value> = one.rest().iter().map(|heard| claims(&heard.token())).collect();
    assert_eq!(said.len(), 1, "one token ends all of their sessions");
    assert_eq!((&said[0]["sub"], said[0].get("sid")), (&json!(user.id), None));
    let mut sids: Vec<String> = two.rest().iter().map(|heard| text(&claims(&heard.token()), "sid")).collect();
    sids.sort();
    let mut expected = vec![morning.id.to_string(), evening.id.to_string()];
    expected.sort();
    assert_eq!(sids, expected, "one a session where the application wants to know which");
    assert!(three.rest().is_empty());
    // Said once: nothing is left to say, and doing it again finds no grant.
    users::enable(&place.ctx, user.id).await.unwrap();
    users::disable(&place.ctx, user.id).await.unwrap();
    send_after(&place, 200).await;
    assert!(one.rest().is_empty() && two.rest().is_empty());
}

#[tokio::test]
async fn removing_someone_and_another_password_tell_too() {
    let mut listener = Listener::start(&[]).await;
    let (_gateway, place) = quiet().await;
    place.client("app", listener.registered()).await;
    let leaving = place.other_user("anne").await;
    place.granted("app", &place.session(&leaving, 60).await.1, None).await;
    users::delete(&place.ctx, leaving.id).await.unwrap();
    send_after(&place, 0).await;
    assert_eq!(claims(&listener.hear().await.token())["sub"], json!(leaving.id));

    let forgetful = place.other_user("elodie").await;
    place.granted("app", &place.session(&forgetful, 60).await.1, None).await;
    place.with_password().await;
    send_after(&place, 0).await;
    assert_eq!(claims(&listener.hear().await.token())["sub"], json!(forgetful.id));
}

#[tokio::test]
async fn an_application_that_fails_is_told_again_and_confirms() {
    let mut listener = Listener::start(&[Answer::Status(503)]).await;
    let (_gateway, place) = quiet().await;
    place.client("app", listener.registered()).await;
    let user = place.other_user("anne").await;
    place.granted("app", &place.session(&user, 60).await.1, None).await;
    users::disable(&place.ctx, user.id).await.unwrap();
    send_after(&place, 0).await;
    let first = claims(&listener.hear().await.token());
    let waiting = only_row(&place).await;
    assert_eq!((waiting.state, waiting.error.as_deref()), (State::Waiting, Some("the application answered 503")));
    assert!(listener.rest().is_empty(), "not before it is due");

    let due_in = waiting.due_at.seconds() - place.ctx.now.seconds();
    send_after(&place, due_in).await;
    let second = claims(&listener.hear().await.token());
    assert_ne!(first["jti"], second["jti"], "a token of its own, which no application takes for a replay");
    assert_eq!(second["iat"], first["iat"].as_i64().unwrap() + due_in);
    let sent = only_row(&place).await;
    assert_eq!((sent.state, sent.attempts, sent.error), (State::Sent, 2, None));
}

#[tokio::test]
async fn an_application_that_refuses_or_redirects_or_is_private_is_told_no_more() {
    let mut elsewhere = Listener::start(&[]).await;
    let mut listener =
        Listener::start(&[Answer::Status(400), Answer::Redirect(elsewhere.uri()), Answer::Status(202), Answer::Status(501)]).await;
    let (_gateway, place) = quiet().await;
    place.client("app", listener.registered()).await;
    let mut dead = 0;
    for (uri, says) in [
        (None, "answered 400"),
        (None, "redirects are not followed"),
        (None, "answered 202"),
        (None, "answered 501"),
        // As if the policy had become stricter since it was registered.
        (Some("https://10.0.0.1/bye"), "private"),
        (Some("http://169.254.169.254/latest"), "private"),
    ] {
        if let Some(uri) = uri {
            place.change_client("app", |client| client.backchannel_logout_uri = Some(uri.into())).await;
        }
        let user = place.other_user(&format!("anne{dead}")).await;
        place.granted("app", &place.session(&user, 60).await.1, None).await;
        users::disable(&place.ctx, user.id).await.unwrap();
        send_after(&place, 0).await;
        dead += 1;
        let all = outbox::list(&place.ctx, &PageRequest::first(500), &outbox::Filter::default()).await.unwrap();
        assert_eq!(i64::try_from(all.items.len()).unwrap(), dead);
        let last = &all.items[0];
        assert!(last.state == State::Dead && last.error.as_deref().unwrap().contains(says), "{says}: {last:?}");
        assert_eq!(listener.rest().len(), usize::from(uri.is_none()));
    }
    assert!(elsewhere.rest().is_empty());
}

/// As when an establishment is put back to a day before the application came, or had another address.
#[tokio::test]
async fn an_application_is_told_where_it_was_registered_when_people_were_signed_in_there() {
    let (mut before, mut since) = (Listener::start(&[Answer::Status(503)]).await, Listener::start(&[]).await);
    let (_gateway, place) = quiet().await;
    place.client("app", before.registered()).await;
    let user = place.other_user("anne").await;
    place.granted("app", &place.session(&user, 60).await.1, None).await;
    users::disable(&place.ctx, user.id).await.unwrap();
    let elsewhere = since.uri();
    place.change_client("app", |client| client.backchannel_logout_uri = Some(elsewhere)).await;
    send_after(&place, 0).await;
    assert_eq!(claims(&before.hear().await.token())["sub"], json!(user.id));
    let mut tx = place.ctx.store.begin().await.unwrap();
    client::delete(&mut tx, "app").await.unwrap();
    tx.commit().await.unwrap();
    send_after(&place, 3600).await;
    assert_eq!(claims(&before.hear().await.token())["aud"], json!("app"));
    assert!(since.rest().is_empty());
}

#[tokio::test]
async fn the_receipt_tells_who_confirmed_who_waits_who_is_out_of_reach_and_who_lives_on() {
    let (confirming, failing, refusing) =
        (Listener::start(&[]).await, Listener::start(&[Answer::Status(503)]).await, Listener::start(&[Answer::Status(400)]).await);
    let (_gateway, place) = quiet().await;
    place.client("a-confirms", confirming.registered()).await;
    place.client("b-fails", failing.registered()).await;
    place.client("c-refuses", refusing.registered()).await;
    place.client("d-deaf", |_| {}).await;
    place.client("e-holds-nothing", |_| {}).await;
    let now = place.ctx.now;
    let user = place.other_user("anne").await;
    let (_, session) = place.session(&user, 60).await;
    place.granted("a-confirms", &session, Some(now.plus_s(100))).await;
    place.granted("b-fails", &session, Some(now.plus_s(200))).await;
    place.granted("c-refuses", &session, None).await;
    place.granted("d-deaf", &session, Some(now.plus_s(250))).await;
    place.granted("d-deaf", &session, Some(now.plus_s(300))).await;

    let batch = Uuid::now_v7();
    let announced = logout_notices::announce(&place.ctx).await.unwrap();
    let mut tx = place.ctx.store.begin().await.unwrap();
    logout_notices::for_everyone_in(&mut tx, &place.ctx, batch).await.unwrap();
    grant::revoke_of_user(&mut tx, user.id, now).await.unwrap();
    tx.commit().await.unwrap();
    announced.hurry(&place.ctx).await;

    let shown = async || {
        let receipt = logout_notices::receipt(&place.ctx, batch).await.unwrap();
        assert_eq!(receipt.batch, batch);
        let lines = receipt.applications.into_iter();
        lines.map(|line| (line.client_id, line.outcome, line.until, line.error)).collect::<Vec<_>>()
    };
    let lives_on = ("d-deaf".to_owned(), Outcome::LivesOn, Some(now.plus_s(300)), None);
    assert_eq!(
        shown().await,
        [
            ("a-confirms".to_owned(), Outcome::Waiting, Some(now.plus_s(100)), None),
            ("b-fails".to_owned(), Outcome::Waiting, Some(now.plus_s(200)), None),
            ("c-refuses".to_owned(), Outcome::Waiting, Some(now.plus_s(3600)), None),
            lives_on.clone(),
        ]
    );
    send_after(&place, 0).await;
    assert_eq!(
        shown().await,
        [
            ("a-confirms".to_owned(), Outcome::Confirmed, None, None),
            ("b-fails".to_owned(), Outcome::Waiting, Some(now.plus_s(200)), Some("the application answered 503".to_owned())),
            ("c-refuses".to_owned(), Outcome::Unreachable, Some(now.plus_s(3600)), Some("the application answered 400".to_owned())),
            lives_on.clone(),
        ]
    );
    send_after(&place, 3600).await;
    assert_eq!(shown().await[1], ("b-fails".to_owned(), Outcome::Confirmed, None, None));
    assert!(logout_notices::receipt(&place.ctx, Uuid::now_v7()).await.is_err());
}

#[tokio::test]
async fn everybody_is_told_however_many_they_are() {
    let (_gateway, place) = quiet().await;
    place.client("one", |client| client.backchannel_logout_uri = Some("https://one.example.fr/bye".into())).await;
    place
        .client("two", |client| {
            client.backchannel_logout_uri = Some("https://two.example.fr/bye".into());
            client.backchannel_logout_session_required = true;
        })
        .await;
    let people: Vec<User> = {
        let sample = place.other_user("someone").await;
        (0..1100).map(|at| User { id: passerelle::types::id::UserId::new(), username: format!("person{at}"), ..sample.clone() }).collect()
    };
    let now = place.ctx.now;
    let mut tx = place.ctx.store.begin().await.unwrap();
    passerelle::store::establishment::user::insert_all(&mut tx, &people).await.unwrap();
    for person in &people {
        let session = Session {
            id: passerelle::types::id::SessionId::new(),
            user_id: person.id,
            method: "pwd".into(),
            auth_time: now,
            last_seen_at: now,
            expires_at: now.plus_s(3600),
        };
        passerelle::store::establishment::session::insert(&mut tx, Secret::random("").hash(), &session).await.unwrap();
        for client in ["one", "two", "one"] {
            let given = grant_of(client, &session, now);
            grant::insert_in_session(&mut tx, &given, now).await.unwrap();
        }
    }
    logout_notices::for_everyone_in(&mut tx, &place.ctx, Uuid::now_v7()).await.unwrap();
    tx.commit().await.unwrap();
    for client in ["one", "two"] {
        let filter = outbox::Filter { recipient: Some(client.into()), ..outbox::Filter::default() };
        assert_eq!(outbox::list(&place.ctx, &PageRequest::first(500), &filter).await.unwrap().total, 1100, "{client}");
    }
}
