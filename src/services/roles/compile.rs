//! A rule, checked and made ready to be evaluated. Knows no store.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::error::Error;
use super::defined::{captured, missing, wanted};
pub use super::fields::{RuleFields, condition_label};
use super::leaves::LeafId;
use super::pattern::{Captures, Case, Pattern, Patterns, Template};
use super::window::Window;
use super::work::{Stop, Work};
use crate::store::establishment::rule::Condition;
use crate::types::Invalid;
use crate::types::id::RuleId;
use crate::types::time::Timestamp;

/// Most conditions of a rule, those inside `any` and `all` among them.
const CONDITIONS_MAX: usize = 20;
/// How deep conditions may lie: one of `when`, inside it one of an `any`, inside that one of an `all`.
const DEPTH_MAX: usize = 3;
/// Rules compiled in one piece of work.
const RULES_PIECE: usize = 10;
/// Longest name of an attribute or a source, in characters.
const NAME_LENGTH_MAX: usize = 200;

/// What a condition looks at.
#[derive(Clone, Debug)]
pub enum Subject {
    /// Effective groups, by name and by DN: those of one source, or of any.
    Group(Arc<Pattern>, Option<Arc<str>>),
    /// Values of an attribute.
    Attribute(String, Arc<Pattern>),
    /// The person's units.
    Unit(Arc<Pattern>),
    /// Sources of entries that are present.
    Source(String),
    /// Other conditions, of which one must hold.
    Any(Vec<Test>),
    /// Other conditions, which must all hold.
    All(Vec<Test>),
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
    /// Where it stands in its rule: `when[1].any[0]`.
    pub place: String,
    /// Its number among the single conditions of all rules, once they are evaluated together.
    pub leaf: LeafId,
}

impl Test {
    /// The conditions inside it.
    pub fn inside(&self) -> &[Self] {
        match &self.subject {
            Subject::Any(tests) | Subject::All(tests) => tests,
            _ => &[],
        }
    }

    /// The pattern it matches with.
    pub fn pattern(&self) -> Option<&Arc<Pattern>> {
        match &self.subject {
            Subject::Group(pattern, _) | Subject::Attribute(_, pattern) | Subject::Unit(pattern) => Some(pattern),
            Subject::Source(_) | Subject::Any(_) | Subject::All(_) => None,
        }
    }

    /// Calls for every single condition in it, itself when it is one.
    pub fn each_single<'a>(&'a self, call: &mut impl FnMut(&'a Self)) {
        match self.inside() {
            [] => call(self),
            several => several.iter().for_each(|test| test.each_single(call)),
        }
    }
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
    /// When it counts.
    pub window: Window,
    /// Single conditions of which one at least holds whenever the rule does; none when there are no such conditions.
    pub anchors: Option<Vec<LeafId>>,
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
        let several = fields.when.iter().map(count).sum::<usize>();
        if several == 0 || several > CONDITIONS_MAX {
            let why = format!("a rule has 1 to {CONDITIONS_MAX} conditions; a role for everyone is the application's default_role");
            wrong.push(Invalid::new("when", why));
        }
        let tests = tests(patterns, "when", fields.when.get(..CONDITIONS_MAX).unwrap_or(&fields.when), 1, &mut wrong);
        let role = Template::parse("role", &fields.role).map_err(|invalid| wrong.push(invalid)).ok();
        let scope = fields.scope.as_deref().filter(|scope| !scope.is_empty());
        let scope = scope.map(|raw| Template::parse("scope", raw)).transpose().map_err(|invalid| wrong.push(invalid)).ok().flatten();
        let window = Window::new(fields, None).map_err(|invalid| wrong.push(invalid)).unwrap_or_default();
        // With a broken pattern, its captures are unknown: telling that they are missing would only confuse.
        if wrong.is_empty() {
            for (field, template) in [("role", role.as_ref()), ("scope", scope.as_ref())] {
                wrong.extend(template.into_iter().flat_map(Template::names).filter_map(|name| missing(&tests, field, name)));
            }
        }
        let (Some(role), true) = (role, wrong.is_empty()) else { return Err(wrong) };
        let wanted = wanted(&tests, &role, scope.as_ref());
        let application = fields.application.clone();
        Ok(Self { id, application, role, scope, tests, label: fields.label(), window, anchors: None, wanted })
    }

    /// Says when the rule was last written down: a yearly end counts from then on.
    pub fn renew(&mut self, fields: &RuleFields, at: Timestamp) {
        self.window = Window::new(fields, Some(at)).unwrap_or(self.window);
    }

    /// Whether a condition looks at groups.
    pub fn looks_at_groups(&self) -> bool {
        let mut found = false;
        self.tests.iter().for_each(|test| test.each_single(&mut |single| found |= single.condition.group.is_some()));
        found
    }

    /// Captures that matter: those a template wants, and those that conditions must agree on. Others would only multiply the work.
    pub fn that_matter(&self, captures: &Captures) -> Captures {
        if self.wanted.is_empty() {
            return Captures::new();
        }
        captures.iter().filter(|(name, _)| self.wanted.contains(name)).cloned().collect()
    }

    /// Captures that nothing uses, each with the place of its condition.
    pub fn unused(&self) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        for (name, place) in self.tests.iter().flat_map(captured) {
            if !self.wanted.contains(&name) {
                found.entry(name.to_string()).or_insert(place);
            }
        }
        found
    }
}

