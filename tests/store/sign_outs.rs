//! Who hears of sign-outs, and the outbox in bulk.

use passerelle::store::establishment::client::Client;
use passerelle::store::establishment::grant::Grant;
use passerelle::store::establishment::logout_listener::{self, Holder, LogoutListener};
use passerelle::store::establishment::outbox::{self, Kind, Outgoing, State, Tally};
use passerelle::store::establishment::session::Session;
use passerelle::store::establishment::{access_token, client, grant, session, user};
use passerelle::types::id::OutboxId;
use uuid::Uuid;

use super::engine::{Bed, on_every_engine};
use super::samples::{self, LATER, NOW, person, token};

fn listening(client_id: &str, session_required: bool) -> Client {
    Client {
        name: format!("Application {client_id}"),
        backchannel_logout_uri: Some("https://app.example.fr/fin".to_owned()),
        backchannel_logout_session_required: session_required,
        ..samples::client(client_id)
    }
}

fn heard(given: &Grant, session_required: bool) -> LogoutListener {
    let client = listening(&given.client_id, session_required);
    LogoutListener {
        user_id: given.user_id,
        client_id: client.client_id,
        sid: given.sid,
        session_required,
        address: client.backchannel_logout_uri.unwrap(),
        algorithm: client.id_token_signed_response_alg,
    }
}

/// Three people with a session each, and clients of every kind that hold grants.
async fn stage(bed: &Bed) -> Vec<Session> {
    let mut people = [person("une"), person("deux"), person("trois")];
    people.sort_by_key(|one| one.id);
    let sessions: Vec<Session> = people.iter().map(samples::session).collect();
    bed.write(async |tx| {
        user::insert_all(tx, &people).await?;
        for one in &sessions {
            session::insert(tx, token(&one.id.to_string()), one).await?;
        }
        client::insert(tx, &listening("a", false)).await?;
        client::insert(tx, &listening("b", true)).await?;
        client::insert(tx, &Client { enabled: false, ..listening("c", false) }).await?;
        client::insert(tx, &Client { backchannel_logout_uri: None, name: "Sourde".to_owned(), ..samples::client("d") }).await
    })
    .await;
    sessions
}

