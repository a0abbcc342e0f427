//! Units that people are stated in become units of the establishment, and go with the last of them.

use passerelle::services::audit;
use passerelle::services::units::{self, UnitFields};
use passerelle::store::establishment::audit_event;
use passerelle::store::establishment::sync_run::Mode;
use passerelle::store::establishment::unit::{Filter, Unit};
use passerelle::types::page::PageRequest;
use serde_json::json;

use super::{Fed, add, dn, person};

/// Someone with their departments.
fn placed(uid: &str, home: &str, others: &[&str]) -> String {
    let others = others.iter().fold(String::new(), |lines, unit| format!("{lines}ou: {unit}\n"));
    format!("{}departmentNumber: {home}\n{others}\n", person(uid).trim_end_matches('\n').to_owned() + "\n")
}

async fn fed(people: &str) -> Fed {
    let fed = Fed::with_people(&[]).await;
    fed.slapd.modify(&add(people));
    fed.change(|fields| fields.settings["mapping"] = json!({ "home_unit": "departmentNumber", "units": "ou" })).await;
    fed
}

async fn all(fed: &Fed) -> Vec<Unit> {
    let mut units = units::list(&fed.ctx, &PageRequest::first(500), &Filter::default()).await.unwrap().items;
    units.sort_by(|one, other| one.name.cmp(&other.name));
    units
}

async fn names(fed: &Fed) -> Vec<String> {
    all(fed).await.into_iter().map(|unit| unit.name).collect()
}

async fn traced(fed: &Fed) -> i64 {
    let trail = audit_event::Filter { action: Some("units.stated".to_owned()), ..audit_event::Filter::default() };
    audit::list(&fed.ctx, &PageRequest::first(1), &trail).await.unwrap().total
}

#[tokio::test]
async fn units_of_people_are_the_source_s_and_their_place_is_the_administrator_s() {
    let fed = fed(&(placed("a", "RT", &["IUT", "RT"]) + &placed("b", "GEII", &[]))).await;
    units::create(&fed.ctx, &UnitFields { name: "IUT".to_owned(), title: "L’IUT".to_owned(), parent: None }).await.unwrap();
    fed.run(Mode::Preview).await;
    assert_eq!(names(&fed).await, ["IUT"], "a preview adds none");
    fed.sync().await;
    let found: Vec<(String, Option<String>)> = all(&fed).await.into_iter().map(|unit| (unit.name, unit.source)).collect();
    let source = Some("ldap".to_owned());
    assert_eq!(found, [("GEII".to_owned(), source.clone()), ("IUT".to_owned(), None), ("RT".to_owned(), source)]);
    let rt = units::named(&fed.ctx, "RT").await.unwrap();
    let below = UnitFields { title: "Réseaux".to_owned(), parent: Some("IUT".to_owned()), ..UnitFields::from(&rt) };
    units::update(&fed.ctx, &rt, &below).await.unwrap();
    assert_eq!(traced(&fed).await, 1);
    fed.sync().await;
    let kept = units::named(&fed.ctx, "RT").await.unwrap();
    assert_eq!((kept.title.as_str(), kept.parent.as_deref()), ("Réseaux", Some("IUT")));
    assert_eq!(traced(&fed).await, 1, "nothing changed, and nothing is told");
}

#[tokio::test]
async fn units_go_with_the_last_who_is_in_them_unless_something_hangs_on_them() {
    let fed = fed(&(placed("a", "RT", &[]) + &placed("b", "GEII", &["CJ"]))).await;
    fed.sync().await;
    assert_eq!(names(&fed).await, ["CJ", "GEII", "RT"]);
    let gea = UnitFields { name: "GEA1".to_owned(), title: String::new(), parent: Some("GEII".to_owned()) };
    units::create(&fed.ctx, &gea).await.unwrap();
    fed.slapd.modify(&format!("dn: {}\nchangetype: modify\nreplace: departmentNumber\ndepartmentNumber: INFO\n-\ndelete: ou\n", dn("b")));
    fed.sync().await;
    assert_eq!(names(&fed).await, ["GEA1", "GEII", "INFO", "RT"], "nobody is in CJ any more; below GEII stands another");
    let unit = units::named(&fed.ctx, "GEA1").await.unwrap();
    units::remove(&fed.ctx, unit.id, None).await.unwrap();
    fed.sync().await;
    assert_eq!(names(&fed).await, ["INFO", "RT"]);
}

