//! Stores that move between placements: everything goes along, nothing is lost on the way, and what a crash leaves is removed.

use passerelle::services::archives;
use passerelle::services::context::{Actor, Context};
use passerelle::services::error::Error;
use passerelle::services::establishments;
use passerelle::services::login::attempt::Outcome;
use passerelle::services::login::session;
use passerelle::services::tokens;
use passerelle::services::users::{self, NewUser};
use passerelle::store::Address;
use passerelle::types::time::Timestamp;
use sqlx::{AssertSqlSafe, Executor};
use tempfile::TempDir;

use super::school::{School, sign_in, unwatched};
use crate::harness::postgres;

/// Where the school may lie besides: these go with it.
type Elsewhere = (TempDir, postgres::Database, postgres::Server);

/// A school whose installation has two more placements: `files`, a folder, and `base`, a database on a PostgreSQL server of its own.
async fn school() -> (School, Elsewhere) {
    let (folder, server) = (tempfile::tempdir().unwrap(), postgres::Server::start_own());
    let database = server.database();
    let placements = format!("files=sqlite:{} base={}", folder.path().display(), database.url());
    let school = School::start_with(|config| config.store.placements = placements).await;
    (school, (folder, database, server))
}

async fn there(school: &School) -> Context {
    school.test.gateway.establishments.forget(school.ctx.slug());
    school.test.context(school.ctx.slug()).await
}

#[tokio::test]
async fn an_establishment_moves_with_its_sessions_and_tokens_from_engine_to_engine_and_back() {
    let (school, _elsewhere) = school().await;
    let Outcome::SignedIn(cookie) = sign_in(&school.ctx, "elodie").await else { panic!("signed in") };
    let (platform, slug) = (school.test.platform().await, school.ctx.slug());
    let before = users::resolve(&school.ctx, "elodie").await.unwrap();
    for to in ["base", "files", "default"] {
        let moved = archives::relocate(&platform, slug, to, &unwatched()).await.unwrap();
        assert!(moved.to == to && moved.rows > 20, "{moved:?}");
        let ctx = there(&school).await;
        assert_eq!(ctx.establishment.placement, to);
        assert_eq!(users::resolve(&ctx, "elodie").await.unwrap(), before);
        assert!(session::find(&ctx, Some(cookie.expose())).await.unwrap().is_some(), "in {to} sessions go on");
        assert!(tokens::authenticate(&ctx.gateway, school.api_token.expose(), ctx.now).await.unwrap().is_some());
    }
    school.holds(&there(&school).await).await;
}

#[tokio::test]
async fn an_establishment_moves_between_databases_of_one_server_whatever_logins_they_have() {
    let server = postgres::Server::start_own();
    let (one, other) = (server.database(), server.database());
    let mut admin = one.admin().await;
    admin.execute(AssertSqlSafe(format!("CREATE DATABASE second OWNER {} TEMPLATE template0", one.login()))).await.unwrap();
    let second = one.url().replace(&format!("/{}", one.name()), "/second");
    let placements = format!("one={} second={second} other={}", one.url(), other.url());
    let school = School::start_with(|config| config.store.placements = placements).await;
    let (platform, slug) = (school.test.platform().await, school.ctx.slug());
    let role = format!("est_{}%", school.ctx.establishment.id.uuid().simple());
    for to in ["one", "second", "one", "other", "one", "second", "other", "default"] {
        let moved = archives::relocate(&platform, slug, to, &unwatched()).await;
        assert!(moved.is_ok(), "to {to}: {moved:?}");
        assert!(users::resolve(&there(&school).await, "elodie").await.is_ok());
        let look = "SELECT count(*) FROM pg_roles WHERE rolname LIKE $1";
        let roles: i64 = sqlx::query_scalar(look).bind(&role).fetch_one(&mut admin).await.unwrap();
        assert_eq!(roles, i64::from(to != "default"), "in {to}, and no role is left of where it lay");
    }
}

