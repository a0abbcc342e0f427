//! A day of the year, `08-31`, and when it is over. Reads no clock.

use jiff::civil::Date;

use super::Invalid;
use super::cron::Zone;
use super::time::Timestamp;

/// Years looked ahead: each has every day that is taken.
const YEARS_AHEAD: i16 = 3;

/// A day that every year has: the 29th of February is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct YearDay {
    month: i8,
    day: i8,
}

impl YearDay {
    /// From a month and a day, `08-31`.
    ///
    /// # Errors
    /// `Invalid` for anything else.
    pub fn parse(field: &str, raw: &str) -> Result<Self, Invalid> {
        let wrong = || Invalid::new(field, format!("«{raw}» is not a day of every year: write month and day, for instance 08-31"));
        let digits = raw.len() == 5 && raw.bytes().enumerate().all(|(at, byte)| if at == 2 { byte == b'-' } else { byte.is_ascii_digit() });
        let (month, day) = raw.split_once('-').filter(|_| digits).ok_or_else(wrong)?;
        let (month, day) = (month.parse().map_err(|_| wrong())?, day.parse().map_err(|_| wrong())?);
        // A year without a 29th of February.
        Date::new(2025, month, day).map_err(|_| wrong())?;
        Ok(Self { month, day })
    }

    /// The first instant after `at` at which such a day is over, in the zone that most schools are in.
    pub fn next_end(self, at: Timestamp) -> Timestamp {
        let zone = Zone::default();
        let year = zone.local(at).year();
        let ends = (year..=year.saturating_add(YEARS_AHEAD)).filter_map(|year| {
            let tomorrow = Date::new(year, self.month, self.day).ok()?.tomorrow().ok()?;
            zone.start_of(tomorrow)
        });
        // Beyond the calendar nothing ends.
        ends.into_iter().find(|end| *end > at).unwrap_or(Timestamp::from_seconds(i64::MAX))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        serde_json::from_value(serde_json::Value::String(text.to_owned())).unwrap()
    }

    #[test]
    fn a_day_ends_at_midnight_where_schools_are() {
        let summer = YearDay::parse("ends", "08-31").unwrap();
        // Two hours ahead of UTC in summer, one in winter.
        assert_eq!(summer.next_end(at("2026-03-01T00:00:00Z")), at("2026-08-31T22:00:00Z"));
        assert_eq!(summer.next_end(at("2026-08-31T21:59:59Z")), at("2026-08-31T22:00:00Z"));
        assert_eq!(summer.next_end(at("2026-08-31T22:00:00Z")), at("2027-08-31T22:00:00Z"));
        let winter = YearDay::parse("ends", "12-31").unwrap();
        assert_eq!(winter.next_end(at("2026-12-31T22:30:00Z")), at("2026-12-31T23:00:00Z"));
        assert_eq!(winter.next_end(at("2026-12-31T23:30:00Z")), at("2027-12-31T23:00:00Z"));
    }

    #[test]
    fn what_is_no_day_of_every_year_is_refused() {
        for raw in ["", "8-31", "31-08", "02-29", "02-30", "00-10", "08-31 ", "+8-31", "08/31", "août"] {
            assert_eq!(YearDay::parse("ends", raw).unwrap_err().field, "ends", "{raw}");
        }
    }
}
