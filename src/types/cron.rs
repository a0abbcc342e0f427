//! Times that come back, in cron's five fields, read in a time zone. Reads no clock and starts nothing.

use std::fmt;

use croner::parser::{CronParser, Seconds, Year};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Invalid;
use super::time::Timestamp;

/// Longest text of either, in bytes.
const LENGTH_MAX: usize = 128;

/// A time zone of the IANA database, by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    name: String,
    rules: jiff::tz::TimeZone,
}

impl Zone {
    /// By name, letter case ignored.
    ///
    /// # Errors
    /// `Invalid` for a name the database does not have.
    pub fn parse(raw: &str) -> Result<Self, Invalid> {
        let unknown = || Invalid::new("zone", format!("«{raw}» is no time zone: write one like Europe/Paris, Indian/Reunion or UTC"));
        let rules = Some(raw.trim()).filter(|name| name.len() <= LENGTH_MAX).and_then(|name| jiff::tz::TimeZone::get(name).ok());
        let rules = rules.ok_or_else(unknown)?;
        let name = rules.iana_name().ok_or_else(unknown)?.to_owned();
        Ok(Self { name, rules })
    }

    /// The local date and time of an instant.
    pub(super) fn local(&self, at: Timestamp) -> jiff::Zoned {
        jiff::Timestamp::from_second(at.seconds()).unwrap_or(jiff::Timestamp::MAX).to_zoned(self.rules.clone())
    }

    /// When a day begins.
    pub(super) fn start_of(&self, day: jiff::civil::Date) -> Option<Timestamp> {
        day.to_zoned(self.rules.clone()).ok().map(|at| Timestamp::from_seconds(at.timestamp().as_second()))
    }

    /// As the database writes it.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Default for Zone {
    /// Where most schools of the gateway are.
    fn default() -> Self {
        Self::parse("Europe/Paris").unwrap_or_else(|_| Self { name: "UTC".to_owned(), rules: jiff::tz::TimeZone::UTC })
    }
}

/// Minute, hour, day of the month, month, day of the week.
///
/// Where clocks go forward, a time that is skipped comes at the first instant after the gap, unless its hour or minute is a star or a step:
/// then it is left out. Where they go back, a time comes once, and again only when its hour or minute is a star or a step.
#[derive(Clone, Debug)]
pub struct Cron {
    text: String,
    times: croner::Cron,
}

impl Cron {
    /// Five fields, or `@hourly`, `@daily`, `@weekly`, `@monthly`.
    ///
    /// # Errors
    /// `Invalid` with what is wrong.
    pub fn parse(raw: &str) -> Result<Self, Invalid> {
        let text = raw.split_whitespace().collect::<Vec<_>>().join(" ");
        let wrong = |why: &str| {
            Invalid::new(
                "cron",
                format!("«{raw}» is no time: {why}. Write minute, hour, day, month and day of the week, for instance `*/15 * * * *`"),
            )
        };
        if text.len() > LENGTH_MAX {
            return Err(wrong("it is too long"));
        }
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let times = parser.parse(&text).map_err(|error| wrong(error.to_string().trim_end_matches('.')))?;
        let cron = Self { text, times };
        let never = cron.next(Timestamp::default(), &Zone::default()).is_none();
        if never { Err(wrong("it never comes")) } else { Ok(cron) }
    }

    /// The first time after an instant; none when it never comes again.
    pub fn next(&self, after: Timestamp, zone: &Zone) -> Option<Timestamp> {
        let next = self.times.find_next_occurrence(&zone.local(after), false).ok()?;
        Some(Timestamp::from_seconds(next.timestamp().as_second()))
    }
}

impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Serialize for Cron {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Cron {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(|wrong| serde::de::Error::custom(wrong.message))
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name)
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(|wrong| serde::de::Error::custom(wrong.message))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        serde_json::from_value(serde_json::json!(text)).unwrap()
    }

    /// The times after an instant, in universal time.
    fn times(cron: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
        let (cron, zone) = (Cron::parse(cron).unwrap(), Zone::parse(zone).unwrap());
        let mut last = at(after);
        std::iter::repeat_with(|| {
            last = cron.next(last, &zone).unwrap();
            last.to_string()
        })
        .take(count)
        .collect()
    }

    #[test]
    fn times_are_those_of_the_zone() {
        assert_eq!(times("0 3 * * *", "Europe/Paris", "2026-01-10T12:00:00Z", 1), ["2026-01-11T02:00:00Z"]);
        assert_eq!(times("0 3 * * *", "Europe/Paris", "2026-07-10T12:00:00Z", 1), ["2026-07-11T01:00:00Z"]);
        assert_eq!(times("0 3 * * *", "Indian/Reunion", "2026-07-10T12:00:00Z", 1), ["2026-07-10T23:00:00Z"]);
        assert_eq!(
            times("*/15 8-17 * * 1-5", "Europe/Paris", "2026-11-20T16:30:00Z", 3),
            ["2026-11-20T16:45:00Z", "2026-11-23T07:00:00Z", "2026-11-23T07:15:00Z"],
            "from Friday evening to Monday morning"
        );
    }

    #[test]
    fn a_time_that_the_clock_skips_comes_right_after_the_gap() {
        // 29 March 2026: 02:00 becomes 03:00, which is 01:00 in universal time.
        assert_eq!(times("30 2 * * *", "Europe/Paris", "2026-03-28T12:00:00Z", 2), ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]);
        assert_eq!(
            times("*/30 * * * *", "Europe/Paris", "2026-03-29T00:15:00Z", 3),
            ["2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"],
            "a step keeps its pace in real time"
        );
    }

    #[test]
    fn a_time_that_the_clock_doubles_comes_once() {
        // 25 October 2026: 03:00 becomes 02:00 again, at 01:00 in universal time.
        assert_eq!(times("30 2 * * *", "Europe/Paris", "2026-10-24T12:00:00Z", 2), ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
        assert_eq!(
            times("*/30 * * * *", "Europe/Paris", "2026-10-25T00:15:00Z", 4),
            ["2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:00:00Z"],
            "a step goes on through both hours"
        );
    }

    #[test]
    fn what_is_no_time_is_refused_with_the_form() {
        for wrong in ["", "daily", "* * * *", "* * * * * *", "61 * * * *", "0 3 30 2 *", "0 25 * * *", "0 3 * * 9"] {
            let refused = Cron::parse(wrong).unwrap_err();
            assert!(refused.message.contains("*/15"), "{wrong}: {refused}");
        }
        assert!(Zone::parse("Europe/Paname").is_err() && Zone::parse("../../etc/passwd").is_err() && Zone::parse("").is_err());
        assert_eq!(Zone::parse("europe/paris").unwrap().name(), "Europe/Paris");
    }
}
