//! The deletion guard: whether a run takes away more than its source allows. Pure.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use uuid::Uuid;

use crate::store::establishment::change::{Change, ChangeKind, Operation};
use crate::store::establishment::source::{Bound, Guard};

/// What a person approved by name: it no longer counts against the guard.
#[derive(Debug, Default)]
pub struct Approved {
    /// People disabled and groups removed.
    subjects: HashSet<Uuid>,
    /// Names taken out of each group.
    memberships: HashMap<Uuid, HashSet<String>>,
}

impl Approved {
    /// Takes a change of the held run in.
    pub fn add(&mut self, change: &Change) {
        let Some(subject) = change.subject_id else { return };
        match (change.kind, change.operation) {
            (ChangeKind::User, Operation::Disabled) | (ChangeKind::Group, Operation::Removed) => {
                self.subjects.insert(subject);
            }
            (ChangeKind::Membership, Operation::MembersRemoved) => {
                let names = self.memberships.entry(subject).or_default();
                let lists = ["people", "groups"].iter().filter_map(|key| change.detail.as_ref()?.get(key)?.as_array());
                names.extend(lists.flatten().filter_map(Value::as_str).map(str::to_owned));
            }
            _ => {}
        }
    }

    /// Whether this person's disabling, or this group's removal, was approved.
    pub fn covers(&self, subject: Uuid) -> bool {
        self.subjects.contains(&subject)
    }

    /// Whether taking this name out of this group was approved.
    pub fn covers_member(&self, group: Uuid, name: &str) -> bool {
        self.memberships.get(&group).is_some_and(|names| names.contains(name))
    }
}

/// How much a source had, and how much of it a run takes away beyond what was approved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loss {
    /// Before the run.
    pub before: u64,
    /// Taken away.
    pub taken: u64,
}

/// A reading of everyone beside the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Whole {
    /// People whose entry the last complete run saw, less those approved to be gone.
    pub present: u64,
    /// People read, unreadable ones included.
    pub read: u64,
}

/// What the guard looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// People who may sign in, and those who would no longer.
    pub people: Loss,
    /// Groups.
    pub groups: Loss,
    /// Direct memberships.
    pub memberships: Loss,
    /// What there is to say when everyone was read.
    pub whole: Option<Whole>,
    /// Whether somebody approved this run.
    pub approved: bool,
}

/// Why a run must be held, in a sentence with the numbers and the limits; none when it may go on.
pub fn objection(guard: &Guard, losses: &Losses) -> Option<String> {
    let mut reasons = Vec::new();
    if losses.whole.is_some_and(|whole| whole.read == 0) && !losses.approved {
        reasons.push("the source answered without a single person".to_owned());
    }
    let looked_at = [
        ("disable", "people", losses.people, guard.people),
        ("remove", "groups", losses.groups, guard.groups),
        ("remove", "memberships", losses.memberships, guard.memberships),
    ];
    reasons.extend(looked_at.into_iter().filter_map(|(verb, kind, loss, bound)| exceeded(verb, kind, loss, bound)));
    if let Some(Whole { present, read }) = losses.whole {
        let shrink = percent(present.saturating_sub(read), present);
        if read > 0 && shrink > guard.shrink_percent {
            let limit = guard.shrink_percent;
            reasons.push(format!("{read} people were read where there were {present}: {shrink:.1} % fewer (limit {limit} %)"));
        }
    }
    if reasons.is_empty() {
        return None;
    }
    Some(format!("{}. Nothing was changed: look at the changes listed, then approve this run or refuse it", sentence(&reasons.join("; "))))
}

fn exceeded(verb: &str, kind: &str, loss: Loss, bound: Bound) -> Option<String> {
    let share = percent(loss.taken, loss.before);
    let over_count = loss.taken > bound.max_count;
    (over_count || share > bound.max_percent).then(|| {
        format!(
            "it would {verb} {} of {} {kind}, {share:.1} % (limits: {} {kind}, {} %)",
            loss.taken, loss.before, bound.max_count, bound.max_percent
        )
    })
}

#[expect(clippy::cast_precision_loss, reason = "counts of people are far below 2^52, and a share is only compared")]
fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]
mod tests {
    use super::*;

    fn quiet() -> Losses {
        Losses { people: Loss { before: 1000, taken: 0 }, whole: Some(Whole { present: 1000, read: 1000 }), ..Losses::default() }
    }

    #[test]
    fn a_run_within_its_bounds_goes_on() {
        let losses = Losses { people: Loss { before: 1000, taken: 100 }, whole: Some(Whole { present: 1000, read: 900 }), ..quiet() };
        assert_eq!(objection(&Guard::default(), &losses), None);
    }

    #[test]
    fn each_bound_holds_a_run_and_names_the_numbers() {
        let guard = Guard::default();
        let many = Losses { people: Loss { before: 1000, taken: 101 }, ..quiet() };
        let said = objection(&guard, &many).unwrap();
        assert!(said.contains("101 of 1000 people") && said.contains("limits: 500 people, 10 %"), "{said}");
        let groups = Losses { groups: Loss { before: 10, taken: 3 }, ..quiet() };
        assert!(objection(&guard, &groups).unwrap().contains("3 of 10 groups"));
        let shrunk = Losses { whole: Some(Whole { present: 1000, read: 700 }), ..quiet() };
        assert!(objection(&guard, &shrunk).unwrap().contains("30.0 % fewer"));
    }

    #[test]
    fn an_empty_answer_is_held_even_when_nothing_was_there() {
        let nobody = Losses { whole: Some(Whole::default()), ..Losses::default() };
        assert!(objection(&Guard::default(), &nobody).unwrap().contains("without a single person"));
        assert_eq!(objection(&Guard::default(), &Losses { approved: true, ..nobody }), None);
        assert_eq!(objection(&Guard::default(), &Losses::default()), None, "nothing changed is not nothing there");
    }
}
