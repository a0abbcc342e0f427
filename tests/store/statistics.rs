//! Figures: counted from what is there.

use passerelle::store::establishment::statistics::{self, Counts, LastSync, RoleCount};
use passerelle::store::establishment::sync_run::{self, Mode, Run, State};
use passerelle::store::establishment::user::{self, User, UserStatus};
use passerelle::store::establishment::{application, assignment, client, session, source};

use super::engine::on_every_engine;
use super::samples::{self, LATER, NOW};

#[tokio::test]
async fn an_empty_store_counts_to_nothing_and_takes_some_room() {
    on_every_engine(async |bed| {
        let mut tx = bed.read().await;
        let none = Counts { pending: 0, active: 0, disabled: 0, signed_in_since: 0, signed_in_ever: 0, sessions: 0, clients: 0 };
        assert_eq!(statistics::get(&mut tx, NOW, NOW).await.unwrap(), none);
        assert_eq!(statistics::list_roles(&mut tx, NOW).await.unwrap(), []);
        assert_eq!(statistics::find_last_sync(&mut tx).await.unwrap(), None);
        let size = statistics::get_size(&mut tx).await.unwrap();
        assert!((10_000..10_000_000).contains(&size), "{size}");
    })
    .await;
}

#[tokio::test]
async fn people_roles_sessions_and_the_last_sync_are_counted() {
    on_every_engine(async |bed| {
        let last_sign_in_at = Some(NOW);
        let recent = User { last_sign_in_at, ..samples::person("recent") };
        let before = samples::person("before");
        let never = User { last_sign_in_at: None, status: UserStatus::Pending, ..samples::person("never") };
        let gone = User { status: UserStatus::Disabled, ..samples::person("gone") };
        let notes = samples::application("notes");
        let feed = samples::source("annuaire");
        let (live, expired) = (samples::session(&recent), samples::session(&before));
        bed.write(async |tx| {
            for person in [&recent, &before, &never, &gone] {
                user::insert(tx, person).await?;
            }
            application::insert(tx, &notes).await?;
            for (person, role) in [(&recent, "chef"), (&recent, "étudiant"), (&before, "étudiant")] {
                assignment::insert_all(tx, &[samples::assignment(person, &notes, role)]).await?;
            }
            client::insert(tx, &samples::client("scodoc")).await?;
            session::insert(tx, samples::token("live"), &live).await?;
            session::insert(tx, samples::token("expired"), &session::Session { expires_at: NOW, ..expired.clone() }).await?;
            source::insert(tx, &feed).await?;
            sync_run::insert(tx, &samples::run(&feed, State::Done)).await?;
            sync_run::insert(tx, &Run { started_at: LATER, ..samples::run(&feed, State::Held) }).await?;
            sync_run::insert(tx, &Run { mode: Mode::Preview, ..samples::run(&feed, State::Failed) }).await
        })
        .await;
        let mut tx = bed.read().await;
        let counts = statistics::get(&mut tx, NOW, NOW).await.unwrap();
        let expected = Counts { pending: 1, active: 2, disabled: 1, signed_in_since: 1, signed_in_ever: 3, sessions: 1, clients: 1 };
        assert_eq!(counts, expected);
        let held = |role: &str, count| RoleCount { application: "notes".to_owned(), role: role.to_owned(), count };
        assert_eq!(statistics::list_roles(&mut tx, NOW).await.unwrap(), [held("chef", 1), held("étudiant", 2)]);
        assert_eq!(statistics::list_roles(&mut tx, LATER).await.unwrap(), [], "they hold until then");
        let last = statistics::find_last_sync(&mut tx).await.unwrap();
        assert_eq!(last, Some(LastSync { at: LATER, state: State::Held }), "a preview is no sync");
    })
    .await;
}
