//! Reading the facts about people in bounded steps, looking at them in bounded pieces, and how what they hold differs from what they should
//! hold.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::super::error::Error;
use super::compile::{Compiled, RuleFields, compile_set};
use super::compiled;
use super::decide::Engine;
use super::evaluate::{Facts, Matching};
use super::graph::{Graph, Place};
use super::supposed::Supposed;
use super::work::{Stop, Work};
use crate::store::Tx;
use crate::store::establishment::application::{self, Application};
use crate::store::establishment::assignment::{self, Origin, Standing};
use crate::store::establishment::group::{self, Group};
use crate::store::establishment::rule::{self, Rule};
use crate::store::establishment::user::{self, User};
use crate::store::establishment::{link, membership, source};
use crate::types::Invalid;
use crate::types::id::{AssignmentId, GroupId, SourceId, UserId};
use crate::types::time::Timestamp;

/// People looked at in one step: bounds memory.
const STEP: i64 = 1_000;
/// Up to so many people are read one by one; more are picked out of steps over everyone between the first and the last.
const ONE_BY_ONE_MAX: usize = 200;
/// Most stored rules named as refused.
const WRONG_MAX: usize = 10;
/// People evaluated in one piece of work.
const PEOPLE_PIECE: usize = 50;
/// Pairs of a pattern and a group looked at in one piece of work.
const MATCHES_PIECE: usize = 5_000;

/// The engine with the names of sources, and facts as they would be when some are only supposed.
#[derive(Debug)]
pub struct Loaded {
    /// The engine.
    pub engine: Engine,
    sources: HashMap<SourceId, String>,
    supposed: Supposed,
}

/// Rules as they are stored, ready, strongest first.
///
/// # Errors
/// `Invalid` with the rule's key: each was checked when it was saved, and together they can still be too many.
pub async fn stored_rules(tx: &mut Tx, work: &Work) -> Result<Vec<Compiled>, Error> {
    let mut rules: Vec<Rule> = rule::list(tx).await?;
    rules.retain(|rule| rule.enabled);
    rules.sort_by_key(|rule| (rule.priority, rule.id));
    if let Some(ready) = compiled::known(&rules)? {
        return Ok(ready);
    }
    let written = rules.iter().map(|rule| (RuleFields::from(rule), Some(rule.id))).collect();
    let mut ready = Vec::with_capacity(rules.len());
    let mut wrong = Vec::new();
    for (rule, outcome) in rules.iter().zip(compile_set(work, written).await?) {
        let place = |invalid: Invalid| Invalid::new(format!("rule {}: {}", rule.id, invalid.field), invalid.message);
        match outcome {
            Ok(compiled) => ready.push(compiled),
            Err(several) => wrong.extend(several.into_iter().map(place).take(WRONG_MAX.saturating_sub(wrong.len()))),
        }
    }
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    compiled::keep(&rules, &ready)?;
    Ok(ready)
}

/// What rules are bound to.
#[derive(Debug)]
pub struct Base {
    /// Applications with their catalogues.
    pub applications: Vec<Application>,
    /// Groups, all of them or those above the people concerned.
    pub groups: Vec<Group>,
    /// Nestings among them: (parent, child).
    pub nestings: Vec<(GroupId, GroupId)>,
    /// Facts as they would be.
    pub supposed: Supposed,
}

impl Base {
    /// Everything as it is stored. Groups are read where some rule looks at them; with `few`, only those that these people are in.
    pub async fn read(tx: &mut Tx, rules: &[Compiled], few: Option<&[UserId]>) -> Result<Self, Error> {
        let applications = application::list(tx).await?;
        let looks_at_groups = rules.iter().any(Compiled::looks_at_groups);
        let (groups, nestings) = match few {
            _ if !looks_at_groups => Default::default(),
            Some(users) => (group::list_above(tx, users).await?, membership::list_nestings_above(tx, users).await?),
            None => (group::list_all(tx).await?, membership::list_nestings(tx).await?),
        };
        Ok(Self { applications, groups, nestings, supposed: Supposed::default() })
    }
}

impl Loaded {
    /// Binds rules to the groups and catalogues of a store.
    pub async fn load(tx: &mut Tx, work: &Work, rules: Vec<Compiled>) -> Result<Arc<Self>, Error> {
        let base = Base::read(tx, &rules, None).await?;
        Self::bind(tx, work, rules, base).await
    }

    /// The same for few people: of groups, only those that these are in.
    pub async fn load_for(tx: &mut Tx, work: &Work, rules: Vec<Compiled>, users: &[UserId]) -> Result<Arc<Self>, Error> {
        let base = Base::read(tx, &rules, Some(users)).await?;
        Self::bind(tx, work, rules, base).await
    }

