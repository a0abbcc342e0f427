//! A look at a place of stores without opening them: what a database and its login are like, and which stores lie there. Nothing is made or changed.

use std::path::Path;

use super::postgres::{self, Database};
use super::{Error, StoreUrl};

/// Stores listed of one place at most.
pub(super) const STORES_MAX: usize = 100_000;

/// What lies in one place.
#[derive(Clone, Debug, Default)]
pub struct Sight {
    /// The database; none for a folder.
    pub database: Option<Database>,
    /// The names of the stores: of files without their ending, or of schemas.
    pub stores: Vec<String>,
    /// SQL roles of stores that own no schema in this database and nothing in another.
    pub roles: Vec<String>,
}

/// Looks at a place.
///
/// # Errors
/// `Unreachable` or `Refused` when a database does not let the login in; `Folder`.
pub async fn look_at(url: &StoreUrl) -> Result<Sight, Error> {
    match url {
        StoreUrl::Postgres(url) => postgres::look(url.expose()).await,
        StoreUrl::Sqlite(folder) => Ok(Sight { stores: files(&folder.join("establishments"))?, ..Sight::default() }),
    }
}

fn files(folder: &Path) -> Result<Vec<String>, Error> {
    let failed = |source| Error::Folder { path: folder.to_owned(), source };
    let entries = match std::fs::read_dir(folder) {
        Err(absent) if absent.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut names = Vec::new();
    for entry in entries.take(STORES_MAX) {
        let name = entry.map_err(failed)?.file_name();
        names.extend(name.to_str().and_then(|name| name.strip_suffix(".sqlite")).map(str::to_owned));
    }
    names.sort_unstable();
    Ok(names)
}
