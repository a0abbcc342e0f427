//! What goes into an archive comes out of it: in place, under another slug, in another installation, and while people go on signing in.

use passerelle::services::archives::{self, Notice};
use passerelle::services::context::{Actor, Context};
use passerelle::services::error::Error;
use passerelle::services::tokens;
use passerelle::services::users::{self, NewUser};
use passerelle::store::establishment::user::UserStatus;
use passerelle::store::registry::establishment::EstablishmentStatus;

use super::school::{School, key_pair, save, sign_in, unwatched};
use crate::harness::gateway::TestGateway;

#[tokio::test]
async fn a_copy_under_another_slug_is_whole_and_answers_no_token_of_the_original() {
    let school = School::start().await;
    let (lock, key) = key_pair();
    let file = school.save("galois.age", &lock).await;
    let platform = school.test.platform().await;
    let made = archives::import(&platform, &file, &key, Some("copie"), &unwatched()).await.unwrap();
    assert_eq!((made.establishment.slug.as_str(), made.establishment.status), ("copie", EstablishmentStatus::Active));
    assert!(made.notices.contains(&Notice::NumberTaken { number: school.ctx.establishment.number }), "{:?}", made.notices);
    assert!(made.notices.contains(&Notice::TokensDropped { count: 1 }), "{:?}", made.notices);
    let copy = school.test.context("copie").await;
    school.lives_on_in(&copy).await;
    let page = passerelle::types::page::PageRequest::parse(None, None, None).unwrap();
    assert_eq!(tokens::list(&copy, &page, &passerelle::store::establishment::api_token::Filter::default()).await.unwrap().total, 0);
    // What happens in one is not seen in the other.
    users::disable(&copy, users::resolve(&copy, "zoe").await.unwrap().id).await.unwrap();
    assert_eq!(users::resolve(&school.ctx, "zoe").await.unwrap().status, UserStatus::Active);
    let again = archives::import(&platform, &file, &key, Some("copie"), &unwatched()).await;
    assert!(matches!(again, Err(Error::Conflict(_))), "{again:?}");
}

#[tokio::test]
async fn another_installation_takes_it_in_under_its_own_key_with_its_tokens() {
    let (school, elsewhere) = (School::start().await, TestGateway::start().await);
    let (lock, key) = key_pair();
    let file = school.save("galois.age", &lock).await;
    let made = archives::import(&elsewhere.platform().await, &file, &key, None, &unwatched()).await.unwrap();
    assert_eq!((made.establishment.slug.as_str(), made.notices.as_slice()), (school.ctx.slug(), [].as_slice()));
    school.lives_on_in(&elsewhere.context(school.ctx.slug()).await).await;
    let caller = tokens::authenticate(&elsewhere.gateway, school.api_token.expose(), school.ctx.now).await.unwrap();
    assert!(caller.is_some(), "an establishment that moved keeps its tokens");
}

#[tokio::test]
async fn put_back_in_place_everything_is_as_it_was_and_everyone_signs_in_again() {
    let school = School::start().await;
    let (lock, key) = key_pair();
    let file = school.save("galois.age", &lock).await;
    let Outcome::SignedIn(cookie) = sign_in(&school.ctx, "elodie").await else { panic!("signed in") };
    users::create(&school.ctx, &NewUser { username: "later".to_owned(), ..NewUser::default() }).await.unwrap();
    let zoe = users::resolve(&school.ctx, "zoe").await.unwrap();
    users::delete(&school.ctx, zoe.id).await.unwrap();
    let events = trail(&school.ctx, "user.deleted").await;
    let back = archives::restore(&school.ctx, &file, &key, &unwatched()).await.unwrap();
    assert_eq!(back.archived_at, school.ctx.now);
    assert_eq!(users::resolve(&school.ctx, "zoe").await.unwrap(), zoe);
    assert!(matches!(users::resolve(&school.ctx, "later").await, Err(Error::NotFound(_))));
    assert!(session::find(&school.ctx, Some(cookie.expose())).await.unwrap().is_none(), "sessions ended");
    assert_eq!(trail(&school.ctx, "user.deleted").await, events, "what was done since stays in the trail");
    assert_eq!(trail(&school.ctx, "establishment.restored").await, 1);
    school.lives_on_in(&school.ctx).await;
}

