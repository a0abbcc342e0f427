//! Dates as directories write them, read as seconds since 1970 (UTC). Reads no clock.

use super::generalized_time;

/// Seconds from 1601, where Windows counts from, to 1970.
const FILETIME_EPOCH_S: i64 = 11_644_473_600;
/// A FILETIME counts a hundred nanoseconds.
const FILETIME_PER_S: i64 = 10_000_000;
const DAY_S: i64 = 86_400;

/// How a date is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `20260630220000Z` (RFC 4517 §3.3.13).
    GeneralizedTime,
    /// Hundreds of nanoseconds since 1601; 0 and the largest number mean never (MS-ADTS).
    FileTime,
    /// Seconds since 1970.
    UnixSeconds,
    /// Days since 1970; a negative number means never (RFC 2307's shadow attributes).
    UnixDays,
    /// `20260630`, `2026-06-30` or `30/06/2026`: that whole day, in UTC.
    Date,
}

/// A date as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    /// When it begins; none when it never comes.
    at: Option<i64>,
    /// How long it lasts, in seconds: a day is over at its end.
    lasts_s: i64,
}

impl Moment {
    /// When it begins.
    pub(super) fn starts(self) -> Option<i64> {
        self.at
    }

    /// When it is over.
    pub(super) fn ends(self) -> Option<i64> {
        self.at.and_then(|at| at.checked_add(self.lasts_s))
    }
}

impl Form {
    /// By the name it is declared by.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "generalized_time" => Some(Self::GeneralizedTime),
            "filetime" => Some(Self::FileTime),
            "unix_seconds" => Some(Self::UnixSeconds),
            "unix_days" => Some(Self::UnixDays),
            "date" => Some(Self::Date),
            _ => None,
        }
    }

    /// What a value should be, for messages.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::GeneralizedTime => "a generalized time such as `20260630220000Z`",
            Self::FileTime => "a FILETIME",
            Self::UnixSeconds => "a number of seconds since 1970",
            Self::UnixDays => "a number of days since 1970",
            Self::Date => "a date such as `2026-06-30`",
        }
    }

    /// Reads a value; `None` when it is not of this form.
    pub(super) fn read(self, value: &str) -> Option<Moment> {
        let once = |at| Moment { at, lasts_s: 0 };
        match self {
            Self::GeneralizedTime => generalized_time::seconds(value).map(|at| once(Some(at))),
            Self::FileTime => {
                let ticks = value.parse::<i64>().ok().filter(|ticks| *ticks >= 0)?;
                Some(once(Some(ticks / FILETIME_PER_S - FILETIME_EPOCH_S).filter(|_| ticks != 0 && ticks != i64::MAX)))
            }
            Self::UnixSeconds => value.parse().ok().map(|at| once(Some(at))),
            Self::UnixDays => {
                let days = value.parse::<i64>().ok()?;
                if days < 0 { Some(once(None)) } else { days.checked_mul(DAY_S).map(|at| once(Some(at))) }
            }
            Self::Date => date(value).map(|at| Moment { at: Some(at), lasts_s: DAY_S }),
        }
    }
}

/// The day of a time, as `2026-06-30` (UTC).
pub(super) fn written(at: i64) -> String {
    let text = generalized_time::text(at).unwrap_or_default();
    let part = |range: std::ops::Range<usize>| text.get(range).unwrap_or_default();
    format!("{}-{}-{}", part(0..4), part(4..6), part(6..8))
}

fn date(text: &str) -> Option<i64> {
    let number = |part: &str| part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse::<i64>().ok()).flatten();
    let parts = |by: char| {
        let mut parts = text.splitn(3, by).map(number);
        Some((parts.next()??, parts.next()??, parts.next()??))
    };
    let (year, month, of_month) = if let Some((day, month, year)) = parts('/') {
        (year, month, day)
    } else if text.len() == 8 {
        (number(text.get(0..4)?)?, number(text.get(4..6)?)?, number(text.get(6..8)?)?)
    } else {
        parts('-')?
    };
    let at = generalized_time::days(year, month, of_month) * DAY_S;
    // What reads differently once it is written was no day of the calendar.
    (written(at) == format!("{year:04}-{month:02}-{of_month:02}")).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::{Form, date, written};

    #[test]
    fn windows_counts_from_1601_and_says_never_in_two_ways() {
        let at = |value: &str| Form::FileTime.read(value).and_then(super::Moment::starts);
        assert_eq!(at("133536816000000000"), Some(1_709_208_000));
        assert_eq!((at("0"), at("9223372036854775807")), (None, None));
        assert!(Form::FileTime.read("0").is_some() && Form::FileTime.read("-1").is_none() && Form::FileTime.read("soon").is_none());
    }

    #[test]
    fn a_day_ends_when_it_is_over() {
        for text in ["20240229", "2024-02-29", "29/02/2024"] {
            let read = Form::Date.read(text).unwrap_or_else(|| unreachable!("{text}"));
            assert_eq!((read.starts(), read.ends()), (Some(1_709_164_800), Some(1_709_251_200)), "{text}");
        }
        assert!(Form::Date.read("2024-02-30").is_none() && Form::Date.read("+024-02-20").is_none());
        for text in ["1970-01-01", "2000-02-29", "2024-12-31", "2100-03-01", "9999-12-31"] {
            assert_eq!(date(text).map(written).as_deref(), Some(text));
        }
        assert_eq!(Form::UnixDays.read("19782").and_then(super::Moment::ends), Some(1_709_164_800));
        assert_eq!(Form::UnixDays.read("-1").and_then(super::Moment::ends), None);
    }
}
