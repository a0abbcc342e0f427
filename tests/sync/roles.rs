//! The roles that the generator's mapping gives everyone, reached by rules over the groups that stand for its conditions.

use std::collections::{BTreeMap, BTreeSet};

use passerelle::services::applications;
use passerelle::services::context::Context;
use passerelle::services::jobs;
use passerelle::services::roles::{Changed, RuleFields, edges, held_in, rules};
use passerelle::store::establishment::{application, user};
use serde_json::{Value, json};

use super::Fed;
use crate::harness::generator::{Generated, generate};
use crate::harness::slapd::Slapd;

const YEAR_S: i64 = 365 * 86_400;

/// The gateway's rules, in the words of INTERFACE: groups stand for the mapping's conditions.
fn rule_set() -> Value {
    // A school's groups lie under its UAI, and that is the scope; capitals as the directory writes them.
    let of_school = |group: &str| json!([{ "group": format!("cn=(?:{group}),ou=(?<uai>[0-9]{{7}}[A-Z]),ou=groups,dc=acad-test,dc=fr") }]);
    json!([
        ["scodoc", [{ "group": "ens-(?<unit>[A-Z]+)" }], "Ens", "{unit}"],
        ["scodoc", [{ "group": "secr-(?<unit>[A-Z]+)" }], "Secr", "{unit}"],
        ["scodoc", [{ "group": "resp-(?<unit>[A-Z]+)" }], "Admin", "{unit}"],
        ["omenori", [{ "group": "dsi|informatique" }], "ADMIN", null],
        ["omenori", [{ "group": "resp-[A-Z]+" }], "RC", null],
        ["omenori", [{ "group": "ens-[A-Z]+" }], "PT", null],
        ["omenori", [{ "group": "apprentis-[A-Z]+" }], "APPRENTICE", null],
        ["omenori", [{ "group": "tut-[A-Z]+" }], "MA", null],
        ["grafana", [{ "group": "dsi|informatique" }], "Admin", null],
        ["grafana", [{ "group": "direction|resp-[A-Z]+" }], "Viewer", null],
        ["sacoche", of_school("informatique"), "administrateur", "{uai}"],
        ["sacoche", of_school("direction"), "directeur", "{uai}"],
        ["sacoche", of_school("profs|personnels"), "professeur", "{uai}"],
        ["sacoche", of_school("parents"), "parent", "{uai}"],
        ["sacoche", of_school("eleves"), "eleve", "{uai}"],
    ])
}

/// The same said otherwise: with `any`, `all` and `not`, and for a time.
fn rule_set_of_a_year(ctx: &Context) -> Vec<RuleFields> {
    let (from, until) = (ctx.now.plus_s(-60), ctx.now.plus_s(YEAR_S));
    let group = |pattern: &str| json!({ "group": pattern });
    let of_school = |name: &str| group(&format!("cn={name},ou=(?<uai>[0-9]{{7}}[A-Z]),ou=groups,dc=acad-test,dc=fr"));
    let rules = json!([
        ["scodoc", [{ "any": [group("ens-(?<unit>[A-Z]+)"), { "all": [group("ens-(?<unit>[A-Z]+)"), group("tous")] }] }], "Ens", "{unit}"],
        ["scodoc", [group("secr-(?<unit>[A-Z]+)"), { "any": [group("nobody"), group("no-.*")], "not": true }], "Secr", "{unit}"],
        ["scodoc", [{ "any": [{ "any": [group("resp-(?<unit>[A-Z]+)")] }, group("none-(?<unit>.+)")] }], "Admin", "{unit}"],
        ["omenori", [{ "any": [group("dsi"), group("informatique")] }], "ADMIN", null],
        ["omenori", [group("resp-[A-Z]+")], "RC", null],
        ["omenori", [group("ens-[A-Z]+"), { "all": [group("ens-[A-Z]+"), group("nobody")], "not": true }], "PT", null],
        ["omenori", [group("apprentis-[A-Z]+")], "APPRENTICE", null],
        ["omenori", [group("tut-[A-Z]+")], "MA", null],
        ["grafana", [{ "any": [group("dsi"), group("informatique")] }], "Admin", null],
        ["grafana", [{ "any": [group("direction"), group("resp-[A-Z]+")] }], "Viewer", null],
        ["sacoche", [of_school("informatique")], "administrateur", "{uai}"],
        ["sacoche", [of_school("direction")], "directeur", "{uai}"],
        ["sacoche", [{ "any": [of_school("profs"), of_school("personnels")] }], "professeur", "{uai}"],
        ["sacoche", [of_school("parents")], "parent", "{uai}"],
        ["sacoche", [of_school("eleves")], "eleve", "{uai}"],
    ]);
    let fields = |rule: &Value| {
        let fields =
            json!({ "application": rule[0], "when": rule[1], "role": rule[2], "scope": rule[3], "valid_from": from, "valid_until": until });
        serde_json::from_value(fields).unwrap()
    };
    rules.as_array().unwrap().iter().map(fields).collect()
}

