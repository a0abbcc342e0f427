//! Sources that are not read: feeds that push what they have to say. What they push is `scim`'s.

use super::super::context::Context;
use super::super::error::Error;
use super::super::scim_services;
use super::SourceFields;
use crate::store::establishment::source::{Source, SourceKind};
use crate::types::Invalid;

/// Whether a source is read at all: a feed pushes what it has to say.
///
/// # Errors
/// `Conflict` for one that pushes.
pub(in crate::services) fn is_read(source: &Source) -> Result<(), Error> {
    if source.kind == SourceKind::Scim && !scim_services::is_pulled(&source.settings) {
        let told = format!("«{}» is not read: what its identity provider pushes by SCIM is applied at once", source.name);
        return Err(Error::Conflict(told));
    }
    Ok(())
}

/// Whether these are the fields of a feed that pushes.
pub(super) fn is_pushed(fields: &SourceFields) -> bool {
    fields.kind == SourceKind::Scim && !scim_services::is_pulled(&fields.settings)
}

/// A feed pushes into an establishment.
pub(super) fn wrong_place(ctx: &Context, fields: &SourceFields) -> Option<Invalid> {
    let wrong = ctx.is_platform() && is_pushed(fields);
    wrong.then(|| Invalid::new("kind", "the platform takes no SCIM feeds: add it to an establishment"))
}
