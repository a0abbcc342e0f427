//! What applications are answered when they ask whether someone may do something.

use passerelle::services::applications::{self, Matrix};
use passerelle::services::context::Context;
use passerelle::services::error::Error;
use passerelle::services::roles::{Because, Enough, Question, Verdict, answer, assignments};
use passerelle::store::establishment::application::Level;
use passerelle::store::establishment::relation::{self, Relation};
use passerelle::store::establishment::unit::{self, Unit};
use passerelle::store::establishment::user::UserStatus;
use passerelle::types::id::{RelationId, UnitId};
use passerelle::types::page::PageRequest;
use serde_json::Value;

use super::assigning::new;
use super::catalogue::shipped;
use super::school::School;

fn question(who: &str, application: &str, privilege: &str) -> Question {
    Question {
        user: None,
        username: Some(who.to_owned()),
        application: application.to_owned(),
        privilege: privilege.to_owned(),
        scope: None,
        relation_to: None,
        level: Enough::Read,
    }
}

async fn asked(school: &School, question: Question) -> Verdict {
    answer(&school.ctx, &[question]).await.unwrap().remove(0)
}

async fn give(school: &School, who: &str, application: &str, role: &str, scope: Option<&str>) {
    let given = assignments::NewAssignment { scope: scope.map(str::to_owned), ..new(school.people[who], application, role) };
    assignments::add(&school.ctx, &given).await.unwrap();
}

async fn relate(school: &School, kind: &str, one: &str, other: &str, until: Option<i64>) {
    let related = Relation {
        id: RelationId::new(),
        kind: kind.to_owned(),
        user_id: school.people[one],
        username: one.to_owned(),
        other_id: school.people[other],
        other_username: other.to_owned(),
        valid_from: None,
        valid_until: until.map(|seconds| school.ctx.now.plus_s(seconds)),
        reason: None,
        created_at: school.ctx.now,
    };
    let mut tx = school.ctx.store.begin().await.unwrap();
    relation::insert_all(&mut tx, &[related]).await.unwrap();
    tx.commit().await.unwrap();
}

/// OME-44: each of the twelve features for each of the six roles, asked about one's own apprentice and about another's.
#[tokio::test]
async fn omenori_answers_its_matrix_row_by_row() {
    let published: Value = serde_json::from_str(include_str!("../data/omenori_matrix.json")).unwrap();
    let roles: Vec<String> = serde_json::from_value(published["roles"].clone()).unwrap();
    let named: Vec<String> = roles.iter().map(|role| format!("someone-{role}")).collect();
    let people: Vec<&str> = named.iter().map(String::as_str).chain(["own", "another"]).collect();
    let school = School::new(&people, &[]).await;
    school.install("omenori").await;
    for (who, role) in named.iter().zip(&roles).filter(|(_, role)| *role != "USER") {
        give(&school, who, "omenori", role, None).await;
        relate(&school, "tutor", who, "own", None).await;
    }
    let mut seen = 0;
    for (feature, levels) in published["matrix"].as_object().unwrap() {
        for (role, level) in named.iter().zip(levels.as_array().unwrap()) {
            let level: Level = serde_json::from_value(level.clone()).unwrap();
            for (relation_to, related) in [("own", true), ("another", false)] {
                let asked = Question { relation_to: Some(relation_to.to_owned()), ..question(role, "omenori", feature) };
                let whole = Question { level: Enough::Yes, ..asked.clone() };
                let found = answer(&school.ctx, &[asked, whole]).await.unwrap();
                let may = |enough| match level {
                    Level::Yes => true,
                    Level::Read => enough == Enough::Read,
                    Level::Own => related,
                    Level::No => false,
                };
                let answers: Vec<bool> = found.iter().map(|verdict| verdict.allowed).collect();
                assert_eq!(answers, [may(Enough::Read), may(Enough::Yes)], "{role} {feature} {relation_to}");
                assert_eq!(found[0].level, level, "{role} {feature}");
                seen += 1;
            }
        }
    }
    assert_eq!(seen, 12 * 6 * 2);
}

