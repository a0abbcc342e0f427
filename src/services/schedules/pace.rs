//! What is due of one source, and when: from its schedule, what its last runs left, and how far the schedule was followed. Asks no clock.

use super::super::error::Error;
use crate::store::Tx;
use crate::store::establishment::source::{self, Source};
use crate::store::establishment::source_state::{self, SourceState};
use crate::store::establishment::source_turn::{self, SourceTurn};
use crate::store::establishment::sync_run::Mode;
use crate::store::registry::pulse::Pulse;
use crate::types::id::SourceId;
use crate::types::time::Timestamp;

/// A complete reading that was begun and brought nothing is begun again after so long, in seconds.
const WHOLE_AGAIN_S: i64 = 3600;
/// The share of the time between two turns over which sources are spread, and the most of it in seconds: not all begin on the minute.
const SPREAD_SHARE: i64 = 10;
const SPREAD_MAX_S: i64 = 600;
/// After so many failures in a row a source is left alone for a while.
pub(super) const FAILURES_MAX: i64 = 3;
/// How long it is left alone first, in seconds; each further failure doubles it.
const PAUSE_MIN_S: i64 = 60;
/// The longest pause, in seconds; of one that is listened to, which people expect back within minutes.
const PAUSE_MAX_S: i64 = 3600;
const PAUSE_OF_LIVE_MAX_S: i64 = 300;
/// How much later than it should a run may end before the source counts as late, in seconds.
const LATE_S: i64 = 15 * 60;

/// What a schedule wants next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// When.
    pub at: Timestamp,
    /// Until when it is read whole at the latest.
    whole_at: Timestamp,
    /// Whether it can be read no other way.
    only_whole: bool,
}

impl Due {
    /// How much is read when it begins at an instant.
    pub fn mode(&self, now: Timestamp) -> Mode {
        if self.only_whole || self.whole_at <= now { Mode::Full } else { Mode::Changes }
    }
}

/// Everything that says when a source runs.
#[derive(Clone, Debug)]
pub struct Pace {
    /// The source.
    pub source: Source,
    /// What its last runs left.
    pub state: SourceState,
    /// How far its schedule was followed.
    pub turn: Option<SourceTurn>,
}

impl Pace {
    /// Of one source; none when it is gone.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_in(tx: &mut Tx, id: SourceId) -> Result<Option<Self>, Error> {
        match source::find(tx, id).await? {
            Some(source) => Ok(Some(Self::of_in(tx, source).await?)),
            None => Ok(None),
        }
    }

    pub(super) async fn of_in(tx: &mut Tx, source: Source) -> Result<Self, Error> {
        let state = source_state::get(tx, source.id).await?;
        let turn = source_turn::find(tx, source.id).await?;
        Ok(Self { source, state, turn })
    }

    /// Up to when the schedule was followed. What was due since is due once, however often it was missed.
    fn served_at(&self) -> Timestamp {
        self.turn.map_or(self.source.created_at, |turn| turn.served_at)
    }

    /// What is due next; nothing for a source that is off or has no schedule.
    pub fn due(&self) -> Option<Due> {
        let schedule = self.source.schedule.as_ref().filter(|_| self.source.enabled)?;
        let only_whole = self.state.bookmark.is_none();
        let whole_at = schedule.out_of_quiet(self.whole_at()?);
        let by_cron = schedule.after(self.served_at()).map(|at| self.spread(at, schedule.after(at)));
        let by_cron = if only_whole { by_cron.map(|at| schedule.out_of_quiet(at)) } else { by_cron };
        let at = by_cron.map_or(whole_at, |at| at.min(whole_at));
        let at = self.state.paused_until.map_or(at, |until| at.max(until));
        Some(Due { at, whole_at, only_whole })
    }

    /// When a complete reading is wanted, quiet hours aside.
    fn whole_at(&self) -> Option<Timestamp> {
        let schedule = self.source.schedule.as_ref()?;
        let wanted = self.state.full_at.map_or(self.served_at(), |read_at| {
            let at = schedule.full_after(read_at);
            if schedule.full.is_some() { self.spread(at, Some(schedule.full_after(at))) } else { at }
        });
        // An account that opens or closes by its date does so then, not a day later.
        let wanted = self.state.turns_at.map_or(wanted, |turns_at| wanted.min(turns_at));
        let in_vain = self.turn.and_then(|turn| turn.full_begun_at).filter(|begun| self.state.full_at.is_none_or(|read| read < *begun));
        Some(in_vain.map_or(wanted, |begun| wanted.max(begun.plus_s(WHOLE_AGAIN_S))))
    }

    /// A moment later, another one for each source: by its key, so that it is the same at every node.
    fn spread(&self, at: Timestamp, next: Option<Timestamp>) -> Timestamp {
        let room = next.map_or(SPREAD_MAX_S, |next| ((next.seconds() - at.seconds()) / SPREAD_SHARE).min(SPREAD_MAX_S));
        at.plus_s(share(self.source.id) % (room.max(0) + 1))
    }

    /// From when on the source is late unless a run ends well before.
    pub(super) fn late_at(&self) -> Option<Timestamp> {
        let schedule = self.source.schedule.as_ref()?;
        let since = self.state.succeeded_at.unwrap_or(self.source.created_at);
        let next = match schedule.after(since) {
            _ if schedule.live => since,
            Some(at) if self.state.bookmark.is_none() => schedule.out_of_quiet(self.spread(at, schedule.after(at))),
            Some(at) => self.spread(at, schedule.after(at)),
            None => schedule.out_of_quiet(self.state.full_at.map_or(since, |read_at| schedule.full_after(read_at))),
        };
        Some(next.plus_s(LATE_S))
    }

    pub(super) fn pulse(&self, slug: &str) -> Pulse {
        Pulse {
            slug: slug.to_owned(),
            source_id: self.source.id,
            source: self.source.name.clone(),
            late_at: self.late_at(),
            succeeded_at: self.state.succeeded_at,
            bookmark_at: self.state.bookmark_at,
            failures: self.state.failures,
            paused_until: self.state.paused_until,
        }
    }
}

