//! What people write of what they make and decide: its name in commands, why, and until when. The forms only; looks nothing up.

use super::Invalid;
use super::time::Timestamp;

/// Longest name in commands and addresses, in bytes.
pub const NAME_LENGTH_MAX: usize = 64;
/// Longest reason, in characters.
pub const REASON_LENGTH_MAX: usize = 500;

/// What is wrong with a name that stands in commands and addresses; `of` says of what, as in «an application».
pub fn wrong_name(field: &str, of: &str, name: &str) -> Option<Invalid> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.');
    let starts_well = name.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let fits = starts_well && name.len() <= NAME_LENGTH_MAX && name.bytes().all(plain);
    let why = || format!("«{name}» is not the name of {of}: 1 to {NAME_LENGTH_MAX} of a-z, 0-9, - _ and ., a letter or digit first");
    (!fits).then(|| Invalid::new(field, why()))
}

/// What is wrong with the name of a relation, wherever it is written.
pub fn wrong_relation(field: &str, name: &str) -> Option<Invalid> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_');
    let fits = name.len() <= NAME_LENGTH_MAX && name.bytes().next().is_some_and(|b| b.is_ascii_lowercase()) && name.bytes().all(plain);
    let why =
        || format!("is the name of a relation, such as tutor: a letter a-z, then a-z, 0-9, _ and -, {NAME_LENGTH_MAX} in all at most");
    (!fits).then(|| Invalid::new(field, why()))
}

/// What is wrong with a reason that may be left out.
pub fn wrong_reason(field: &str, reason: Option<&str>) -> Option<Invalid> {
    let wrong = reason.is_some_and(|words| words.chars().count() > REASON_LENGTH_MAX);
    wrong.then(|| Invalid::new(field, format!("has at most {REASON_LENGTH_MAX} characters")))
}

/// A reason as it is kept: nothing for blanks.
pub fn words(reason: Option<&str>) -> Option<&str> {
    reason.map(str::trim).filter(|words| !words.is_empty())
}

/// What is wrong with the time for which something is to hold.
pub fn wrong_time(now: Timestamp, from: Option<Timestamp>, until: Option<Timestamp>) -> Option<Invalid> {
    let wrong = until.is_some_and(|until| until <= from.unwrap_or(now).max(now));
    wrong.then(|| Invalid::new("valid_until", "must lie in the future and after valid_from"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_begin_with_a_letter_or_digit_and_stay_plain() {
        let longest = "a".repeat(NAME_LENGTH_MAX);
        for name in ["a", "2026-annuelle", "a.b_c-d", longest.as_str()] {
            assert_eq!(wrong_name("name", "a review", name), None, "{name}");
        }
        let longer = format!("{longest}a");
        for name in ["", ".", "..", "-a", "A", "é", "a b", "a/b", longer.as_str()] {
            assert_eq!(wrong_name("name", "a review", name).map(|wrong| wrong.field), Some("name".to_owned()), "{name}");
        }
    }

    #[test]
    fn a_relation_has_one_form_wherever_it_is_written() {
        let longest = "t".repeat(NAME_LENGTH_MAX);
        for name in ["tutor", "legal_guardian-2", longest.as_str()] {
            assert_eq!(wrong_relation("kind", name), None, "{name}");
        }
        for name in ["", "2nd", "Tutor", "legal.guardian", format!("{longest}t").as_str()] {
            assert!(wrong_relation("kind", name).is_some(), "{name}");
        }
    }

    #[test]
    fn reasons_and_times_are_bounded() {
        assert_eq!(wrong_reason("reason", Some(&"é".repeat(REASON_LENGTH_MAX))), None);
        assert!(wrong_reason("reason", Some(&"é".repeat(REASON_LENGTH_MAX + 1))).is_some());
        assert_eq!((words(Some("  ")), words(Some(" why ")), words(None)), (None, Some("why"), None));
        let at = Timestamp::from_seconds;
        assert_eq!((wrong_time(at(5), None, None), wrong_time(at(5), Some(at(7)), Some(at(8)))), (None, None));
        for (from, until) in [(None, 5), (Some(7), 7), (Some(3), 4)] {
            assert!(wrong_time(at(5), from.map(at), Some(at(until))).is_some(), "{from:?} {until}");
        }
    }
}
