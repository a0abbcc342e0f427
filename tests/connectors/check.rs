//! The doctor of a source, as an administrator sees it.

use connectors::{CheckStep, Directory, Level, Record, Settings};
use serde_json::json;

use super::{directory, settings};
use crate::harness::ds389::{self, Ds389};
use crate::harness::generator::generate;
use crate::harness::samba::{self, Samba};
use crate::harness::slapd::{BASE, Slapd};

/// A moment after everything that these servers write.
const NOW: i64 = 4_000_000_000;

fn names(steps: &[CheckStep]) -> Vec<(&'static str, Level)> {
    steps.iter().map(|step| (step.name, step.level)).collect()
}

fn step<'a>(steps: &'a [CheckStep], name: &str) -> &'a CheckStep {
    steps.iter().find(|step| step.name == name).unwrap_or_else(|| panic!("no step {name}: {:?}", names(steps)))
}

fn fact<'a>(step: &'a CheckStep, name: &str) -> &'a str {
    step.facts.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
}

#[tokio::test]
async fn a_sound_source_shows_every_step_and_twenty_people_with_the_way_each_field_came() {
    let slapd = Slapd::start(&generate(2, 100, 7).ldif);
    let steps = directory(&slapd.url(), json!({"page_size": 30})).await.check(NOW).await;
    let all = ["dns", "tcp", "tls", "bind", "server", "base", "people", "groups", "paging", "ranges", "nesting", "clock", "changes"];
    assert_eq!(names(&steps), all.map(|name| (name, Level::Ok)), "{steps:#?}");
    let people = step(&steps, "people");
    assert_eq!((people.code, people.count, people.sample.len()), ("people", Some(100), 20));
    assert_eq!((fact(people, "looked"), fact(people, "unreadable")), ("30", "0"));
    assert!(people.sample.iter().all(|sample| matches!(&sample.record, Record::Person(p) if p.email.is_some())));
    let shown = serde_json::to_value(&steps).unwrap();
    let first = &shown[6]["sample"][0];
    let traced = |field: &str| first["trace"].as_array().unwrap().iter().find(|line| line["field"] == field).unwrap();
    assert_eq!(traced("username")["values"], json!([first["username"]]));
    assert_eq!((&traced("uai")["from"], &traced("uai")["values"]), (&json!("supannEtablissement{UAI}"), &first["attributes"]["uai"]));
    assert_eq!(traced("home_unit")["from"], json!("supannEntiteAffectationPrincipale"));

    assert_eq!((step(&steps, "server").code, fact(step(&steps, "server"), "vendor")), ("server", "OpenLDAP"));
    assert_eq!((step(&steps, "paging").code, step(&steps, "changes").code), ("paging", "changes_by_syncrepl"));
    assert_eq!(step(&steps, "ranges").code, "ranges_none");
    let groups = step(&steps, "groups");
    assert!(groups.count > Some(5) && groups.sample.len() == 5 && groups.sample.iter().all(|sample| sample.member_count.is_some()));
}

#[tokio::test]
async fn the_step_that_fails_is_the_last_and_says_what_to_do() {
    let slapd = Slapd::start(&generate(2, 100, 7).ldif);
    let wrong = Directory::new(settings(&slapd.url(), json!({})), Some("wrong-password".into())).await.unwrap().check(NOW).await;
    assert_eq!(names(&wrong), [("dns", Level::Ok), ("tcp", Level::Ok), ("tls", Level::Ok), ("bind", Level::Failed)]);
    assert_eq!((wrong[3].code, fact(&wrong[3], "code")), ("bind_refused", "49"));
    assert!(fact(&wrong[3], "dn").contains("cn=admin") && !format!("{wrong:?}").contains("wrong-password"));

    let steps = directory(&slapd.url(), json!({"group_base_dn": format!("ou=groupes,{BASE}")})).await.check(NOW).await;
    assert_eq!(names(&steps).last(), Some(&("base", Level::Failed)));
    assert!(fact(steps.last().unwrap(), "dn").contains("ou=groupes"));

    let steps = directory(&slapd.url(), json!({"user_filter": "(uid=nobody)"})).await.check(NOW).await;
    let last = steps.last().unwrap();
    assert_eq!((last.name, last.level, last.code, fact(last, "filter")), ("people", Level::Failed, "people_none", "(uid=nobody)"));
}

