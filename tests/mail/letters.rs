//! Tests of: what a letter says when it arrives.

use passerelle::config::Mail;
use passerelle::services::mail::{Letter, Recipient};
use passerelle::services::mailer::Sending;
use passerelle::types::locale::Locale;

use super::{letter, recipient, send, send_with};
use crate::harness::mailbox::{Mailbox, Setup};

#[tokio::test]
async fn a_french_letter_arrives_with_its_accents() {
    let mailbox = Mailbox::start().await;
    assert_eq!(send(&mailbox).await, Sending::Sent);
    let [arrived] = &mailbox.letters()[..] else { panic!("one letter, and not {}", mailbox.letters().len()) };
    assert_eq!(arrived.to, ["zoe.lefevre@acad-test.fr"]);
    assert_eq!(arrived.header("subject"), "Lycée Évariste Galois est ouvert : choisissez votre mot de passe");
    assert_eq!(arrived.header("from"), "Académie d’essai <noreply@acad-test.fr>");
    assert_eq!(arrived.header("to"), "Zoé Lefèvre <zoe.lefevre@acad-test.fr>");
    assert_eq!(arrived.header("message-id"), "<0199-7b@acad-test.fr>");
    assert_eq!(arrived.header("date"), "Tue, 15 Sep 2026 08:00:00 +0000");
    assert_eq!(arrived.header("auto-submitted"), "auto-generated");
    assert_eq!(arrived.header("content-type"), "text/plain; charset=utf-8");
    assert!(arrived.text.starts_with("Bonjour Zoé Lefèvre,\n\nL’établissement « Lycée Évariste Galois » est ouvert"), "{}", arrived.text);
    assert!(arrived.text.contains("jusqu’au 15 septembre 2026 à 09:00 (UTC)"), "{}", arrived.text);
    assert!(arrived.text.lines().any(|line| line == "https://id.acad-test.fr/e/lycee/invitation/abc-DEF_123"), "{}", arrived.text);
}

#[tokio::test]
async fn an_english_reader_gets_english() {
    let mailbox = Mailbox::start().await;
    send_with(&mailbox.settings(), &Recipient { locale: Locale::En, name: None, ..recipient() }, &letter()).await;
    let arrived = &mailbox.letters()[0];
    assert_eq!(arrived.header("subject"), "Lycée Évariste Galois is open: choose your password");
    assert!(arrived.text.starts_with("Hello,\n\nThe establishment “Lycée Évariste Galois”"), "{}", arrived.text);
}

/// SCO-31: the reply address is a setting.
#[tokio::test]
async fn answers_go_to_the_address_of_the_settings() {
    let mailbox = Mailbox::start().await;
    send(&mailbox).await;
    let settings = Mail { reply_to: "Équipe <equipe@acad-test.fr>".to_owned(), ..mailbox.settings() };
    send_with(&settings, &recipient(), &letter()).await;
    let letters = mailbox.letters();
    assert_eq!((letters[0].header("reply-to"), letters[1].header("reply-to")), ("", "Équipe <equipe@acad-test.fr>"));
}

#[tokio::test]
async fn nothing_put_into_a_letter_adds_a_header_or_a_recipient() {
    let mailbox = Mailbox::start().await;
    let hostile =
        Letter::Written { subject: "A\r\nBcc: spy@example.fr\r\n\r\nB".to_owned(), body: ".\r\nMAIL FROM:<x@y.fr>\r\n".to_owned() };
    let to = Recipient { name: Some("Zoé\r\nBcc: spy@example.fr".to_owned()), ..recipient() };
    assert_eq!(send_with(&mailbox.settings(), &to, &hostile).await, Sending::Sent);
    let [arrived] = &mailbox.letters()[..] else { panic!("one letter") };
    assert_eq!(arrived.header("bcc"), "");
    assert_eq!(arrived.to, ["zoe.lefevre@acad-test.fr"]);
    assert_eq!(arrived.text, ".\nMAIL FROM:<x@y.fr>");
}

#[tokio::test]
async fn addresses_with_accents_go_where_they_can() {
    let mailbox = Mailbox::start().await;
    let domain = Recipient { email: "zoe@école.fr".to_owned(), ..recipient() };
    assert_eq!(send_with(&mailbox.settings(), &domain, &letter()).await, Sending::Sent);
    assert_eq!(mailbox.letters()[0].to, ["zoe@xn--cole-9oa.fr"]);

    let person = Recipient { email: "zoé@acad-test.fr".to_owned(), ..recipient() };
    assert_eq!(send_with(&mailbox.settings(), &person, &letter()).await, Sending::Sent);
    let plain = Mailbox::start_with(Setup { extensions: &[], ..Setup::default() }).await;
    assert!(matches!(send_with(&plain.settings(), &person, &letter()).await, Sending::Refused(why) if why.contains("accents")));
    assert!(plain.letters().is_empty());
}
