//! Tests of mail: how letters reach a server, and what each of its answers means for them.

mod access;
mod faults;
mod letters;
mod outbox;
mod security;

use passerelle::config::Mail;
use passerelle::services::mail::{self, Letter, Recipient};
use passerelle::services::mailer::{Mailer, MailerError, Sending};
use passerelle::types::locale::Locale;
use passerelle::types::time::Timestamp;

use crate::harness::mailbox::Mailbox;

/// When the letters of these tests are written: 2026-09-15T08:00:00Z.
const WRITTEN_AT: Timestamp = Timestamp::from_seconds(1_789_459_200);

fn mailer(settings: &Mail) -> Mailer {
    try_mailer(settings).unwrap()
}

fn try_mailer(settings: &Mail) -> Result<Mailer, MailerError> {
    Mailer::open(settings, "https://id.acad-test.fr")
}

fn recipient() -> Recipient {
    Recipient { name: Some("Zoé Lefèvre".to_owned()), email: "zoe.lefevre@acad-test.fr".to_owned(), locale: Locale::Fr }
}

fn letter() -> Letter {
    Letter::EstablishmentCreated {
        establishment: "Lycée Évariste Galois".to_owned(),
        sign_in_url: "https://id.acad-test.fr/e/lycee".to_owned(),
        administrator: "zoe".to_owned(),
        link: "https://id.acad-test.fr/e/lycee/invitation/abc-DEF_123".to_owned(),
        link_expires_at: WRITTEN_AT.plus_s(3600),
    }
}

async fn send_with(settings: &Mail, to: &Recipient, letter: &Letter) -> Sending {
    mail::hand_over(&mailer(settings), "0199-7b", WRITTEN_AT, to, letter).await
}

async fn send(mailbox: &Mailbox) -> Sending {
    send_with(&mailbox.settings(), &recipient(), &letter()).await
}
