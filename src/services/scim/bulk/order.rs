//! In which order the operations of a Bulk request are carried out: whatever is referred to is made first, and where resources refer to one another in a circle,
//! one of them is made without these references and gets them afterwards (RFC 7644 §3.7.1). Pure.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Method, REFERENCE, Sent, references};

/// What of an operation is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// What it makes, without the references that close a circle.
    Bare,
    /// All of it once more, when everything that it refers to is there.
    Rest,
}

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which of the operations that were sent.
    pub at: usize,
    /// What of it.
    pub part: Part,
}

/// The steps of a request.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// What is referred to first; otherwise as it was sent.
    pub steps: Vec<Step>,
    /// Which references of an operation are left out at first.
    pub left_out: BTreeMap<usize, BTreeSet<String>>,
}

/// Finds the order of a request's operations.
pub fn order(operations: &[Sent]) -> Order {
    let mut work = Work::of(operations);
    loop {
        while let Some(next) = work.free.pop_first() {
            work.take(next);
        }
        match work.in_a_circle() {
            Some(at) => work.take_bare(at),
            None => return work.order,
        }
    }
}

/// Whatever is still to be done. What is made bare is done a second time under its place plus `count`.
struct Work<'a> {
    operations: &'a [Sent],
    /// Which of the operations make what is referred to.
    makers: BTreeMap<&'a str, usize>,
    /// What each waits for.
    waiting: BTreeMap<usize, BTreeSet<usize>>,
    /// Who waits for each.
    awaited: BTreeMap<usize, BTreeSet<usize>>,
    free: BTreeSet<usize>,
    /// Those of circles, and those between circles: looked for once, when nothing is free.
    circular: Option<BTreeSet<usize>>,
    order: Order,
}

impl<'a> Work<'a> {
    fn of(operations: &'a [Sent]) -> Self {
        let makers: BTreeMap<&str, usize> = (operations.iter().enumerate())
            .filter(|(_, sent)| sent.wish.as_ref().is_ok_and(|wish| wish.method == Method::Post))
            .filter_map(|(at, sent)| sent.bulk_id.as_deref().map(|name| (name, at)))
            .collect();
        let mut work = Self {
            operations,
            makers,
            waiting: BTreeMap::new(),
            awaited: BTreeMap::new(),
            free: BTreeSet::new(),
            circular: None,
            order: Order::default(),
        };
        for (at, sent) in operations.iter().enumerate() {
            let names = sent.wish.as_ref().map(references).unwrap_or_default();
            let needs = names.iter().filter_map(|name| work.makers.get(name.as_str()).copied()).collect();
            work.wait(at, needs);
        }
        work
    }

    fn wait(&mut self, at: usize, needs: BTreeSet<usize>) {
        if needs.is_empty() {
            self.free.insert(at);
            return;
        }
        for need in &needs {
            self.awaited.entry(*need).or_default().insert(at);
        }
        self.waiting.insert(at, needs);
    }

    fn take(&mut self, place: usize) {
        let count = self.operations.len();
        let step = if place < count { Step { at: place, part: Part::Whole } } else { Step { at: place - count, part: Part::Rest } };
        self.order.steps.push(step);
        self.done(place);
    }

    fn done(&mut self, place: usize) {
        for later in self.awaited.remove(&place).unwrap_or_default() {
            let Some(needs) = self.waiting.get_mut(&later) else { continue };
            needs.remove(&place);
            if needs.is_empty() {
                self.waiting.remove(&later);
                self.free.insert(later);
            }
        }
    }

    /// Makes one of a circle before what it refers to.
    fn take_bare(&mut self, at: usize) {
        let mut needs = self.waiting.remove(&at).unwrap_or_default();
        let left_out = self.makers.iter().filter(|(_, maker)| needs.contains(maker)).map(|(name, _)| (*name).to_owned()).collect();
        self.order.left_out.insert(at, left_out);
        self.order.steps.push(Step { at, part: Part::Bare });
        for need in &needs {
            self.awaited.entry(*need).or_default().remove(&at);
        }
        needs.remove(&at);
        let rest = at + self.operations.len();
        // Whoever changes it comes after all of it; whoever refers to it may come before.
        for later in self.awaited.get(&at).cloned().unwrap_or_default() {
            if self.changes(later, at) {
                self.awaited.entry(at).or_default().remove(&later);
                self.awaited.entry(rest).or_default().insert(later);
                self.waiting.entry(later).and_modify(|needs| {
                    needs.remove(&at);
                    needs.insert(rest);
                });
            }
        }
        self.wait(rest, needs);
        self.done(at);
    }

    fn changes(&self, later: usize, made: usize) -> bool {
        let target =
            self.operations.get(later).and_then(|sent| sent.wish.as_ref().ok()).and_then(|wish| wish.target.strip_prefix(REFERENCE));
        target.is_some_and(|name| self.makers.get(name) == Some(&made))
    }

