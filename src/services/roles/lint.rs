//! Rules that cannot do what somebody meant: they match nobody, another stands before them, their time is over, a capture goes nowhere.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use utoipa::ToSchema;

use super::super::context::Context;
use super::super::error::Error;
use super::compile::{Compiled, Subject, Test, compile_set};
use super::crowd::{Base, Crowd, Loaded};
use super::evaluate::Facts;
use super::fields::RuleFields;
use super::rules::{check_role, gives_the_same, holds_with, says_the_same};
use super::sourced::of_any_source;
use super::window::{Opening, Window};
use super::work::{self, SIMULATION_TIME_MAX, Work};
use crate::i18n::{self, Argument};
use crate::store::Tx;
use crate::store::establishment::assignment::Standing;
use crate::store::establishment::group::LOCAL;
use crate::store::establishment::rule::{self, Rule};
use crate::store::establishment::{application, source};
use crate::types::id::RuleId;
use crate::types::locale::Locale;
use crate::types::permission::Permission;
use crate::types::time::Timestamp;

/// What is remarkable about a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Remark {
    /// It does not compile any more.
    Broken,
    /// Its role is not in the catalogue.
    UnknownRole,
    /// It is switched off.
    Disabled,
    /// It counts later.
    Waiting,
    /// It counts no more.
    Ended,
    /// Another rule gives the same to everyone it matches, and stands before it.
    Shadowed,
    /// Another rule says the same while it counts.
    Overlapping,
    /// No group has such a name or DN.
    NoGroup,
    /// Groups match, and nobody is in them.
    NoMember,
    /// Nobody has such an attribute.
    NoAttribute,
    /// Nobody's attribute, or unit, has such a value.
    NoValue,
    /// There is no source of this name.
    NoSource,
    /// Nobody comes from this source.
    NobodyFromSource,
    /// It gives nobody anything today.
    MatchesNobody,
    /// A capture that nothing uses.
    UnusedCapture,
    /// It gives a role of the gateway by groups of any source.
    UnnamedSource,
}

/// One thing that is remarkable about a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Finding {
    /// The rule.
    pub rule: RuleId,
    /// What it is.
    pub kind: Remark,
    /// Where in the rule: `when[0].any[1]`, `role`, `enabled`.
    pub place: String,
    /// The other rule that it is about.
    pub other: Option<RuleId>,
    /// In words.
    pub message: String,
}

/// Everything that is remarkable about the rules, by rule as they are listed.
///
/// # Errors
/// `Invalid` when it takes too long to look at everyone.
pub async fn lint(ctx: &Context) -> Result<Vec<Finding>, Error> {
    ctx.require(Permission::Read)?;
    work::simulating(SIMULATION_TIME_MAX, found(ctx, None)).await
}

/// What is remarkable about one rule.
///
/// # Errors
/// As for [`lint`].
pub async fn lint_rule(ctx: &Context, id: RuleId) -> Result<Vec<Finding>, Error> {
    ctx.require(Permission::Read)?;
    work::simulating(SIMULATION_TIME_MAX, found(ctx, Some(id))).await
}

async fn found(ctx: &Context, only: Option<RuleId>) -> Result<Vec<Finding>, Error> {
    let work = Work::default();
    let mut tx = ctx.store.read().await?;
    let stored = rule::list(&mut tx).await?;
    let applications = application::list(&mut tx).await?;
    let in_question: Vec<&Rule> = stored.iter().filter(|rule| only.is_none_or(|id| rule.id == id)).collect();
    let written = in_question.iter().map(|rule| (RuleFields::from(*rule), Some(rule.id))).collect();
    let mut findings = Findings { locale: ctx.locale, all: Vec::new() };
    let mut counting = Vec::new();
    for (rule, outcome) in in_question.iter().zip(compile_set(&work, written).await?) {
        let mut compiled = match outcome {
            Ok(compiled) => compiled,
            Err(wrong) => {
                for invalid in wrong {
                    findings.add(rule.id, Remark::Broken, &invalid.field, "lint-broken", &[("why", invalid.message.into())]);
                }
                continue;
            }
        };
        compiled.renew(&RuleFields::from(*rule), rule.updated_at);
        let unknown = applications.iter().find(|a| a.id == rule.application_id).and_then(|a| check_role(a, &compiled).err());
        if let Some(invalid) = unknown {
            findings.add(rule.id, Remark::UnknownRole, &invalid.field, "lint-role", &[("role", rule.role.clone().into())]);
        }
        for test in of_any_source(&compiled).into_iter().filter(|_| rule.enabled) {
            findings.add(rule.id, Remark::UnnamedSource, &test.place, "lint-unnamed-source", &[("own", LOCAL.into())]);
        }
        for (name, place) in compiled.unused() {
            findings.add(rule.id, Remark::UnusedCapture, &place, "lint-capture", &[("name", name.into())]);
        }
        if findings.of_time(rule, &compiled.window, ctx.now) {
            counting.push(compiled);
        }
        findings.of_others(rule, &stored, ctx.now);
    }
    findings.of_people(&mut tx, &work, counting, ctx.now).await?;
    let order = |id: RuleId| stored.iter().position(|rule| rule.id == id);
    findings.all.sort_by_key(|finding| order(finding.rule));
    Ok(findings.all)
}

