//! A letter as it travels (RFC 5322, RFC 2045): plain text, the same bytes at each attempt.

use std::time::{Duration, UNIX_EPOCH};

use lettre::Message;
use lettre::message::Mailbox;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};

use super::letter::{Letter, Recipient};
use crate::services::mailer::{Mailer, address};
use crate::types::time::Timestamp;

/// RFC 3834 §5: out-of-office programs do not answer it.
#[derive(Clone, Copy, Debug)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// Puts a letter together. `id` and `written_at` are those of its row, so that an attempt after another gives the same letter, and a mailbox
/// that got it twice shows it once.
///
/// # Errors
/// Why it can never be sent.
pub(super) fn compose(mailer: &Mailer, id: &str, written_at: Timestamp, to: &Recipient, letter: &Letter) -> Result<Message, String> {
    let Some((from, reply_to)) = mailer.sender() else { return Err("no server takes mail: set mail.host".to_owned()) };
    let email = address(&to.email).ok_or("this is an address that SMTP does not carry")?;
    let name = to.name.as_ref().map(|name| name.chars().filter(|c| !c.is_control()).collect());
    let seconds = u64::try_from(written_at.seconds()).unwrap_or_default();
    let mut message = Message::builder()
        .from(from.clone())
        .to(Mailbox::new(name, email))
        .subject(letter.subject(to.locale))
        .date(UNIX_EPOCH + Duration::from_secs(seconds))
        .message_id(Some(format!("<{id}@{}>", from.email.domain())))
        .header(ContentType::TEXT_PLAIN)
        .header(AutoSubmitted);
    if let Some(reply_to) = reply_to {
        message = message.reply_to(reply_to.clone());
    }
    message.body(letter.text(to)).map_err(|error| format!("the letter cannot be put together: {error}"))
}
