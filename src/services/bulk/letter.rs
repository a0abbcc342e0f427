//! A letter from the operators to an establishment: to its contact, or to those who administer it. A batch is written once and never twice.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::services::audit;
use crate::services::context::Context;
use crate::services::error::Error;
use crate::services::establishments;
use crate::services::mail::{self, Letter, Recipient};
use crate::services::outbox;
use crate::store::establishment::user::UserStatus;
use crate::types::permission::Permission;

/// To whom in an establishment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum To {
    /// Its contact.
    #[default]
    Contacts,
    /// The people who administer it, may sign in and have an address.
    Administrators,
}

/// A letter to be written.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLetter {
    /// To whom; the contact when left out.
    #[serde(default)]
    pub to: To,
    /// The subject, on one line.
    pub subject: String,
    /// The text.
    pub body: String,
}

/// Letters that were written, or would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Letters {
    /// By which the outbox tells what became of them; none when nothing was written.
    pub batch: Option<Uuid>,
    /// How many.
    pub letters: usize,
    /// To which addresses.
    pub to: Vec<String>,
}

impl NewLetter {
    /// What is sent.
    fn letter(&self) -> Letter {
        Letter::Written { subject: self.subject.clone(), body: self.body.clone() }
    }

    /// Whether it can be sent at all.
    pub(super) fn check(&self, ctx: &Context) -> Result<(), Error> {
        self.letter().check()?;
        if ctx.gateway.mailer.is_configured() {
            return Ok(());
        }
        Err(Error::invalid("to", "no server takes mail: set mail.host and mail.from in the configuration"))
    }
}

/// Writes a letter into an establishment's outbox, for operators. With `dry_run`, tells to whom it would go. Asked again with the same batch, it
/// writes nothing more.
///
/// # Errors
/// `Invalid` when it cannot be sent, `Conflict` when nobody there has an address.
pub async fn write(ctx: &Context, new: &NewLetter, batch: Uuid, dry_run: bool) -> Result<Letters, Error> {
    ctx.require(Permission::ManageEstablishments)?;
    new.check(ctx)?;
    let recipients = recipients(ctx, new.to).await?;
    let to: Vec<String> = recipients.iter().map(|recipient| recipient.email.clone()).collect();
    if dry_run {
        return Ok(Letters { batch: None, letters: to.len(), to });
    }
    let announced = outbox::announce(ctx).await?;
    let mut tx = ctx.store.begin().await?;
    // Writers take turns in one store: what another node wrote of this batch is seen here.
    let written: Vec<String> = outbox::tally_in(&mut tx, batch).await?.into_iter().map(|line| line.recipient).collect();
    if !written.is_empty() {
        announced.hurry(ctx).await;
        return Ok(Letters { batch: Some(batch), letters: written.len(), to: written });
    }
    let letter = new.letter();
    for recipient in &recipients {
        mail::write_in(&mut tx, ctx, recipient, &letter, Some(batch)).await?;
    }
    let detail = json!({ "batch": batch, "letters": to.len(), "to": new.to, "subject": new.subject });
    audit::record_in(&mut tx, ctx, "establishment.mailed", ("establishment", ctx.slug()), detail).await?;
    tx.commit().await?;
    announced.hurry(ctx).await;
    Ok(Letters { batch: Some(batch), letters: to.len(), to })
}

/// Each address once.
async fn recipients(ctx: &Context, to: To) -> Result<Vec<Recipient>, Error> {
    let addressed = |name: String, email: Option<String>| {
        email.map(|email| Recipient { name: (!name.is_empty()).then_some(name), email, locale: ctx.locale })
    };
    let (all, none): (Vec<Recipient>, &str) = match to {
        To::Contacts => {
            let contact = &ctx.establishment.contact;
            let names = [contact.given_name.as_deref(), contact.family_name.as_deref()];
            let name = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
            (
                addressed(name, contact.email.clone()).into_iter().collect(),
                "its contact has no address: edit the establishment, or write to its administrators",
            )
        }
        To::Administrators => {
            let active = establishments::administrators(ctx).await?.into_iter().filter(|a| a.status == UserStatus::Active);
            (
                active.filter_map(|a| addressed(a.display_name, a.email)).collect(),
                "nobody who administers it may sign in and has an address",
            )
        }
    };
    if all.is_empty() {
        return Err(Error::Conflict(none.to_owned()));
    }
    let mut seen = BTreeSet::new();
    Ok(all.into_iter().filter(|recipient| seen.insert(recipient.email.to_lowercase())).collect())
}
