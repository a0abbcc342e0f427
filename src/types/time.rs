//! Instants, in whole seconds since the Unix epoch. The clock itself is read at the edges only.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// An instant: seconds since 1970-01-01T00:00:00Z. Written as RFC 3339 in JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From seconds since the epoch.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds since the epoch.
    pub const fn seconds(self) -> i64 {
        self.0
    }

    /// Whether what begins and ends at these instants holds now: it holds at the one, and at the other no more.
    pub fn is_within(self, from: Option<Self>, until: Option<Self>) -> bool {
        from.is_none_or(|from| from <= self) && until.is_none_or(|until| until > self)
    }

    /// This instant moved by some seconds, saturating.
    #[must_use]
    pub const fn plus_s(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// Its parts, for texts that people read. An instant beyond the calendar shows as its end.
    pub fn civil_utc(self) -> CivilUtc {
        let at = jiff::Timestamp::from_second(self.0).unwrap_or(jiff::Timestamp::MAX);
        let civil = jiff::tz::TimeZone::UTC.to_datetime(at);
        CivilUtc { year: civil.year(), month: civil.month(), day: civil.day(), hour: civil.hour(), minute: civil.minute() }
    }

    /// Reads the clock. For the edges: fronts, `app`, `demo` and tests.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    pub fn now() -> Self {
        Self(jiff::Timestamp::now().as_second())
    }
}

/// The parts of an instant, in Coordinated Universal Time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CivilUtc {
    /// The year.
    pub year: i16,
    /// The month, from 1.
    pub month: i8,
    /// The day of the month, from 1.
    pub day: i8,
    /// The hour.
    pub hour: i8,
    /// The minute.
    pub minute: i8,
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_second(self.0) {
            Ok(at) => fmt::Display::fmt(&at, f),
            Err(_) => write!(f, "{}", self.0),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = String::deserialize(deserializer)?;
        raw.parse::<jiff::Timestamp>()
            .map(|at| Self(at.as_second()))
            .map_err(|_| serde::de::Error::custom(format!("«{raw}» is not an instant: write it like 2026-09-15T08:00:00Z")))
    }
}

impl utoipa::PartialSchema for Timestamp {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .format(Some(utoipa::openapi::SchemaFormat::KnownFormat(utoipa::openapi::KnownFormat::DateTime)))
            .into()
    }
}
impl utoipa::ToSchema for Timestamp {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_as_rfc_3339() {
        assert_eq!(Timestamp::from_seconds(1_789_459_200).to_string(), "2026-09-15T08:00:00Z");
    }

    #[test]
    fn what_begins_holds_at_once_and_what_ends_no_more() {
        let (before, now, after) = (Timestamp::from_seconds(4), Timestamp::from_seconds(5), Timestamp::from_seconds(6));
        for (from, until, holds) in [
            (None, None, true),
            (Some(now), Some(after), true),
            (Some(before), Some(now), false),
            (Some(after), None, false),
            (None, Some(before), false),
        ] {
            assert_eq!(now.is_within(from, until), holds, "{from:?} {until:?}");
        }
    }
}
