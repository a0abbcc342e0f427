//! Letters to people: written into the outbox in the transaction of their cause, and handed to the server from there.

mod compose;
mod letter;

pub use letter::{Letter, Recipient};

use super::mailer::{Mailer, Sending};
use crate::types::time::Timestamp;

/// Hands a letter to the server, once. `id` and `written_at` make the same letter of it at each attempt.
pub async fn hand_over(mailer: &Mailer, id: &str, written_at: Timestamp, to: &Recipient, letter: &Letter) -> Sending {
    match compose::compose(mailer, id, written_at, to, letter) {
        Ok(message) => mailer.send(&message).await,
        Err(reason) if !mailer.is_configured() => Sending::Later(reason),
        Err(reason) => Sending::Refused(reason),
    }
}
