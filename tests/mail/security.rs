//! Tests of: how the connection to the server is protected, and signing in to it.

use passerelle::config::{Mail, Security};
use passerelle::services::mailer::Sending;
use passerelle::types::secret::Secret;

use super::{letter, mailer, recipient, send, send_with, try_mailer};
use crate::harness::mailbox::{Mailbox, Setup};

async fn mailbox(security: Security, mechanisms: &'static str) -> Mailbox {
    Mailbox::start_with(Setup { security, mechanisms, ..Setup::default() }).await
}

/// Asserts that nothing was sent, and what the operator reads.
async fn is_told(mailbox: &Mailbox, settings: &Mail, wanted: &[&str]) {
    let checked = mailer(settings).check().await.unwrap().unwrap_err();
    let Sending::Later(waiting) = send_with(settings, &recipient(), &letter()).await else { panic!("the letter does not wait") };
    for text in [checked, waiting] {
        for part in wanted {
            assert!(text.contains(part), "«{part}» is missing from: {text}");
        }
    }
    assert!(mailbox.letters().is_empty());
}

#[tokio::test]
async fn every_way_of_protection_takes_letters() {
    for security in [Security::None, Security::Starttls, Security::Tls] {
        for mechanisms in ["", "PLAIN LOGIN", "LOGIN"] {
            let mailbox = mailbox(security, mechanisms).await;
            let checked = mailer(&mailbox.settings()).check().await.unwrap().unwrap();
            assert!(checked.contains("localhost:") && checked.contains("passerelle") != mechanisms.is_empty(), "{checked}");
            assert!(mailbox.letters().is_empty(), "a check sends nothing");
            assert_eq!(send(&mailbox).await, Sending::Sent, "{security:?} {mechanisms}");
            assert_eq!(mailbox.letters().len(), 1);
        }
    }
}

#[tokio::test]
async fn a_wrong_password_is_told_and_not_shown() {
    let mailbox = mailbox(Security::Starttls, "PLAIN").await;
    let settings = Mail { password: Some(Secret::parse("password", "hunter2".to_owned()).unwrap()), ..mailbox.settings() };
    is_told(&mailbox, &settings, &["refuses the sign-in", "535", "mail.username"]).await;
    let told = mailer(&settings).check().await.unwrap().unwrap_err();
    assert!(!told.contains("hunter2") && !format!("{:?}", mailer(&settings)).contains("hunter2"));
}

#[tokio::test]
async fn a_server_that_wants_a_sign_in_keeps_the_letter_waiting() {
    let mailbox = mailbox(Security::None, "PLAIN").await;
    let settings = Mail { username: String::new(), password: None, ..mailbox.settings() };
    let Sending::Later(why) = send_with(&settings, &recipient(), &letter()).await else { panic!("the letter does not wait") };
    assert!(why.contains("wants a sign-in") && why.contains("mail.username"), "{why}");
}

#[tokio::test]
async fn a_server_that_takes_no_sign_in_is_told() {
    let mailbox = mailbox(Security::None, "").await;
    let password = Some(Secret::parse("password", "x".to_owned()).unwrap());
    is_told(&mailbox, &Mail { username: "a".to_owned(), password, ..mailbox.settings() }, &["neither PLAIN nor LOGIN"]).await;
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_or_not_its_own_is_told() {
    for security in [Security::Starttls, Security::Tls] {
        let strange = mailbox(security, "").await;
        let other = mailbox(security, "").await;
        let settings = Mail { ca_file: other.authority().display().to_string(), ..strange.settings() };
        is_told(&strange, &settings, &["TLS with localhost:", "mail.ca_file"]).await;

        let names = vec!["smtp.elsewhere.fr".to_owned()];
        let elsewhere = Mailbox::start_with(Setup { security, names, ..Setup::default() }).await;
        is_told(&elsewhere, &elsewhere.settings(), &["TLS with localhost:", "mail.host"]).await;
    }
}

#[tokio::test]
async fn no_letter_goes_in_clear_where_starttls_is_wanted() {
    let plain = mailbox(Security::None, "").await;
    let settings = Mail { security: Security::Starttls, ..plain.settings() };
    is_told(&plain, &settings, &["offers no STARTTLS", "mail.security"]).await;
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_told() {
    let gone = mailbox(Security::None, "").await.settings();
    let told = mailer(&gone).check().await.unwrap().unwrap_err();
    assert!(told.contains("cannot be reached") && told.contains("mail.port"), "{told}");
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named_before_anything_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let mailbox = mailbox(Security::Tls, "PLAIN").await;
    let file = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).unwrap();
        folder.path().join(name)
    };
    let with_password = |name: &str, text: &str| Mail { password: None, password_file: Some(file(name, text)), ..mailbox.settings() };
    assert_eq!(send_with(&with_password("right", "sésame ouvre-toi\n"), &recipient(), &letter()).await, Sending::Sent);

    let gone = Mail { ca_file: "/no/such/ca.pem".to_owned(), ..mailbox.settings() };
    let no_password = Mail { password: None, password_file: Some("/no/such/password".into()), ..mailbox.settings() };
    let garbage = Mail { ca_file: file("ca.pem", "garbage").display().to_string(), ..mailbox.settings() };
    for (settings, wanted) in [
        (gone, "mail.ca_file names /no/such/ca.pem"),
        (no_password, "mail.password_file names /no/such/password"),
        (with_password("empty", "\n"), "mail.password_file has a first line"),
        (garbage, "mail.ca_file"),
    ] {
        let told = try_mailer(&settings).unwrap_err().to_string();
        assert!(told.contains(wanted), "{told}");
    }
}

#[tokio::test]
async fn without_a_server_nothing_is_sent_and_nothing_is_wrong() {
    let none = mailer(&Mail::default());
    assert!(!none.is_configured() && none.check().await.is_none());
    assert!(matches!(send_with(&Mail::default(), &recipient(), &letter()).await, Sending::Later(why) if why.contains("mail.host")));
}