/// SCO-12 to SCO-14: Dupont is AdminRT and EnsGEII.
#[tokio::test]
async fn scodoc_answers_by_department_and_the_super_administrator_everywhere() {
    let school = School::new(&["dupont", "root"], &[]).await;
    school.install("scodoc").await;
    give(&school, "dupont", "scodoc", "Admin", Some("RT")).await;
    give(&school, "dupont", "scodoc", "Ens", Some("GEII")).await;
    give(&school, "root", "scodoc", "SuperAdmin", None).await;
    let scodoc = shipped("scodoc");
    let [admin, ens] = ["Admin", "Ens"].map(|name| scodoc.roles.iter().find(|role| role.name == name).unwrap());
    for privilege in admin.privileges.keys() {
        for (scope, role) in [("RT", admin), ("GEII", ens)] {
            let there = Question { scope: Some(scope.to_owned()), ..question("dupont", "scodoc", privilege) };
            let found = asked(&school, there).await;
            assert_eq!(found.allowed, role.privileges.contains_key(privilege), "{privilege} in {scope}");
            assert!(!found.allowed || found.role.as_deref() == Some(&role.name));
        }
        let elsewhere = Question { scope: Some("MMI".to_owned()), ..question("dupont", "scodoc", privilege) };
        assert_eq!(asked(&school, elsewhere).await.reason.because, Because::OtherScope);
        let everywhere = asked(&school, question("dupont", "scodoc", privilege)).await;
        assert_eq!(
            (everywhere.allowed, everywhere.reason.scopes[0].as_str()),
            (false, if ens.privileges.contains_key(privilege) { "GEII" } else { "RT" })
        );
        assert!(asked(&school, Question { scope: Some("MMI".to_owned()), ..question("root", "scodoc", privilege) }).await.allowed);
    }
    // The super administrator is not tied to a department, by hand or by a rule.
    let tied = assignments::NewAssignment { scope: Some("RT".to_owned()), ..new(school.people["dupont"], "scodoc", "SuperAdmin") };
    let Err(Error::Invalid(wrong)) = assignments::add(&school.ctx, &tied).await else { panic!("the role holds everywhere") };
    assert_eq!(wrong[0].field, "scope");
    let rule = super::school::rule("scodoc", "dsi-(?<unit>.+)", "SuperAdmin", Some("{unit}"));
    let Err(Error::Invalid(wrong)) = passerelle::services::roles::rules::create(&school.ctx, &rule).await else {
        panic!("it holds everywhere")
    };
    assert_eq!(wrong[0].field, "scope");
}

/// A role that captures bring into a place where its catalogue does not have it gives nothing, like an unknown one.
#[tokio::test]
async fn a_rule_cannot_bring_a_role_where_its_catalogue_does_not_have_it() {
    let groups: [(&str, &[&str], &[&str]); 2] = [("SuperAdmin-RT", &["a"], &[]), ("Ens-RT", &["a"], &[])];
    let school = School::new(&["a"], &groups).await;
    school.install("scodoc").await;
    school.rule("scodoc", "(?<role>[A-Za-z]+)-(?<unit>.+)", "{role}", Some("{unit}")).await;
    assert_eq!(school.held("a", "scodoc").await, ["Ens_RT"]);
}

