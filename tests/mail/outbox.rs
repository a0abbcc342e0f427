//! Tests of: letters from the outbox, tried again, dead, and never sent twice.

use passerelle::services::context::{Actor, Context, PlatformContext};
use passerelle::services::establishments::{self, Created, NewContact, NewEstablishment};
use passerelle::services::outbox::{self, Filter, Outgoing, State};
use passerelle::services::{jobs, mail, users};
use passerelle::store::establishment::user::UserStatus;
use passerelle::types::locale::Locale;
use passerelle::types::page::PageRequest;
use passerelle::types::time::Timestamp;

use super::recipient;
use crate::harness::gateway::{PASSWORD, TestGateway, secret};
use crate::harness::mailbox::{At, Fault, Mailbox};

const DAY_S: i64 = 24 * 3600;

/// A gateway that sends to a mailbox.
async fn start(mailbox: &Mailbox) -> TestGateway {
    let settings = mailbox.settings();
    TestGateway::start_with(|config| config.mail = settings).await
}

fn new(send_mail: Option<bool>) -> NewEstablishment {
    let (family_name, given_name) = (Some("Lefèvre".to_owned()), Some("Zoé".to_owned()));
    let contact = NewContact { family_name, given_name, email: Some("zoe.lefevre@acad-test.fr".to_owned()) };
    NewEstablishment { name: "Collège Évariste".to_owned(), contact, send_mail, ..NewEstablishment::default() }
}

/// An establishment whose contact is written to, and a context in it.
async fn establishment(test: &TestGateway) -> (Created, Context) {
    let made = establishments::create(&test.platform().await, &new(None)).await.unwrap();
    let ctx = test.context(&made.establishment.slug).await;
    (made, ctx)
}

/// Does what is due so many seconds from now, and answers the letters of an establishment.
async fn work(test: &TestGateway, slug: &str, in_s: i64) -> Vec<Outgoing> {
    let now = Timestamp::now().plus_s(in_s);
    jobs::run_due(&test.gateway, now).await.unwrap();
    outbox::list(&test.context(slug).await, &PageRequest::first(50), &Filter::default()).await.unwrap().items
}

/// SAC-9, SAC-10: the contact gets the addresses and the first administrator's access, here as a one-time link.
#[tokio::test]
async fn a_new_establishments_contact_gets_the_administrators_link() {
    let mailbox = Mailbox::start().await;
    let test = start(&mailbox).await;
    let (made, ctx) = establishment(&test).await;
    assert!(made.link.is_none(), "the link goes to the contact only");
    assert_eq!(made.mailed_to.as_deref(), Some("zoe.lefevre@acad-test.fr"));
    assert!(mailbox.letters().is_empty(), "nothing waits on the network while it is made");

    let rows = work(&test, ctx.slug(), 0).await;
    assert_eq!((rows.len(), rows[0].state, rows[0].topic.as_str()), (1, State::Sent, "establishment_created"));
    assert!(rows[0].content_sealed.is_none(), "the link is gone once it is sent");
    let letters = mailbox.letters();
    assert_eq!(letters[0].header("to"), "Zoé Lefèvre <zoe.lefevre@acad-test.fr>");
    assert_eq!(letters[0].header("subject"), "Collège Évariste est ouvert : choisissez votre mot de passe");
    let link = letters[0].text.lines().find(|line| line.contains("/invitation/")).unwrap();
    assert!(link.starts_with(&format!("{}/invitation/", ctx.issuer())));
    let token = link.rsplit('/').next().unwrap();
    let person = passerelle::services::links::choose_password(&ctx, token, secret(PASSWORD)).await.unwrap();
    assert_eq!((person.id, person.status), (made.administrator.id, UserStatus::Active));
}

/// SAC-11, SAC-12: the letter can be left out, and then the link is shown once.
#[tokio::test]
async fn without_a_letter_the_link_is_shown_instead() {
    let mailbox = Mailbox::start().await;
    let test = start(&mailbox).await;
    let made = establishments::create(&test.platform().await, &new(Some(false))).await.unwrap();
    assert!(made.link.is_some() && made.mailed_to.is_none());
    assert!(work(&test, &made.establishment.slug, 0).await.is_empty());

    let nobody = NewEstablishment { name: "Sans contact".to_owned(), ..NewEstablishment::default() };
    assert!(establishments::create(&test.platform().await, &nobody).await.unwrap().link.is_some());
    let asked = NewEstablishment { send_mail: Some(true), ..nobody };
    let refused = establishments::create(&test.platform().await, &asked).await.unwrap_err().to_string();
    assert!(refused.contains("contact.email"), "{refused}");

    let without = TestGateway::start().await;
    let refused = establishments::create(&without.platform().await, &new(Some(true))).await.unwrap_err().to_string();
    assert!(refused.contains("send_mail") && refused.contains("mail.host"), "{refused}");
    assert!(establishments::create(&without.platform().await, &new(None)).await.unwrap().link.is_some());
}