/// A number of a source's own, evenly spread.
pub(in crate::services) fn share(id: SourceId) -> i64 {
    // The last bytes of a key are random (RFC 9562 §5.7).
    let (_, low) = id.uuid().as_u64_pair();
    i64::try_from(low % 1_000_003).unwrap_or_default()
}

/// How long a source that failed so often in a row is left alone, in seconds.
pub(super) fn pause_s(failures: i64, is_live: bool) -> i64 {
    let beyond = failures - FAILURES_MAX;
    if beyond < 0 {
        return 0;
    }
    let longest = if is_live { PAUSE_OF_LIVE_MAX_S } else { PAUSE_MAX_S };
    let doubled = u32::try_from(beyond).ok().and_then(|beyond| PAUSE_MIN_S.checked_mul(2_i64.checked_pow(beyond)?));
    doubled.unwrap_or(longest).min(longest)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]
mod tests {
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;

    fn at(text: &str) -> Timestamp {
        serde_json::from_value(json!(text)).unwrap()
    }

    /// A source that was added on a Friday at noon, in universal time, and whose key spreads it by nothing.
    fn pace(schedule: Value) -> Pace {
        let id = SourceId::from(Uuid::nil());
        let added = at("2026-11-20T12:00:00Z");
        let source = Source {
            id,
            name: "ldap".to_owned(),
            kind: source::SourceKind::Ldap,
            settings: Value::Null,
            secret_sealed: None,
            guard: source::Guard::default(),
            schedule: Some(serde_json::from_value(schedule).unwrap()),
            leaving: None,
            matching: None,
            route: None,
            routed_from: None,
            enabled: true,
            created_at: added,
            updated_at: added,
        };
        Pace { source, state: SourceState::new(id), turn: None }
    }

    /// It was read whole at an instant, and is asked for changes since.
    fn read_at(mut pace: Pace, when: &str) -> Pace {
        pace.state.full_at = Some(at(when));
        pace.state.succeeded_at = pace.state.full_at;
        pace.state.bookmark = Some("there".to_owned());
        pace.turn = Some(SourceTurn { source_id: pace.source.id, served_at: at(when), full_begun_at: pace.state.full_at });
        pace
    }

    #[test]
    fn a_source_that_never_ran_is_read_whole_at_once() {
        let never = pace(json!({ "cron": "*/15 * * * *", "zone": "UTC" }));
        let due = never.due().unwrap();
        assert_eq!((due.at, due.mode(due.at)), (at("2026-11-20T12:00:00Z"), Mode::Full));
        let school_hours = pace(json!({ "zone": "UTC", "quiet": [{ "from": "08:00", "to": "18:00" }] }));
        assert_eq!(school_hours.due().unwrap().at, at("2026-11-20T18:00:00Z"), "but in no quiet hour");
    }