/// What was found so far.
struct Findings {
    locale: Locale,
    all: Vec<Finding>,
}

impl Findings {
    fn add(&mut self, rule: RuleId, kind: Remark, place: &str, key: &str, words: &[Argument<'_>]) {
        let message = i18n::text_with(self.locale, key, words);
        self.all.push(Finding { rule, kind, place: place.to_owned(), other: None, message });
    }

    /// Whether a rule counts today; if not, why.
    fn of_time(&mut self, rule: &Rule, window: &Window, now: Timestamp) -> bool {
        if !rule.enabled {
            self.add(rule.id, Remark::Disabled, "enabled", "lint-disabled", &[]);
            return false;
        }
        let at = |at: Option<Timestamp>| [("at", at.unwrap_or(now).to_string().into())];
        match window.opening(now) {
            Opening::Open => return true,
            Opening::Waiting => self.add(rule.id, Remark::Waiting, "valid_from", "lint-waiting", &at(window.start())),
            Opening::Ended => {
                let ended = window.end(now);
                let (place, key) = if ended == rule.valid_until { ("valid_until", "lint-ended") } else { ("ends", "lint-ended-yearly") };
                self.add(rule.id, Remark::Ended, place, key, &at(ended));
            }
        }
        false
    }

    /// Other rules that make this one do nothing, or do it twice.
    fn of_others(&mut self, rule: &Rule, stored: &[Rule], now: Timestamp) {
        let own = Window::of(rule);
        let stronger = |other: &&Rule| (other.priority, other.id) < (rule.priority, rule.id);
        let others = || stored.iter().filter(|other| rule.enabled && other.enabled && other.id != rule.id && gives_the_same(other, rule));
        let shadow = others().filter(stronger).find(|other| holds_with(other, rule) && Window::of(other).covers(&own, now));
        let twin = others().find(|other| says_the_same(other, rule) && Window::of(other).overlaps(&own, now));
        let (kind, key, other) = match (shadow, twin) {
            (Some(other), _) => (Remark::Shadowed, "lint-shadowed", other),
            (None, Some(other)) => (Remark::Overlapping, "lint-overlapping", other),
            (None, None) => return,
        };
        self.add(rule.id, kind, "when", key, &[("rule", RuleFields::from(other).label().into())]);
        if let Some(finding) = self.all.last_mut() {
            finding.other = Some(other.id);
        }
    }

    /// Conditions that hold for nobody, and rules that give nobody anything.
    async fn of_people(&mut self, tx: &mut Tx, work: &Work, rules: Vec<Compiled>, now: Timestamp) -> Result<(), Error> {
        if rules.is_empty() {
            return Ok(());
        }
        let base = Base { reasons: false, ..Base::read(tx, &rules, None).await? };
        let loaded = Loaded::bind(tx, work, rules, base).await?;
        let sources: HashSet<String> = source::list(tx).await?.into_iter().map(|source| source.name).collect();
        let seen = Arc::new(Watched::of(&loaded));
        let mut crowd = Crowd::everyone();
        while !seen.is_complete()
            && let Some(step) = crowd.next(tx, &loaded).await?
        {
            let seen = seen.clone();
            let look = move |loaded: &Loaded, facts: &Facts<'_>, _: &[Standing]| {
                seen.look(loaded, facts, now);
                Ok(())
            };
            step.each(work, &loaded, look).await?;
        }
        for ((_, rules), matched) in loaded.engine.catalogues().zip(&seen.rules) {
            for (rule, matched) in rules.iter().zip(matched) {
                let Some(id) = rule.id else { continue };
                let mut single = Vec::new();
                rule.tests.iter().for_each(|test| test.each_single(&mut |test| single.push(test)));
                single.into_iter().filter(|test| !seen.has(test)).for_each(|test| self.of_single(id, test, &loaded, &seen, &sources));
                if !matched.load(Ordering::Relaxed) {
                    self.add(id, Remark::MatchesNobody, "when", "lint-nobody", &[]);
                }
            }
        }
        Ok(())
    }

