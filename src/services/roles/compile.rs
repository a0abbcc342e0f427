//! A rule as people write it, checked and made ready to be evaluated. Knows no store.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::error::Error;
use super::pattern::{Captures, Case, Pattern, Patterns, Template};
use super::work::{Stop, Work};
use crate::store::establishment::application::Application;
use crate::store::establishment::rule::{Condition, Rule};
use crate::types::Invalid;
use crate::types::id::RuleId;
use crate::types::nul;
use crate::types::time::Timestamp;

/// Most conditions of a rule.
const CONDITIONS_MAX: usize = 20;
/// Rules compiled in one piece of work.
const RULES_PIECE: usize = 10;
/// Longest name of an attribute or a source, in characters.
const NAME_LENGTH_MAX: usize = 200;

/// A rule as it is written: when all conditions hold, the role is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleFields {
    /// The application's name.
    pub application: String,
    /// Conditions that must all hold.
    pub when: Vec<Condition>,
    /// The role, with `{captures}`.
    pub role: String,
    /// The scope, with `{captures}`; everywhere when left out.
    #[serde(default)]
    pub scope: Option<String>,
    /// Smaller is stronger when two rules give the same role in the same scope.
    #[serde(default = "usual_priority")]
    pub priority: i64,
    /// Whether the rule counts.
    #[serde(default = "yes")]
    pub enabled: bool,
}

/// Room on both sides.
fn usual_priority() -> i64 {
    100
}

fn yes() -> bool {
    true
}

/// A file of rules: `rules` and nothing else.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleSet {
    rules: Vec<RuleFields>,
}

impl RuleFields {
    /// Reads a rule set as people keep it in a file: `[[rules]]` of TOML, or `{"rules": […]}` of JSON.
    ///
    /// # Errors
    /// `Invalid` with the place of the mistake in the text.
    pub fn read_set(text: &str) -> Result<Vec<Self>, Invalid> {
        let set: RuleSet = if text.trim_start().starts_with('{') {
            serde_json::from_str(text).map_err(|error| Invalid::new("rules", error.to_string()))?
        } else {
            toml::from_str(text).map_err(|error| Invalid::new("rules", error.to_string()))?
        };
        let rules = serde_json::to_value(&set.rules).map_err(|error| Invalid::new("rules", error.to_string()))?;
        nul::refuse("rules", &rules)?;
        Ok(set.rules)
    }
}

impl From<&Rule> for RuleFields {
    fn from(rule: &Rule) -> Self {
        Self {
            application: rule.application.clone(),
            when: rule.conditions.clone(),
            role: rule.role.clone(),
            scope: rule.scope.clone(),
            priority: rule.priority,
            enabled: rule.enabled,
        }
    }
}

impl RuleFields {
    /// The rule of an application that these fields make.
    pub(super) fn made(&self, of: &Application, id: RuleId, now: Timestamp) -> Rule {
        Rule {
            id,
            application_id: of.id,
            application: of.name.clone(),
            conditions: self.when.clone(),
            role: self.role.clone(),
            scope: self.scope.clone().filter(|scope| !scope.is_empty()),
            priority: self.priority,
            enabled: self.enabled,
            created_at: now,
            updated_at: now,
        }
    }
}

/// What a condition looks at.
#[derive(Clone, Debug)]
pub enum Subject {
    /// Effective groups, by name and by DN.
    Group(Arc<Pattern>),
    /// Values of an attribute.
    Attribute(String, Arc<Pattern>),
    /// The person's units.
    Unit(Arc<Pattern>),
    /// Sources of entries that are present.
    Source(String),
}

/// One condition, ready.
#[derive(Clone, Debug)]
pub struct Test {
    /// What it looks at.
    pub subject: Subject,
    /// Whether it must not hold.
    pub negated: bool,
    /// As written, for messages.
    pub condition: Condition,
}

/// A rule, ready.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// Its key; none for one that is only tried.
    pub id: Option<RuleId>,
    /// The application's name.
    pub application: String,
    /// The role.
    pub role: Template,
    /// The scope.
    pub scope: Option<Template>,
    /// Conditions that must all hold.
    pub tests: Vec<Test>,
    /// As people read it in a reason.
    pub label: String,
    wanted: BTreeSet<Arc<str>>,
}