    /// Binds rules to something else than what is stored.
    pub async fn bind(tx: &mut Tx, work: &Work, rules: Vec<Compiled>, base: Base) -> Result<Arc<Self>, Error> {
        let Base { applications, groups, nestings, supposed } = base;
        let (groups, nestings) = supposed.over_groups(groups, nestings);
        let stop = work.stop();
        let start = move |_: &Stop| (Matching::new(Graph::new(groups, &nestings), rules.iter(), stop), rules);
        let (mut matching, rules) = work.piece(start).await?;
        let mut some_left = true;
        while some_left {
            (matching, some_left) = work.piece(move |_| matching.advance(MATCHES_PIECE).map(|some_left| (matching, some_left))).await??;
        }
        let matcher = work.piece(move |_| matching.finish()).await?;
        let sources = source::list(tx).await?.into_iter().map(|s| (s.id, s.name)).collect();
        Ok(Arc::new(Self { engine: Engine::new(&applications, rules, matcher), sources, supposed }))
    }
}

/// Some people with everything that rules look at and everything they hold.
#[derive(Debug)]
pub struct Step {
    pub(super) people: Vec<User>,
    pub(super) memberships: Vec<(UserId, Vec<Place>)>,
    pub(super) links: Vec<(UserId, SourceId, Option<String>)>,
    standing: Vec<Standing>,
}

/// Whom to look at.
#[derive(Debug)]
pub struct Crowd {
    wanted: Option<BTreeSet<UserId>>,
    one_by_one: bool,
    after: Option<UserId>,
    ended: bool,
    /// Whether the people who are only supposed had their turn.
    newcomers_seen: bool,
}

impl Crowd {
    /// Everyone.
    pub fn everyone() -> Self {
        Self { wanted: None, one_by_one: false, after: None, ended: false, newcomers_seen: false }
    }

    /// Some people.
    pub fn of(users: &[UserId]) -> Self {
        let wanted: BTreeSet<UserId> = users.iter().copied().collect();
        let after = wanted.first().and_then(|first| before(*first));
        Self { one_by_one: wanted.len() <= ONE_BY_ONE_MAX, ended: wanted.is_empty(), wanted: Some(wanted), after, newcomers_seen: true }
    }

    /// Who they are, while they are few.
    pub fn few(&self) -> Option<Vec<UserId>> {
        self.wanted.as_ref().filter(|_| self.one_by_one).map(|wanted| wanted.iter().copied().collect())
    }

    /// The next step; nothing after the last.
    pub async fn next(&mut self, tx: &mut Tx, loaded: &Loaded) -> Result<Option<Step>, Error> {
        if self.ended {
            return Ok(None);
        }
        if self.one_by_one {
            return self.next_one(tx, loaded).await;
        }
        let mut people = user::list_after(tx, self.after, STEP).await?;
        let Some(last) = people.last().map(|person| person.id) else {
            let newcomers = if std::mem::replace(&mut self.newcomers_seen, true) { Vec::new() } else { loaded.supposed.newcomers() };
            let mut step = Step { people: newcomers, memberships: Vec::new(), links: Vec::new(), standing: Vec::new() };
            loaded.supposed.over_step(&mut step, &loaded.engine.matcher.graph);
            return Ok((!step.people.is_empty()).then_some(step));
        };
        let after = self.after.replace(last);
        if let Some(wanted) = &self.wanted {
            people.retain(|person| wanted.contains(&person.id));
            self.ended = wanted.last().is_none_or(|end| *end <= last);
        }
        Ok(Some(read(tx, loaded, people, after, last).await?))
    }

    async fn next_one(&mut self, tx: &mut Tx, loaded: &Loaded) -> Result<Option<Step>, Error> {
        while let Some(id) = self.wanted.as_mut().and_then(BTreeSet::pop_first) {
            // Whoever was removed meanwhile holds nothing.
            if let Some(person) = user::find(tx, id).await? {
                return Ok(Some(read(tx, loaded, vec![person], before(id), id).await?));
            }
        }
        Ok(None)
    }
}

/// The key just before one, for ranges that exclude their start.
fn before(id: UserId) -> Option<UserId> {
    id.uuid().as_u128().checked_sub(1).map(|key| UserId::from(uuid::Uuid::from_u128(key)))
}

async fn read(tx: &mut Tx, loaded: &Loaded, people: Vec<User>, after: Option<UserId>, last: UserId) -> Result<Step, Error> {
    let graph = &loaded.engine.matcher.graph;
    let mut memberships: Vec<(UserId, Vec<Place>)> = Vec::with_capacity(people.len());
    if !graph.is_empty() {
        for (person, group) in membership::of_users_between(tx, after, last).await? {
            let Some(place) = graph.place(group) else { continue };
            match memberships.last_mut() {
                Some((same, places)) if *same == person => places.push(place),
                _ => memberships.push((person, vec![place])),
            }
        }
    }
    let links = link::present_between(tx, after, last).await?;
    let standing = assignment::list_between(tx, after, last).await?;
    let mut step = Step { people, memberships, links, standing };
    loaded.supposed.over_step(&mut step, graph);
    Ok(step)
}

