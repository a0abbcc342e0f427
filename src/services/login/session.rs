//! Sessions of people's browsers: begun by a proof, found by cookie, ended. A cookie's value is never kept, and never used twice.

use serde_json::json;

use crate::services::audit;
use crate::services::context::{Actor, Context};
use crate::services::error::Error;
use crate::services::logout_notices;
use crate::store::Tx;
use crate::store::establishment::grant;
use crate::store::establishment::session::{self, Session};
use crate::store::establishment::user::{User, UserStatus};
use crate::types::id::SessionId;
use crate::types::secret::{Secret, TokenHash};
use crate::types::time::Timestamp;

/// A use is noted when the last note is older than this, so that reading a session seldom writes.
const TOUCH_AFTER_S: i64 = 60;

/// A living session of someone who may sign in.
#[derive(Clone, Debug)]
pub struct Live {
    /// The session.
    pub session: Session,
    /// The person.
    pub user: User,
}

/// The living session of a cookie. Someone disabled has none, and nobody has one in an establishment that is blocked.
pub async fn find_in(tx: &mut Tx, ctx: &Context, cookie: Option<&str>) -> Result<Option<Live>, Error> {
    let Some(cookie) = cookie.filter(|_| ctx.is_open()) else { return Ok(None) };
    let idle_since = ctx.now.plus_s(-i64::from(ctx.gateway.limits.session_idle_s));
    let found = session::find_live_with_user(tx, TokenHash::of(cookie), ctx.now, idle_since).await?;
    Ok(found.filter(|(_, person)| person.status == UserStatus::Active).map(|(session, user)| Live { session, user }))
}

/// The same, on a connection of its own.
pub async fn find(ctx: &Context, cookie: Option<&str>) -> Result<Option<Live>, Error> {
    if cookie.is_none() {
        return Ok(None);
    }
    let mut tx = ctx.store.read().await?;
    find_in(&mut tx, ctx, cookie).await
}

/// The session of a cookie, whatever became of its person: what a sign-in in the same browser replaces.
pub(super) async fn find_any_in(tx: &mut Tx, ctx: &Context, cookie: Option<&str>) -> Result<Option<Session>, Error> {
    let Some(cookie) = cookie else { return Ok(None) };
    Ok(session::find_live(tx, TokenHash::of(cookie), ctx.now, Timestamp::default()).await?)
}

/// Notes that a session was used.
pub async fn touch_in(tx: &mut Tx, ctx: &Context, session: &Session) -> Result<(), Error> {
    if ctx.now.seconds().saturating_sub(session.last_seen_at.seconds()) > TOUCH_AFTER_S {
        session::touch(tx, session.id, ctx.now).await?;
    }
    Ok(())
}

/// Begins a session, with a new identifier and a new cookie whatever was there before (SECURITY 3, 4). The session it replaces in this
/// browser ends: the same person's grants go over to the new one, another person's are revoked. The caller announces notices around it.
pub(super) async fn begin_in(tx: &mut Tx, ctx: &Context, person: &User, replaced: Option<&Session>) -> Result<(Secret, Session), Error> {
    let cookie = Secret::random("");
    let begun = Session {
        id: SessionId::new(),
        user_id: person.id,
        method: "pwd".to_owned(),
        auth_time: ctx.now,
        last_seen_at: ctx.now,
        expires_at: ctx.now.plus_s(i64::from(ctx.gateway.limits.session_lifetime_s)),
    };
    session::insert(tx, cookie.hash(), &begun).await?;
    if let Some(replaced) = replaced {
        session::delete(tx, replaced.id).await?;
        if replaced.user_id == person.id {
            grant::move_to_session(tx, replaced.id, &begun).await?;
        } else {
            logout_notices::for_session_in(tx, ctx, replaced.id, None).await?;
            grant::revoke_of_session(tx, replaced.id, ctx.now).await?;
        }
    }
    Ok((cookie, begun))
}

/// Ends a session: the grants given in it are revoked in the same transaction, and who holds them hears of it.
pub async fn end(ctx: &Context, live: &Live) -> Result<(), Error> {
    let notices = logout_notices::announce(ctx).await?;
    let mut tx = ctx.store.begin().await?;
    logout_notices::for_session_in(&mut tx, ctx, live.session.id, None).await?;
    session::delete(&mut tx, live.session.id).await?;
    grant::revoke_of_session(&mut tx, live.session.id, ctx.now).await?;
    let id = live.user.id.to_string();
    let acting = Context { actor: Actor::User { id: live.user.id, roles: Vec::new() }, ..ctx.clone() };
    audit::record_in(&mut tx, &acting, "session.ended", ("user", &id), json!({ "session": live.session.id.to_string() })).await?;
    tx.commit().await?;
    notices.hurry(ctx).await;
    Ok(())
}
