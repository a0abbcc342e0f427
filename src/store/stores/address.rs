//! Where one store is found.

use std::fmt;

use uuid::Uuid;

use crate::store::registry::establishment::{DEFAULT_PLACEMENT, Establishment};
use crate::types::id::EstablishmentId;
use crate::types::slug::PLATFORM;

/// Where one store is found.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    /// The establishment.
    pub id: EstablishmentId,
    /// Its name in addresses, which names its file.
    pub slug: String,
    /// The placement it lies in.
    pub placement: String,
}

impl Address {
    /// The platform's own store.
    pub fn platform() -> Self {
        Self { id: EstablishmentId::from(Uuid::nil()), slug: PLATFORM.to_owned(), placement: DEFAULT_PLACEMENT.to_owned() }
    }
}

impl From<&Establishment> for Address {
    fn from(there: &Establishment) -> Self {
        Self { id: there.id, slug: there.slug.clone(), placement: there.placement.clone() }
    }
}

impl From<&Self> for Address {
    fn from(other: &Self) -> Self {
        other.clone()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.slug, self.placement)
    }
}