/// How many single conditions there are in one, one that is empty or misshapen counted too.
fn count(condition: &Condition) -> usize {
    let inside = condition.any.iter().chain(&condition.all).flatten();
    inside.map(count).sum::<usize>().max(1)
}

fn tests(patterns: &mut Patterns, field: &str, conditions: &[Condition], depth: usize, wrong: &mut Vec<Invalid>) -> Vec<Test> {
    let mut ready = Vec::with_capacity(conditions.len());
    for (at, condition) in conditions.iter().enumerate() {
        let place = format!("{field}[{at}]");
        match subject(patterns, &place, condition, depth, wrong) {
            Ok(subject) => ready.push(Test { subject, negated: condition.not, condition: condition.clone(), place, leaf: 0 }),
            Err(invalid) => wrong.push(invalid),
        }
    }
    ready
}

fn subject(
    patterns: &mut Patterns,
    field: &str,
    condition: &Condition,
    depth: usize,
    wrong: &mut Vec<Invalid>,
) -> Result<Subject, Invalid> {
    let Condition { group, attribute, matches, unit, source, any, all, not: _ } = condition;
    match (group, attribute, matches, unit, source, any, all) {
        (Some(raw), None, None, None, of, None, None) => {
            let of = of.as_deref().map(|name| named(&format!("{field}.source"), name)).transpose()?;
            Ok(Subject::Group(patterns.compile(&format!("{field}.group"), raw, Case::Ignored)?, of.map(Arc::from)))
        }
        (None, Some(name), Some(raw), None, None, None, None) => {
            let pattern = patterns.compile(&format!("{field}.matches"), raw, Case::Exact)?;
            Ok(Subject::Attribute(named(&format!("{field}.attribute"), name)?, pattern))
        }
        (None, None, None, Some(raw), None, None, None) => {
            Ok(Subject::Unit(patterns.compile(&format!("{field}.unit"), raw, Case::Exact)?))
        }
        (None, None, None, None, Some(name), None, None) => Ok(Subject::Source(named(&format!("{field}.source"), name)?)),
        (None, None, None, None, None, Some(some), None) => {
            Ok(Subject::Any(inside(patterns, &format!("{field}.any"), some, depth, wrong)?))
        }
        (None, None, None, None, None, None, Some(every)) => {
            Ok(Subject::All(inside(patterns, &format!("{field}.all"), every, depth, wrong)?))
        }
        _ => Err(Invalid::new(
            field,
            "a condition is exactly one of: group, alone or with its source; attribute with matches; unit; source; any; all",
        )),
    }
}

fn inside(
    patterns: &mut Patterns,
    field: &str,
    conditions: &[Condition],
    depth: usize,
    wrong: &mut Vec<Invalid>,
) -> Result<Vec<Test>, Invalid> {
    if conditions.is_empty() {
        return Err(Invalid::new(field, "has at least one condition"));
    }
    if depth >= DEPTH_MAX {
        return Err(Invalid::new(field, format!("conditions lie at most {DEPTH_MAX} deep: write two rules in place of one")));
    }
    Ok(tests(patterns, field, conditions, depth + 1, wrong))
}