#[tokio::test]
async fn what_cannot_be_used_is_a_warning_and_shown_beside_the_others() {
    let slapd = Slapd::start(&generate(5, 400, 1).ldif);
    let own = json!({"mapping": {"username": "supannEtuId", "external_id": "entryUUID"}, "server": "389ds"});
    let steps = directory(&slapd.url(), own).await.check(NOW).await;
    let people = step(&steps, "people");
    assert_eq!((people.level, people.code, people.sample.len()), (Level::Warning, "people_unreadable", 20));
    let aside = people.sample.iter().filter(|sample| matches!(&sample.record, Record::Unreadable(u) if u.reason.contains("no login name")));
    assert_eq!(aside.count(), 5);
    assert_eq!((step(&steps, "server").level, step(&steps, "server").code), (Level::Warning, "server_otherwise"));
}

#[tokio::test]
async fn a_size_limit_that_the_first_page_does_not_meet_is_met_by_the_count() {
    let generated = generate(2, 100, 7);
    let setup = crate::harness::slapd::Setup {
        ldif: Some(&generated.ldif),
        directives: "sizelimit size.soft=50 size.hard=50 size.prtotal=60",
        ..Default::default()
    };
    let slapd = Slapd::start_with(&setup);
    let steps = directory(&slapd.url(), json!({"bind_dn": null, "page_size": 20})).await.check(NOW).await;
    let last = steps.last().unwrap();
    assert_eq!((last.name, last.level, last.code), ("people", Level::Failed, "size_limit"));
}

#[tokio::test]
async fn a_clock_behind_the_servers_is_told() {
    let slapd = Slapd::start(&generate(2, 100, 7).ldif);
    let steps = directory(&slapd.url(), json!({})).await.check(0).await;
    assert_eq!((step(&steps, "nesting").code, step(&steps, "paging").code), ("nesting", "paging_untried"));
    let clock = step(&steps, "clock");
    assert_eq!((clock.level, clock.code), (Level::Warning, "clock_ahead"));
    assert!(fact(clock, "apart").parse::<i64>().unwrap() > 1_700_000_000);
}

#[tokio::test]
async fn a_server_that_fails_is_shown_before_the_one_that_answers() {
    let slapd = Slapd::start(&generate(2, 100, 7).ldif);
    let steps = directory("", json!({"urls": ["ldap://127.0.0.1:1", slapd.url()]})).await.check(NOW).await;
    assert_eq!(names(&steps)[..3], [("dns", Level::Ok), ("tcp", Level::Failed), ("dns", Level::Ok)]);
    assert_eq!(names(&steps).last(), Some(&("changes", Level::Ok)));
}

#[tokio::test]
async fn one_entry_is_read_as_a_run_would_with_the_way_each_field_came() {
    let slapd = Slapd::start(&generate(2, 100, 7).ldif);
    let source = directory(&slapd.url(), json!({})).await;
    let dn = slapd
        .search("(objectClass=inetOrgPerson)", &["1.1"])
        .lines()
        .find_map(|line| line.strip_prefix("dn: ").map(str::to_owned))
        .unwrap();
    let one = source.one(&dn.to_uppercase()).await.unwrap();
    let Ok(Record::Person(person)) = one.found else { panic!("{one:?}") };
    assert_eq!(person.dn_key, connectors::dn::normalise(&dn).unwrap());
    assert!(one.trace.iter().any(|line| line.field == "username" && line.values == [person.username.clone()]));

    let why = async |source: &Directory, dn: &str| source.one(dn).await.unwrap().found.unwrap_err();
    assert_eq!(why(&source, "dc=elsewhere").await, connectors::Absent::OutsideBases);
    assert_eq!(why(&source, &format!("uid=nobody,ou=people,{BASE}")).await, connectors::Absent::NotThere);
    assert_eq!(why(&source, &format!("ou=people,{BASE}")).await, connectors::Absent::OutsideFilters);
    let narrow = directory(&slapd.url(), json!({"user_filter": "(uid=nobody)"})).await;
    assert_eq!(why(&narrow, &dn).await, connectors::Absent::OutsideFilters);
    assert_eq!(source.one("nobody").await.unwrap_err().cause.code(), "not_a_dn");

    let group = slapd.search("(cn=tous)", &["1.1"]).lines().find_map(|line| line.strip_prefix("dn: ").map(str::to_owned)).unwrap();
    assert!(matches!(source.one(&group).await.unwrap().found, Ok(Record::Group(group)) if group.name == "tous"));
}

