//! What must hold of any rules and any facts.

use std::collections::HashMap;

use proptest::prelude::*;
use proptest::sample::{Index, subsequence};

use super::compile::{Compiled, RuleFields};
use super::decide::Engine;
use super::evaluate::{Facts, Matching};
use super::graph::{Graph, Place};
use super::work::Stop;
use crate::store::establishment::application::{Application, Cardinality, Policy, Role, ScopeKind};
use crate::store::establishment::assignment::Origin;
use crate::store::establishment::group::{Group, LOCAL};
use crate::store::establishment::rule::Condition;
use crate::store::establishment::user::{User, UserStatus};
use crate::types::id::{ApplicationId, GroupId, RuleId, SourceId, UserId};
use crate::types::time::Timestamp;

const GROUPS: usize = 12;
const NOW: Timestamp = Timestamp::from_seconds(1_000);
const PATTERNS: [&str; 6] = ["g(?<unit>\\d)", "g1?(?<unit>\\d+)", "(?<unit>h)|g.*", "g[0-4]", "cn=(?<unit>g\\d+),ou=x", "none"];
const ROLES: [&str; 4] = ["A", "B", "C", "unknown"];

fn application(cardinality: Cardinality) -> Application {
    let role = |name: &&str| Role { name: (*name).to_owned(), ..Role::default() };
    Application {
        id: ApplicationId::new(),
        name: "app".to_owned(),
        title: String::new(),
        cardinality,
        default_role: Some("C".to_owned()),
        scope_kind: ScopeKind::Unit,
        roles: ROLES.iter().filter(|name| **name != "unknown").map(role).collect(),
        claim_shape: serde_json::json!({}),
        policy: Policy::default(),
        services: Vec::new(),
        created_at: Timestamp::default(),
        updated_at: Timestamp::default(),
    }
}

fn sources() -> HashMap<SourceId, String> {
    HashMap::from([(SourceId::from(uuid::Uuid::from_u128(1)), "ldap".to_owned())])
}

/// Every other one is the source's.
fn groups() -> Vec<Group> {
    let group = |n: usize| Group {
        id: GroupId::new(),
        source_id: sources().into_keys().next().filter(|_| n.is_multiple_of(2)),
        external_id: None,
        name: format!("g{n}"),
        display_name: None,
        dn: Some(format!("CN=g{n}, OU=x")),
        dn_key: None,
        place: None,
        dangling: None,
        content_hash: Vec::new(),
        members_hash: Vec::new(),
        member_count: 0,
        created_at: Timestamp::default(),
        updated_at: Timestamp::default(),
    };
    (0..GROUPS).map(group).collect()
}

fn person(units: Vec<String>) -> User {
    User {
        id: UserId::new(),
        username: "a".to_owned(),
        given_name: None,
        family_name: None,
        display_name: "A".to_owned(),
        email: None,
        locale: None,
        status: UserStatus::Active,
        disabled_by: None,
        home_unit: None,
        units,
        attributes: std::collections::BTreeMap::new(),
        last_sign_in_at: None,
        created_at: Timestamp::default(),
        updated_at: Timestamp::default(),
        erased_at: None,
    }
}

fn single() -> impl Strategy<Value = Condition> {
    let source = prop::sample::select(vec![None, None, Some("ldap"), Some(LOCAL), Some("gone")]);
    (0..PATTERNS.len(), any::<bool>(), any::<bool>(), source).prop_map(|(at, unit, not, source)| {
        let pattern = PATTERNS.get(at).map(|p| (*p).to_owned());
        let (group, unit) = if unit { (None, pattern) } else { (pattern, None) };
        let source = source.filter(|_| group.is_some()).map(str::to_owned);
        Condition { group, unit, source, not, ..Condition::default() }
    })
}

/// Single conditions, and some of them inside others.
fn condition() -> impl Strategy<Value = Condition> {
    let inside = |condition: BoxedStrategy<Condition>| {
        (prop::collection::vec(condition, 1..3), any::<bool>(), any::<bool>()).prop_map(|(several, every, not)| {
            let (any, all) = if every { (None, Some(several)) } else { (Some(several), None) };
            Condition { any, all, not, ..Condition::default() }
        })
    };
    let nested = prop_oneof![3 => single(), 1 => inside(single().boxed())].boxed();
    prop_oneof![3 => single(), 1 => inside(nested)]
}

/// Before, at and after the instant of which is asked.
fn instant() -> impl Strategy<Value = Option<Timestamp>> {
    prop::sample::select(vec![None, None, Some(500), Some(1_000), Some(1_500)]).prop_map(|at| at.map(Timestamp::from_seconds))
}

