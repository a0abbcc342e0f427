//! Letters to administrators about an application that waits for them.

use super::super::context::Context;
use super::super::error::Error;
use super::super::mail::{self, Letter, ProvisioningStopped, ToAdministrators};
use crate::store::Tx;

pub use super::super::mail::WhyStopped as Why;

/// Letters, announced before their transaction.
#[derive(Debug)]
pub struct Telling(ToAdministrators);

/// Announces letters, when there is a server that takes them and somebody to read them.
///
/// # Errors
/// When a store fails.
pub async fn announce(ctx: &Context) -> Result<Option<Telling>, Error> {
    Ok(mail::announce(ctx, "an application waits for a decision").await?.map(Telling))
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
        self.0.write_in(tx, ctx, &letter, None).await
    }

    /// Has them sent, after the commit.
    pub async fn hurry(self, ctx: &Context) {
        self.0.hurry(ctx).await;
    }
}
