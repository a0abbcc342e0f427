//! Rows of many people as one text a person: to take and to give back each value of a row costs more than to read it. Knows no rule of roles.

use std::cmp::Reverse;

use uuid::Uuid;

use crate::store::Error;
use crate::store::establishment::assignment::{Origin, Standing};
use crate::types::id::{AssignmentId, GroupId, UserId};
use crate::types::time::Timestamp;

/// Digits of a key in a packed text.
const KEY_DIGITS: usize = 32;

/// The keys of groups in a packed text.
///
/// # Errors
/// When it is no such text.
pub fn groups(packed: &str) -> impl Iterator<Item = Result<GroupId, Error>> {
    packed.as_bytes().chunks(KEY_DIGITS).map(|digits| Uuid::try_parse_ascii(digits).map(GroupId::from).map_err(|_| broken()))
}

/// What someone holds, in the order in which rows are read: each is a head of numbers and keys, and three texts of the lengths it tells.
/// Nothing when a length is not what it tells.
pub fn standing(user: UserId, packed: &str, into: &mut Vec<Standing>) -> Option<()> {
    let first = into.len();
    let mut left = packed;
    while !left.is_empty() {
        let (head, texts) = left.split_once('|')?;
        let mut parts = head.split(' ');
        let id = AssignmentId::from(key(parts.next()?)?);
        let application_id = key(parts.next()?)?.into();
        let origin = match parts.next()? {
            "rule" => Origin::Rule,
            "manual" => Origin::Manual,
            "default" => Origin::Default,
            _ => return None,
        };
        let rule_id = match parts.next()? {
            "" => None,
            digits => Some(key(digits)?.into()),
        };
        let mut moment = || -> Option<Option<Timestamp>> {
            match parts.next()? {
                "" => Some(None),
                text => Some(Some(Timestamp::from_seconds(text.parse().ok()?))),
            }
        };
        let (valid_from, valid_until) = (moment()?, moment()?);
        let mut texts = texts;
        let mut text = || -> Option<String> {
            let (text, rest) = texts.split_at_checked(parts.next()?.parse().ok()?)?;
            texts = rest;
            Some(text.to_owned())
        };
        let (role, scope, reason) = (text()?, text()?, text()?);
        into.push(Standing { id, user_id: user, application_id, role, scope, origin, rule_id, valid_from, valid_until, reason });
        left = texts;
    }
    let rows = into.get_mut(first..)?;
    rows.sort_unstable_by(|a, b| order(a).cmp(&order(b)));
    Some(())
}

/// The order in which a person's rows are read: that of origins is their names'.
fn order(row: &Standing) -> (Uuid, &str, &str, Reverse<Origin>) {
    (row.application_id.uuid(), &row.role, &row.scope, Reverse(row.origin))
}

fn key(digits: &str) -> Option<Uuid> {
    Uuid::try_parse_ascii(digits.as_bytes()).ok()
}

/// What is said of a text that is not as it was packed.
pub fn broken() -> Error {
    Error::Engine(sqlx::Error::Decode("rows that were read as one text are not as they were packed".into()))
}