fn rule() -> impl Strategy<Value = RuleFields> {
    let parts = (prop::collection::vec(condition(), 1..4), 0..ROLES.len(), any::<bool>(), -1..2_i64, instant(), instant());
    parts.prop_map(|(when, role, scoped, priority, valid_from, valid_until)| RuleFields {
        application: "app".to_owned(),
        when,
        role: ROLES.get(role).map(|role| (*role).to_owned()).unwrap_or_default(),
        scope: scoped.then(|| "{unit}".to_owned()),
        priority,
        valid_from,
        valid_until,
        ..RuleFields::default()
    })
}

type Row = (String, String, Origin, Option<RuleId>, Option<Timestamp>, String);

/// What someone is given, with the reasons, by role and scope.
fn rows(engine: &Engine, user: &User, direct: &[Place]) -> Vec<Row> {
    let facts = Facts { user, entry: "uid=a", direct, sources: &[], excluded: &[] };
    let row = |d: super::decide::Decided<'_>| {
        let path = serde_json::to_string(&d.path(&engine.matcher, &facts)).unwrap_or_default();
        (d.role.clone(), d.scope.clone(), d.origin(), d.by.and_then(|(rule, _)| rule.id), d.until, path)
    };
    let mut rows: Vec<Row> = engine.decide(&facts, &[], NOW).into_iter().map(row).collect();
    rows.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    rows
}