    /// The first that waits for what waits for it.
    fn in_a_circle(&mut self) -> Option<usize> {
        if self.circular.is_none() {
            self.circular = Some(self.circular());
        }
        self.circular.iter().flatten().find(|at| self.waiting.contains_key(*at)).copied()
    }

    /// Those that wait without those for whom nobody waits, and so on.
    fn circular(&self) -> BTreeSet<usize> {
        let mut count: BTreeMap<usize, usize> =
            self.waiting.keys().map(|at| (*at, self.awaited.get(at).map_or(0, BTreeSet::len))).collect();
        let mut last: VecDeque<usize> = count.iter().filter(|(_, count)| **count == 0).map(|(at, _)| *at).collect();
        while let Some(at) = last.pop_front() {
            count.remove(&at);
            for need in self.waiting.get(&at).into_iter().flatten() {
                if let Some(left) = count.get_mut(need) {
                    *left -= 1;
                    if *left == 0 {
                        last.push_back(*need);
                    }
                }
            }
        }
        count.into_keys().collect()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]
mod tests {
    use serde_json::{Value, json};

    use super::super::{REQUEST_URN, parse};
    use super::*;
    use crate::services::scim::limits::BULK_OPERATIONS_MAX;

    fn group(bulk_id: &str, members: &[&str]) -> Value {
        let members: Vec<Value> = members.iter().map(|member| json!({ "value": format!("bulkId:{member}") })).collect();
        json!({ "method": "POST", "path": "/Groups", "bulkId": bulk_id, "data": { "displayName": bulk_id, "members": members } })
    }

    /// The steps in short: `+` for what is made bare, `=` for its rest.
    fn steps(operations: &Value) -> Vec<String> {
        let request = parse(json!({ "schemas": [REQUEST_URN], "Operations": operations }).as_object().unwrap()).unwrap();
        let order = order(&request.operations);
        let mark = |part| match part {
            Part::Whole => "",
            Part::Bare => "+",
            Part::Rest => "=",
        };
        order.steps.into_iter().map(|step| format!("{}{}", step.at, mark(step.part))).collect()
    }

    #[test]
    fn what_is_referred_to_comes_first_and_the_rest_as_it_was_sent() {
        assert_eq!(steps(&json!([group("a", &["c"]), group("b", &[]), group("c", &["b"]), group("d", &[])])), ["1", "2", "0", "3"]);
    }

    #[test]
    fn one_of_a_circle_is_made_bare_and_gets_its_references_afterwards() {
        assert_eq!(
            steps(&json!([group("a", &["b"]), group("b", &["a"]), group("c", &["a"]), group("free", &[])])),
            ["3", "0+", "1", "2", "0="]
        );
        assert_eq!(steps(&json!([group("self", &["self"])])), ["0+", "0="]);
        let three = json!([group("hangs", &["a"]), group("a", &["b"]), group("b", &["c"]), group("c", &["a"])]);
        assert_eq!(steps(&three), ["1+", "0", "3", "2", "1="]);
        let change = json!({ "method": "PATCH", "path": "/Groups/bulkId:a", "data": {} });
        assert_eq!(
            steps(&json!([change, group("a", &["b"]), group("b", &["a"])])),
            ["1+", "2", "1=", "0"],
            "a change comes after all of it"
        );
    }

    #[test]
    fn everything_is_done_once_or_in_two_parts_whatever_refers_to_what() {
        let names: Vec<String> = (0..60).map(|at| at.to_string()).collect();
        for factor in 1..30 {
            let refers = |at: usize| [(at * factor + 1) % 60, (at * at + factor) % 60];
            let all: Vec<Value> = (names.iter().enumerate())
                .map(|(at, name)| group(name, &refers(at).iter().filter_map(|to| names.get(*to)).map(String::as_str).collect::<Vec<_>>()))
                .collect();
            let steps = steps(&json!(all));
            for name in &names {
                let whole = steps.contains(name);
                let parts = steps.contains(&format!("{name}+")) && steps.contains(&format!("{name}="));
                assert!(whole != parts, "{name} with {factor}: {steps:?}");
            }
        }
    }

    #[test]
    fn a_long_chain_and_a_large_circle_are_no_deep_ones() {
        let names: Vec<String> = (0..BULK_OPERATIONS_MAX).map(|at| at.to_string()).collect();
        let next = |at: usize| names.get(at + 1).map(String::as_str);
        let mut chain: Vec<Value> =
            (names.iter().enumerate()).map(|(at, name)| group(name, &next(at).into_iter().collect::<Vec<_>>())).collect();
        let last = (BULK_OPERATIONS_MAX - 1).to_string();
        let ordered = steps(&json!(chain));
        assert_eq!((ordered.first(), ordered.len()), (Some(&last), BULK_OPERATIONS_MAX));
        *chain.last_mut().unwrap() = group(&last, &["0"]);
        let ordered = steps(&json!(chain));
        assert_eq!((ordered.len(), ordered.last().map(String::as_str)), (BULK_OPERATIONS_MAX + 1, Some("0=")));
    }
}