#[tokio::test]
async fn a_rehearsal_compares_every_table_and_changes_nothing() {
    let school = School::start().await;
    let (lock, key) = key_pair();
    let file = school.save("galois.age", &lock).await;
    users::create(&school.ctx, &NewUser { username: "later".to_owned(), ..NewUser::default() }).await.unwrap();
    let platform = school.test.platform().await;
    for ctx in [&school.ctx, platform.context()] {
        let found = archives::rehearse(ctx, &file, &key, &unwatched()).await.unwrap();
        assert!(found.whole, "{found:?}");
        let people = found.tables.iter().find(|table| table.name == "users").unwrap();
        assert_eq!((people.archived, people.restored), (4, 4));
    }
    assert!(users::resolve(&school.ctx, "later").await.is_ok());
    let open = school.ctx.gateway.stores.opened();
    assert!(open.iter().all(|(slug, _)| !slug.starts_with("scratch-")), "its store is gone: {open:?}");
}

#[tokio::test]
async fn people_sign_in_while_it_is_written_and_every_archive_is_of_one_moment() {
    let school = School::start().await;
    let (lock, key) = key_pair();
    let files: Vec<_> = (0..3).map(|n| school.file(&format!("{n}.age"))).collect();
    let writing = async {
        for file in &files {
            save(&school.ctx, &lock, file).await;
        }
    };
    let working = async {
        for n in 0..8 {
            assert!(matches!(sign_in(&school.ctx, "elodie").await, Outcome::SignedIn(_)));
            users::create(&school.ctx, &NewUser { username: format!("new-{n}"), ..NewUser::default() }).await.unwrap();
        }
    };
    futures::join!(writing, working);
    for file in &files {
        let found = archives::rehearse(&school.ctx, file, &key, &unwatched()).await.unwrap();
        assert!(found.whole, "{found:?}");
    }
}

#[tokio::test]
async fn a_run_that_nobody_carries_on_is_ended() {
    use passerelle::store::establishment::source;
    use passerelle::store::establishment::sync_run::{self, State};
    let school = School::start().await;
    let (lock, key) = key_pair();
    let feed = source::find_by_name(&mut school.ctx.store.read().await.unwrap(), "annuaire").await.unwrap().unwrap();
    let run = crate::store::samples::run(&feed, State::Running);
    let mut tx = school.ctx.store.begin().await.unwrap();
    sync_run::insert(&mut tx, &run).await.unwrap();
    tx.commit().await.unwrap();
    let file = school.save("galois.age", &lock).await;
    archives::restore(&school.ctx, &file, &key, &unwatched()).await.unwrap();
    let found = sync_run::find(&mut school.ctx.store.read().await.unwrap(), run.id).await.unwrap().unwrap();
    assert_eq!(found.state, State::Failed);
}

#[tokio::test]
async fn the_platform_is_saved_and_put_back_like_any_other() {
    let test = TestGateway::start().await;
    let platform = test.platform().await;
    let ctx = platform.context();
    let folder = tempfile::tempdir().unwrap();
    let (lock, key) = key_pair();
    let new = NewUser { username: "oper".to_owned(), ..NewUser::default() };
    passerelle::services::establishments::create_operator(&platform, &new).await.unwrap();
    let file = save(ctx, &lock, &folder.path().join("platform.age")).await.path;
    users::delete(ctx, users::resolve(ctx, "oper").await.unwrap().id).await.unwrap();
    archives::restore(ctx, &file, &key, &unwatched()).await.unwrap();
    assert!(users::resolve(ctx, "oper").await.is_ok());
    let refused = archives::import(&platform, &file, &key, Some("autre"), &unwatched()).await;
    assert!(matches!(refused, Err(Error::Archive { reason: "archive-unfit", .. })), "{refused:?}");
    let ctx = Context { actor: Actor::Anonymous, ..ctx.clone() };
    assert!(matches!(archives::restore(&ctx, &file, &key, &unwatched()).await, Err(Error::Unauthenticated)));
}

use passerelle::services::login::attempt::Outcome;
use passerelle::services::login::session;

async fn trail(ctx: &Context, action: &str) -> i64 {
    let wanted = passerelle::types::page::PageRequest::parse(None, None, None).unwrap();
    let filter = passerelle::store::establishment::audit_event::Filter { action: Some(action.to_owned()), ..Default::default() };
    passerelle::services::audit::list(ctx, &wanted, &filter).await.unwrap().total
}
