//! Sources that are not read: feeds that push what they have to say. What they push is `scim`'s.

use super::super::error::Error;
use super::super::scim_services;
use crate::store::establishment::source::{Source, SourceKind};

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