    #[test]
    fn changes_come_at_their_times_and_a_day_later_everything() {
        let mut pace = read_at(pace(json!({ "cron": "*/15 * * * *", "zone": "UTC" })), "2026-11-20T12:01:00Z");
        let due = pace.due().unwrap();
        assert_eq!((due.at, due.mode(due.at)), (at("2026-11-20T12:15:00Z"), Mode::Changes));
        assert_eq!(due.mode(at("2026-11-21T13:00:00Z")), Mode::Full, "the node was away for a day: one run makes up for all");
        pace.turn = Some(SourceTurn { served_at: at("2026-11-21T12:00:00Z"), ..pace.turn.unwrap() });
        let due = pace.due().unwrap();
        assert_eq!((due.at, due.mode(due.at)), (at("2026-11-21T12:01:00Z"), Mode::Full));
    }

    #[test]
    fn an_account_that_ends_by_its_date_brings_a_complete_reading_at_that_moment() {
        let mut pace = read_at(pace(json!({ "cron": "0 * * * *", "zone": "UTC" })), "2026-11-20T12:01:00Z");
        pace.state.turns_at = Some(at("2026-11-20T12:30:00Z"));
        let due = pace.due().unwrap();
        assert_eq!((due.at, due.mode(due.at)), (at("2026-11-20T12:30:00Z"), Mode::Full));
        pace.state.turns_at = Some(at("2026-12-24T00:00:00Z"));
        assert_eq!(pace.due().map(|due| due.mode(due.at)), Some(Mode::Changes));
    }

    #[test]
    fn a_complete_reading_in_vain_waits_an_hour_while_changes_go_on() {
        let mut pace = read_at(pace(json!({ "cron": "*/15 * * * *", "zone": "UTC" })), "2026-11-20T12:01:00Z");
        let tried = at("2026-11-21T12:01:00Z");
        pace.turn = Some(SourceTurn { source_id: pace.source.id, served_at: tried, full_begun_at: Some(tried) });
        let due = pace.due().unwrap();
        assert_eq!((due.at, due.mode(due.at)), (at("2026-11-21T12:15:00Z"), Mode::Changes));
        assert_eq!(due.mode(at("2026-11-21T13:01:00Z")), Mode::Full);
    }

    #[test]
    fn sources_of_one_schedule_do_not_all_begin_on_the_minute() {
        let begins = |low: u64| {
            let mut pace = read_at(pace(json!({ "cron": "0 * * * *", "zone": "UTC" })), "2026-11-20T12:01:00Z");
            pace.source.id = SourceId::from(Uuid::from_u64_pair(7, low));
            pace.due().unwrap().at.seconds() - at("2026-11-20T13:00:00Z").seconds()
        };
        let spread: std::collections::BTreeSet<i64> = (0..500).map(|n| begins(n * 7919)).collect();
        assert!(spread.len() > 200 && spread.iter().all(|late| (0..=360).contains(late)), "within a tenth of the hour: {spread:?}");
        assert_eq!(begins(77), begins(77), "the same at every node");
    }

    #[test]
    fn one_that_fails_is_left_alone_longer_and_longer() {
        let pauses: Vec<i64> = (1..=12).map(|failures| pause_s(failures, false)).collect();
        assert_eq!(pauses, [0, 0, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600, 3600]);
        assert_eq!((pause_s(9, true), pause_s(i64::MAX, false)), (300, 3600));
        let mut pace = read_at(pace(json!({ "cron": "*/15 * * * *", "zone": "UTC" })), "2026-11-20T12:01:00Z");
        pace.state.paused_until = Some(at("2026-11-20T12:31:00Z"));
        assert_eq!(pace.due().unwrap().at, at("2026-11-20T12:31:00Z"));
    }

    #[test]
    fn one_that_is_off_or_has_no_schedule_is_never_due() {
        let mut off = pace(json!({ "cron": "*/15 * * * *" }));
        off.source.enabled = false;
        assert_eq!(off.due(), None);
        let mut by_hand = pace(json!({}));
        by_hand.source.schedule = None;
        assert_eq!((by_hand.due(), by_hand.late_at()), (None, None));
    }

    #[test]
    fn late_means_long_after_its_time() {
        let pace = read_at(pace(json!({ "cron": "*/15 * * * *", "zone": "UTC" })), "2026-11-20T12:01:00Z");
        assert_eq!(pace.late_at(), Some(at("2026-11-20T12:30:00Z")));
    }
}
