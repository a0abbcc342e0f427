//! What a source says when it is asked for changes only, and the bookmark that says since when. Knows no protocol.

use std::fmt;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::fingerprint::Fingerprint;
use crate::ldap::{Error, Summary};
use crate::record::{Kind, Record};

/// The longest bookmark, in bytes.
pub const BOOKMARK_BYTES_MAX: usize = 64 * 1024;

/// One thing a source says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "nearly every step states an entry")]
pub enum Step {
    /// An entry as it stands now, new or changed.
    Stated(Record),
    /// An entry that is gone. One that was never stated may be named too: it counts for nothing.
    Gone {
        /// What it was, when the source tells.
        kind: Option<Kind>,
        /// Its key, in canonical text.
        external_id: String,
    },
    /// Entries that are there and did not change (RFC 4533 §3.3.1).
    Present {
        /// What they are.
        kind: Kind,
        /// Their keys, in canonical text.
        external_ids: Vec<String>,
    },
    /// A membership that the group does not state itself: it stands in the entry of its member, stated in the same reading.
    Joined {
        /// The group's key, in canonical text.
        group: String,
        /// Where the member's entry stands, normalised.
        dn_key: String,
    },
}

/// How much of one kind was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// Everything there is was stated or named present: whatever else is known is gone.
    Whole,
    /// Only what changed.
    Changes,
}

/// A source being read for its changes.
#[derive(Debug)]
pub struct Changes {
    /// What it says, in order; closed at the end, complete or not.
    pub steps: mpsc::Receiver<Vec<Step>>,
    /// Whether what came is everything: only then is it `Ok`, and only then may any of it be used.
    pub outcome: JoinHandle<Result<Caught, Error>>,
}

/// How a reading of changes ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caught {
    /// How much of the people was said.
    pub people: Extent,
    /// How much of the groups was said.
    pub groups: Extent,
    /// Since when to ask next; none when the source gives no such thing, and the next reading is a whole one.
    pub bookmark: Option<Bookmark>,
    /// What came.
    pub summary: Summary,
}

/// A source that is listened to.
#[derive(Debug)]
pub struct Following {
    /// Each batch is complete in itself, and may be used at once.
    pub batches: mpsc::Receiver<Batch>,
    /// Why it ended: a source that is listened to ends by an error only, or because nobody takes its batches any more.
    pub outcome: JoinHandle<Result<(), Error>>,
}

/// What changed at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// What the source said.
    pub steps: Vec<Step>,
    /// How much of the people that is.
    pub people: Extent,
    /// How much of the groups that is.
    pub groups: Extent,
    /// Since when to ask next, once this is applied.
    pub bookmark: Option<Bookmark>,
}

/// Since when a source is asked: valid for one source only, read by one method, with the settings it was made with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bookmark {
    /// The method that made it (`syncrepl`, `dirsync`, `usn`, `retro-changelog`, `timestamp`, `content`).
    pub method: String,
    /// A digest of everything that makes it valid: server, base, scope, filter, attributes, account.
    pub belongs_to: String,
    /// What the server gave for people, or for everything.
    pub people: String,
    /// What the server gave for groups, when it is asked for them apart.
    pub groups: String,
}

/// Why a bookmark cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// It is not as it was written.
    #[error("the bookmark kept from the last run is damaged")]
    Damaged,
    /// It was made with other settings.
    #[error("the source's settings changed since the last run")]
    Foreign,
}

impl Bookmark {
    /// As it is kept: with a checksum, because a server may accept a cookie in which a byte was changed.
    pub fn to_text(&self) -> String {
        let body = serde_json::to_string(self).unwrap_or_default();
        format!("{} {body}", checksum(&body))
    }

    /// Takes one up again.
    ///
    /// # Errors
    /// [`Unusable`]: then the source is read whole.
    pub fn from_text(text: &str, belongs_to: &str) -> Result<Self, Unusable> {
        let (sum, body) = text.split_once(' ').filter(|_| text.len() <= BOOKMARK_BYTES_MAX).ok_or(Unusable::Damaged)?;
        if sum != checksum(body) {
            return Err(Unusable::Damaged);
        }
        let bookmark: Self = serde_json::from_str(body).map_err(|_| Unusable::Damaged)?;
        if bookmark.belongs_to == belongs_to { Ok(bookmark) } else { Err(Unusable::Foreign) }
    }
}

fn checksum(body: &str) -> String {
    let mut digest = Fingerprint::new("bookmark");
    digest.text(body);
    format!("{:032x}", digest.value())
}

impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Whole => "whole",
            Self::Changes => "changes",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bookmark_is_refused_when_a_byte_or_the_settings_differ() {
        let bookmark = Bookmark {
            method: "syncrepl".to_owned(),
            belongs_to: "one".to_owned(),
            people: "rid=001,csn=20260101000000.000000Z#000000#000#000000".to_owned(),
            groups: String::new(),
        };
        let text = bookmark.to_text();
        assert_eq!(Bookmark::from_text(&text, "one"), Ok(bookmark));
        assert_eq!(Bookmark::from_text(&text, "two"), Err(Unusable::Foreign));
        assert_eq!(Bookmark::from_text(&text.replace("2026", "2027"), "one"), Err(Unusable::Damaged));
        assert_eq!(Bookmark::from_text("nonsense", "one"), Err(Unusable::Damaged));
    }
}
