//! Every kind of source behind one door. A closed set: each view says what a kind cannot do.

use std::time::Duration;

use crate::changes::{Bookmark, Changes, Following, Unusable};
use crate::csv::Csv;
use crate::ldap::{CheckStep, Directory, Error, One, Reading, StatedUnit};
use crate::ldif::Ldif;
use crate::scim::Scim;

/// One source, ready to be read; cheap to clone.
#[derive(Clone, Debug)]
pub enum Connector {
    /// A directory.
    Ldap(Directory),
    /// A SCIM service.
    Scim(Scim),
    /// A spreadsheet.
    Csv(Csv),
    /// A file of directory entries.
    Ldif(Ldif),
}

impl Connector {
    /// Streams everything, within the deadline.
    pub fn read(&self, deadline: Duration) -> Reading {
        match self {
            Self::Ldap(directory) => directory.read(deadline),
            Self::Scim(service) => service.read(deadline),
            Self::Csv(file) => file.read(deadline),
            Self::Ldif(file) => file.read(deadline),
        }
    }

    /// Streams what changed since a bookmark, within the deadline. None when this kind is always read whole.
    pub fn changes(&self, since: &Bookmark, deadline: Duration) -> Option<Changes> {
        match self {
            Self::Ldap(directory) => directory.changes(since, deadline),
            Self::Scim(service) => service.changes(since, deadline),
            Self::Csv(_) | Self::Ldif(_) => None,
        }
    }

    /// Listens for changes from a bookmark on. None when this source announces none.
    pub fn follow(&self, since: &Bookmark) -> Option<Following> {
        match self {
            Self::Ldap(directory) => directory.follow(since),
            Self::Scim(_) | Self::Csv(_) | Self::Ldif(_) => None,
        }
    }

    /// A bookmark as it was kept.
    ///
    /// # Errors
    /// [`Unusable`]: then the source is read whole.
    pub fn bookmark(&self, text: &str) -> Result<Bookmark, Unusable> {
        match self {
            Self::Ldap(directory) => Bookmark::from_text(text, &directory.belongs_to()),
            Self::Scim(service) => Bookmark::from_text(text, &service.belongs_to()),
            // A file says nothing of what was before it.
            Self::Csv(_) | Self::Ldif(_) => Err(Unusable::Foreign),
        }
    }

    /// Tries the source step by step. `now` in seconds since 1970.
    ///
    /// # Errors
    /// Never today: what went wrong is in the steps.
    pub async fn check(&self, now: i64) -> Result<Vec<CheckStep>, Error> {
        match self {
            Self::Ldap(directory) => Ok(directory.check(now).await),
            Self::Scim(service) => Ok(service.check(now).await),
            Self::Csv(file) => Ok(file.check()),
            Self::Ldif(file) => Ok(file.check(now)),
        }
    }

    /// Reads the units that the source keeps entries of. None when it keeps none.
    ///
    /// # Errors
    /// [`Error`] when they could not be read to the end.
    pub async fn units(&self) -> Result<Option<Vec<StatedUnit>>, Error> {
        match self {
            Self::Ldap(directory) => directory.units().await,
            Self::Scim(_) | Self::Csv(_) | Self::Ldif(_) => Ok(None),
        }
    }

    /// Reads one entry by its DN, or a SCIM resource by its `id`, with the way each field came. None when this kind has no entries to ask for.
    ///
    /// # Errors
    /// [`Error`] when the source could not tell.
    pub async fn one(&self, dn: &str) -> Result<Option<One>, Error> {
        match self {
            Self::Ldap(directory) => directory.one(dn).await.map(Some),
            Self::Scim(service) => service.one(dn).await.map(Some),
            Self::Csv(_) | Self::Ldif(_) => Ok(None),
        }
    }
}