pub(super) async fn configure(ctx: &Context) {
    add_applications(ctx).await;
    for rule in rule_set().as_array().unwrap() {
        let fields = json!({ "application": rule[0], "when": rule[1], "role": rule[2], "scope": rule[3], "priority": 0, "enabled": true });
        rules::create(ctx, &serde_json::from_value(fields).unwrap()).await.unwrap();
    }
}

async fn add_applications(ctx: &Context) {
    for name in ["scodoc", "omenori", "grafana", "sacoche"] {
        applications::create(ctx, &applications::shipped_of(name).unwrap()).await.unwrap();
    }
}

/// What everyone holds, by user name and application, in the generator's writing.
pub(super) async fn held(ctx: &Context) -> BTreeMap<String, BTreeMap<String, BTreeSet<String>>> {
    let mut tx = ctx.store.read().await.unwrap();
    let mut found = BTreeMap::new();
    let mut names = Vec::new();
    for (name, between) in [("scodoc", "_"), ("omenori", ""), ("grafana", ""), ("sacoche", "@")] {
        names.push((application::find_by_name(&mut tx, name).await.unwrap().unwrap().id, name, between));
    }
    for person in user::list_after(&mut tx, None, 10_000).await.unwrap() {
        let mut by_application = BTreeMap::new();
        for (id, name, between) in &names {
            let roles = held_in(&mut tx, ctx, &person, *id).await.unwrap();
            let texts: BTreeSet<String> = roles
                .into_iter()
                .map(|held| held.scope.map_or(held.role.clone(), |scope| format!("{}{between}{scope}", held.role)))
                .collect();
            if !texts.is_empty() {
                by_application.insert((*name).to_owned(), texts);
            }
        }
        found.insert(person.username, by_application);
    }
    found.remove("admin");
    found
}

async fn everyone_holds_what_the_generator_expects(seed: u32, rules_first: bool) {
    let generated = generate(5, 2000, seed);
    let fed = Fed::over(Slapd::start(&generated.ldif)).await;
    if rules_first {
        configure(&fed.ctx).await;
        fed.sync().await;
    } else {
        fed.sync().await;
        configure(&fed.ctx).await;
    }
    as_expected(&fed.ctx, &generated).await;
}

async fn as_expected(ctx: &Context, generated: &Generated) {
    let found = held(ctx).await;
    let users = generated.expected["users"].as_array().unwrap();
    assert_eq!(found.len(), users.len());
    for user in users {
        let expected: BTreeMap<String, BTreeSet<String>> = serde_json::from_value(user["roles"].clone()).unwrap();
        let name = user["uid"].as_str().unwrap();
        assert_eq!(found[name], expected, "{name}: {user}");
    }
}

#[tokio::test]
async fn roles_of_two_thousand_people_are_as_expected_when_rules_come_first() {
    everyone_holds_what_the_generator_expects(1, true).await;
}

#[tokio::test]
async fn roles_of_two_thousand_people_are_as_expected_when_people_come_first() {
    everyone_holds_what_the_generator_expects(2, false).await;
}

/// Other seeds and sizes, by rules that say the same in other words; a year later nobody holds anything but default roles.
async fn everyone_holds_for_a_year_what_the_generator_expects(establishments: u32, people: u32, seed: u32) {
    let generated = generate(establishments, people, seed);
    let fed = Fed::over(Slapd::start(&generated.ldif)).await;
    add_applications(&fed.ctx).await;
    let written = rule_set_of_a_year(&fed.ctx);
    for fields in written.iter().take(7) {
        rules::create(&fed.ctx, fields).await.unwrap();
    }
    fed.sync().await;
    for fields in written.iter().skip(7) {
        rules::create(&fed.ctx, fields).await.unwrap();
    }
    as_expected(&fed.ctx, &generated).await;
    let later = Context { now: fed.ctx.now.plus_s(YEAR_S), ..fed.ctx.clone() };
    let over = held(&later).await;
    let defaults = BTreeMap::from([("omenori".to_owned(), BTreeSet::from(["USER".to_owned()]))]);
    jobs::run_due(&later.gateway, later.now).await.unwrap();
    let seen_to = held(&later).await;
    for user in generated.expected["users"].as_array().unwrap() {
        let name = user["uid"].as_str().unwrap();
        assert!(over[name].values().flatten().all(|role| role == "USER"), "{name} holds {:?} although it has ended", over[name]);
        let expected = if user["active"].as_bool().unwrap() { defaults.clone() } else { BTreeMap::new() };
        assert_eq!(seen_to[name], expected, "{name}");
    }
    assert_eq!(edges::round(&later, false).await.unwrap().0, Changed::default());
}

#[tokio::test]
async fn roles_of_a_year_are_as_expected_with_seed_3() {
    everyone_holds_for_a_year_what_the_generator_expects(2, 300, 3).await;
}

#[tokio::test]
async fn roles_of_a_year_are_as_expected_with_seed_4() {
    everyone_holds_for_a_year_what_the_generator_expects(4, 900, 4).await;
}

#[tokio::test]
async fn roles_of_a_year_are_as_expected_with_seed_5() {
    everyone_holds_for_a_year_what_the_generator_expects(5, 2000, 5).await;
}
