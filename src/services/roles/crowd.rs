//! Reading the facts about people in bounded steps, looking at them in bounded pieces, and how what they hold differs from what they should
//! hold.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};

use super::super::error::Error;
use super::compile::{Compiled, RuleFields, compile_set};
use super::compiled;
use super::decide::{Decided, Engine};
use super::evaluate::{Facts, Matching};
use super::graph::{Graph, Place};
use super::picked::picked;
use super::supposed::Supposed;
use super::work::{AT_ONCE, Stop, Work};
use crate::store::Tx;
use crate::store::establishment::application::{self, Application};
use crate::store::establishment::assignment::{Origin, Standing};
use crate::store::establishment::exclusion::Excluded;
use crate::store::establishment::facts::{self, Sketch, THESE_MAX, Whose};
use crate::store::establishment::group::{self, Group};
use crate::store::establishment::rule::{self, Rule};
use crate::store::establishment::user::User;
use crate::store::establishment::{membership, source};
use crate::types::Invalid;
use crate::types::id::{AssignmentId, GroupId, SourceId, UserId};
use crate::types::time::Timestamp;

/// People looked at in one step: bounds memory.
const STEP: i64 = 1_000;
/// Up to so many people are read by their keys; more are picked out of steps over everyone between the first and the last.
const BY_KEY_MAX: usize = 20_000;
/// Most stored rules named as refused.
const WRONG_MAX: usize = 10;
/// People evaluated in one piece of work.
const PEOPLE_PIECE: usize = 50;
/// Pairs of a pattern and a group looked at in one piece of work.
const MATCHES_PIECE: usize = 20_000;

/// The engine with the names of sources, what of people it looks at, and facts as they would be when some are only supposed.
#[derive(Debug)]
pub struct Loaded {
    /// The engine.
    pub engine: Engine,
    sources: HashMap<SourceId, String>,
    wanted: Wanted,
    supposed: Supposed,
}

/// What is read of people.
#[derive(Clone, Debug)]
struct Wanted {
    /// Attributes that any condition looks at.
    attributes: BTreeSet<String>,
    /// Whether reasons are compared, and written.
    reasons: bool,
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
            Ok(mut compiled) => {
                compiled.renew(&RuleFields::from(rule), rule.updated_at);
                ready.push(compiled);
            }
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
    /// Whether it is to be learnt why people hold what they hold, and not only what: more is read then.
    pub reasons: bool,
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
        Ok(Self { applications, groups, nestings, supposed: Supposed::default(), reasons: true })
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
    pub async fn bind(tx: &mut Tx, work: &Work, mut rules: Vec<Compiled>, base: Base) -> Result<Arc<Self>, Error> {
        let Base { applications, groups, nestings, supposed, reasons } = base;
        let (groups, nestings) = supposed.over_groups(groups, nestings);
        let sources: HashMap<SourceId, String> = source::list(tx).await?.into_iter().map(|s| (s.id, s.name)).collect();
        let stop = work.stop();
        let start = move |_: &Stop| {
            let matching = Matching::new(Graph::new(groups, &nestings, &sources), &mut rules, stop);
            (matching, rules, sources)
        };
        let (mut matching, rules, sources) = work.piece(start).await?;
        let mut some_left = true;
        while some_left {
            (matching, some_left) = work.piece(move |_| matching.advance(MATCHES_PIECE).map(|some_left| (matching, some_left))).await??;
        }
        let matcher = work.piece(move |_| matching.finish()).await?;
        let attributes = matcher.leaves.attributes().filter(|name| !Facts::is_built_in(name)).map(str::to_owned).collect();
        let engine = Engine::new(&applications, rules, matcher);
        Ok(Arc::new(Self { engine, sources, wanted: Wanted { attributes, reasons }, supposed }))
    }
}

/// Some people with everything that rules look at and everything they hold.
#[derive(Debug, Default)]
pub struct Step {
    pub(super) people: Vec<Sketch>,
    pub(super) held: Held,
}

