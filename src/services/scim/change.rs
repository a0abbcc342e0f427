//! What a feed asks to be changed, and what comes of it. It writes nothing.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::error::ScimError;
use super::patch::Op;
use super::schema::Kind;
use crate::store::establishment::proposal::Proposal;
use crate::store::establishment::scim_held::Held;
use crate::types::time::Timestamp;

/// One change of one resource. `rev` is the revision that the feed read, where it says so (`If-Match`).
#[derive(Clone, Debug)]
pub enum Change {
    /// A new resource, or one that left and is back.
    Create {
        /// Of which kind.
        kind: Kind,
        /// As it was sent.
        body: Map<String, Value>,
    },
    /// All of it is this from now on.
    Replace {
        /// Of which kind.
        kind: Kind,
        /// Which.
        id: String,
        /// As it was sent.
        body: Map<String, Value>,
        /// The revision it was read at.
        rev: Option<i64>,
    },
    /// Some of it is another.
    Patch {
        /// Of which kind.
        kind: Kind,
        /// Which.
        id: String,
        /// What, in this order.
        ops: Vec<Op>,
        /// The revision it was read at.
        rev: Option<i64>,
    },
    /// The feed states it no more.
    Remove {
        /// Of which kind.
        kind: Kind,
        /// Which.
        id: String,
        /// The revision it was read at.
        rev: Option<i64>,
    },
}

/// What an answer shows beside what the feed states. Each costs a reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is asked for by itself")]
pub struct With {
    /// The members of groups.
    pub members: bool,
    /// What members are called.
    pub member_names: bool,
    /// The groups of people.
    pub groups: bool,
    /// The roles of people.
    pub assignments: bool,
}

impl With {
    /// Members and groups: what an answer shows unless it is asked otherwise.
    pub const USUAL: Self = Self { members: true, member_names: false, groups: true, assignments: false };
}

/// A resource as answers show it.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// What it is.
    pub kind: Kind,
    /// Key.
    pub id: Uuid,
    /// All of it, `id`, `schemas` and `meta` included.
    pub resource: Map<String, Value>,
    /// Its revision.
    pub rev: i64,
    /// Its entity tag, of the revision and of what is shown beside what the feed states.
    pub version: String,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What came of a change.
#[derive(Clone, Debug, PartialEq)]
pub enum Done {
    /// It stands so now.
    Stored(Box<Stored>),
    /// It is gone.
    Removed,
}

/// What is to be noted of a request that was refused: it waits for a person.
#[derive(Debug)]
pub struct Wait {
    /// What waits.
    pub held: Held,
    /// Whom it may be.
    pub proposals: Vec<Proposal>,
}

/// Why a change was not made.
#[derive(Debug)]
pub enum Stop {
    /// Refused before anything was written.
    Refused(ScimError, Option<Box<Wait>>),
    /// Broken off: what was written of it must not stay.
    Failed(ScimError),
}

impl Stop {
    /// A refusal that leaves nothing.
    pub fn refused(error: ScimError) -> Self {
        Self::Refused(error, None)
    }

    /// What the feed is told.
    pub fn told(self) -> ScimError {
        match self {
            Self::Refused(error, _) | Self::Failed(error) => error,
        }
    }
}

impl<E: Into<ScimError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}