#[tokio::test]
async fn a_letter_that_has_to_wait_is_sent_once_in_the_end() {
    let mailbox = Mailbox::start().await;
    let test = start(&mailbox).await;
    let (_, ctx) = establishment(&test).await;
    mailbox.will(&[Fault::Answer(At::Recipient, "450 busy"), Fault::Answer(At::Letter, "451 disk full")]);
    let rows = work(&test, ctx.slug(), 0).await;
    assert_eq!((rows[0].state, rows[0].attempts), (State::Waiting, 1));
    assert!(rows[0].error.as_deref().unwrap().contains("450 busy"), "{:?}", rows[0].error);
    assert_eq!(work(&test, ctx.slug(), 3600).await[0].state, State::Waiting);
    let rows = work(&test, ctx.slug(), 2 * 3600).await;
    assert_eq!((rows[0].state, rows[0].attempts), (State::Sent, 3));
    work(&test, ctx.slug(), DAY_S).await;
    assert_eq!(mailbox.letters().len(), 1);
    assert!(mailbox.letters()[0].header("message-id").starts_with(&format!("<{}@", rows[0].id)));
}

#[tokio::test]
async fn a_refused_letter_is_dead_until_someone_sends_it_again() {
    let mailbox = Mailbox::start().await;
    let test = start(&mailbox).await;
    let (_, ctx) = establishment(&test).await;
    mailbox.will(&[Fault::Answer(At::Recipient, "550 5.1.1 no such person")]);
    let rows = work(&test, ctx.slug(), 0).await;
    assert_eq!(rows[0].state, State::Dead);
    assert!(rows[0].error.as_deref().unwrap().contains("550 5.1.1 no such person"), "{:?}", rows[0].error);
    assert_eq!(work(&test, ctx.slug(), 2 * DAY_S).await[0].state, State::Dead);
    assert!(mailbox.letters().is_empty());

    outbox::retry(&ctx, rows[0].id).await.unwrap();
    assert_eq!(work(&test, ctx.slug(), 0).await[0].state, State::Sent);
    assert_eq!(mailbox.letters().len(), 1);
}

/// What an operator does when the contact's mailbox refused: another link. Sending the first letter again would carry a dead one.
#[tokio::test]
async fn a_letter_whose_link_is_dead_is_not_sent() {
    let mailbox = Mailbox::start().await;
    let test = start(&mailbox).await;
    let (made, ctx) = establishment(&test).await;
    mailbox.will(&[Fault::Answer(At::Recipient, "550 5.1.1 no such person")]);
    let first = work(&test, ctx.slug(), 0).await.remove(0);
    users::reset(&ctx, made.administrator.id).await.unwrap();
    outbox::retry(&ctx, first.id).await.unwrap();
    let replaced = work(&test, ctx.slug(), 0).await.remove(0);
    assert!(replaced.state == State::Dead && replaced.error.as_deref().unwrap().contains("link"), "{replaced:?}");

    let late = NewEstablishment { name: "Collège Ada".to_owned(), ..new(None) };
    let made = establishments::create(&test.platform().await, &late).await.unwrap();
    let ctx = test.context(&made.establishment.slug).await;
    let expired = work(&test, ctx.slug(), 30 * DAY_S).await.remove(0);
    assert!(expired.state == State::Dead && expired.error.as_deref().unwrap().contains("expired"), "{expired:?}");
    assert!(mailbox.letters().is_empty());
}

#[tokio::test]
async fn a_letter_that_may_have_arrived_is_not_sent_again() {
    let mailbox = Mailbox::start().await;
    let test = start(&mailbox).await;
    let (_, ctx) = establishment(&test).await;
    mailbox.will(&[Fault::Close(At::Letter)]);
    let rows = work(&test, ctx.slug(), 0).await;
    assert_eq!(rows[0].state, State::Dead);
    assert!(rows[0].error.as_deref().unwrap().contains("broke off"), "{:?}", rows[0].error);
    for days in 1..4 {
        work(&test, ctx.slug(), days * DAY_S).await;
    }
    assert_eq!(mailbox.letters().len(), 1);
}

#[tokio::test]
async fn what_someone_writes_is_checked_before_it_is_kept() {
    let mailbox = Mailbox::start().await;
    let test = start(&mailbox).await;
    let (_, ctx) = establishment(&test).await;
    let mut tx = ctx.store.begin().await.unwrap();
    let written = |subject: &str, body: &str| mail::Letter::Written { subject: subject.to_owned(), body: body.to_owned() };
    let long = "x".repeat(mail::BODY_LENGTH_MAX + 1);
    for (letter, wanted) in [
        (written("", "a"), "subject"),
        (written("a\r\nBcc: b@c.fr", "a"), "subject"),
        (written("a", " "), "body"),
        (written("a", &long), "body"),
    ] {
        let refused = mail::write_in(&mut tx, &ctx, &recipient(), &letter, None).await.unwrap_err().to_string();
        assert!(refused.starts_with(wanted), "{refused}");
    }
    let nowhere = mail::Recipient { email: "zoe@-".to_owned(), ..recipient() };
    assert!(mail::write_in(&mut tx, &ctx, &nowhere, &written("a", "b"), None).await.is_err());
    mail::write_in(&mut tx, &ctx, &recipient(), &written("a", "b"), None).await.unwrap();
}

#[tokio::test]
async fn the_letter_is_in_the_language_of_whoever_makes_the_establishment() {
    let mailbox = Mailbox::start().await;
    let test = start(&mailbox).await;
    let there = Context::open(&test.gateway, "platform", Actor::System, Timestamp::now()).await.unwrap();
    let platform = PlatformContext::from_context(Context { locale: Locale::En, ..there }).unwrap();
    let made = establishments::create(&platform, &new(Some(true))).await.unwrap();
    work(&test, &made.establishment.slug, 0).await;
    assert!(mailbox.letters()[0].text.starts_with("Hello Zoé Lefèvre,"));
}