    /// Why a single condition holds for nobody.
    fn of_single(&mut self, rule: RuleId, test: &Test, loaded: &Loaded, seen: &Watched, sources: &HashSet<String>) {
        let pattern = || ("pattern", test.pattern().map(|pattern| pattern.text().to_owned()).unwrap_or_default().into());
        let (kind, key, words) = match &test.subject {
            Subject::Group(_, Some(name)) if **name != *LOCAL && !sources.contains(&**name) => {
                (Remark::NoSource, "lint-no-source", vec![("name", name.to_string().into())])
            }
            Subject::Group(..) if loaded.engine.matcher.matches_a_group(test.leaf) => (Remark::NoMember, "lint-no-member", vec![pattern()]),
            Subject::Group(_, Some(name)) => (Remark::NoGroup, "lint-no-group-of", vec![("name", name.to_string().into()), pattern()]),
            Subject::Group(_, None) => (Remark::NoGroup, "lint-no-group", vec![pattern()]),
            Subject::Attribute(name, _) if seen.has_attribute(name) => {
                (Remark::NoValue, "lint-no-value", vec![("name", name.clone().into()), pattern()])
            }
            Subject::Attribute(name, _) => (Remark::NoAttribute, "lint-no-attribute", vec![("name", name.clone().into())]),
            Subject::Unit(_) => (Remark::NoValue, "lint-no-unit", vec![pattern()]),
            Subject::Source(name) if sources.contains(name) => {
                (Remark::NobodyFromSource, "lint-nobody-from-source", vec![("name", name.clone().into())])
            }
            Subject::Source(name) => (Remark::NoSource, "lint-no-source", vec![("name", name.clone().into())]),
            Subject::Any(_) | Subject::All(_) => return,
        };
        self.add(rule, kind, &test.place, key, &words);
    }
}

/// What was seen of everyone who is active.
#[derive(Debug)]
struct Watched {
    /// By application and rule: whether it gave anyone anything.
    rules: Vec<Vec<AtomicBool>>,
    /// By single condition: whether it held for anyone.
    leaves: Vec<AtomicBool>,
    /// Attributes that conditions look at, and whether anyone has them.
    attributes: Vec<(String, AtomicBool)>,
}

impl Watched {
    fn of(loaded: &Loaded) -> Self {
        let unseen = |_: &Compiled| AtomicBool::new(false);
        let leaves = &loaded.engine.matcher.leaves;
        Self {
            rules: loaded.engine.catalogues().map(|(_, rules)| rules.iter().map(unseen).collect()).collect(),
            leaves: (0..leaves.count()).map(|_| AtomicBool::new(false)).collect(),
            attributes: leaves.attributes().map(|name| (name.to_owned(), AtomicBool::new(false))).collect(),
        }
    }

    /// Whether there is nothing left to be seen.
    fn is_complete(&self) -> bool {
        self.rules.iter().flatten().chain(&self.leaves).all(|mark| mark.load(Ordering::Relaxed))
    }

    fn has(&self, test: &Test) -> bool {
        self.leaves.get(test.leaf as usize).is_some_and(|mark| mark.load(Ordering::Relaxed))
    }

    fn has_attribute(&self, name: &str) -> bool {
        self.attributes.iter().any(|(known, mark)| known == name && mark.load(Ordering::Relaxed))
    }

    fn look(&self, loaded: &Loaded, facts: &Facts<'_>, now: Timestamp) {
        if !facts.active() {
            return;
        }
        let matcher = &loaded.engine.matcher;
        let seen = matcher.see(facts, &matcher.graph.effective(facts.direct));
        let set = |mark: &AtomicBool, found: bool| {
            if found {
                mark.store(true, Ordering::Relaxed);
            }
        };
        self.leaves.iter().zip(0..).for_each(|(mark, leaf)| set(mark, seen.holds(leaf)));
        self.attributes.iter().for_each(|(name, mark)| set(mark, !facts.values(name).is_empty()));
        for ((catalogue, rules), marks) in loaded.engine.catalogues().zip(&self.rules) {
            let unseen = rules.iter().zip(marks).filter(|(rule, mark)| !mark.load(Ordering::Relaxed) && rule.window.is_open(now));
            for (rule, mark) in unseen {
                set(mark, matcher.gifts_of(rule, &seen).given.iter().any(|given| catalogue.rank(&given.role).is_some()));
            }
        }
    }
}