/// A set of rules, made ready in bounded pieces: each rule, or what does not fit in it.
pub async fn compile_set(work: &Work, written: Vec<(RuleFields, Option<RuleId>)>) -> Result<Vec<Result<Compiled, Vec<Invalid>>>, Error> {
    let mut ready = Vec::with_capacity(written.len());
    let mut patterns = Patterns::default();
    let mut left = written.into_iter();
    loop {
        let piece: Vec<_> = left.by_ref().take(RULES_PIECE).collect();
        if piece.is_empty() {
            return Ok(ready);
        }
        let compile = move |stop: &Stop| {
            let wanted = piece.iter().take_while(|_| !stop.is_set());
            let done: Vec<_> = wanted.map(|(fields, id)| Compiled::within(&mut patterns, fields, *id)).collect();
            (patterns, done)
        };
        let done;
        (patterns, done) = work.piece(compile).await?;
        ready.extend(done);
    }
}

impl Compiled {
    /// A rule on its own.
    ///
    /// # Errors
    /// As for [`Self::within`].
    pub fn new(fields: &RuleFields, id: Option<RuleId>) -> Result<Self, Vec<Invalid>> {
        Self::within(&mut Patterns::default(), fields, id)
    }

    /// A rule of a set, whose patterns are shared.
    ///
    /// # Errors
    /// Every field that does not fit, with the place of the mistake.
    pub fn within(patterns: &mut Patterns, fields: &RuleFields, id: Option<RuleId>) -> Result<Self, Vec<Invalid>> {
        let mut wrong = Vec::new();
        if fields.when.is_empty() || fields.when.len() > CONDITIONS_MAX {
            let why = format!("a rule has 1 to {CONDITIONS_MAX} conditions; a role for everyone is the application's default_role");
            wrong.push(Invalid::new("when", why));
        }
        let mut tests = Vec::new();
        for (at, condition) in fields.when.iter().take(CONDITIONS_MAX).enumerate() {
            match subject(patterns, &format!("when[{at}]"), condition) {
                Ok(subject) => tests.push(Test { subject, negated: condition.not, condition: condition.clone() }),
                Err(invalid) => wrong.push(invalid),
            }
        }
        let role = Template::parse("role", &fields.role).map_err(|invalid| wrong.push(invalid)).ok();
        let scope = fields.scope.as_deref().filter(|scope| !scope.is_empty());
        let scope = scope.map(|raw| Template::parse("scope", raw)).transpose().map_err(|invalid| wrong.push(invalid)).ok().flatten();
        // With a broken pattern, its captures are unknown: telling that they are missing would only confuse.
        if wrong.is_empty() {
            let defined = defined(&tests);
            for (field, template) in [("role", role.as_ref()), ("scope", scope.as_ref())] {
                for name in template.into_iter().flat_map(Template::names).filter(|name| !defined.contains(*name)) {
                    let why = format!("{{{name}}} is not captured: write (?<{name}>…) in a pattern of a condition that is not negated");
                    wrong.push(Invalid::new(field, why));
                }
            }
        }
        let (Some(role), true) = (role, wrong.is_empty()) else { return Err(wrong) };
        let wanted = wanted(&tests, &role, scope.as_ref());
        Ok(Self { id, application: fields.application.clone(), role, scope, tests, label: label(fields), wanted })
    }

    /// Whether a condition looks at groups.
    pub fn looks_at_groups(&self) -> bool {
        self.tests.iter().any(|test| test.condition.group.is_some())
    }

    /// Captures that matter: those a template wants, and those that conditions must agree on. Others would only multiply the work.
    pub fn that_matter(&self, captures: &Captures) -> Captures {
        captures.iter().filter(|(name, _)| self.wanted.contains(name)).cloned().collect()
    }
}

fn subject(patterns: &mut Patterns, field: &str, condition: &Condition) -> Result<Subject, Invalid> {
    let Condition { group, attribute, matches, unit, source, not: _ } = condition;
    match (group, attribute, matches, unit, source) {
        (Some(raw), None, None, None, None) => Ok(Subject::Group(patterns.compile(&format!("{field}.group"), raw, Case::Ignored)?)),
        (None, Some(name), Some(raw), None, None) => {
            let pattern = patterns.compile(&format!("{field}.matches"), raw, Case::Exact)?;
            Ok(Subject::Attribute(named(&format!("{field}.attribute"), name)?, pattern))
        }
        (None, None, None, Some(raw), None) => Ok(Subject::Unit(patterns.compile(&format!("{field}.unit"), raw, Case::Exact)?)),
        (None, None, None, None, Some(name)) => Ok(Subject::Source(named(&format!("{field}.source"), name)?)),
        _ => Err(Invalid::new(field, "a condition is exactly one of: group; attribute with matches; unit; source")),
    }
}