/// What is known of people beside themselves, by person.
#[derive(Debug, Default)]
pub struct Held {
    pub(super) memberships: Vec<(UserId, Place)>,
    pub(super) links: Vec<(UserId, SourceId, Option<String>)>,
    standing: Vec<Standing>,
    excluded: Vec<Excluded>,
}

/// Whom to look at.
#[derive(Debug)]
pub struct Crowd {
    wanted: Option<BTreeSet<UserId>>,
    by_key: bool,
    after: Option<UserId>,
    ended: bool,
    /// Whether the people who are only supposed had their turn.
    newcomers_seen: bool,
}

impl Crowd {
    /// Everyone.
    pub fn everyone() -> Self {
        Self { wanted: None, by_key: false, after: None, ended: false, newcomers_seen: false }
    }

    /// Some people.
    pub fn of(users: &[UserId]) -> Self {
        let wanted: BTreeSet<UserId> = users.iter().copied().collect();
        let after = wanted.first().and_then(|first| before(*first));
        Self { by_key: wanted.len() <= BY_KEY_MAX, ended: wanted.is_empty(), wanted: Some(wanted), after, newcomers_seen: true }
    }

    /// The people, when they are so few that only their own groups need to be read.
    pub fn few(&self) -> Option<Vec<UserId>> {
        self.wanted.as_ref().filter(|wanted| wanted.len() <= THESE_MAX).map(|wanted| wanted.iter().copied().collect())
    }

    /// The next step; nothing after the last.
    pub async fn next(&mut self, tx: &mut Tx, loaded: &Loaded) -> Result<Option<Step>, Error> {
        if self.ended {
            return Ok(None);
        }
        if self.by_key {
            return self.next_by_key(tx, loaded).await;
        }
        let with_attributes = !loaded.wanted.attributes.is_empty();
        let mut people = facts::people_after(tx, self.after, STEP, with_attributes).await?;
        let Some(last) = people.last().map(|person| person.user.id) else {
            let newcomers = if std::mem::replace(&mut self.newcomers_seen, true) { Vec::new() } else { loaded.supposed.newcomers() };
            let mut step = Step { people: newcomers, held: Held::default() };
            loaded.supposed.over_step(&mut step, &loaded.engine.matcher.graph);
            return Ok((!step.people.is_empty()).then_some(step));
        };
        let after = self.after.replace(last);
        if let Some(wanted) = &self.wanted {
            people.retain(|person| wanted.contains(&person.user.id));
            self.ended = wanted.last().is_none_or(|end| *end <= last);
        }
        let held = read(tx, loaded, Whose::Between(after, last)).await?;
        let mut step = Step { people, held };
        loaded.supposed.over_step(&mut step, &loaded.engine.matcher.graph);
        Ok(Some(step))
    }

    async fn next_by_key(&mut self, tx: &mut Tx, loaded: &Loaded) -> Result<Option<Step>, Error> {
        let Some(wanted) = self.wanted.as_mut().filter(|wanted| !wanted.is_empty()) else { return Ok(None) };
        let mut these = Vec::with_capacity(THESE_MAX.min(wanted.len()));
        while these.len() < THESE_MAX
            && let Some(id) = wanted.pop_first()
        {
            these.push(id);
        }
        let whose = Whose::These(&these);
        // Whoever was removed meanwhile is not there, and holds nothing.
        let people = facts::people(tx, whose, !loaded.wanted.attributes.is_empty()).await?;
        let held = read(tx, loaded, whose).await?;
        Ok(Some(Step { people, held }))
    }
}

/// The key just before one, for ranges that exclude their start.
fn before(id: UserId) -> Option<UserId> {
    id.uuid().as_u128().checked_sub(1).map(|key| UserId::from(uuid::Uuid::from_u128(key)))
}

async fn read(tx: &mut Tx, loaded: &Loaded, whose: Whose<'_>) -> Result<Held, Error> {
    let graph = &loaded.engine.matcher.graph;
    let memberships = if graph.is_empty() { Vec::new() } else { facts::memberships(tx, whose).await? };
    let placed = memberships.into_iter().filter_map(|(person, group)| Some((person, graph.place(group)?)));
    Ok(Held {
        memberships: placed.collect(),
        links: facts::links(tx, whose).await?,
        standing: facts::standing(tx, whose, loaded.wanted.reasons).await?,
        excluded: facts::exclusions(tx, whose).await?,
    })
}

