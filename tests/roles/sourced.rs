//! Group conditions that name the source of the group: what they take, who must write them, and how they follow a source.

use passerelle::services::error::Error;
use passerelle::services::leaving::{Fate, remove};
use passerelle::services::roles::{self, Remark, RuleFields, explain, rules};
use passerelle::services::rule_sets::{self, RuleSetFields};
use passerelle::services::sources::{self, SourceFields};
use passerelle::store::establishment::group::{self, Group};
use passerelle::store::establishment::membership;
use passerelle::store::establishment::rule::{self as stored, Rule};
use serde_json::json;

use super::delegating::signed_in;
use super::school::{School, conditions};

/// A group «direction» of the directory with Anne, one of a feed with Bob, and one of the establishment's own with Chloé.
async fn school() -> School {
    let school = School::new(&["anne", "bob", "chloe"], &[("direction", &["chloe"], &[])]).await;
    for (name, person) in [("ldap", "anne"), ("entra", "bob")] {
        let source = school.source(name).await;
        let row = Group { source_id: Some(source.id), external_id: Some(person.to_owned()), ..school.group("direction") };
        let mut tx = school.ctx.store.begin().await.unwrap();
        group::upsert_all(&mut tx, std::slice::from_ref(&row)).await.unwrap();
        membership::insert_all(&mut tx, &[(row.id, school.people[person])]).await.unwrap();
        tx.commit().await.unwrap();
    }
    school.install("omenori").await;
    school
}

/// A rule as it is written here, and nothing added to it.
fn rule(application: &str, when: &str, role: &str, scope: Option<&str>) -> RuleFields {
    RuleFields { when: conditions(when), ..super::school::rule(application, when, role, scope) }
}

fn of(application: &str, source: &str, role: &str) -> RuleFields {
    rule(application, &json!([{ "group": "direction", "source": source }]).to_string(), role, None)
}

fn of_any(application: &str, role: &str) -> RuleFields {
    rule(application, r#"[{"group": "direction"}]"#, role, None)
}

async fn holders(school: &School, application: &str, role: &str) -> Vec<&'static str> {
    let mut found = Vec::new();
    for person in ["anne", "bob", "chloe"] {
        if school.held(person, application).await.iter().any(|held| held == role) {
            found.push(person);
        }
    }
    found
}

/// Writes a rule as it stood before rules of the gateway had to name their source.
async fn old(school: &School, role: &str) -> Rule {
    let made = rules::create(&school.ctx, &RuleFields { enabled: false, ..of_any("passerelle", role) }).await.unwrap();
    let made = Rule { enabled: true, ..made };
    let mut tx = school.ctx.store.begin().await.unwrap();
    stored::update(&mut tx, &made).await.unwrap();
    roles::recompute_all_in(&mut tx, &school.ctx).await.unwrap();
    tx.commit().await.unwrap();
    made
}

fn refused(outcome: Result<impl Sized, Error>) -> Vec<String> {
    match outcome {
        Err(Error::Invalid(wrong)) => wrong.into_iter().map(|invalid| format!("{}: {}", invalid.field, invalid.message)).collect(),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was taken"),
    }
}

#[tokio::test]
async fn a_feed_that_names_a_group_like_the_directorys_gains_nothing_of_its_roles() {
    let school = school().await;
    rules::create(&school.ctx, &of("passerelle", "ldap", "administrator")).await.unwrap();
    rules::create(&school.ctx, &of("passerelle", "local", "help_desk")).await.unwrap();
    // The same pattern of two sources is two conditions, in one rule too.
    let either = r#"[{"any": [{"group": "direction", "source": "entra"}, {"group": "direction", "source": "local"}]}]"#;
    rules::create(&school.ctx, &rule("passerelle", either, "auditor", None)).await.unwrap();
    assert_eq!(holders(&school, "passerelle", "administrator").await, ["anne"]);
    assert_eq!(holders(&school, "passerelle", "help_desk").await, ["chloe"]);
    assert_eq!(holders(&school, "passerelle", "auditor").await, ["bob", "chloe"]);
    assert!(signed_in(&school, "bob").await.actor.held().iter().all(|held| held.role.name() == "auditor"));
    // Rules of other applications need not say.
    rules::create(&school.ctx, &of_any("omenori", "RC")).await.unwrap();
    assert_eq!(holders(&school, "omenori", "RC").await, ["anne", "bob", "chloe"]);
    let without = r#"[{"group": "direction"}, {"group": "direction", "source": "entra", "not": true}]"#;
    rules::create(&school.ctx, &RuleFields { priority: -1, ..rule("omenori", without, "ADMIN", None) }).await.unwrap();
    assert_eq!(holders(&school, "omenori", "ADMIN").await, ["anne", "chloe"]);
}

