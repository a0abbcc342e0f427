//! Which captures conditions are sure to supply, and which of them anything uses. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::compile::{Subject, Test};
use super::pattern::Template;
use crate::types::Invalid;

/// The captures that a condition supplies whenever it holds: of an `any`, those of every branch; of one that must not hold, none.
fn supplied(test: &Test) -> BTreeSet<Arc<str>> {
    if test.negated {
        return BTreeSet::new();
    }
    match &test.subject {
        Subject::Any(branches) => {
            let mut each = branches.iter().map(supplied);
            let first = each.next().unwrap_or_default();
            each.fold(first, |common, next| common.intersection(&next).cloned().collect())
        }
        Subject::All(tests) => tests.iter().flat_map(supplied).collect(),
        _ => test.pattern().into_iter().flat_map(|pattern| pattern.names()).cloned().collect(),
    }
}

/// Every capture inside a condition that can take a text, with the place of its pattern.
pub fn captured(test: &Test) -> Vec<(Arc<str>, String)> {
    if test.negated {
        return Vec::new();
    }
    match test.inside() {
        [] => test.pattern().into_iter().flat_map(|pattern| pattern.names()).map(|name| (name.clone(), test.place.clone())).collect(),
        several => several.iter().flat_map(captured).collect(),
    }
}

/// What is wrong when a template wants a capture that is not sure to be supplied: the branch without it, or that there is none at all.
pub fn missing(tests: &[Test], field: &str, name: &str) -> Option<Invalid> {
    if tests.iter().any(|test| supplied(test).contains(name)) {
        return None;
    }
    if let Some(branch) = tests.iter().find_map(|test| branch_without(test, name)) {
        let why = format!("{{{name}}} of {field} is captured by another condition of this any and not by this one");
        return Some(Invalid::new(&branch.place, format!("{why}: write (?<{name}>…) here too, or make two rules")));
    }
    let why = format!("{{{name}}} is not captured: write (?<{name}>…) in a pattern of a condition that is not negated");
    Some(Invalid::new(field, why))
}

/// The first branch without a capture that another branch has.
fn branch_without<'t>(test: &'t Test, name: &str) -> Option<&'t Test> {
    if test.negated {
        return None;
    }
    let lacks = |branch: &&Test| !supplied(branch).contains(name);
    match &test.subject {
        Subject::Any(branches) => {
            let nested = branches.iter().find_map(|branch| branch_without(branch, name));
            let mentioned = branches.iter().flat_map(captured).any(|(known, _)| *known == *name);
            nested.or_else(|| branches.iter().find(lacks).filter(|_| mentioned))
        }
        Subject::All(tests) => tests.iter().find_map(|test| branch_without(test, name)),
        _ => None,
    }
}

/// How many conditions that hold together may each take a text for a capture.
fn takers(test: &Test) -> BTreeMap<Arc<str>, usize> {
    let mut found: BTreeMap<Arc<str>, usize> = BTreeMap::new();
    if test.negated {
        return found;
    }
    match &test.subject {
        Subject::Any(branches) => {
            for (name, count) in branches.iter().flat_map(takers) {
                let most = found.entry(name).or_default();
                *most = count.max(*most);
            }
        }
        Subject::All(tests) => found = together(tests),
        _ => found.extend(test.pattern().into_iter().flat_map(|pattern| pattern.names()).map(|name| (name.clone(), 1))),
    }
    found
}

fn together(tests: &[Test]) -> BTreeMap<Arc<str>, usize> {
    let mut found: BTreeMap<Arc<str>, usize> = BTreeMap::new();
    for (name, count) in tests.iter().flat_map(takers) {
        *found.entry(name).or_default() += count;
    }
    found
}

/// Captures that a template wants, and those that several conditions must agree on.
pub fn wanted(tests: &[Test], role: &Template, scope: Option<&Template>) -> BTreeSet<Arc<str>> {
    let in_templates = role.names().chain(scope.into_iter().flat_map(Template::names)).map(Arc::from);
    in_templates.chain(together(tests).into_iter().filter(|(_, count)| *count > 1).map(|(name, _)| name)).collect()
}