impl Step {
    /// Goes over its people in pieces of work, each with what they hold. Everything was read in the order of people's keys.
    pub async fn each<T: Send + 'static>(
        self,
        work: &Work,
        loaded: &Arc<Loaded>,
        look: impl Fn(&Loaded, &Facts<'_>, &[Standing]) -> Result<T, Error> + Send + Sync + 'static,
    ) -> Result<Vec<T>, Error> {
        let Self { people, held } = self;
        let (held, look) = (Arc::new(held), Arc::new(look));
        let mut left = people.into_iter();
        let mut pieces = Vec::new();
        loop {
            let people: Vec<Sketch> = left.by_ref().take(PEOPLE_PIECE).collect();
            if people.is_empty() {
                break;
            }
            let (held, look, loaded) = (held.clone(), look.clone(), loaded.clone());
            pieces.push(work.piece(move |stop: &Stop| {
                let people = people.into_iter().take_while(|_| !stop.is_set());
                people.map(|person| held.look_at(person, &loaded, &*look)).collect::<Result<Vec<T>, Error>>()
            }));
        }
        let seen: Vec<Vec<T>> = stream::iter(pieces).buffered(AT_ONCE).map(|done| done.and_then(|done| done)).try_collect().await?;
        Ok(seen.into_iter().flatten().collect())
    }
}

impl Held {
    fn look_at<T>(
        &self,
        person: Sketch,
        loaded: &Loaded,
        look: &impl Fn(&Loaded, &Facts<'_>, &[Standing]) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let person = whole(person, &loaded.wanted)?;
        let direct: Vec<Place> = of(&self.memberships, person.id, |(id, _)| *id).iter().map(|(_, place)| *place).collect();
        let links = of(&self.links, person.id, |(id, _, _)| *id);
        let sources: Vec<&str> = links.iter().filter_map(|(_, source, _)| loaded.sources.get(source)).map(String::as_str).collect();
        let entry = links.iter().find_map(|(_, _, dn)| dn.as_deref()).unwrap_or(&person.username);
        let standing = of(&self.standing, person.id, |s| s.user_id);
        let excluded = of(&self.excluded, person.id, |one| one.user_id);
        look(loaded, &Facts { user: &person, entry, direct: &direct, sources: &sources, excluded }, standing)
    }
}

/// A person with the units and those attributes that rules look at.
fn whole(sketch: Sketch, wanted: &Wanted) -> Result<User, Error> {
    let unread = |error| Error::Internal(format!("units and attributes are always JSON, and are not: {error}"));
    let Sketch { mut user, units, attributes } = sketch;
    // One who is only supposed has them already.
    if !matches!(units.as_str(), "" | "[]") {
        user.units = serde_json::from_str(&units).map_err(unread)?;
    }
    if !attributes.is_empty() && !wanted.attributes.is_empty() {
        user.attributes = picked(&attributes, &wanted.attributes).map_err(unread)?;
    }
    Ok(user)
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
        let reason = reason(loaded, &decided, facts)?;
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
                valid_until: decided.until,
                reason,
            };
            difference.gained.push(row);
            continue;
        };
        let kept = computed.swap_remove(at);
        difference.unchanged += 1;
        if kept.rule_id != rule_id || kept.valid_until != decided.until || kept.reason != reason {
            difference.moved.push(Standing { rule_id, valid_until: decided.until, reason, ..kept.clone() });
        }
    }
    difference.lost = computed.into_iter().cloned().collect();
    Ok(difference)
}

/// Why, as it is kept; nothing when nobody asks.
fn reason(loaded: &Loaded, decided: &Decided<'_>, facts: &Facts<'_>) -> Result<String, Error> {
    if !loaded.wanted.reasons {
        return Ok(String::new());
    }
    let path = decided.path(&loaded.engine.matcher, facts);
    serde_json::to_string(&path).map_err(|e| Error::Internal(format!("a list of texts is always JSON, and is not: {e}")))
}
