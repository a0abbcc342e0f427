//! What the gateway remembers: the only place that names `sqlx`.
//!
//! [`Stores`] opens the registry and one [`Store`] an establishment; a [`Tx`] is what every store function takes. An entity is
//! written once: struct, SQL and row mapping in one file under [`registry`] or [`establishment`].

mod bulk;
mod columns;
pub mod dialect;
pub mod error;
pub mod establishment;
mod look;
mod migrate;
mod narrow;
pub mod notices;
mod postgres;
mod reading;
pub mod registry;
mod sqlite;
mod stores;
pub mod tx;

pub use error::Error;
pub use look::{Sight, look_at};
pub use notices::{Notice, Notices};
pub use postgres::Database;
pub use sqlite::{LOG_MAX_BYTES, Stamp};
pub use stores::{Address, Bounds, Store, StoreUrl, Stores};
pub use tx::Tx;

/// The newest version of an establishment's store that this program knows.
pub fn newest_version() -> i64 {
    migrate::Kind::Establishment.newest()
}