#[tokio::test]
async fn who_writes_meanwhile_is_in_the_new_store_or_was_told() {
    let (school, _elsewhere) = school().await;
    let (platform, slug) = (school.test.platform().await, school.ctx.slug().to_owned());
    let writing = async {
        let mut written = Vec::new();
        for n in 0..40 {
            let name = format!("new-{n}");
            let opened = Context::open(&school.test.gateway, &slug, Actor::System, Timestamp::now()).await;
            if let Ok(ctx) = opened
                && users::create(&ctx, &NewUser { username: name.clone(), ..NewUser::default() }).await.is_ok()
            {
                written.push(name);
            }
        }
        written
    };
    let progress = unwatched();
    let (moved, written) = futures::join!(archives::relocate(&platform, &slug, "base", &progress), writing);
    assert_eq!(moved.unwrap().to, "base");
    let ctx = there(&school).await;
    for name in &written {
        assert!(users::resolve(&ctx, name).await.is_ok(), "{name} was said to be written");
    }
    assert!(!written.is_empty());
}

#[tokio::test]
async fn what_an_interrupted_move_left_is_removed_and_never_taken_for_the_store() {
    let (school, _elsewhere) = school().await;
    let (platform, slug, stores) = (school.test.platform().await, school.ctx.slug(), &school.test.gateway.stores);
    for placement in ["base", "files"] {
        let left = Address { placement: placement.to_owned(), ..Address::from(&*school.ctx.establishment) };
        let half = Context { store: stores.provision(&left).await.unwrap(), ..school.ctx.clone() };
        users::create(&half, &NewUser { username: "ghost".to_owned(), ..NewUser::default() }).await.unwrap();
    }
    archives::relocate(&platform, slug, "base", &unwatched()).await.unwrap();
    let ctx = there(&school).await;
    assert!(matches!(users::resolve(&ctx, "ghost").await, Err(Error::NotFound(_))));
    assert_eq!(archives::relocate(&platform, slug, "base", &unwatched()).await.unwrap().rows, 0);
    let left = Address { placement: "files".to_owned(), ..Address::from(&*ctx.establishment) };
    assert!(stores.establishment(left).await.is_err(), "what lay elsewhere is gone");
    assert!(users::resolve(&there(&school).await, "elodie").await.is_ok());
}

#[tokio::test]
async fn a_deletion_takes_with_it_what_an_interrupted_move_left() {
    let (school, _elsewhere) = school().await;
    let (platform, slug, stores) = (school.test.platform().await, school.ctx.slug(), &school.test.gateway.stores);
    let left = |placement: &str| Address { placement: placement.to_owned(), ..Address::from(&*school.ctx.establishment) };
    for placement in ["base", "files"] {
        stores.provision(left(placement)).await.unwrap();
    }
    establishments::delete(&platform, slug, Some(slug)).await.unwrap();
    for placement in ["base", "files", "default"] {
        let found = stores.establishment(left(placement)).await;
        assert!(matches!(found, Err(passerelle::store::Error::Missing(_))), "{placement}: {found:?}");
    }
}

#[tokio::test]
async fn a_placement_that_is_unknown_or_the_same_place_under_another_name_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let same = format!("one=sqlite:{0} two=sqlite:{0}", folder.path().display());
    let school = School::start_with(|config| config.store.placements = same).await;
    let (platform, slug) = (school.test.platform().await, school.ctx.slug());
    let unknown = archives::relocate(&platform, slug, "nowhere", &unwatched()).await;
    assert!(matches!(unknown, Err(Error::Invalid(_))), "{unknown:?}");
    assert!(matches!(archives::relocate(&platform, "platform", "one", &unwatched()).await, Err(Error::Invalid(_))));
    archives::relocate(&platform, slug, "one", &unwatched()).await.unwrap();
    let refused = archives::relocate(&platform, slug, "two", &unwatched()).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    assert!(users::resolve(&there(&school).await, "elodie").await.is_ok(), "it is not taken for its own leftover");
}
