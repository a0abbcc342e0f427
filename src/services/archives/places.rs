//! Places: how many archives of callers one node writes and takes at the same time. Each holds a thread, a store's moment or room on the disk.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use crate::services::context::Context;
use crate::services::error::Error;

/// Archives written to callers at the same time, on one node.
const EXPORTS_MAX: usize = 4;
/// Archives taken from callers at the same time, on one node, so that they fill no disk.
const UPLOADS_MAX: usize = 2;
/// When to come back while there are more.
const RETRY_AFTER_S: u32 = 30;

static TAKEN: Mutex<Vec<Taken>> = Mutex::new(Vec::new());

/// What a place is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// An archive is written to a caller.
    Export,
    /// An archive is taken from a caller, and used.
    Upload,
}

impl Purpose {
    fn places(self) -> usize {
        match self {
            Self::Export => EXPORTS_MAX,
            Self::Upload => UPLOADS_MAX,
        }
    }
}

/// Who has a place: of which node, and for which establishment.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Taken {
    purpose: Purpose,
    node: PathBuf,
    slug: String,
}

/// A place, free again when this is dropped.
#[derive(Debug)]
pub struct Place(Taken);

impl Place {
    /// Takes a place: one an establishment, and a few a node. Nobody waits for one, since whoever waits would hold a connection.
    ///
    /// # Errors
    /// `TooMany` when there is none.
    pub fn take(ctx: &Context, purpose: Purpose) -> Result<Self, Error> {
        let wanted = Taken { purpose, node: ctx.gateway.folder.clone(), slug: ctx.slug().to_owned() };
        let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        let alike = taken.iter().filter(|other| other.purpose == purpose && other.node == wanted.node).count();
        if alike >= purpose.places() || taken.contains(&wanted) {
            return Err(Error::TooMany { retry_after_s: RETRY_AFTER_S });
        }
        taken.push(wanted.clone());
        Ok(Self(wanted))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        TAKEN.lock().unwrap_or_else(PoisonError::into_inner).retain(|other| *other != self.0);
    }
}