fn named(field: &str, name: &str) -> Result<String, Invalid> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > NAME_LENGTH_MAX {
        return Err(Invalid::new(field, format!("a name has 1 to {NAME_LENGTH_MAX} characters")));
    }
    Ok(name.to_owned())
}

fn captures_of(test: &Test) -> impl Iterator<Item = &Arc<str>> {
    let pattern = match &test.subject {
        Subject::Group(pattern) | Subject::Attribute(_, pattern) | Subject::Unit(pattern) if !test.negated => Some(pattern),
        _ => None,
    };
    pattern.into_iter().flat_map(|pattern| pattern.names())
}

fn defined(tests: &[Test]) -> BTreeSet<String> {
    tests.iter().flat_map(captures_of).map(ToString::to_string).collect()
}

fn wanted(tests: &[Test], role: &Template, scope: Option<&Template>) -> BTreeSet<Arc<str>> {
    let mut wanted: BTreeSet<Arc<str>> = role.names().chain(scope.into_iter().flat_map(Template::names)).map(Arc::from).collect();
    let mut seen: BTreeSet<Arc<str>> = BTreeSet::new();
    for name in tests.iter().flat_map(captures_of) {
        // A pattern names each capture once, so a name seen twice belongs to two conditions.
        if !seen.insert(name.clone()) {
            wanted.insert(name.clone());
        }
    }
    wanted
}

/// A condition as people read it.
pub fn condition_label(condition: &Condition) -> String {
    let not = if condition.not { "not " } else { "" };
    let Condition { group, attribute, matches, unit, source, .. } = condition;
    match (group, attribute, unit, source) {
        (Some(pattern), ..) => format!("{not}group {pattern}"),
        (_, Some(name), ..) => format!("{not}attribute {name} matches {}", matches.as_deref().unwrap_or_default()),
        (_, _, Some(pattern), _) => format!("{not}unit {pattern}"),
        (.., Some(name)) => format!("{not}source {name}"),
        _ => "nothing".to_owned(),
    }
}

/// A rule as people read it: `group ens-(?<unit>[A-Z]+) → Ens @ {unit}`.
fn label(fields: &RuleFields) -> String {
    let when = fields.when.iter().map(condition_label).collect::<Vec<_>>().join(" and ");
    match fields.scope.as_deref().filter(|scope| !scope.is_empty()) {
        Some(scope) => format!("{when} → {} @ {scope}", fields.role),
        None => format!("{when} → {}", fields.role),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]
mod tests {
    use super::*;

    fn fields(when: &str, role: &str, scope: Option<&str>) -> RuleFields {
        RuleFields {
            application: "scodoc".to_owned(),
            when: serde_json::from_str(when).unwrap(),
            role: role.to_owned(),
            scope: scope.map(str::to_owned),
            priority: 0,
            enabled: true,
        }
    }

    fn wrong(when: &str, role: &str, scope: Option<&str>) -> Vec<String> {
        Compiled::new(&fields(when, role, scope), None).unwrap_err().into_iter().map(|w| w.field).collect()
    }

    #[test]
    fn every_mistake_is_told_with_its_place() {
        assert_eq!(wrong(r#"[{"group": "("}, {"group": "a", "unit": "b"}]"#, "", None), ["when[0].group", "when[1]", "role"]);
        assert_eq!(wrong("[]", "Ens", None), ["when"]);
        assert_eq!(wrong(r#"[{"attribute": "email"}]"#, "Ens", None), ["when[0]"]);
        assert_eq!(wrong(r#"[{"group": "ens-(?<unit>.+)", "not": true}]"#, "Ens", Some("{unit}")), ["scope"]);
        assert_eq!(wrong(r#"[{"group": "ens-.+"}]"#, "{role}", None), ["role"]);
        let many = format!("[{}]", vec![r#"{"unit": "a"}"#; 21].join(","));
        assert_eq!(wrong(&many, "Ens", None), ["when"]);
    }

    #[test]
    fn captures_that_nothing_uses_do_not_matter() {
        let written = fields(r#"[{"group": "(?<kind>ens)-(?<unit>.+)"}, {"unit": "(?<unit>.+)"}]"#, "Ens", None);
        let rule = Compiled::new(&written, None).unwrap();
        let captures = vec![(Arc::from("kind"), Arc::from("ens")), (Arc::from("unit"), Arc::from("RT"))];
        assert_eq!(rule.that_matter(&captures), [(Arc::from("unit"), Arc::from("RT"))]);
        assert_eq!(rule.label, "group (?<kind>ens)-(?<unit>.+) and unit (?<unit>.+) → Ens");
    }
}