#[tokio::test]
async fn an_explanation_tells_the_source_and_the_group_that_another_one_states() {
    let school = school().await;
    rules::create(&school.ctx, &of("passerelle", "ldap", "administrator")).await.unwrap();
    rules::create(&school.ctx, &of_any("omenori", "RC")).await.unwrap();
    let told = explain(&school.ctx, school.people["anne"], Some("passerelle"), None).await.unwrap();
    let path: Vec<(&str, &str)> = told.assignments[0].path.iter().map(|step| (step.kind.as_str(), step.name.as_str())).collect();
    assert_eq!(path[1..4], [("group", "direction"), ("source", "ldap"), ("rule", "group direction of ldap → administrator")]);
    let told = explain(&school.ctx, school.people["anne"], Some("omenori"), Some("RC")).await.unwrap();
    let kinds: Vec<&str> = told.assignments[0].path.iter().map(|step| step.kind.as_str()).collect();
    assert_eq!(kinds, ["entry", "group", "rule", "role"], "where any source is meant, none is told");
    let told = explain(&school.ctx, school.people["bob"], Some("passerelle"), None).await.unwrap();
    let miss = &told.nearest_misses[0];
    assert_eq!((miss.failed_condition.as_str(), miss.value.as_deref()), ("group direction of ldap", Some("direction of entra")));
    assert_eq!(miss.condition.as_ref().unwrap().source.as_deref(), Some("ldap"));
}

#[tokio::test]
async fn a_rule_of_the_gateway_says_whose_groups_it_means() {
    let school = school().await;
    let told = refused(rules::create(&school.ctx, &of_any("passerelle", "auditor")).await);
    assert!(told.len() == 1 && told[0].starts_with("when[0].source: ") && told[0].contains("local"), "{told:?}");
    let inside =
        r#"[{"attribute": "username", "matches": "a.*"}, {"any": [{"group": "x", "source": "ldap"}, {"group": "y", "not": true}]}]"#;
    let told = refused(rules::create(&school.ctx, &rule("passerelle", inside, "auditor", None)).await);
    assert!(told[0].starts_with("when[1].any[1].source: "), "{told:?}");
    let told = refused(roles::simulate(&school.ctx, &[of_any("omenori", "RC"), of_any("passerelle", "auditor")]).await);
    assert!(told[0].starts_with("rules[1].when[0].source: "), "{told:?}");
    let set = RuleSetFields { name: "rentree".to_owned(), title: String::new(), rules: vec![of_any("passerelle", "auditor")] };
    refused(rule_sets::create(&school.ctx, &set).await);
    // Switched off it gives nothing, and is not switched on as it is.
    let off = rules::create(&school.ctx, &RuleFields { enabled: false, ..of_any("passerelle", "auditor") }).await.unwrap();
    refused(rules::update(&school.ctx, &off, &of_any("passerelle", "auditor")).await);
    refused(roles::simulate_change(&school.ctx, Some(off.id), &of_any("passerelle", "auditor")).await);
    rules::update(&school.ctx, &off, &of("passerelle", "ldap", "auditor")).await.unwrap();
    assert_eq!(holders(&school, "passerelle", "auditor").await, ["anne"]);
}

