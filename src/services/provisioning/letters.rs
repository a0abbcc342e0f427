//! Letters to administrators about an application that waits for them.

use super::super::context::Context;
use super::super::error::Error;
use super::super::mail::{self, Letter, ProvisioningStopped, Recipient};
use super::super::outbox::{self, Announced};
use crate::store::Tx;

pub use super::super::mail::WhyStopped as Why;

/// Letters, announced before their transaction.
#[derive(Debug)]
pub struct Telling {
    recipients: Vec<Recipient>,
    announced: Announced,
}

/// Announces letters, when there is a server that takes them and somebody to read them.
///
/// # Errors
/// When a store fails.
pub async fn announce(ctx: &Context) -> Result<Option<Telling>, Error> {
    if !ctx.gateway.mailer.is_configured() {
        return Ok(None);
    }
    let recipients = mail::administrators(ctx).await?;
    if recipients.is_empty() {
        tracing::warn!(
            establishment = ctx.slug(),
            "an application waits for a decision, and no administrator has an address to be told at"
        );
        return Ok(None);
    }
    Ok(Some(Telling { recipients, announced: outbox::announce(ctx).await? }))
}

impl Telling {
    /// Writes the letters.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn write_in(&self, tx: &mut Tx, ctx: &Context, application: &str, why: Why) -> Result<(), Error> {
        let letter = Letter::ProvisioningStopped(Box::new(ProvisioningStopped {
            establishment: ctx.establishment.name.clone(),
            slug: ctx.slug().to_owned(),
            application: application.to_owned(),
            why,
        }));
        for recipient in &self.recipients {
            mail::write_in(tx, ctx, recipient, &letter, None).await?;
        }
        Ok(())
    }

    /// Has them sent, after the commit.
    pub async fn hurry(self, ctx: &Context) {
        self.announced.hurry(ctx).await;
    }
}