impl Step {
    /// Goes over its people in pieces of work, each with what they hold. Everything was read in the order of people's keys.
    pub async fn each<T: Send + 'static>(
        self,
        work: &Work,
        loaded: &Arc<Loaded>,
        look: impl Fn(&Loaded, &Facts<'_>, &[Standing]) -> Result<T, Error> + Send + Sync + 'static,
    ) -> Result<Vec<T>, Error> {
        let mut seen = Vec::with_capacity(self.people.len());
        let (step, look) = (Arc::new(self), Arc::new(look));
        for start in (0..step.people.len()).step_by(PEOPLE_PIECE) {
            let (step, look, loaded) = (step.clone(), look.clone(), loaded.clone());
            let piece = move |stop: &Stop| {
                let people = step.people.iter().skip(start).take(PEOPLE_PIECE).take_while(|_| !stop.is_set());
                people.map(|person| step.look_at(person, &loaded, &*look)).collect::<Result<Vec<T>, Error>>()
            };
            seen.extend(work.piece(piece).await??);
        }
        Ok(seen)
    }

    fn look_at<T>(&self, person: &User, loaded: &Loaded, look: &impl Fn(&Loaded, &Facts<'_>, &[Standing]) -> T) -> T {
        let direct = self.memberships.binary_search_by_key(&person.id, |(id, _)| *id).ok().and_then(|at| self.memberships.get(at));
        let links = of(&self.links, person.id, |(id, _, _)| *id);
        let sources: Vec<&str> = links.iter().filter_map(|(_, source, _)| loaded.sources.get(source)).map(String::as_str).collect();
        let entry = links.iter().find_map(|(_, _, dn)| dn.as_deref()).unwrap_or(&person.username);
        let direct = direct.map_or(&[][..], |(_, places)| places.as_slice());
        look(loaded, &Facts { user: person, entry, direct, sources: &sources }, of(&self.standing, person.id, |s| s.user_id))
    }
}

fn of<T>(sorted: &[T], person: UserId, key: impl Fn(&T) -> UserId) -> &[T] {
    let start = sorted.partition_point(|row| key(row) < person);
    let end = sorted.partition_point(|row| key(row) <= person);
    sorted.get(start..end).unwrap_or_default()
}

/// How what someone holds differs from what they should hold.
#[derive(Debug, Default)]
pub struct Difference {
    /// To be given.
    pub gained: Vec<Standing>,
    /// To be taken away.
    pub lost: Vec<Standing>,
    /// To be kept, for another reason.
    pub moved: Vec<Standing>,
    /// Assignments that stay.
    pub unchanged: u64,
}

/// Compares.
pub fn difference(loaded: &Loaded, facts: &Facts<'_>, standing: &[Standing], now: Timestamp) -> Result<Difference, Error> {
    let by_hand: Vec<&Standing> = standing.iter().filter(|s| s.origin == Origin::Manual).collect();
    let mut difference = Difference::default();
    let mut computed: Vec<&Standing> = standing.iter().filter(|s| s.origin != Origin::Manual).collect();
    for decided in loaded.engine.decide(facts, &by_hand, now) {
        let origin = decided.origin();
        let rule_id = decided.by.as_ref().and_then(|(rule, _)| rule.id);
        let reason = serde_json::to_string(&decided.path(&loaded.engine.matcher, facts))
            .map_err(|e| Error::Internal(format!("a list of texts is always JSON, and is not: {e}")))?;
        let same = |s: &&Standing| {
            s.application_id == decided.catalogue.id && s.origin == origin && s.role == decided.role && s.scope == decided.scope
        };
        let Some(at) = computed.iter().position(same) else {
            let row = Standing {
                id: AssignmentId::new(),
                user_id: facts.user.id,
                application_id: decided.catalogue.id,
                role: decided.role,
                scope: decided.scope,
                origin,
                rule_id,
                valid_from: None,
                valid_until: None,
                reason,
            };
            difference.gained.push(row);
            continue;
        };
        let kept = computed.swap_remove(at);
        difference.unchanged += 1;
        if kept.rule_id != rule_id || kept.reason != reason {
            difference.moved.push(Standing { rule_id, reason, ..kept.clone() });
        }
    }
    difference.lost = computed.into_iter().cloned().collect();
    Ok(difference)
}
