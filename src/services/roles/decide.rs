//! From what rules give to what someone holds: the catalogue, the cardinality and the default role. Pure.

use std::collections::{HashMap, HashSet};

use tracing::warn;

use super::compile::Compiled;
use super::evaluate::{Facts, Given, Matcher, Told, told};
use super::leaves::Seen;
use crate::store::establishment::application::{Application, Cardinality, RoleScope};
use crate::store::establishment::assignment::{Origin, Standing};
use crate::types::id::ApplicationId;
use crate::types::time::Timestamp;

/// An application as decisions need it.
#[derive(Clone, Debug)]
pub struct Catalogue {
    /// Key.
    pub id: ApplicationId,
    /// Name.
    pub name: String,
    cardinality: Cardinality,
    default_role: Option<String>,
    ranks: HashMap<String, (usize, RoleScope)>,
}

impl From<&Application> for Catalogue {
    fn from(application: &Application) -> Self {
        Self {
            id: application.id,
            name: application.name.clone(),
            cardinality: application.cardinality,
            default_role: application.default_role.clone(),
            ranks: application.roles.iter().enumerate().map(|(rank, role)| (role.name.clone(), (rank, role.scope))).collect(),
        }
    }
}

impl Catalogue {
    /// A role's place in the order of precedence, strongest first; none for a role that the catalogue does not know.
    pub fn rank(&self, role: &str) -> Option<usize> {
        self.ranks.get(role).map(|(rank, _)| *rank)
    }

    /// Whether a role can be held in a scope at all: the catalogue knows it, and binds it to scopes or to none as it should.
    pub fn admits(&self, role: &str, scope: &str) -> bool {
        self.ranks.get(role).is_some_and(|(_, bound)| bound.admits(scope))
    }

    /// How many roles one person may hold.
    pub fn cardinality(&self) -> Cardinality {
        self.cardinality
    }

    /// Keeps what the cardinality allows of candidates; the smallest by `key`, which starts with the rank, is the strongest.
    pub fn keep<T, K: Ord>(&self, mut candidates: Vec<T>, key: impl Fn(&T) -> K, scope: impl Fn(&T) -> &str) -> Vec<T> {
        if candidates.len() < 2 {
            return candidates;
        }
        candidates.sort_by_cached_key(key);
        match self.cardinality {
            Cardinality::Multi => {}
            Cardinality::Single => candidates.truncate(1),
            Cardinality::SinglePerScope => {
                let mut taken = HashSet::new();
                candidates.retain(|candidate| taken.insert(scope(candidate).to_owned()));
            }
        }
        candidates
    }
}

/// One role that someone is to hold.
#[derive(Clone, Debug)]
pub struct Decided<'a> {
    /// The application.
    pub catalogue: &'a Catalogue,
    /// The role.
    pub role: String,
    /// Where it holds; empty is everywhere.
    pub scope: String,
    /// The rule that gives it, and how; none for the default role.
    pub by: Option<(&'a Compiled, Given)>,
    /// Until when it is given: the latest end of the rules that give it.
    pub until: Option<Timestamp>,
}

impl Decided<'_> {
    /// Where the assignment comes from.
    pub fn origin(&self) -> Origin {
        if self.by.is_some() { Origin::Rule } else { Origin::Default }
    }

    /// Why.
    pub fn path<'f>(&'f self, matcher: &'f Matcher, facts: &Facts<'f>) -> Vec<Told<'f>> {
        if let Some((rule, given)) = &self.by {
            return matcher.path(rule, given, facts);
        }
        let default = format!("default role of {}", self.catalogue.name);
        vec![told("entry", facts.entry), told("rule", default), told("role", &*self.role)]
    }
}

/// One role in one scope that a rule gives, and until when.
#[derive(Debug)]
pub struct Candidate<'a> {
    /// The place of its rule among those of the application, the strongest first.
    pub strength: usize,
    /// The rule.
    pub rule: &'a Compiled,
    /// What it gives.
    pub given: Given,
    until: Option<Timestamp>,
}

/// The rules and catalogues of one establishment, ready for anyone.
#[derive(Debug, Default)]
pub struct Engine {
    catalogues: Vec<(Catalogue, Vec<Compiled>)>,
    /// The groups and what patterns make of them.
    pub matcher: Matcher,
}

