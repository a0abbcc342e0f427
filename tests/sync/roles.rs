//! The roles that the generator's mapping gives everyone, reached by rules over the groups that stand for its conditions.

use std::collections::{BTreeMap, BTreeSet};

use passerelle::services::applications;
use passerelle::services::context::Context;
use passerelle::services::roles::{held_in, rules};
use passerelle::store::establishment::{application, user};
use serde_json::{Value, json};

use super::Fed;
use crate::harness::generator::generate;
use crate::harness::slapd::Slapd;

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

pub(super) async fn configure(ctx: &Context) {
    for name in ["scodoc", "omenori", "grafana", "sacoche"] {
        applications::create(ctx, &applications::shipped_of(name).unwrap()).await.unwrap();
    }
    for rule in rule_set().as_array().unwrap() {
        let fields = json!({ "application": rule[0], "when": rule[1], "role": rule[2], "scope": rule[3], "priority": 0, "enabled": true });
        rules::create(ctx, &serde_json::from_value(fields).unwrap()).await.unwrap();
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
    let found = held(&fed.ctx).await;
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