#[tokio::test]
async fn a_relation_counts_while_it_holds_and_everyone_is_their_own() {
    let school = School::new(&["tutor", "apprentice", "pupil"], &[]).await;
    school.install("omenori").await;
    school.install("vie-scolaire").await;
    give(&school, "tutor", "omenori", "PT", None).await;
    relate(&school, "tutor", "tutor", "apprentice", Some(60)).await;
    relate(&school, "guardian", "tutor", "pupil", None).await;
    let of = |who: &str| Question { relation_to: Some(who.to_owned()), ..question("tutor", "omenori", "apprentices.list") };
    assert!(asked(&school, of("apprentice")).await.allowed);
    assert!(asked(&school, of(&school.people["apprentice"].to_string())).await.allowed, "a key names someone too");
    // Another kind of relation, nobody known, and nobody named.
    assert_eq!(asked(&school, of("pupil")).await.reason.because, Because::NoRelation);
    assert_eq!(asked(&school, of("nobody")).await.reason.because, Because::NoRelation);
    assert_eq!(asked(&school, question("tutor", "omenori", "apprentices.list")).await.reason.because, Because::NobodyNamed);
    let later = Context { now: school.ctx.now.plus_s(60), ..school.ctx.clone() };
    assert!(!answer(&later, &[of("apprentice")]).await.unwrap()[0].allowed);
    give(&school, "pupil", "vie-scolaire", "eleve", Some("6e A")).await;
    let marks =
        Question { scope: Some("6e A".to_owned()), relation_to: Some("pupil".to_owned()), ..question("pupil", "vie-scolaire", "notes") };
    assert!(asked(&school, marks).await.allowed);
}

/// VAU-9 to VAU-12, VAU-29, VAU-30.
#[tokio::test]
async fn a_member_uses_open_services_and_protected_ones_only_when_allowed() {
    let school = School::new(&["member", "responsible", "unit-admin", "gone"], &[]).await;
    school.install("espace-securise").await;
    let of = |who: &str, service: &str| Question { scope: Some(service.to_owned()), ..question(who, "espace-securise", "access") };
    assert!(asked(&school, of("member", "commande-extrait")).await.allowed);
    assert_eq!(asked(&school, of("member", "annonce-chantier")).await.reason.because, Because::NotAllowed);
    give(&school, "member", "espace-securise", "utilisateur", Some("annonce-chantier")).await;
    assert_eq!(asked(&school, of("member", "annonce-chantier")).await.reason.because, Because::ProtectedService);
    assert!(asked(&school, of("member", "commande-extrait")).await.allowed, "who may use one may use the open ones");
    // A référent answers for everything and uses no protected service without being allowed.
    give(&school, "responsible", "espace-securise", "referent", None).await;
    assert!(!asked(&school, of("responsible", "annonce-chantier")).await.allowed);
    let validate = Question { scope: Some("annonce-chantier".to_owned()), ..question("responsible", "espace-securise", "access.validate") };
    assert!(asked(&school, validate).await.allowed);
    let unknown =
        assignments::NewAssignment { scope: Some("annonce".to_owned()), ..new(school.people["gone"], "espace-securise", "utilisateur") };
    let Err(Error::Invalid(wrong)) = assignments::add(&school.ctx, &unknown).await else { panic!("there is no such service") };
    assert!(wrong[0].message.contains("commande-extrait"), "{}", wrong[0]);
    let unbound = new(school.people["unit-admin"], "espace-securise", "administrateur-unite");
    assert!(matches!(assignments::add(&school.ctx, &unbound).await, Err(Error::Invalid(_))));
    school.change("gone", |user| user.status = UserStatus::Disabled).await;
    assert_eq!(asked(&school, of("gone", "commande-extrait")).await.reason.because, Because::Inactive);
    assert_eq!(asked(&school, of("nobody", "commande-extrait")).await.reason.because, Because::UnknownPerson);
}

#[tokio::test]
async fn a_role_in_a_unit_holds_below_it_where_the_application_says_so() {
    let school = School::new(&["a"], &[]).await;
    let top = unit_named(&school, "IUT", None);
    let below = unit_named(&school, "RT", Some(top.id));
    let mut tx = school.ctx.store.begin().await.unwrap();
    unit::insert_all(&mut tx, &[top, below]).await.unwrap();
    tx.commit().await.unwrap();
    school.install("espace-securise").await;
    school.install("scodoc").await;
    give(&school, "a", "espace-securise", "administrateur-unite", Some("IUT")).await;
    give(&school, "a", "scodoc", "Admin", Some("IUT")).await;
    let there = |application: &str, privilege: &str| Question { scope: Some("RT".to_owned()), ..question("a", application, privilege) };
    assert!(asked(&school, there("espace-securise", "members.attach")).await.allowed);
    assert!(!asked(&school, there("scodoc", "UsersAdmin")).await.allowed);
}