#[tokio::test]
async fn a_rule_from_before_goes_on_and_is_told() {
    let school = school().await;
    let before = old(&school, "auditor").await;
    assert_eq!(holders(&school, "passerelle", "auditor").await, ["anne", "bob", "chloe"]);
    let found = roles::lint(&school.ctx).await.unwrap();
    assert_eq!(
        found.iter().map(|finding| (finding.kind, finding.place.as_str())).collect::<Vec<_>>(),
        [(Remark::UnnamedSource, "when[0]")]
    );
    assert!(found[0].message.contains("local"), "{}", found[0].message);
    // A whole set with it as it stands is saved; another one like it is not.
    let set = [RuleFields::from(&before), of("passerelle", "ldap", "help_desk")];
    let foretold = roles::simulate(&school.ctx, &set).await.unwrap();
    roles::apply(&school.ctx, &set, foretold.simulation.as_deref().unwrap(), None).await.unwrap();
    assert_eq!(holders(&school, "passerelle", "auditor").await, ["anne", "bob", "chloe"]);
    assert_eq!(refused(roles::simulate(&school.ctx, &[set[0].clone(), of_any("passerelle", "help_desk")]).await).len(), 1);
    // It is switched off without more ado.
    let standing = rules::get(&school.ctx, before.id).await.unwrap();
    rules::update(&school.ctx, &standing, &RuleFields { enabled: false, ..RuleFields::from(&standing) }).await.unwrap();
    assert!(holders(&school, "passerelle", "auditor").await.is_empty());
    assert!(roles::lint(&school.ctx).await.unwrap().iter().all(|finding| finding.kind != Remark::UnnamedSource));
}

#[tokio::test]
async fn a_source_that_is_not_there_or_has_no_such_group_is_told() {
    let school = school().await;
    for (source, kind) in [("ldpa", Remark::NoSource), ("entra", Remark::NoGroup), ("local", Remark::NoGroup)] {
        let when = json!([{ "group": "personne", "source": source }]).to_string();
        let made = rules::create(&school.ctx, &rule("omenori", &when, "RC", None)).await.unwrap();
        let found = roles::lint_rule(&school.ctx, made.id).await.unwrap();
        assert_eq!(found.iter().map(|finding| finding.kind).collect::<Vec<_>>(), [kind, Remark::MatchesNobody], "{source}");
        assert!(found[0].message.contains(source), "{}", found[0].message);
    }
    // What holds for groups of any source holds for those of one: the narrow rule is in the shadow of the wide one.
    let wide = rules::create(&school.ctx, &of_any("omenori", "PT")).await.unwrap();
    let narrow = rules::create(&school.ctx, &of("omenori", "ldap", "PT")).await.unwrap();
    let found = roles::lint_rule(&school.ctx, narrow.id).await.unwrap();
    assert_eq!((found[0].kind, found[0].other), (Remark::Shadowed, Some(wide.id)));
    assert!(roles::lint_rule(&school.ctx, wide.id).await.unwrap().is_empty());
}

async fn renamed(school: &School, from: &str, to: &str) -> Result<(), Error> {
    let standing = sources::get(&school.ctx, from).await.unwrap();
    let fields = SourceFields { name: to.to_owned(), ..SourceFields::from(&standing) };
    sources::update(&school.ctx, &standing, &fields).await.map(drop)
}

