//! Tests of: what goes wrong at each step, and whether the letter waits, is dead, or may have arrived.

use passerelle::config::Mail;
use passerelle::services::mailer::Sending;

use super::{letter, recipient, send, send_with};
use crate::harness::mailbox::{At, Fault, Mailbox, Setup};

/// How the letter fares after one fault, without words.
fn kind(sending: &Sending) -> &'static str {
    match sending {
        Sending::Sent => "sent",
        Sending::Later(_) => "later",
        Sending::Refused(_) => "refused",
        Sending::Uncertain(_) => "uncertain",
    }
}

#[tokio::test]
async fn each_answer_at_each_step_has_its_meaning() {
    let mailbox = Mailbox::start_with(Setup { mechanisms: "PLAIN", ..Setup::default() }).await;
    for (fault, wanted) in [
        (Fault::Answer(At::Connect, "554 no letters here"), "later"),
        (Fault::Close(At::Connect), "later"),
        (Fault::Answer(At::Ehlo, "550 not you"), "later"),
        (Fault::Answer(At::SignIn, "454 not now"), "later"),
        (Fault::Answer(At::SignIn, "535 not you"), "later"),
        (Fault::Answer(At::Sender, "451 not now"), "later"),
        (Fault::Answer(At::Sender, "550 not from there"), "refused"),
        (Fault::Answer(At::Recipient, "450 mailbox busy"), "later"),
        (Fault::Answer(At::Recipient, "550 5.1.1 no such person"), "refused"),
        (Fault::Answer(At::Announcement, "421 going away"), "later"),
        (Fault::Answer(At::Announcement, "554 no"), "refused"),
        (Fault::Close(At::Recipient), "later"),
        (Fault::Close(At::Announcement), "later"),
        (Fault::Answer(At::Letter, "451 disk full"), "later"),
        (Fault::Answer(At::Letter, "554 looks like spam"), "refused"),
    ] {
        mailbox.will(&[fault]);
        let fared = send(&mailbox).await;
        assert_eq!(kind(&fared), wanted, "{fault:?}: {fared:?}");
        assert!(mailbox.letters().is_empty(), "{fault:?}");
    }
    assert_eq!(send(&mailbox).await, Sending::Sent);
    assert_eq!(mailbox.letters().len(), 1);
}

#[tokio::test]
async fn broken_off_after_the_last_dot_nobody_can_tell() {
    let mailbox = Mailbox::start().await;
    mailbox.will(&[Fault::Close(At::Letter), Fault::Answer(At::Letter, "what was that")]);
    let Sending::Uncertain(why) = send(&mailbox).await else { panic!("it may have arrived") };
    assert!(why.contains("broke off") && why.contains("ask the recipient"), "{why}");
    assert_eq!(mailbox.letters().len(), 1, "and it has");
    assert!(matches!(send(&mailbox).await, Sending::Uncertain(_)), "an answer that is none tells nothing");
}

#[tokio::test]
async fn a_server_that_falls_silent_is_waited_for_so_long_and_no_longer() {
    let mailbox = Mailbox::start().await;
    let settings = Mail { timeout_s: 1, ..mailbox.settings() };
    mailbox.will(&[Fault::Silence(At::Recipient), Fault::Silence(At::Letter)]);
    let Sending::Later(why) = send_with(&settings, &recipient(), &letter()).await else { panic!("it has nothing yet") };
    assert!(why.contains("stopped answering"), "{why}");
    let Sending::Uncertain(why) = send_with(&settings, &recipient(), &letter()).await else { panic!("it may have it") };
    assert!(why.contains("did not say in time"), "{why}");
}

#[tokio::test]
async fn what_a_server_says_is_kept_without_addresses() {
    let mailbox = Mailbox::start().await;
    mailbox.will(&[Fault::Answer(At::Recipient, "550 5.1.1 <zoe.lefevre@acad-test.fr> unknown here")]);
    let Sending::Refused(why) = send(&mailbox).await else { panic!("it is refused") };
    assert!(why.contains("550 5.1.1") && why.contains("unknown here") && !why.contains("zoe"), "{why}");
}