fn unit_named(school: &School, name: &str, parent_id: Option<UnitId>) -> Unit {
    Unit {
        id: UnitId::new(),
        name: name.to_owned(),
        title: name.to_owned(),
        parent_id,
        parent: None,
        source_id: None,
        source: None,
        created_at: school.ctx.now,
        updated_at: school.ctx.now,
    }
}

/// OME-41 to OME-46: whoever has USER alone waits, and a role given by hand or by a rule ends it.
#[tokio::test]
async fn whoever_has_the_default_role_alone_waits() {
    let groups: [(&str, &[&str], &[&str]); 1] = [("tuteurs", &[], &[])];
    let school = School::new(&["a", "b", "c"], &groups).await;
    school.install("omenori").await;
    school.install("espace-securise").await;
    school.rule("omenori", "tuteurs", "PT", None).await;
    let waiting = async |application: &str| -> Vec<String> {
        let page = applications::pending(&school.ctx, application, &PageRequest::first(10)).await.unwrap();
        page.items.into_iter().map(|waits| waits.username).collect()
    };
    assert_eq!(waiting("omenori").await, ["a", "b", "c"]);
    assert!(waiting("espace-securise").await.is_empty(), "a member's default role is no waiting");
    let verdict = asked(&school, question("a", "omenori", "calendar")).await;
    assert_eq!((verdict.allowed, verdict.pending), (false, true));
    give(&school, "a", "omenori", "USER", None).await;
    school.put("b", "tuteurs", true).await;
    assert_eq!(waiting("omenori").await, ["c"]);
    assert!(!asked(&school, question("b", "omenori", "calendar")).await.pending);
}

#[tokio::test]
async fn many_questions_are_answered_in_order_and_a_wrong_one_is_told_by_its_place() {
    let school = School::new(&["a"], &[]).await;
    school.install("omenori").await;
    give(&school, "a", "omenori", "RC", None).await;
    let several = ["calendar", "users.manage", "nothing", "calendar"].map(|privilege| question("a", "omenori", privilege));
    let found = answer(&school.ctx, &several).await.unwrap();
    assert_eq!(found.iter().map(|v| v.allowed).collect::<Vec<_>>(), [true, false, false, true]);
    let both = Question { user: Some(school.people["a"]), ..several[0].clone() };
    let nobody = Question { username: None, privilege: String::new(), ..several[0].clone() };
    let Err(Error::Invalid(wrong)) = answer(&school.ctx, &[several[0].clone(), both, nobody]).await else { panic!("two do not fit") };
    assert_eq!(wrong.iter().map(|w| w.field.as_str()).collect::<Vec<_>>(), ["checks[1].user", "checks[2].user", "checks[2].privilege"]);
    let unknown = [several[0].clone(), question("a", "nowhere", "x")];
    let Err(Error::Invalid(wrong)) = answer(&school.ctx, &unknown).await else { panic!("there is no such application") };
    assert_eq!(wrong[0].field, "checks[1].application");
    let too_many = vec![several[0].clone(); 1_001];
    let Err(Error::Invalid(wrong)) = answer(&school.ctx, &too_many).await else { panic!("they are too many") };
    assert_eq!(wrong[0].field, "checks");
}

#[tokio::test]
async fn the_matrix_of_an_application_names_every_role_beside_every_privilege() {
    let school = School::new(&[], &[]).await;
    school.install("scodoc").await;
    let matrix: Matrix = applications::matrix(&school.ctx, "scodoc").await.unwrap();
    assert_eq!(matrix.roles[..2], ["SuperAdmin", "Admin"]);
    let row = |name: &str| matrix.rows.iter().find(|row| row.privilege == name).unwrap();
    assert_eq!(row("UsersAdmin").levels["SuperAdmin"], Level::Yes);
    assert_eq!((row("UsersAdmin").levels["Admin"], row("UsersAdmin").levels["Ens"]), (Level::Yes, Level::No));
    assert!(matrix.rows.iter().all(|row| row.levels.len() == matrix.roles.len()));
}