async fn with_grants(bed: &Bed, grants: &[Grant]) {
    bed.write(async |tx| {
        for one in grants {
            assert!(grant::insert_in_session(tx, one, NOW).await?);
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn live_grants_of_listening_clients_are_found_by_session_by_person_and_in_full() {
    on_every_engine(async |bed| {
        assert!(!logout_listener::any(&mut bed.read().await).await.unwrap());
        let sessions = stage(bed).await;
        assert!(logout_listener::any(&mut bed.read().await).await.unwrap());
        let [one, two, three] = [0, 1, 2].map(|at: usize| &sessions[at]);
        let live = [samples::grant("a", one), samples::grant("b", one), samples::grant("a", two), samples::grant("b", three)];
        let silent = [
            samples::grant("a", one),
            samples::grant("c", one),
            samples::grant("d", one),
            Grant { revoked_at: Some(NOW), ..samples::grant("b", two) },
            Grant { expires_at: NOW, ..samples::grant("a", three) },
        ];
        with_grants(bed, &live).await;
        with_grants(bed, &silent).await;
        let expected = [heard(&live[0], false), heard(&live[1], true), heard(&live[2], false), heard(&live[3], true)];
        let mut tx = bed.read().await;
        assert_eq!(logout_listener::list_of_session(&mut tx, one.id, NOW).await.unwrap(), expected[..2]);
        assert_eq!(logout_listener::list_of_user(&mut tx, two.user_id, NOW).await.unwrap(), expected[2..3]);
        assert!(logout_listener::list_of_user(&mut tx, one.user_id, LATER).await.unwrap().is_empty(), "nothing lives any more");
        let (mut last, mut walked) = (LogoutListener::first(), Vec::new());
        loop {
            let page = logout_listener::list(&mut tx, &last, NOW, 3).await.unwrap();
            assert!(page.len() <= 3);
            let Some(end) = page.last() else { break };
            last = end.clone();
            walked.extend(page);
        }
        assert_eq!(walked, expected);
    })
    .await;
}

#[tokio::test]
async fn a_grant_that_changed_its_session_keeps_its_sid_and_lives_as_long_as_that_one() {
    on_every_engine(async |bed| {
        let sessions = stage(bed).await;
        let next = Session { user_id: sessions[0].user_id, expires_at: LATER.plus_s(7200), ..samples::session(&person("x")) };
        bed.write(async |tx| session::insert(tx, token("next"), &next).await).await;
        let (told, deaf) = (samples::grant("a", &sessions[0]), samples::grant("d", &sessions[0]));
        with_grants(bed, &[told.clone(), deaf]).await;
        bed.write(async |tx| grant::move_to_session(tx, sessions[0].id, &next).await).await;
        let found = logout_listener::list_of_session(&mut bed.read().await, next.id, LATER.plus_s(7199)).await.unwrap();
        assert_eq!(found, [heard(&told, false)]);
        let holders = logout_listener::list_holders(&mut bed.read().await, NOW).await.unwrap();
        let until: Vec<_> = holders.iter().map(|one| (one.client_id.as_str(), one.grants_until)).collect();
        assert_eq!(until, [("a", next.expires_at), ("d", LATER)], "only who listens is remembered longer");
    })
    .await;
}

#[tokio::test]
async fn holders_are_listed_with_what_they_hold_longest() {
    on_every_engine(async |bed| {
        let sessions = stage(bed).await;
        let grants = [
            samples::grant("d", &sessions[0]),
            samples::grant("d", &sessions[1]),
            samples::grant("a", &sessions[0]),
            samples::grant("c", &sessions[0]),
        ];
        with_grants(bed, &grants).await;
        bed.write(async |tx| {
            access_token::insert(tx, token("1"), grants[0].id, "openid", NOW.plus_s(60)).await?;
            access_token::insert(tx, token("2"), grants[1].id, "openid", NOW.plus_s(90)).await?;
            access_token::insert(tx, token("3"), grants[2].id, "openid", NOW).await
        })
        .await;
        let holder = |client_id: &str, name: &str, listens, tokens_until| Holder {
            client_id: client_id.to_owned(),
            name: name.to_owned(),
            listens,
            tokens_until,
            grants_until: LATER,
        };
        let expected = [
            holder("a", "Application a", true, None),
            holder("c", "Application c", false, None),
            holder("d", "Sourde", false, Some(NOW.plus_s(90))),
        ];
        assert_eq!(logout_listener::list_holders(&mut bed.read().await, NOW).await.unwrap(), expected);
    })
    .await;
}

#[tokio::test]
async fn many_are_written_at_once_and_a_batch_is_counted_by_recipient() {
    on_every_engine(async |bed| {
        let batch = Uuid::now_v7();
        let row = |recipient: &str, state, error: Option<&str>, batch| Outgoing {
            id: OutboxId::new(),
            kind: Kind::Logout,
            recipient: recipient.to_owned(),
            topic: "signed_out".to_owned(),
            content_sealed: Some(vec![1, 2, 3]),
            batch,
            state,
            attempts: 1,
            due_at: NOW,
            error: error.map(str::to_owned),
            created_at: NOW,
            ended_at: None,
        };
        let mut all: Vec<Outgoing> = (0..1203).map(|_| row("a", State::Waiting, None, Some(batch))).collect();
        all.push(row("a", State::Dead, Some("éteinte"), Some(batch)));
        all.push(row("b", State::Sent, None, Some(batch)));
        all.push(row("b", State::Sent, None, None));
        bed.write(async |tx| outbox::insert_all(tx, &all).await).await;
        let mut tx = bed.read().await;
        assert_eq!(outbox::find(&mut tx, all[1203].id).await.unwrap().as_ref(), Some(&all[1203]));
        let tally = |recipient: &str, state, count, error: Option<&str>| Tally {
            recipient: recipient.to_owned(),
            state,
            count,
            error: error.map(str::to_owned),
        };
        let expected =
            [tally("a", State::Dead, 1, Some("éteinte")), tally("a", State::Waiting, 1203, None), tally("b", State::Sent, 1, None)];
        assert_eq!(outbox::tally(&mut tx, batch).await.unwrap(), expected);
    })
    .await;
}
