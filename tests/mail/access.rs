//! Tests of: an administrator's access given back by a letter to the contact.

use passerelle::services::establishments::{self, NewContact, NewEstablishment, NewReset};
use passerelle::services::{jobs, links};
use passerelle::types::time::Timestamp;

use crate::harness::gateway::{PASSWORD, TestGateway, secret};
use crate::harness::mailbox::Mailbox;

/// SAC-19, SAC-23: the link goes to the contact and not to the administrator, and nobody else sees it.
#[tokio::test]
async fn the_contact_gets_the_link_by_which_an_administrator_is_let_in_again() {
    let mailbox = Mailbox::start().await;
    let settings = mailbox.settings();
    let test = TestGateway::start_with(|config| config.mail = settings).await;
    let contact = |email: &str| NewContact { email: Some(email.to_owned()), ..NewContact::default() };
    let new = NewEstablishment {
        name: "Lycée Ampère".to_owned(),
        contact: contact("zoe@acad-test.fr"),
        send_mail: Some(false),
        ..NewEstablishment::default()
    };
    let made = establishments::create(&test.platform().await, &new).await.unwrap();
    let ctx = test.context("lycee-ampere").await;
    let mut fields = establishments::EstablishmentFields::from(&made.establishment);
    fields.contact = contact("elodie@acad-test.fr");
    let edited = establishments::edit(&ctx, &made.establishment, &fields).await.unwrap();

    // A node that has not heard of the new contact yet writes to it all the same.
    assert_eq!(ctx.establishment.contact.email.as_deref(), Some("zoe@acad-test.fr"));
    let wanted = NewReset { user: None, send_mail: true };
    let reset = establishments::reset_administrator(&ctx, &wanted).await.unwrap();
    assert_eq!((reset.mailed_to.as_deref(), reset.link.is_none()), (Some("elodie@acad-test.fr"), true));
    jobs::run_due(&test.gateway, Timestamp::now()).await.unwrap();
    let letters = mailbox.letters();
    assert_eq!((letters.len(), letters[0].header("to").contains("elodie@acad-test.fr")), (1, true));
    assert!(letters[0].text.contains("zoe@acad-test.fr"), "it names whose account it is: {}", letters[0].text);
    let link = letters[0].text.lines().find(|line| line.contains("/invitation/")).unwrap();
    let person = links::choose_password(&ctx, link.trim().rsplit('/').next().unwrap(), secret(PASSWORD)).await.unwrap();
    assert_eq!(person.id, made.administrator.id);

    fields.contact = NewContact::default();
    establishments::edit(&ctx, &edited, &fields).await.unwrap();
    let ctx = test.context("lycee-ampere").await;
    let refused = establishments::reset_administrator(&ctx, &wanted).await.unwrap_err().to_string();
    assert!(refused.contains("contact.email"), "{refused}");
    let without = TestGateway::start().await;
    let (_, ctx) = without.establishment("Lycée Ampère").await;
    let refused = establishments::reset_administrator(&ctx, &wanted).await.unwrap_err().to_string();
    assert!(refused.contains("mail.host"), "{refused}");
}