#[tokio::test]
async fn rules_follow_a_source_to_another_name_and_never_to_another_source() {
    let school = school().await;
    let yearly = RuleFields { ends: Some("08-31".to_owned()), ..of("passerelle", "ldap", "administrator") };
    let made = rules::create(&school.ctx, &yearly).await.unwrap();
    let people = rules::create(&school.ctx, &rule("omenori", r#"[{"all": [{"source": "ldap"}]}]"#, "RC", None)).await.unwrap();
    let prepared = vec![of("passerelle", "ldap", "auditor"), of("passerelle", "entra", "help_desk")];
    let set = RuleSetFields { name: "rentree".to_owned(), title: String::new(), rules: prepared };
    rule_sets::create(&school.ctx, &set).await.unwrap();
    renamed(&school, "ldap", "annuaire").await.unwrap();
    // A feed that gets the name that is free now gets nothing with it.
    renamed(&school, "entra", "ldap").await.unwrap();
    assert_eq!(holders(&school, "passerelle", "administrator").await, ["anne"]);
    let followed = rules::get(&school.ctx, made.id).await.unwrap();
    assert_eq!(followed.conditions[0].source.as_deref(), Some("annuaire"));
    assert_eq!(followed.updated_at, made.updated_at, "nobody renewed it");
    let inside = rules::get(&school.ctx, people.id).await.unwrap().conditions[0].all.clone().unwrap();
    assert_eq!(inside[0].source.as_deref(), Some("annuaire"));
    let told = explain(&school.ctx, school.people["anne"], Some("passerelle"), None).await.unwrap();
    assert!(told.assignments[0].path.iter().any(|step| step.kind == "source" && step.name == "annuaire"), "{told:?}");
    let set = rule_sets::get(&school.ctx, "rentree").await.unwrap();
    assert_eq!(set.rules[0]["when"][0]["source"], "annuaire");
    assert_eq!(set.rules[1]["when"][0]["source"], "ldap");
    // What stood before a set was applied follows too, and can be put back.
    rule_sets::apply(&school.ctx, "rentree", None).await.unwrap();
    renamed(&school, "annuaire", "openldap").await.unwrap();
    rule_sets::roll_back(&school.ctx, "rentree", None).await.unwrap();
    assert_eq!(holders(&school, "passerelle", "administrator").await, ["anne"]);
    let back = rules::list(&school.ctx).await.unwrap();
    assert!(back.iter().any(|rule| rule.conditions[0].source.as_deref() == Some("openldap")), "{back:?}");
    let Err(Error::Invalid(wrong)) = renamed(&school, "openldap", "local").await else { panic!("the name is taken") };
    assert!(wrong[0].field == "name" && wrong[0].message.contains("local"), "{wrong:?}");
}

#[tokio::test]
async fn a_source_that_rules_name_does_not_go_from_under_them() {
    let school = school().await;
    let held = rules::create(&school.ctx, &of("passerelle", "entra", "auditor")).await.unwrap();
    for fate in [Fate::Disable, Fate::Purge] {
        for preview in [true, false] {
            let outcome = remove(&school.ctx, "entra", fate, Some("entra"), preview).await;
            assert!(matches!(&outcome, Err(Error::Conflict(why)) if why.starts_with("1 rules name")), "{outcome:?}");
        }
    }
    assert!(sources::get(&school.ctx, "entra").await.unwrap().enabled, "nothing was begun");
    // Groups that are kept become the establishment's own, and what they give is kept with them.
    let removal = remove(&school.ctx, "entra", Fate::Keep, None, false).await.unwrap();
    assert_eq!(removal.groups_kept, 1);
    assert_eq!(rules::get(&school.ctx, held.id).await.unwrap().conditions[0].source.as_deref(), Some("local"));
    assert_eq!(holders(&school, "passerelle", "auditor").await, ["bob", "chloe"], "of both groups that are the establishment's own");
    // One that nobody came from is held by a rule, and by a set that waits for its date.
    school.source("okta").await;
    let named = rules::create(&school.ctx, &rule("omenori", r#"[{"source": "okta"}]"#, "RC", None)).await.unwrap();
    assert!(matches!(sources::delete(&school.ctx, "okta").await, Err(Error::Conflict(_))));
    assert!(matches!(remove(&school.ctx, "okta", Fate::Keep, None, false).await, Err(Error::Conflict(_))));
    let set = RuleSetFields { name: "rentree".to_owned(), title: String::new(), rules: vec![of("omenori", "okta", "RC")] };
    rules::delete(&school.ctx, named.id).await.unwrap();
    rule_sets::create(&school.ctx, &set).await.unwrap();
    rule_sets::schedule(&school.ctx, "rentree", school.ctx.now.plus_s(3_600), None).await.unwrap();
    let outcome = sources::delete(&school.ctx, "okta").await;
    assert!(matches!(&outcome, Err(Error::Conflict(why)) if why.contains("rentree")), "{outcome:?}");
    rule_sets::cancel(&school.ctx, "rentree").await.unwrap();
    sources::delete(&school.ctx, "okta").await.unwrap();
}