impl Engine {
    /// Whether no rule and no default role can give anyone anything.
    pub fn gives_nothing(&self) -> bool {
        self.catalogues.iter().all(|(catalogue, rules)| rules.is_empty() && catalogue.default_role.is_none())
    }

    /// `rules` come strongest first: by priority, then by age.
    pub fn new(applications: &[Application], rules: Vec<Compiled>, matcher: Matcher) -> Self {
        let mut catalogues: Vec<(Catalogue, Vec<Compiled>)> = applications.iter().map(|a| (Catalogue::from(a), Vec::new())).collect();
        for rule in rules {
            if let Some((_, own)) = catalogues.iter_mut().find(|(catalogue, _)| catalogue.name == rule.application) {
                own.push(rule);
            }
        }
        Self { catalogues, matcher }
    }

    /// Each application with its rules, strongest first.
    pub fn catalogues(&self) -> impl Iterator<Item = &(Catalogue, Vec<Compiled>)> {
        self.catalogues.iter()
    }

    /// What rules and default roles give someone, beside what was given by hand.
    pub fn decide(&self, facts: &Facts<'_>, by_hand: &[&Standing], now: Timestamp) -> Vec<Decided<'_>> {
        if !facts.active() {
            return Vec::new();
        }
        let effective = self.matcher.graph.effective(facts.direct);
        let seen = self.matcher.see(facts, &effective);
        let mut decided = Vec::new();
        for (catalogue, rules) in &self.catalogues {
            let candidates = self.candidates(catalogue, rules, facts, &seen, now);
            let key = |c: &Candidate<'_>| (catalogue.rank(&c.given.role), c.strength, c.given.scope.clone());
            let kept = catalogue.keep(candidates, key, |c| c.given.scope.as_str());
            let nothing = kept.is_empty() && !by_hand.iter().any(|standing| stays(standing, catalogue, now));
            if let (true, Some(role)) = (nothing, &catalogue.default_role) {
                decided.push(Decided { catalogue, role: role.clone(), scope: String::new(), by: None, until: None });
            }
            decided.extend(kept.into_iter().map(|Candidate { rule, given, until, .. }| {
                let (role, scope) = (given.role.clone(), given.scope.clone());
                Decided { catalogue, role, scope, by: Some((rule, given)), until }
            }));
        }
        decided
    }

    /// What the rules of an application give someone, each role in each scope once: by the strongest rule, until the last of them ends.
    pub fn candidates<'e>(
        &'e self,
        catalogue: &Catalogue,
        rules: &'e [Compiled],
        facts: &Facts<'_>,
        seen: &Seen<'_>,
        now: Timestamp,
    ) -> Vec<Candidate<'e>> {
        let mut found: Vec<Candidate<'e>> = Vec::new();
        let counting = rules.iter().enumerate().filter(|(_, rule)| seen.may_hold(rule) && rule.window.is_open(now));
        for (strength, rule) in counting {
            let gifts = self.matcher.gifts_of(rule, seen);
            if gifts.truncated {
                warn!(rule.id = ?rule.id, user.id = %facts.user.id, "a rule gives one person more assignments than are kept");
            }
            let until = rule.window.end(now);
            let allowed = |given: &Given| catalogue.admits(&given.role, &given.scope) && !facts.is_excluded(catalogue.id, given, now);
            let known = gifts.given.into_iter().filter(allowed);
            found.extend(known.map(|given| Candidate { strength, rule, given, until }));
        }
        let order = |a: &Candidate<'_>, b: &Candidate<'_>| {
            (&a.given.role, &a.given.scope, a.strength).cmp(&(&b.given.role, &b.given.scope, b.strength))
        };
        found.sort_by(order);
        found.dedup_by(|next, kept| {
            let same = next.given.role == kept.given.role && next.given.scope == kept.given.scope;
            if same {
                kept.until = kept.until.zip(next.until).map(|(one, other)| one.max(other));
            }
            same
        });
        found
    }
}

/// Whether something given by hand holds now and without end. What ends leaves the default role recorded beneath it, to come back by itself.
fn stays(standing: &Standing, catalogue: &Catalogue, now: Timestamp) -> bool {
    standing.application_id == catalogue.id
        && standing.origin == Origin::Manual
        && standing.valid_until.is_none()
        && standing.valid_from.is_none_or(|from| from <= now)
        && catalogue.admits(&standing.role, &standing.scope)
}
