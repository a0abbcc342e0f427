//! Requests repeated with the same key are carried out once (draft-ietf-httpapi-idempotency-key-header): a later one gets the first answer.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::context::Context;
use super::error::Error;
use super::vault::Place;
use crate::store::establishment::idempotency_key;
use crate::types::secret::TokenHash;

/// How long an answer is kept, in seconds: a day.
const LIFETIME_S: i64 = 24 * 3600;
/// Longest key, in bytes.
pub const KEY_MAX_BYTES: usize = 255;

/// A key as its sender gave it, bound to whoever sent it and to what was asked.
#[derive(Clone, Debug)]
pub struct Key {
    key: TokenHash,
    request: TokenHash,
}

impl Key {
    /// Reads a key. `route` is method and path, `body` the request's body as it came.
    ///
    /// # Errors
    /// `Invalid` when the key is empty or too long.
    pub fn parse(ctx: &Context, raw: &str, route: &str, body: &[u8]) -> Result<Self, Error> {
        if raw.is_empty() || raw.len() > KEY_MAX_BYTES {
            return Err(Error::invalid("Idempotency-Key", format!("has 1 to {KEY_MAX_BYTES} characters")));
        }
        // Two callers may choose the same key: the caller is part of it.
        let key = TokenHash::of(&format!("{}\n{raw}", ctx.actor.label()));
        let body = BASE64_URL_SAFE_NO_PAD.encode(body);
        Ok(Self { key, request: TokenHash::of(&format!("{route}\n{body}")) })
    }

    fn row(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.key.as_bytes())
    }
}

/// The answer to a request that was carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Headers worth repeating.
    pub headers: Vec<(String, String)>,
    /// The body, which is text in this API.
    pub body: String,
}

/// What to do with a request that brings a key.
#[derive(Debug)]
pub enum Step {
    /// It is the first: carry it out, then [`keep`] or [`release`].
    CarryOut,
    /// It was carried out before: give the same answer.
    Repeat(Answer),
}

/// Looks whether a request is the first with its key.
///
/// # Errors
/// `Conflict` while the first is being carried out, or when how it ended is not known; `Invalid` for another request with the same key.
pub async fn begin(ctx: &Context, key: &Key) -> Result<Step, Error> {
    let mut tx = ctx.store.begin().await?;
    idempotency_key::delete_before(&mut tx, ctx.now.plus_s(-LIFETIME_S)).await?;
    let Some(known) = idempotency_key::find(&mut tx, key.key.as_bytes()).await? else {
        idempotency_key::insert(&mut tx, key.key.as_bytes(), key.request.as_bytes(), ctx.now).await?;
        tx.commit().await?;
        return Ok(Step::CarryOut);
    };
    tx.commit().await?;
    if known.request_hash != key.request.as_bytes() {
        return Err(Error::invalid("Idempotency-Key", "was used for another request: give each request a key of its own"));
    }
    let Some(sealed) = known.answer_sealed else {
        let text = "a request with this Idempotency-Key was begun and has no answer yet: wait; if there is none after a minute, \
             look whether it was carried out and send it again with another key";
        return Err(Error::Conflict(text.to_owned()));
    };
    let opened = ctx.gateway.vault.open_sealed(place(ctx, &key.row()), &sealed);
    let opened = opened.map_err(|e| Error::Internal(format!("a kept answer does not open: {e}")))?;
    let answer =
        serde_json::from_slice(&opened).map_err(|e| Error::Internal(format!("a kept answer does not read, though we wrote it: {e}")))?;
    Ok(Step::Repeat(answer))
}

/// Keeps the answer of a request that was carried out, sealed: it may hold a secret that is shown once.
pub async fn keep(ctx: &Context, key: &Key, answer: &Answer) -> Result<(), Error> {
    let text = serde_json::to_vec(answer).map_err(|e| Error::Internal(format!("an answer made of texts does not serialise: {e}")))?;
    let sealed = ctx.gateway.vault.seal(place(ctx, &key.row()), &text);
    let sealed = sealed.map_err(|e| Error::Internal(format!("an answer was not sealed: {e}")))?;
    let mut tx = ctx.store.begin().await?;
    idempotency_key::set_answer(&mut tx, key.key.as_bytes(), &sealed).await?;
    Ok(tx.commit().await?)
}

/// Forgets a key whose request was refused: it changed nothing and may be sent again, put right.
pub async fn release(ctx: &Context, key: &Key) -> Result<(), Error> {
    let mut tx = ctx.store.begin().await?;
    idempotency_key::delete(&mut tx, key.key.as_bytes()).await?;
    Ok(tx.commit().await?)
}

fn place<'a>(ctx: &'a Context, row: &'a str) -> Place<'a> {
    Place { establishment: ctx.slug(), table: "idempotency_keys", column: "answer_sealed", row }
}