/// Entries of units below one place, some below others.
const STRUCTURES: &str = "dn: ou=structures,dc=acad-test,dc=fr\nchangetype: add\nobjectClass: organizationalUnit\nou: structures\n\n\
    dn: ou=IUT,ou=structures,dc=acad-test,dc=fr\nchangetype: add\nobjectClass: organizationalUnit\nou: IUT\ndescription: L’institut\n\n\
    dn: ou=RT,ou=IUT,ou=structures,dc=acad-test,dc=fr\nchangetype: add\nobjectClass: organizationalUnit\nou: RT\n\n\
    dn: ou=Labo,ou=RT,ou=IUT,ou=structures,dc=acad-test,dc=fr\nchangetype: add\nobjectClass: organizationalUnit\nou: Labo\nou: Laboratoire\n\n";

async fn with_structures() -> Fed {
    let fed = fed(&placed("a", "RT", &["Ailleurs"])).await;
    fed.slapd.modify(STRUCTURES);
    let edit = |fields: &mut passerelle::services::sources::SourceFields| {
        fields.settings["unit_base_dn"] = json!("ou=structures,dc=acad-test,dc=fr");
        fields.settings["unit_filter"] = json!("(&(objectClass=organizationalUnit)(!(ou=structures)))");
        fields.settings["unit_name"] = json!("ou");
        // By the profile, an attribute of SUPANN says what stands above; here the place does.
        fields.settings["profile"] = json!("inetorgperson");
    };
    fed.change(edit).await;
    fed
}

async fn told(fed: &Fed) -> Vec<(String, String, Option<String>)> {
    all(fed).await.into_iter().map(|unit| (unit.name, unit.title, unit.parent)).collect()
}

fn line(name: &str, title: &str, parent: Option<&str>) -> (String, String, Option<String>) {
    (name.to_owned(), title.to_owned(), parent.map(str::to_owned))
}

#[tokio::test]
async fn a_directory_that_keeps_units_gives_their_titles_and_their_tree() {
    let fed = with_structures().await;
    fed.sync().await;
    let first = [
        line("Ailleurs", "Ailleurs", None),
        line("IUT", "L’institut", None),
        line("Labo", "Labo", Some("RT")),
        line("RT", "RT", Some("IUT")),
    ];
    assert_eq!(told(&fed).await, first);
    fed.sync().await;
    assert_eq!(traced(&fed).await, 1, "nothing changed, and nothing is told");
    fed.slapd.modify(
        "dn: ou=Labo,ou=RT,ou=IUT,ou=structures,dc=acad-test,dc=fr\nchangetype: delete\n\n\
         dn: ou=RT,ou=IUT,ou=structures,dc=acad-test,dc=fr\nchangetype: modrdn\nnewrdn: ou=RT\ndeleteoldrdn: 0\n\
         newsuperior: ou=structures,dc=acad-test,dc=fr\n\n\
         dn: ou=IUT,ou=structures,dc=acad-test,dc=fr\nchangetype: modify\nreplace: description\ndescription: Institut\n\n",
    );
    fed.sync().await;
    assert_eq!(told(&fed).await, [line("Ailleurs", "Ailleurs", None), line("IUT", "Institut", None), line("RT", "RT", None)]);
}

#[tokio::test]
async fn settings_of_units_are_checked_and_a_base_that_is_not_there_fails_the_run() {
    let fed = with_structures().await;
    let standing = passerelle::services::sources::get(&fed.ctx, "ldap").await.unwrap();
    for (key, value) in [("unit_base_dn", "nonsense"), ("unit_filter", "(ou=")] {
        let mut fields = passerelle::services::sources::SourceFields::from(&standing);
        fields.settings[key] = json!(value);
        let refused = passerelle::services::sources::update(&fed.ctx, &standing, &fields).await.unwrap_err().to_string();
        assert!(refused.contains(key), "{refused}");
    }
    fed.change(|fields| fields.settings["unit_base_dn"] = json!("ou=nulle-part,dc=acad-test,dc=fr")).await;
    let run = fed.run(Mode::Full).await;
    assert!(run.error.is_some_and(|why| why.contains("nulle-part")), "a tree that was not read is not an empty one");
    assert!(all(&fed).await.is_empty());
}
