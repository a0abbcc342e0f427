//! The folder of a demo: the one asked for, or a temporary one of its own that goes with it.

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use uuid::Uuid;

/// A folder that only its owner reads: it holds keys.
const OWNER_ONLY: u32 = 0o700;

/// Where the demo's stores are.
#[derive(Debug)]
pub enum Folder {
    /// Kept when the demo stops.
    Kept(PathBuf),
    /// Removed when the demo stops.
    Temporary(PathBuf),
}

impl Folder {
    /// The folder asked for, or a new temporary one.
    ///
    /// # Errors
    /// When a temporary folder cannot be made.
    pub fn open(asked: Option<&Path>) -> anyhow::Result<Self> {
        if let Some(path) = asked {
            return Ok(Self::Kept(path.to_owned()));
        }
        let path = std::env::temp_dir().join(format!("passerelle-demo-{}", Uuid::new_v4()));
        let made = std::fs::DirBuilder::new().mode(OWNER_ONLY).create(&path);
        made.with_context(|| format!("making the temporary folder {}: name a folder with --data", path.display()))?;
        Ok(Self::Temporary(path))
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        match self {
            Self::Kept(path) | Self::Temporary(path) => path,
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Self::Temporary(path) = self
            && let Err(error) = std::fs::remove_dir_all(&path)
        {
            tracing::warn!(%error, folder = %path.display(), "temporary folder not removed");
        }
    }
}
