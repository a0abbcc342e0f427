//! When a source runs by itself, in which hours it is not read whole, and whether it is listened to. Reads no clock and starts nothing.

use jiff::civil::Time;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

use super::Invalid;
use super::cron::{Cron, Zone};
use super::time::Timestamp;

/// How long after a complete reading the next one is wanted when nothing is said, in seconds: a day.
const FULL_EVERY_S: i64 = 24 * 3600;
/// The bounds of `poll_s`, in seconds.
const POLL_S: std::ops::RangeInclusive<u32> = 10..=86_400;
/// Most quiet windows.
const QUIET_MAX: usize = 8;
const DAY_MINUTES: usize = 24 * 60;
const WEEK_MINUTES: usize = 7 * DAY_MINUTES;

/// When a source runs by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// When it is asked what changed, in cron's five fields: minute, hour, day of the month, month, day of the week. Left out, it is only read
    /// whole from time to time, and listened to when `live` says so.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub cron: Option<Cron>,
    /// The time zone of every hour here, by its IANA name.
    #[serde(default)]
    #[schema(value_type = String)]
    pub zone: Zone,
    /// When it is read whole, whatever else was read; once a day when left out.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub full: Option<Cron>,
    /// Whether it is listened to all the time. A source that announces nothing is asked every `poll_s` seconds instead.
    #[serde(default)]
    pub live: bool,
    /// How often a live source that announces nothing is asked what changed, in seconds.
    #[serde(default = "poll_s")]
    pub poll_s: u32,
    /// Hours in which no complete reading begins by itself.
    #[serde(default)]
    pub quiet: Vec<Window>,
}

fn poll_s() -> u32 {
    60
}

/// Hours of some days. One that ends before it begins lasts into the next day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// From, as `HH:MM`.
    #[schema(value_type = String)]
    pub from: Hour,
    /// Until, as `HH:MM`.
    #[schema(value_type = String)]
    pub to: Hour,
    /// On which days it begins; on all when none is named.
    #[serde(default)]
    pub days: Vec<Day>,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Day {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

impl Day {
    /// How many days after Monday.
    const fn after_monday(self) -> usize {
        match self {
            Self::Mon => 0,
            Self::Tue => 1,
            Self::Wed => 2,
            Self::Thu => 3,
            Self::Fri => 4,
            Self::Sat => 5,
            Self::Sun => 6,
        }
    }
}

const DAYS: [Day; 7] = [Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri, Day::Sat, Day::Sun];

/// A time of day, to the minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hour(usize);

impl Hour {
    /// From `HH:MM`.
    ///
    /// # Errors
    /// `Invalid` for another form.
    pub fn parse(raw: &str) -> Result<Self, Invalid> {
        let wrong = || Invalid::new("hour", format!("«{raw}» is no time of day: write it as HH:MM, from 00:00 to 23:59"));
        let time = Time::strptime("%H:%M", raw.trim()).map_err(|_| wrong())?;
        let (hour, minute) = (usize::try_from(time.hour()), usize::try_from(time.minute()));
        Ok(Self(hour.map_err(|_| wrong())? * 60 + minute.map_err(|_| wrong())?))
    }
}

impl Serialize for Hour {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:02}:{:02}", self.0 / 60, self.0 % 60))
    }
}

impl<'de> Deserialize<'de> for Hour {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(|wrong| serde::de::Error::custom(wrong.message))
    }
}

impl Window {
    /// The days on which it begins.
    fn days(&self) -> &[Day] {
        if self.days.is_empty() { &DAYS } else { &self.days }
    }

    fn length(&self) -> usize {
        (self.to.0 + DAY_MINUTES - self.from.0) % DAY_MINUTES
    }

    /// How many minutes of it are left at a minute of the week; none outside it.
    fn left(&self, minute: usize) -> Option<usize> {
        let begun = self.days().iter().map(|day| {
            let from = day.after_monday() * DAY_MINUTES + self.from.0;
            (minute + WEEK_MINUTES - from) % WEEK_MINUTES
        });
        begun.filter(|since| *since < self.length()).map(|since| self.length() - since).max()
    }
}

impl Default for Schedule {
    /// Read whole once a day.
    fn default() -> Self {
        Self { cron: None, zone: Zone::default(), full: None, live: false, poll_s: poll_s(), quiet: Vec::new() }
    }
}

