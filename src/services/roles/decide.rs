//! From what rules give to what someone holds: the catalogue, the cardinality and the default role. Pure.

use std::collections::{BTreeMap, HashMap, HashSet};

use tracing::warn;

use super::compile::Compiled;
use super::evaluate::{Facts, Given, Matcher, step};
use crate::store::establishment::application::{Application, Cardinality, RoleScope};
use crate::store::establishment::assignment::{Origin, Standing, Step};
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
        candidates.sort_by_key(key);
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
}

impl Decided<'_> {
    /// Where the assignment comes from.
    pub fn origin(&self) -> Origin {
        if self.by.is_some() { Origin::Rule } else { Origin::Default }
    }

    /// Why.
    pub fn path(&self, matcher: &Matcher, facts: &Facts<'_>) -> Vec<Step> {
        if let Some((rule, given)) = &self.by {
            return matcher.path(rule, given, facts);
        }
        let default = format!("default role of {}", self.catalogue.name);
        vec![step("entry", facts.entry), step("rule", &default), step("role", &self.role)]
    }
}

/// The rules and catalogues of one establishment, ready for anyone.
#[derive(Clone, Debug, Default)]
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
        let mut decided = Vec::new();
        for (catalogue, rules) in &self.catalogues {
            let mut strongest: BTreeMap<(String, String), (usize, &Compiled, Given)> = BTreeMap::new();
            for (strength, rule) in rules.iter().enumerate() {
                let gifts = self.matcher.gifts(rule, facts, &effective);
                if gifts.truncated {
                    warn!(rule.id = ?rule.id, user.id = %facts.user.id, "a rule gives one person more assignments than are kept");
                }
                for given in gifts.given.into_iter().filter(|given| catalogue.admits(&given.role, &given.scope)) {
                    strongest.entry((given.role.clone(), given.scope.clone())).or_insert((strength, rule, given));
                }
            }
            let candidates = strongest.into_values().collect();
            let key = |(strength, _, given): &(usize, &Compiled, Given)| (catalogue.rank(&given.role), *strength, given.scope.clone());
            let kept = catalogue.keep(candidates, key, |(_, _, given)| given.scope.as_str());
            let nothing = kept.is_empty() && !by_hand.iter().any(|standing| stays(standing, catalogue, now));
            if let (true, Some(role)) = (nothing, &catalogue.default_role) {
                decided.push(Decided { catalogue, role: role.clone(), scope: String::new(), by: None });
            }
            decided.extend(kept.into_iter().map(|(_, rule, given)| {
                let (role, scope) = (given.role.clone(), given.scope.clone());
                Decided { catalogue, role, scope, by: Some((rule, given)) }
            }));
        }
        decided
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