proptest! {
    #[test]
    fn the_order_in_which_facts_arrive_changes_nothing(
        written in prop::collection::vec(rule(), 1..8),
        nestings in prop::collection::vec((any::<Index>(), any::<Index>()), 0..16),
        inside in subsequence((0..GROUPS).collect::<Vec<_>>(), 0..5),
        units in subsequence(vec!["g1", "g2", "h", "3"], 0..4),
        cardinality in prop::sample::select(vec![Cardinality::Multi, Cardinality::Single, Cardinality::SinglePerScope]),
        turn in any::<Index>(),
    ) {
        let groups = groups();
        let id = |at: &Index| at.get(&groups).id;
        let nestings: Vec<_> = nestings.iter().map(|(parent, child)| (id(parent), id(child))).collect();
        let mut ready: Vec<Compiled> =
            written.iter().filter_map(|fields| Compiled::new(fields, Some(RuleId::new())).ok()).collect();
        let priority = |rule: &Compiled| written.iter().find(|w| w.role == rule.role.to_string()).map_or(0, |w| w.priority);
        ready.sort_by_key(|rule| (priority(rule), rule.id));
        let applications = [application(cardinality)];
        let built = |groups: Vec<Group>, nestings: &[(GroupId, GroupId)]| {
            let mut rules = ready.clone();
            let mut matching = Matching::new(Graph::new(groups, nestings, &sources()), &mut rules, Stop::default());
            while matching.advance(7).is_ok_and(|some_left| some_left) {}
            Engine::new(&applications, rules, matching.finish())
        };
        let members: Vec<GroupId> = inside.iter().filter_map(|at| groups.get(*at)).map(|group| group.id).collect();
        let places = |engine: &Engine, members: &[GroupId]| members.iter().filter_map(|id| engine.matcher.graph.place(*id)).collect::<Vec<_>>();
        let units: Vec<String> = units.into_iter().map(str::to_owned).collect();

        let engine = built(groups.clone(), &nestings);
        let found = rows(&engine, &person(units.clone()), &places(&engine, &members));

        let turned = |length: usize| if length == 0 { 0 } else { turn.index(length) };
        let (mut groups, mut nestings, mut members, mut units) = (groups, nestings, members, units);
        groups.rotate_left(turned(GROUPS));
        nestings.reverse();
        members.reverse();
        let by = turned(units.len());
        units.rotate_left(by);
        let other = built(groups, &nestings);
        prop_assert_eq!(&rows(&other, &person(units), &places(&other, &members)), &found);

        let scopes: std::collections::BTreeSet<&String> = found.iter().map(|(_, scope, ..)| scope).collect();
        match cardinality {
            Cardinality::Multi => {}
            Cardinality::Single => prop_assert_eq!(found.len(), 1),
            Cardinality::SinglePerScope => prop_assert_eq!(found.len(), scopes.len()),
        }
        prop_assert!(found.iter().all(|(role, ..)| role != "unknown"));
        prop_assert!(!found.is_empty(), "the default role is there when nothing else is");
    }

    #[test]
    fn any_gives_what_its_branches_give_and_not_any_is_that_none_holds(
        branches in prop::collection::vec(single(), 2..4),
        inside in subsequence((0..GROUPS).collect::<Vec<_>>(), 0..5),
        units in subsequence(vec!["g1", "g2", "h", "3"], 0..4),
        scoped in any::<bool>(),
        not in any::<bool>(),
    ) {
        let groups = groups();
        let applications = [application(Cardinality::Multi)];
        let fields = |when: Vec<Condition>| RuleFields {
            application: "app".to_owned(),
            when,
            role: "A".to_owned(),
            scope: (scoped && !not).then(|| "{unit}".to_owned()),
            ..RuleFields::default()
        };
        let given = |written: Vec<RuleFields>| -> Option<Vec<(String, String)>> {
            let ready: Option<Vec<Compiled>> = written.iter().map(|fields| Compiled::new(fields, Some(RuleId::new())).ok()).collect();
            let mut rules = ready?;
            let mut matching = Matching::new(Graph::new(groups.clone(), &[], &sources()), &mut rules, Stop::default());
            while matching.advance(100).is_ok_and(|some_left| some_left) {}
            let engine = Engine::new(&applications, rules, matching.finish());
            let direct: Vec<Place> =
                inside.iter().filter_map(|at| groups.get(*at)).filter_map(|group| engine.matcher.graph.place(group.id)).collect();
            let units = units.iter().map(|unit| (*unit).to_owned()).collect();
            Some(rows(&engine, &person(units), &direct).into_iter().map(|(role, scope, ..)| (role, scope)).collect())
        };
        let any = Condition { any: Some(branches.clone()), not, ..Condition::default() };
        // What is in `not` captures nothing, so nothing has to agree there.
        let unnamed = |pattern: &Option<String>| pattern.as_ref().map(|text| text.replace("?<unit>", "?:"));
        let turned = |branch: &Condition| Condition {
            not: !branch.not,
            group: unnamed(&branch.group),
            matches: unnamed(&branch.matches),
            unit: unnamed(&branch.unit),
            ..branch.clone()
        };
        let apart = if not {
            vec![fields(branches.iter().map(turned).collect())]
        } else {
            branches.iter().map(|branch| fields(vec![branch.clone()])).collect()
        };
        if let (Some(together), Some(apart)) = (given(vec![fields(vec![any])]), given(apart)) {
            prop_assert_eq!(together, apart);
        }
    }

    #[test]
    fn a_group_condition_gives_what_its_sources_give_each(
        at in 0..PATTERNS.len(),
        inside in subsequence((0..GROUPS).collect::<Vec<_>>(), 0..5),
        scoped in any::<bool>(),
    ) {
        let groups = groups();
        let applications = [application(Cardinality::Multi)];
        let of = |source: Option<&str>| RuleFields {
            application: "app".to_owned(),
            when: vec![Condition {
                group: PATTERNS.get(at).map(|p| (*p).to_owned()),
                source: source.map(str::to_owned),
                ..Condition::default()
            }],
            role: "A".to_owned(),
            scope: scoped.then(|| "{unit}".to_owned()),
            ..RuleFields::default()
        };
        let given = |written: &[RuleFields]| -> Option<Vec<(String, String)>> {
            let ready: Option<Vec<Compiled>> = written.iter().map(|fields| Compiled::new(fields, Some(RuleId::new())).ok()).collect();
            let mut rules = ready?;
            let mut matching = Matching::new(Graph::new(groups.clone(), &[], &sources()), &mut rules, Stop::default());
            while matching.advance(100).is_ok_and(|some_left| some_left) {}
            let engine = Engine::new(&applications, rules, matching.finish());
            let direct: Vec<Place> =
                inside.iter().filter_map(|at| groups.get(*at)).filter_map(|group| engine.matcher.graph.place(group.id)).collect();
            Some(rows(&engine, &person(Vec::new()), &direct).into_iter().map(|(role, scope, ..)| (role, scope)).collect())
        };
        prop_assert_eq!(given(&[of(None)]), given(&[of(Some("ldap")), of(Some(LOCAL))]));
        if let Some(none) = given(&[of(Some("gone"))]) {
            prop_assert!(none.iter().all(|(role, _)| role == "C"), "a source that is not there states no group");
        }
    }

    #[test]
    fn any_pattern_and_any_template_is_taken_or_refused_and_never_panics(pattern in ".{0,40}", template in ".{0,20}", value in ".{0,20}") {
        if let Ok(pattern) = super::pattern::Pattern::compile("group", &pattern, super::pattern::Case::Ignored) {
            let captures = pattern.captures(&value).unwrap_or_default();
            if let Ok(template) = super::pattern::Template::parse("role", &template) {
                let expanded = template.expand(&captures);
                prop_assert!(expanded.is_none_or(|text| !text.is_empty()));
            }
        }
    }
}