#[tokio::test]
async fn active_directory_tells_its_make_its_clock_and_dirsync() {
    let samba = Samba::start();
    let json =
        json!({"urls": [samba.url()], "bind_dn": samba::ADMIN, "base_dn": samba::BASE, "profile": "active-directory", "page_size": 50});
    let source = Directory::new(Settings::parse(&json).unwrap(), Some(samba::ADMIN_PASSWORD.into())).await.unwrap();
    let steps = source.check(NOW).await;
    assert!(fact(step(&steps, "server"), "vendor").contains("Samba"), "{:?}", step(&steps, "server"));
    let people = step(&steps, "people");
    assert!(people.level == Level::Ok && people.count >= Some(samba::PEOPLE), "{people:?}");
    assert_eq!((step(&steps, "paging").code, step(&steps, "changes").code), ("paging", "changes_by_dirsync"));
    // Two moments of a century apart, told to the second by the server's own clock.
    let clock = step(&steps, "clock");
    assert_eq!((clock.level, clock.code), (Level::Warning, "clock_apart"));
    let theirs = NOW - fact(clock, "apart").parse::<i64>().unwrap();
    assert_eq!(step(&source.check(theirs + 5).await, "clock").code, "clock");

    let one = source.one(&samba::person(7)).await.unwrap();
    let Ok(Record::Person(closed)) = one.found else { panic!("{one:?}") };
    assert_eq!((closed.username.as_str(), closed.active), ("p007", false));
    assert!(closed.inactive_reason.unwrap().starts_with("userAccountControl "));
}

#[tokio::test]
async fn a_389_directory_tells_its_make_and_content_synchronisation() {
    let server = Ds389::shared();
    let base = server.branch("examined");
    let json = json!({"urls": [server.url()], "bind_dn": ds389::READER, "base_dn": format!("ou=people,{base}"),
        "group_base_dn": format!("ou=groups,{base}"), "page_size": 10});
    let source = Directory::new(Settings::parse(&json).unwrap(), Some(ds389::PASSWORD.into())).await.unwrap();
    let steps = source.check(NOW).await;
    assert!(steps.iter().all(|step| step.level == Level::Ok), "{steps:?}");
    assert!(fact(step(&steps, "server"), "vendor").contains("389"), "{:?}", step(&steps, "server"));
    assert_eq!((step(&steps, "people").count, step(&steps, "groups").count), (Some(5), Some(1)));
    assert_eq!((step(&steps, "changes").code, fact(step(&steps, "ranges"), "members")), ("changes_by_syncrepl", "5"));
}

#[test]
fn each_code_is_in_the_list_that_translations_go_by() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("connectors/src/ldap");
    let code = regex::Regex::new(
        r#"(?s)CheckStep::new\(\s*"[a-z]+",\s*(?:Level::[A-Za-z]+|level),\s*"([a-z_]+)"|Level::[A-Za-z]+, "([a-z_]+)"\)|=> "([a-z_]+)","#,
    )
    .unwrap();
    let mut found = Vec::new();
    for file in ["check.rs", "check/contents.rs", "check/server.rs"] {
        let text = std::fs::read_to_string(root.join(file)).unwrap();
        found.extend(code.captures_iter(&text).filter_map(|c| c.iter().skip(1).flatten().next()).map(|m| m.as_str().to_owned()));
    }
    assert!(found.len() > 25, "the pattern no longer fits: {found:?}");
    let unlisted: Vec<&String> = found.iter().filter(|code| !connectors::ldap::CHECK_CODES.contains(&code.as_str())).collect();
    assert_eq!(unlisted, Vec::<&String>::new());
    let causes = std::fs::read_to_string(root.join("error.rs")).unwrap();
    let named = regex::Regex::new(r#"Self::[A-Za-z]+(?:\(_\)| \{ \.\. \})? => "([a-z_]+)","#).unwrap();
    let named: Vec<&str> = named.captures_iter(&causes).filter_map(|c| c.get(1)).map(|m| m.as_str()).collect();
    assert!(named.len() > 30 && named.iter().all(|code| connectors::Cause::CODES.contains(code)), "{named:?}");
}