impl Schedule {
    /// What the fields say together. Each alone is right already.
    ///
    /// # Errors
    /// Every field that does not fit.
    pub fn check(&self) -> Result<(), Vec<Invalid>> {
        let mut wrong = Vec::new();
        if !POLL_S.contains(&self.poll_s) {
            wrong.push(Invalid::new("schedule.poll_s", format!("from {} to {} seconds", POLL_S.start(), POLL_S.end())));
        }
        if self.quiet.len() > QUIET_MAX {
            wrong.push(Invalid::new("schedule.quiet", format!("at most {QUIET_MAX} windows")));
        } else if (0..WEEK_MINUTES).all(|minute| self.quiet_minutes(minute).is_some()) {
            wrong.push(Invalid::new("schedule.quiet", "leave some time of the week in which the source may be read whole"));
        }
        for (place, window) in self.quiet.iter().enumerate() {
            if window.length() == 0 {
                wrong.push(Invalid::new(format!("schedule.quiet[{place}].to"), "is when it begins: a window has to last"));
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    /// When the source is next asked what changed; none when it is only read whole, or listened to.
    pub fn after(&self, at: Timestamp) -> Option<Timestamp> {
        self.cron.as_ref().and_then(|cron| cron.next(at, &self.zone))
    }

    /// When it is next read whole, if it was at an instant.
    pub fn full_after(&self, at: Timestamp) -> Timestamp {
        let said = self.full.as_ref().and_then(|cron| cron.next(at, &self.zone));
        said.unwrap_or_else(|| at.plus_s(FULL_EVERY_S))
    }

    /// The first instant from `at` on that lies in no quiet window.
    pub fn out_of_quiet(&self, at: Timestamp) -> Timestamp {
        let mut found = at;
        // Windows may follow one another; together they never fill the week.
        for _ in 0..=QUIET_MAX * DAYS.len() {
            let Some(minutes) = self.quiet_minutes(self.minute_of_week(found)) else { return found };
            let second = i64::from(self.zone.local(found).second());
            found = found.plus_s(i64::try_from(minutes * 60).unwrap_or_default() - second);
        }
        found
    }

    fn quiet_minutes(&self, minute: usize) -> Option<usize> {
        self.quiet.iter().filter_map(|window| window.left(minute)).max()
    }

    fn minute_of_week(&self, at: Timestamp) -> usize {
        let local = self.zone.local(at);
        let part = |raw: i8| usize::try_from(raw).unwrap_or_default();
        part(local.weekday().to_monday_zero_offset()) * DAY_MINUTES + part(local.hour()) * 60 + part(local.minute())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn schedule(text: Value) -> Schedule {
        serde_json::from_value(text).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        serde_json::from_value(json!(text)).unwrap()
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let said = schedule(json!({ "cron": "*/15 * * * *" }));
        let whole = json!({ "cron": "*/15 * * * *", "zone": "Europe/Paris", "full": null, "live": false, "poll_s": 60, "quiet": [] });
        assert_eq!(serde_json::to_value(&said).unwrap(), whole);
        assert_eq!(said.full_after(at("2026-11-20T04:00:00Z")), at("2026-11-21T04:00:00Z"), "a day later");
    }

    #[test]
    fn complete_readings_wait_for_the_end_of_quiet_hours() {
        let school =
            json!([{ "from": "08:00", "to": "18:00", "days": ["mon", "tue", "wed", "thu", "fri"] }, { "from": "17:30", "to": "19:00" }]);
        let said = schedule(json!({ "quiet": school }));
        assert_eq!(said.out_of_quiet(at("2026-11-20T06:59:59Z")), at("2026-11-20T06:59:59Z"), "a minute before");
        assert_eq!(said.out_of_quiet(at("2026-11-20T07:00:20Z")), at("2026-11-20T18:00:00Z"), "one window leads into the next");
        assert_eq!(said.out_of_quiet(at("2026-11-21T11:00:00Z")), at("2026-11-21T11:00:00Z"), "a Saturday");
        let night = schedule(json!({ "quiet": [{ "from": "22:00", "to": "06:00", "days": ["sun"] }] }));
        assert_eq!(night.out_of_quiet(at("2026-11-23T01:00:00Z")), at("2026-11-23T05:00:00Z"), "the night after Sunday");
        assert_eq!(night.out_of_quiet(at("2026-11-24T01:00:00Z")), at("2026-11-24T01:00:00Z"));
    }

    #[test]
    fn fields_that_contradict_each_other_are_named() {
        let refused = |text| schedule(text).check().unwrap_err().into_iter().map(|wrong| wrong.field).collect::<Vec<_>>();
        assert_eq!(refused(json!({ "poll_s": 1 })), ["schedule.poll_s"]);
        assert_eq!(refused(json!({ "quiet": [{ "from": "08:00", "to": "08:00" }] })), ["schedule.quiet[0].to"]);
        assert_eq!(
            refused(json!({ "quiet": [{ "from": "00:00", "to": "12:00" }, { "from": "12:00", "to": "00:00" }] })),
            ["schedule.quiet"]
        );
        assert!(schedule(json!({ "quiet": [{ "from": "00:00", "to": "23:59" }] })).check().is_ok());
    }
}
