//! Notices to applications that someone signed out (OpenID Connect Back-Channel Logout 1.0): written into the outbox in the transaction that
//! ends the sessions, sent afterwards, and told in a receipt. Ends no session itself.

mod receipt;
mod send;

pub use receipt::{Outcome, Receipt, ReceiptLine, receipt};
pub use send::send;

use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::context::Context;
use super::error::Error;
use super::outbox::{self, Kind, New};
use super::provisioning_bell;
use crate::store::Tx;
use crate::store::establishment::client::SigningAlgorithm;
use crate::store::establishment::logout_listener::{self, LogoutListener};
use crate::types::id::{ApplicationId, SessionId, UserId};

/// What a notice is about, as the outbox lists it.
const TOPIC: &str = "signed_out";
/// Listeners read at a time when everybody is signed out.
const PAGE: i64 = 2000;

/// What a notice says: the person, and the session when one of theirs ended or the application wants to know which. And to where, as the
/// application was registered when they were signed in there: it is told even if clients are put back to an earlier state meanwhile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Notice {
    sub: UserId,
    sid: Option<SessionId>,
    address: String,
    algorithm: SigningAlgorithm,
}

/// That there may be notices to send, said before the transaction that writes them.
#[derive(Debug)]
#[must_use = "hurry it after the commit, or what was written waits for minutes"]
pub struct Announced(Option<outbox::Announced>);

/// Announces notices before the transaction that ends sessions begins. Costs a reading where no application hears of sign-outs.
///
/// # Errors
/// When a store fails; then no session must be ended either.
pub async fn announce(ctx: &Context) -> Result<Announced, Error> {
    announce_also(ctx, false).await
}

/// The same where letters may be written beside the notices, which is known already.
///
/// # Errors
/// As for [`announce`].
pub async fn announce_also(ctx: &Context, letters: bool) -> Result<Announced, Error> {
    let heard = letters || logout_listener::any(&mut ctx.store.read().await?).await?;
    Ok(Announced(if heard { Some(outbox::announce(ctx).await?) } else { None }))
}

impl Announced {
    /// Has the notices sent now. To be called after the commit; when it fails, they are sent a little later.
    pub async fn hurry(self, ctx: &Context) {
        provisioning_bell::ring(ctx).await;
        let announced = match self.0 {
            Some(announced) => Ok(Announced(Some(announced))),
            // An application may have begun to listen meanwhile.
            None => announce(ctx).await,
        };
        match announced {
            Ok(Self(Some(announced))) => announced.hurry(ctx).await,
            Ok(Self(None)) => {}
            Err(error) => tracing::warn!(establishment = ctx.slug(), %error, "notices of sign-outs wait for the next ones"),
        }
    }
}

/// Tells whoever holds grants of a person. To be called before these are revoked, in that transaction.
pub async fn for_user_in(tx: &mut Tx, ctx: &Context, user: UserId, batch: Option<Uuid>) -> Result<(), Error> {
    let heard = logout_listener::list_of_user(tx, user, ctx.now).await?;
    put_in(tx, ctx, &notices_of_everywhere(&heard, None, batch)).await
}

/// Tells an application's clients that some people are to sign in anew there: all of them, or only those that want a role. To be called
/// before their grants are revoked, in that transaction.
pub async fn at_application_in(
    tx: &mut Tx,
    ctx: &Context,
    users: &[UserId],
    application: ApplicationId,
    only_requiring: bool,
) -> Result<(), Error> {
    let heard = logout_listener::list_at_application(tx, users, application, only_requiring, ctx.now).await?;
    put_in(tx, ctx, &notices_of_everywhere(&heard, None, None)).await
}

/// Tells whoever holds grants of one session. To be called before these are revoked, in that transaction.
pub async fn for_session_in(tx: &mut Tx, ctx: &Context, session: SessionId, batch: Option<Uuid>) -> Result<(), Error> {
    let heard = logout_listener::list_of_session(tx, session, ctx.now).await?;
    let notices: Vec<New> = heard.iter().map(|one| notice(one, Some(one.sid), batch)).collect();
    put_in(tx, ctx, &notices).await
}

/// Tells whoever holds grants of anybody, and writes down for the receipt who holds some. To be called before these are revoked, in that
/// transaction.
pub async fn for_everyone_in(tx: &mut Tx, ctx: &Context, batch: Uuid) -> Result<(), Error> {
    receipt::record_in(tx, ctx, batch).await?;
    let mut last = LogoutListener::first();
    loop {
        let heard = logout_listener::list(tx, &last, ctx.now, PAGE).await?;
        put_in(tx, ctx, &notices_of_everywhere(&heard, Some(&last), Some(batch))).await?;
        match heard.into_iter().next_back() {
            Some(read) => last = read,
            None => return Ok(()),
        }
    }
}

/// One notice a person and client, which ends all their sessions there; one a session where the client wants to know which (§2.4).
fn notices_of_everywhere(heard: &[LogoutListener], before: Option<&LogoutListener>, batch: Option<Uuid>) -> Vec<New> {
    let mut told = before;
    let mut notices = Vec::new();
    for one in heard {
        let again = told.is_some_and(|told| told.user_id == one.user_id && told.client_id == one.client_id);
        if one.session_required || !again {
            notices.push(notice(one, one.session_required.then_some(one.sid), batch));
        }
        told = Some(one);
    }
    notices
}

fn notice(to: &LogoutListener, sid: Option<SessionId>, batch: Option<Uuid>) -> New {
    New {
        kind: Kind::Logout,
        recipient: to.client_id.clone(),
        topic: TOPIC.to_owned(),
        content: json!(Notice { sub: to.user_id, sid, address: to.address.clone(), algorithm: to.algorithm }),
        batch,
    }
}

async fn put_in(tx: &mut Tx, ctx: &Context, notices: &[New]) -> Result<(), Error> {
    if notices.is_empty() { Ok(()) } else { outbox::put_all_in(tx, ctx, notices).await }
}
