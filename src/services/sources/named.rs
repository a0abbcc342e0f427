//! What speaks of a source by its name: rules and the tokens of feeds. A name is never a way to be taken for another source.

use super::super::context::Context;
use super::super::error::Error;
use super::super::roles::{self, Naming};
use crate::store::Tx;
use crate::store::establishment::api_token;
use crate::store::establishment::group::LOCAL;
use crate::store::establishment::source::Source;
use crate::types::Invalid;

/// What is wrong with another name for a source: rules call groups so that no source states.
pub(super) fn wrong_name(before: &str, after: &str) -> Option<Invalid> {
    let taken = before != LOCAL && after == LOCAL;
    taken.then(|| Invalid::new("name", format!("«{LOCAL}» is what rules call groups that no source states: choose another name")))
}

/// Has tokens and rules follow a source to another name. Nobody gains or loses anything by it.
pub(super) async fn follow_in(tx: &mut Tx, ctx: &Context, before: &str, source: &Source) -> Result<(), Error> {
    api_token::rename_source(tx, source.id, &source.name).await?;
    if roles::follow_source_in(tx, ctx, (before, &source.name), Naming::Any).await? {
        roles::recompute_all_in(tx, ctx).await?;
    }
    Ok(())
}
