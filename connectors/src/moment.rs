//! Dates as directories write them, read as seconds since 1970 (UTC). Reads no clock.

/// Days from 1601, where Windows counts from, to 1970.
const FILETIME_EPOCH_S: i64 = 11_644_473_600;
/// A FILETIME counts a hundred nanoseconds.
const FILETIME_PER_S: i64 = 10_000_000;
const DAY_S: i64 = 86_400;

/// How a date is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
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
pub(crate) struct Moment {
    /// When it begins; none when it never comes.
    at: Option<i64>,
    /// How long it lasts, in seconds: a day is over at its end.
    lasts_s: i64,
}

impl Moment {
    /// When it begins.
    pub(crate) fn starts(self) -> Option<i64> {
        self.at
    }

    /// When it is over.
    pub(crate) fn ends(self) -> Option<i64> {
        self.at.and_then(|at| at.checked_add(self.lasts_s))
    }
}

impl Form {
    /// By the name it is declared by.
    pub(crate) fn named(name: &str) -> Option<Self> {
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
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::GeneralizedTime => "a generalized time such as `20260630220000Z`",
            Self::FileTime => "a FILETIME",
            Self::UnixSeconds => "a number of seconds since 1970",
            Self::UnixDays => "a number of days since 1970",
            Self::Date => "a date such as `2026-06-30`",
        }
    }

    /// Reads a value; `None` when it is not of this form.
    pub(crate) fn read(self, value: &str) -> Option<Moment> {
        let once = |at| Moment { at, lasts_s: 0 };
        match self {
            Self::GeneralizedTime => generalized_time(value).map(|at| once(Some(at))),
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

/// A generalized time: year to hour at least, a fraction or none, `Z` or an offset.
pub(crate) fn generalized_time(text: &str) -> Option<i64> {
    let end = text.find(|c: char| !c.is_ascii_digit()).filter(|end| matches!(end, 10 | 12 | 14))?;
    let (digits, rest) = text.split_at_checked(end)?;
    let part = |range: std::ops::Range<usize>| digits.get(range).map_or(Some(0), |part| part.parse::<i64>().ok());
    let (hour, minute, second) = (part(8..10)?, part(10..12)?, part(12..14)?);
    let day = day(part(0..4)?, part(4..6)?, part(6..8)?)?;
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    // A fraction of a second changes nothing here; one of an hour or a minute is written by nobody.
    let rest = rest.strip_prefix(['.', ',']).map_or(rest, |rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    let offset_s = match rest.as_bytes() {
        b"Z" => 0,
        [sign @ (b'+' | b'-'), offset @ ..] if matches!(offset.len(), 2 | 4) && offset.iter().all(u8::is_ascii_digit) => {
            let of = |range: std::ops::Range<usize>| rest.get(range).map_or(Some(0), |part| part.parse::<i64>().ok());
            let apart = of(1..3)? * 3600 + of(3..5)? * 60;
            if *sign == b'+' { apart } else { -apart }
        }
        _ => return None,
    };
    Some(day * DAY_S + hour * 3600 + minute * 60 + second - offset_s)
}

/// The day of a time, as `2026-06-30` (UTC).
pub(crate) fn written(at: i64) -> String {
    // The reverse of `day`.
    let days = at.div_euclid(DAY_S) + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 { (year, month + 3) } else { (year + 1, month - 9) };
    format!("{:04}-{month:02}-{day:02}", year + era * 400)
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
    Some(day(year, month, of_month)? * DAY_S)
}

/// Days since 1970 of a day of the Gregorian calendar, counted in eras of four hundred years from a first of March.
fn day(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(0..=9999).contains(&year) || !(1..=length).contains(&day) {
        return None;
    }
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * month + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

#[cfg(test)]
mod tests {
    use super::{Form, date, generalized_time, written};

    #[test]
    fn generalized_times_are_read_to_the_second_whatever_their_form() {
        assert_eq!(generalized_time("19700101000000Z"), Some(0));
        assert_eq!(generalized_time("20240229120000Z"), Some(1_709_208_000));
        assert_eq!(generalized_time("20240229140000.123+0200"), generalized_time("2024022912Z"));
        assert_eq!(generalized_time("202402290700-05"), generalized_time("20240229120000,5Z"));
        assert_eq!(generalized_time("000001010000Z"), Some(-62_167_219_200));
        for wrong in
            ["", "2024", "20230229120000Z", "20241301000000Z", "20240101000000", "20240101250000Z", "20240101000000+1", "é0240101000000Z"]
        {
            assert_eq!(generalized_time(wrong), None, "{wrong}");
        }
    }

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
