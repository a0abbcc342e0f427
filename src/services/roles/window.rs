//! When a rule counts: from an instant, until another, until the end of a day of the year. Pure: callers tell the time.

use serde::Serialize;
use utoipa::ToSchema;

use super::fields::RuleFields;
use crate::store::establishment::rule::Rule;
use crate::types::Invalid;
use crate::types::time::Timestamp;
use crate::types::year_day::YearDay;

/// Whether a rule counts at an instant, as far as its window goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Opening {
    /// Not yet.
    Waiting,
    /// It does.
    Open,
    /// Not any more.
    Ended,
}

/// The time in which a rule gives what it gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    from: Option<Timestamp>,
    until: Option<Timestamp>,
    ends: Option<YearDay>,
    /// The end of the day on which it ends, once it is known when it was renewed.
    closes: Option<Timestamp>,
}

impl Window {
    /// As a rule says it, renewed at an instant; one that was not written down yet is renewed whenever it is looked at.
    ///
    /// # Errors
    /// `Invalid` for a day that is none, and an end that does not come after the start.
    pub fn new(fields: &RuleFields, renewed_at: Option<Timestamp>) -> Result<Self, Invalid> {
        let ends = fields.ends.as_deref().map(|raw| YearDay::parse("ends", raw)).transpose()?;
        if let (Some(from), Some(until)) = (fields.valid_from, fields.valid_until)
            && until <= from
        {
            return Err(Invalid::new("valid_until", format!("{until} does not lie after valid_from, {from}")));
        }
        let window = Self { from: fields.valid_from, until: fields.valid_until, ends, closes: None };
        Ok(Self { closes: renewed_at.and_then(|at| window.yearly_end(at)), ..window })
    }

    /// That of a stored rule, which was checked when it was written.
    pub fn of(rule: &Rule) -> Self {
        Self::new(&RuleFields::from(rule), Some(rule.updated_at)).unwrap_or_default()
    }

    /// When it opens; always open before its end when none.
    pub const fn start(&self) -> Option<Timestamp> {
        self.from
    }

    /// When it closes, seen at an instant: the earlier of its own end and the first such day after it was renewed, or first counts.
    pub fn end(&self, now: Timestamp) -> Option<Timestamp> {
        match (self.until, self.closes.or_else(|| self.yearly_end(now))) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }

    fn yearly_end(&self, renewed_at: Timestamp) -> Option<Timestamp> {
        self.ends.map(|day| day.next_end(self.from.map_or(renewed_at, |from| from.max(renewed_at))))
    }

    /// Whether it is open, or why not.
    pub fn opening(&self, now: Timestamp) -> Opening {
        if self.from.is_some_and(|from| from > now) {
            Opening::Waiting
        } else if self.end(now).is_some_and(|end| end <= now) {
            Opening::Ended
        } else {
            Opening::Open
        }
    }

    /// Whether it is open.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.opening(now) == Opening::Open
    }

    /// When it opens and when it closes, as far as it does.
    pub fn edges(&self, now: Timestamp) -> impl Iterator<Item = Timestamp> {
        self.from.into_iter().chain(self.end(now))
    }

    /// Whether there is an instant at which both are open.
    pub fn overlaps(&self, other: &Self, now: Timestamp) -> bool {
        let before = |start: Option<Timestamp>, end: Option<Timestamp>| start.zip(end).is_none_or(|(start, end)| start < end);
        before(self.from, other.end(now)) && before(other.from, self.end(now))
    }

    /// Whether it is open whenever the other is.
    pub fn covers(&self, other: &Self, now: Timestamp) -> bool {
        let starts = self.from.is_none_or(|from| other.from.is_some_and(|later| from <= later));
        let ends = self.end(now).is_none_or(|end| other.end(now).is_some_and(|earlier| earlier <= end));
        starts && ends
    }
}

/// Whether a stored rule's window is open, when it opens and when it closes.
pub fn window_of(rule: &Rule, now: Timestamp) -> (Opening, Option<Timestamp>, Option<Timestamp>) {
    let window = Window::of(rule);
    (window.opening(now), window.start(), window.end(now))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        serde_json::from_value(serde_json::Value::String(format!("{text}T00:00:00Z"))).unwrap()
    }

    fn window(from: &str, until: &str, ends: &str, renewed: &str) -> Window {
        let some = |text: &str| (!text.is_empty()).then(|| at(text));
        let ends = (!ends.is_empty()).then(|| ends.to_owned());
        let fields = RuleFields { valid_from: some(from), valid_until: some(until), ends, ..RuleFields::default() };
        Window::new(&fields, some(renewed)).unwrap()
    }

    #[test]
    fn a_window_opens_and_closes() {
        let year = window("2026-09-01", "2027-07-01", "", "2026-05-01");
        assert_eq!(year.opening(at("2026-08-31")), Opening::Waiting);
        assert!(year.is_open(at("2026-09-01")) && year.is_open(at("2027-06-30")));
        assert_eq!(year.opening(at("2027-07-01")), Opening::Ended);
    }

    #[test]
    fn a_yearly_end_comes_after_the_renewal_and_the_start_and_stays_until_the_next_one() {
        let renewed_in_march = window("", "", "08-31", "2026-03-01");
        assert!(renewed_in_march.is_open(at("2026-08-31")));
        assert_eq!(renewed_in_march.opening(at("2026-09-01")), Opening::Ended);
        assert_eq!(renewed_in_march.opening(at("2027-03-01")), Opening::Ended);
        let for_next_year = window("2026-09-01", "", "08-31", "2026-05-01");
        assert_eq!(for_next_year.end(at("2026-05-01")).unwrap().to_string(), "2027-08-31T22:00:00Z");
        let earlier = window("", "2026-06-01", "08-31", "2026-03-01");
        assert_eq!(earlier.end(at("2026-03-01")), Some(at("2026-06-01")));
        assert!(window("", "", "08-31", "").is_open(at("2031-01-01")), "what is only tried would be renewed by being saved");
    }

    #[test]
    fn windows_that_touch_do_not_overlap_and_a_longer_one_covers() {
        let (first, second) = (window("", "2026-09-01", "", ""), window("2026-09-01", "", "", ""));
        let now = at("2026-01-01");
        assert!(!first.overlaps(&second, now) && !second.overlaps(&first, now));
        assert!(window("", "", "", "").overlaps(&second, now) && window("", "", "", "").covers(&first, now));
        assert!(!first.covers(&second, now) && !second.covers(&window("", "", "", ""), now) && second.covers(&second, now));
        assert!(window("2026-01-01", "2026-10-01", "", "").overlaps(&second, now));
    }

    #[test]
    fn an_end_before_the_start_is_refused_with_its_place() {
        let fields = RuleFields { valid_from: Some(at("2026-09-01")), valid_until: Some(at("2026-09-01")), ..RuleFields::default() };
        assert_eq!(Window::new(&fields, None).unwrap_err().field, "valid_until");
        let fields = RuleFields { ends: Some("31/08".to_owned()), ..RuleFields::default() };
        assert_eq!(Window::new(&fields, None).unwrap_err().field, "ends");
    }
}
