//! What rules give, and what changes of facts, rules and catalogues make of it.

use passerelle::services::applications::{self, ApplicationFields};
use passerelle::services::audit;
use passerelle::services::error::Error;
use passerelle::services::roles::{self, Changed, RuleFields, rules};
use passerelle::services::users;
use passerelle::store::establishment::assignment::Origin;
use passerelle::store::establishment::audit_event::Filter;
use passerelle::store::establishment::group::{self, Group};
use passerelle::store::establishment::membership;
use passerelle::store::establishment::user::{DisabledBy, UserStatus};
use passerelle::types::page::PageRequest;
use serde_json::json;

use super::school::{School, rule};

/// SCO-12: Dupont is AdminRT and EnsGEII.
async fn departments() -> School {
    let groups: [(&str, &[&str], &[&str]); 6] = [
        ("ens-RT", &["durand"], &[]),
        ("ens-GEII", &["dupont"], &[]),
        ("resp-RT", &["dupont"], &[]),
        ("dept-RT", &[], &["ens-RT", "resp-RT"]),
        ("dept-GEII", &[], &["ens-GEII"]),
        ("tous", &[], &["dept-RT", "dept-GEII"]),
    ];
    let school = School::new(&["dupont", "durand", "martin"], &groups).await;
    school.install("scodoc").await;
    school
}

#[tokio::test]
async fn a_capture_of_a_group_scopes_the_role() {
    let school = departments().await;
    school.rule("scodoc", "ENS-(?<unit>[a-z]+)", "Ens", Some("{unit}")).await;
    school.rule("scodoc", "cn=resp-(?<unit>[^,]+),ou=[0-9]{7}[A-Z],.*", "Admin", Some("{unit}")).await;
    assert_eq!(school.held("dupont", "scodoc").await, ["Admin_RT", "Ens_GEII"]);
    assert_eq!(school.held("durand", "scodoc").await, ["Ens_RT"]);
    assert!(school.held("martin", "scodoc").await.is_empty());
    let reason: Vec<(String, String)> =
        school.recorded("durand").await[0].reason.iter().map(|s| (s.kind.clone(), s.name.clone())).collect();
    let wanted = [
        ("entry", "durand"),
        ("group", "ens-RT"),
        ("rule", "group ENS-(?<unit>[a-z]+) → Ens @ {unit}"),
        ("capture", "unit = RT"),
        ("role", "Ens"),
    ];
    assert_eq!(reason, wanted.map(|(kind, name)| (kind.to_owned(), name.to_owned())));
}

#[tokio::test]
async fn nested_groups_count_and_the_reason_tells_the_shortest_way() {
    let school = departments().await;
    school.rule("scodoc", "tous", "Observateur", None).await;
    assert_eq!(school.held("dupont", "scodoc").await, ["Observateur"]);
    let reason = &school.recorded("dupont").await[0].reason;
    let way: Vec<&str> = reason.iter().filter(|s| s.kind == "group").map(|s| s.name.as_str()).collect();
    assert_eq!(way, ["ens-GEII", "dept-GEII", "tous"]);
}

#[tokio::test]
async fn all_conditions_must_hold_and_their_captures_agree() {
    let school = departments().await;
    school.change("dupont", |user| user.units = vec!["GEII".to_owned(), "INFO".to_owned()]).await;
    let when = r#"[{"group": "(ens|resp)-(?<unit>.+)"}, {"unit": "(?<unit>.+)"}, {"attribute": "email", "matches": ".*@univ-test\\.fr"}]"#;
    school.rule("scodoc", when, "Ens", Some("{unit}")).await;
    // Of the groups' RT and GEII, the units have GEII only.
    assert_eq!(school.held("dupont", "scodoc").await, ["Ens_GEII"]);
    assert!(school.held("durand", "scodoc").await.is_empty());
    school.change("durand", |user| user.home_unit = Some("RT".to_owned())).await;
    assert_eq!(school.held("durand", "scodoc").await, ["Ens_RT"]);
    let negated = r#"[{"group": "dept-.*"}, {"group": "resp-.*", "not": true}, {"source": "ailleurs", "not": true}]"#;
    school.rule("scodoc", negated, "Secr", None).await;
    assert_eq!(school.held("durand", "scodoc").await, ["Secr", "Ens_RT"]);
    assert_eq!(school.held("dupont", "scodoc").await, ["Ens_GEII"]);
}

