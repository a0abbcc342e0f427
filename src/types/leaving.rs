//! What becomes of people who left: how long they are kept as they were, and what follows. Knows no clock and no store.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::time::Timestamp;

/// Longest grace period, in days: ten years.
pub const GRACE_DAYS_MAX: u32 = 3650;
/// Seconds of a day.
const DAY_S: i64 = 24 * 3600;

/// What follows the grace period, mildest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Afterwards {
    /// Nothing: they stay disabled, with all they had.
    #[default]
    Keep,
    /// Names, address, attributes, links and passwords are wiped; the identifier stays, so that it is never another's.
    Anonymise,
    /// They are removed with all that hangs on them.
    Purge,
}

/// The policy of a source for whoever is gone from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Leaving {
    /// Days for which someone gone is kept, disabled, with all they had: 1 to 3650.
    pub grace_days: u32,
    /// What follows.
    pub then: Afterwards,
}

impl Default for Leaving {
    fn default() -> Self {
        Self { grace_days: 180, then: Afterwards::Keep }
    }
}

impl Leaving {
    /// When someone who left then is no longer kept; never under a policy that keeps.
    pub fn ends(self, left_at: Timestamp) -> Option<Timestamp> {
        (self.then != Afterwards::Keep).then(|| left_at.plus_s(i64::from(self.grace_days) * DAY_S))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_ends_after_its_days_and_one_that_keeps_never_does() {
        let left_at = Timestamp::from_seconds(1_000_000);
        assert_eq!(Leaving::default().ends(left_at), None);
        let policy = Leaving { grace_days: 2, then: Afterwards::Purge };
        assert_eq!(policy.ends(left_at), Some(Timestamp::from_seconds(1_172_800)));
        assert!(Afterwards::Keep < Afterwards::Anonymise && Afterwards::Anonymise < Afterwards::Purge);
    }
}