fn named(field: &str, name: &str) -> Result<String, Invalid> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > NAME_LENGTH_MAX {
        return Err(Invalid::new(field, format!("a name has 1 to {NAME_LENGTH_MAX} characters")));
    }
    Ok(name.to_owned())
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
            ..RuleFields::default()
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
        assert_eq!(wrong(r#"[{"unit": "a", "source": "ldap"}]"#, "Ens", None), ["when[0]"], "whose groups are meant, of what is no group");
        assert_eq!(wrong(r#"[{"any": [{"group": "a", "source": " "}]}]"#, "Ens", None), ["when[0].any[0].source"]);
        let many = format!("[{}]", vec![r#"{"unit": "a"}"#; 21].join(","));
        assert_eq!(wrong(&many, "Ens", None), ["when"]);
        let nested = format!(r#"[{{"any": [{}]}}]"#, vec![r#"{"unit": "a"}"#; 21].join(","));
        assert_eq!(wrong(&nested, "Ens", None), ["when"]);
    }

    #[test]
    fn a_mistake_inside_is_told_with_its_place() {
        assert_eq!(wrong(r#"[{"unit": "a"}, {"any": [{"group": "a"}, {"unit": "("}]}]"#, "Ens", None), ["when[1].any[1].unit"]);
        assert_eq!(wrong(r#"[{"any": []}]"#, "Ens", None), ["when[0].any"]);
        assert_eq!(wrong(r#"[{"any": [{"group": "a"}], "unit": "b"}]"#, "Ens", None), ["when[0]"]);
        let deep = r#"[{"any": [{"all": [{"any": [{"unit": "a"}]}]}]}]"#;
        assert_eq!(wrong(deep, "Ens", None), ["when[0].any[0].all[0].any"]);
        let deepest = r#"[{"any": [{"all": [{"unit": "a"}]}]}]"#;
        assert_eq!(Compiled::new(&fields(deepest, "Ens", None), None).unwrap().label, "((unit a)) → Ens");
    }

    #[test]
    fn a_capture_is_wanted_of_every_branch_or_of_what_stands_outside() {
        let one = r#"{"group": "ens-(?<unit>.+)"}"#;
        let other = r#"{"unit": "(?<unit>.+)"}"#;
        let scoped = |when: &str| wrong(when, "Ens", Some("{unit}"));
        assert!(Compiled::new(&fields(&format!(r#"[{{"any": [{one}, {other}]}}]"#), "Ens", Some("{unit}")), None).is_ok());
        assert_eq!(scoped(&format!(r#"[{{"any": [{one}, {{"source": "ldap"}}]}}]"#)), ["when[0].any[1]"]);
        assert_eq!(scoped(&format!(r#"[{{"unit": "x"}}, {{"any": [{{"all": [{{"group": "a"}}]}}, {one}]}}]"#)), ["when[1].any[0]"]);
        assert_eq!(scoped(&format!(r#"[{{"any": [{one}, {other}], "not": true}}]"#)), ["scope"]);
        let outside = format!(r#"[{other}, {{"any": [{one}, {{"source": "ldap"}}]}}]"#);
        let rule = Compiled::new(&fields(&outside, "Ens", Some("{unit}")), None).unwrap();
        assert!(rule.unused().is_empty());
    }

    #[test]
    fn captures_that_nothing_uses_do_not_matter() {
        let written = fields(r#"[{"group": "(?<kind>ens)-(?<unit>.+)"}, {"unit": "(?<unit>.+)"}]"#, "Ens", None);
        let rule = Compiled::new(&written, None).unwrap();
        let captures = vec![(Arc::from("kind"), Arc::from("ens")), (Arc::from("unit"), Arc::from("RT"))];
        assert_eq!(rule.that_matter(&captures), [(Arc::from("unit"), Arc::from("RT"))]);
        assert_eq!(rule.unused().into_iter().collect::<Vec<_>>(), [("kind".to_owned(), "when[0]".to_owned())]);
        assert_eq!(rule.label, "group (?<kind>ens)-(?<unit>.+) and unit (?<unit>.+) → Ens");
    }
}