#[tokio::test]
async fn a_role_may_be_captured_too_and_unknown_ones_give_nothing() {
    let school = departments().await;
    let when = r#"[{"attribute": "roles", "matches": "(?<role>[A-Za-z]+):(?<unit>.*)"}]"#;
    school.rule("scodoc", when, "{role}", Some("{unit}")).await;
    let values = ["Ens:RT", "Chef:RT", "ens:RT", "Secr:"].map(str::to_owned).to_vec();
    school.change("martin", |user| drop(user.attributes.insert("roles".to_owned(), values))).await;
    // An empty capture must not turn into a role that holds everywhere.
    assert_eq!(school.held("martin", "scodoc").await, ["Ens_RT"]);
}

/// OME-61, OME-41: one role at a time, the catalogue's order decides; USER when nothing else.
#[tokio::test]
async fn of_several_roles_the_strongest_stays_and_the_default_gives_way() {
    let groups: [(&str, &[&str], &[&str]); 3] = [("ens", &["a", "b"], &[]), ("resp", &["b"], &[]), ("dsi", &[], &[])];
    let mut school = School::new(&["a", "b", "c"], &groups).await;
    school.install("omenori").await;
    assert_eq!(school.held("c", "omenori").await, ["USER"]);
    school.rule("omenori", "resp", "RC", None).await;
    school.rule("omenori", "ens", "PT", None).await;
    let gives_admin = school.rule("omenori", "dsi", "ADMIN", None).await;
    assert_eq!((school.held("a", "omenori").await, school.held("b", "omenori").await), (vec!["PT".to_owned()], vec!["RC".to_owned()]));
    assert_eq!(school.recorded("b").await.len(), 1);
    assert_eq!(school.put("b", "dsi", true).await, Changed { gained: 1, lost: 1 });
    assert_eq!(school.held("b", "omenori").await, ["ADMIN"]);
    assert_eq!(school.put("c", "ens", true).await, Changed { gained: 1, lost: 1 });
    assert_eq!(school.recorded("c").await.iter().map(|a| a.origin).collect::<Vec<_>>(), [Origin::Rule]);
    rules::delete(&school.ctx, gives_admin.id).await.unwrap();
    assert_eq!(school.held("b", "omenori").await, ["RC"]);
    assert_eq!(school.put("c", "ens", false).await, Changed { gained: 1, lost: 1 });
    assert_eq!(school.recorded("c").await.iter().map(|a| a.origin).collect::<Vec<_>>(), [Origin::Default]);
    let new = school.add_person("d").await;
    let mut tx = school.ctx.store.begin().await.unwrap();
    roles::recompute_users_in(&mut tx, &school.ctx, &[new]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(school.held("d", "omenori").await, ["USER"]);
}

#[tokio::test]
async fn one_role_in_each_scope_where_the_application_says_so() {
    let groups: [(&str, &[&str], &[&str]); 3] = [("profs-A", &["a"], &[]), ("direction-A", &["a"], &[]), ("profs-B", &["a"], &[])];
    let school = School::new(&["a"], &groups).await;
    let roles = json!([{"name": "directeur"}, {"name": "professeur"}]);
    school.application(json!({"name": "sacoche", "cardinality": "single_per_scope", "scope_kind": "establishment", "roles": roles})).await;
    school.rule("sacoche", "profs-(?<uai>.+)", "professeur", Some("{uai}")).await;
    school.rule("sacoche", "direction-(?<uai>.+)", "directeur", Some("{uai}")).await;
    assert_eq!(school.held("a", "sacoche").await, ["directeur_A", "professeur_B"]);
}

/// OME-63 to OME-65: disabled, a person holds nothing; enabled again, everything is back, what was given by hand included.
#[tokio::test]
async fn nobody_disabled_holds_a_role_and_all_come_back() {
    let school = departments().await;
    school.install("omenori").await;
    school.rule("scodoc", "ens-(?<unit>.+)", "Ens", Some("{unit}")).await;
    let by_hand = super::assigning::new(school.people["durand"], "scodoc", "Observateur");
    roles::assignments::add(&school.ctx, &by_hand).await.unwrap();
    users::disable(&school.ctx, school.people["durand"]).await.unwrap();
    assert!(school.held("durand", "scodoc").await.is_empty());
    assert_eq!(school.recorded("durand").await.iter().map(|a| a.origin).collect::<Vec<_>>(), [Origin::Manual]);
    school.change("durand", |user| user.disabled_by = Some(DisabledBy::Administrator)).await;
    assert_eq!(school.recorded("durand").await.len(), 1);
    school
        .change("durand", |user| {
            user.status = UserStatus::Active;
            user.disabled_by = None;
        })
        .await;
    assert_eq!(school.held("durand", "scodoc").await, ["Ens_RT", "Observateur"]);
    assert_eq!(school.held("durand", "omenori").await, ["USER"]);
}

#[tokio::test]
async fn a_rule_that_does_not_fit_is_refused_with_its_place() {
    let school = departments().await;
    let refused = |fields: RuleFields| {
        let ctx = school.ctx.clone();
        async move { rules::create(&ctx, &fields).await.unwrap_err() }
    };
    let Error::Invalid(wrong) = refused(rule("scodoc", "ens-(", "Ens", None)).await else { panic!("a broken pattern is invalid") };
    assert_eq!(wrong[0].field, "when[0].group");
    let unknown = refused(rule("scodoc", "ens", "Professeur", None)).await.to_string();
    assert!(unknown.contains("Professeur") && unknown.contains("Ens"), "{unknown}");
    assert!(refused(rule("ailleurs", "ens", "Ens", None)).await.to_string().contains("ailleurs"));
    assert!(refused(rule("scodoc", "ens-(?<unit>.+)", "Ens", Some("{department}"))).await.to_string().contains("(?<department>…)"));
    assert!(rules::list(&school.ctx).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_rule_changed_disabled_or_removed_changes_everyone_at_once() {
    let school = departments().await;
    let made = school.rule("scodoc", "ens-(?<unit>.+)", "Ens", Some("{unit}")).await;
    let mut fields = RuleFields::from(&made);
    fields.role = "Secr".to_owned();
    let made = rules::update(&school.ctx, &made, &fields).await.unwrap();
    assert_eq!(school.held("durand", "scodoc").await, ["Secr_RT"]);
    fields.enabled = false;
    let made = rules::update(&school.ctx, &made, &fields).await.unwrap();
    assert!(school.recorded("durand").await.is_empty());
    fields.enabled = true;
    let made = rules::update(&school.ctx, &made, &fields).await.unwrap();
    assert_eq!(school.held("durand", "scodoc").await, ["Secr_RT"]);
    rules::delete(&school.ctx, made.id).await.unwrap();
    assert!(school.recorded("durand").await.is_empty());
    assert!(matches!(rules::get(&school.ctx, made.id).await, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn of_rules_that_give_the_same_role_the_one_of_priority_gives_the_reason() {
    let school = departments().await;
    let first = school.rule("scodoc", "ens-RT", "Ens", None).await;
    let second = rules::create(&school.ctx, &RuleFields { priority: -1, ..rule("scodoc", "dept-RT", "Ens", None) }).await.unwrap();
    assert_eq!(school.recorded("durand").await[0].rule_id, Some(second.id));
    rules::delete(&school.ctx, second.id).await.unwrap();
    assert_eq!(school.recorded("durand").await[0].rule_id, Some(first.id));
}

#[tokio::test]
async fn one_rule_gives_one_person_a_hundred_roles_at_most() {
    let school = departments().await;
    school.rule("scodoc", r#"[{"attribute": "depts", "matches": "(?<unit>.+)"}]"#, "Ens", Some("{unit}")).await;
    let many = (0..250).rev().map(|n| format!("D{n:03}")).collect();
    school.change("martin", |user| drop(user.attributes.insert("depts".to_owned(), many))).await;
    let held = school.held("martin", "scodoc").await;
    assert_eq!((held.len(), held[0].as_str(), held[99].as_str()), (100, "Ens_D000", "Ens_D099"));
}

#[tokio::test]
async fn a_catalogue_changes_only_where_nothing_hangs_on_it() {
    let school = departments().await;
    school.rule("scodoc", "ens-(?<unit>.+)", "Ens", Some("{unit}")).await;
    let stored = applications::get(&school.ctx, "scodoc").await.unwrap();
    let mut fields = ApplicationFields::from(&stored);
    fields.roles.retain(|role| role.name != "Ens");
    assert!(applications::update(&school.ctx, &stored, &fields).await.unwrap_err().to_string().contains("Ens"));
    assert!(applications::delete(&school.ctx, "scodoc").await.unwrap_err().to_string().contains("1 rules"));
    let mut fields = ApplicationFields::from(&stored);
    fields.default_role = Some("Observateur".to_owned());
    applications::update(&school.ctx, &stored, &fields).await.unwrap();
    assert_eq!(school.held("martin", "scodoc").await, ["Observateur"]);
    for listed in rules::list(&school.ctx).await.unwrap() {
        rules::delete(&school.ctx, listed.id).await.unwrap();
    }
    applications::delete(&school.ctx, "scodoc").await.unwrap();
    assert!(school.recorded("martin").await.is_empty());
    let standing = applications::get(&school.ctx, "passerelle").await.unwrap();
    let own = ApplicationFields::from(&standing);
    let mut with_more = own.clone();
    with_more.roles.pop();
    assert!(matches!(applications::update(&school.ctx, &standing, &with_more).await, Err(Error::Conflict(_))));
    assert!(matches!(applications::delete(&school.ctx, "passerelle").await, Err(Error::Conflict(_))));
    applications::update(&school.ctx, &standing, &ApplicationFields { title: "Notre passerelle".to_owned(), ..own }).await.unwrap();
}

#[tokio::test]
async fn the_example_rule_set_gives_what_it_says() {
    let groups: [(&str, &[&str], &[&str]); 4] =
        [("ens-RT", &["a", "b"], &[]), ("resp-RT", &["b"], &[]), ("apprentis-GEA", &["c"], &[]), ("stage-RT", &["b", "c"], &[])];
    let school = School::new(&["a", "b", "c", "d"], &groups).await;
    school.install("scodoc").await;
    school.install("omenori").await;
    let directory = school.source("ldap").await;
    let mut tx = school.ctx.store.begin().await.unwrap();
    let row = Group { source_id: Some(directory.id), external_id: Some("dsi".to_owned()), ..school.group("dsi") };
    group::upsert_all(&mut tx, std::slice::from_ref(&row)).await.unwrap();
    membership::insert_all(&mut tx, &[(row.id, school.people["d"])]).await.unwrap();
    tx.commit().await.unwrap();
    let set = RuleFields::read_set(include_str!("../../config/examples/rules.toml")).unwrap();
    assert_eq!(RuleFields::read_set(&json!({ "rules": set }).to_string()).unwrap(), set);
    for fields in &set {
        rules::create(&school.ctx, fields).await.unwrap();
    }
    assert_eq!(school.held("b", "scodoc").await, ["Admin_RT", "Ens_RT"]);
    assert_eq!(school.held("c", "scodoc").await, ["Observateur_RT"]);
    assert!(
        school.recorded("c").await.iter().any(|a| a.role == "Observateur" && a.valid_until.is_some_and(|until| until > school.ctx.now))
    );
    let mut omenori = Vec::new();
    for person in ["a", "b", "c", "d"] {
        omenori.extend(school.held(person, "omenori").await);
    }
    assert_eq!(omenori, ["PT", "RC", "APPRENTICE", "ADMIN"]);
    assert_eq!(school.held("d", "passerelle").await, ["auditor"]);
}

/// OME-58: role changes are traced, whoever or whatever made them.
#[tokio::test]
async fn the_trail_names_who_gained_and_lost_what() {
    let school = departments().await;
    let made = school.rule("scodoc", "ens-(?<unit>RT)", "Ens", Some("{unit}")).await;
    school.put("durand", "ens-RT", false).await;
    let only = Filter { action: Some("roles.changed".to_owned()), ..Filter::default() };
    let trail = audit::list(&school.ctx, &PageRequest::first(10), &only).await.unwrap().items;
    assert_eq!(trail.len(), 2);
    for change in ["gained", "lost"] {
        let row = json!({ "user": school.people["durand"], "change": change, "application": "scodoc", "role": "Ens", "scope": "RT", "rule": made.id });
        assert!(trail.iter().any(|event| event.detail["changes"] == json!([row])), "{trail:?}");
    }
}
