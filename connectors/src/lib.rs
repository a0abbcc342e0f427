//! The outside world, read and made regular: directories become records. Knows nothing of the gateway, its stores or its people.
//!
//! [`Directory`] speaks LDAP: it reads every person and group ([`Directory::read`]), says what is wrong with a source
//! ([`Directory::check`]) and checks a person's password ([`Directory::verify_password`]). [`scim::Scim`] reads a SCIM service, [`csv`] and
//! [`ldif`] read files.

pub mod changes;
pub mod connector;
pub mod csv;
pub mod dn;
pub mod file;
pub mod filter;
pub mod ldap;
pub mod ldif;
pub mod mapping;
pub mod record;
pub mod route;
pub mod schema;
pub mod scim;
pub mod secret;

mod fingerprint;
mod fold;

pub use changes::{Batch, Bookmark, Caught, Changes, Extent, Following, Step};
pub use connector::Connector;
pub use file::Content;
pub use ldap::{
    Absent, Bar, Cause, CheckStep, Directory, Error, Level, One, Reading, Routed, Sample, Settings, SettingsError, StatedUnit, Summary,
    Verdict,
};
pub use mapping::Traced;
pub use record::{Group, Kind, Member, Person, Record, Turn, Unreadable};
pub use route::Route;
pub use secret::Password;
