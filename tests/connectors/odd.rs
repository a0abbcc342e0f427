//! Directories as people really run them, on a real slapd: groups that are searches, several bases, scopes, states with dates, big groups,
//! references to other servers, names used twice.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use connectors::{Cause, Directory, Group, Member, Person, Record, Settings};
use serde_json::{Value, json};

use super::misbehaving::{Fault, start};
use super::{DEADLINE, directory, failure, impatient, read};
use crate::harness::generator::generate;
use crate::harness::slapd::{BASE, Setup, Slapd};

async fn people_and_groups(directory: &Directory) -> (Vec<Person>, Vec<Group>, Vec<String>) {
    let (records, outcome) = read(directory, DEADLINE).await;
    outcome.unwrap();
    let (mut people, mut groups, mut aside) = (Vec::new(), Vec::new(), Vec::new());
    for record in records {
        match record {
            Record::Person(person) => people.push(person),
            Record::Group(group) => groups.push(group),
            Record::Unreadable(entry) => aside.push(entry.reason),
        }
    }
    (people, groups, aside)
}

/// A directory of two branches and whatever else is said.
fn branches(more: &str) -> Slapd {
    let folder = tempfile::tempdir().unwrap();
    let ldif = folder.path().join("odd.ldif");
    let mut text = format!("dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\no: Test\ndc: acad-test\n\n");
    for ou in ["profs", "eleves", "groups"] {
        write!(text, "dn: ou={ou},{BASE}\nobjectClass: organizationalUnit\nou: {ou}\n\n").unwrap();
    }
    text.push_str(more);
    std::fs::write(&ldif, text).unwrap();
    Slapd::start(&ldif)
}

fn person(place: &str, uid: &str, more: &str) -> String {
    format!(
        "dn: uid={uid},{place},{BASE}\nobjectClass: inetOrgPerson\nobjectClass: supannPerson\nobjectClass: ENTPerson\nobjectClass: schacPersonTest\n\
         uid: {uid}\ncn: {uid}\nsn: {uid}\n{more}\n"
    )
}

fn names(people: &[Person]) -> Vec<&str> {
    let mut names: Vec<&str> = people.iter().map(|person| person.username.as_str()).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn members_of_a_group_that_is_a_search_are_found_out() {
    let slapd = Slapd::start(&generate(5, 400, 1).ldif);
    // A page smaller than the answer, so that the search has to be continued.
    let (people, groups, aside) = people_and_groups(&directory(&slapd.url(), json!({"page_size": 20})).await).await;
    assert_eq!(aside, Vec::<String>::new());
    let found: Vec<&Group> = groups.iter().filter(|group| group.name == "dyn-etudiants").collect();
    assert!(!found.is_empty());
    for group in found {
        let uai = group.dn.split("ou=").nth(1).unwrap().trim_end_matches(',');
        let is_in = |person: &&Person| {
            let has = |name: &str, wanted: &str| {
                person.attributes.get(name).is_some_and(|values| values.iter().any(|v| v.eq_ignore_ascii_case(wanted)))
            };
            has("eduPersonAffiliation", "student") && has("uai", uai)
        };
        let wanted: BTreeSet<Member> = people.iter().filter(is_in).map(|person| Member::Dn(person.dn_key.clone())).collect();
        assert!(wanted.len() > 20, "{uai}: {}", wanted.len());
        assert_eq!(group.members.iter().cloned().collect::<BTreeSet<_>>(), wanted);
    }
}

#[tokio::test]
async fn a_search_that_the_directory_refuses_leaves_its_group_as_it_was_known() {
    let group =
        |name: &str, url: &str| format!("dn: cn={name},ou=groups,{BASE}\nobjectClass: groupOfURLs\ncn: {name}\nmemberURL: {url}\n\n");
    let slapd = branches(&format!(
        "{}{}{}{}",
        person("ou=profs", "anne", ""),
        group("nowhere", &format!("ldap:///ou=none,{BASE}??sub?(uid=*)")),
        group("elsewhere", "ldap://other.example.fr/dc=x??sub"),
        group("sound", &format!("ldap:///ou=profs,{BASE}??one?(uid=*)")),
    ));
    let own = json!({"base_dn": format!("ou=profs,{BASE}"), "group_base_dn": format!("ou=groups,{BASE}")});
    let (_, groups, aside) = people_and_groups(&directory(&slapd.url(), own).await).await;
    assert_eq!(groups.iter().map(|group| (group.name.as_str(), group.members.len())).collect::<Vec<_>>(), [("sound", 1)]);
    assert_eq!(aside.len(), 2);
    assert!(aside.iter().any(|reason| reason.starts_with("memberURL: its members were not found out (the base `ou=none")), "{aside:?}");
    assert!(aside.iter().any(|reason| reason.contains("accepted are searches in this directory")), "{aside:?}");
}

#[tokio::test]
async fn people_of_several_bases_come_together_and_a_scope_keeps_others_out() {
    let deep = format!("dn: ou=anciens,ou=eleves,{BASE}\nobjectClass: organizationalUnit\nou: anciens\n\n");
    let slapd = branches(&format!(
        "{}{}{deep}{}",
        person("ou=profs", "anne", ""),
        person("ou=eleves", "bob", ""),
        person("ou=anciens,ou=eleves", "chloe", "")
    ));
    let source = async |own: Value| {
        let both = json!([format!("ou=profs,{BASE}"), format!("ou=eleves,{BASE}")]);
        let mut all = json!({"base_dn": both, "group_base_dn": format!("ou=groups,{BASE}"), "mapping": {"units": "dn<ou>"}});
        all.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
        directory(&slapd.url(), all).await
    };
    let (people, ..) = people_and_groups(&source(json!({})).await).await;
    assert_eq!(names(&people), ["anne", "bob", "chloe"]);
    let chloe = people.iter().find(|person| person.username == "chloe").unwrap();
    assert_eq!(chloe.units, ["anciens", "eleves"]);
    let (people, ..) = people_and_groups(&source(json!({"scope": "one_level"})).await).await;
    assert_eq!(names(&people), ["anne", "bob"]);
    let shallow = source(json!({"scope": "one_level"})).await;
    let absent = shallow.one(&format!("uid=chloe,ou=anciens,ou=eleves,{BASE}")).await.unwrap().found.unwrap_err();
    assert_eq!(absent, connectors::Absent::OutsideBases);
    let error = failure(&source(json!({"base_dn": [format!("ou=profs,{BASE}"), format!("ou=none,{BASE}")]})).await).await;
    assert!(matches!(&error.cause, Cause::BaseMissing(base) if base.starts_with("ou=none")), "{error:?}");
}

#[tokio::test]
async fn the_same_name_in_two_branches_is_two_people_and_entries_come_whatever_their_order() {
    // A group that holds another comes before it, and both before their people.
    let group =
        |name: &str, member: &str| format!("dn: cn={name},ou=groups,{BASE}\nobjectClass: groupOfNames\ncn: {name}\nmember: {member}\n\n");
    let slapd = branches(&format!(
        "{}{}{}{}",
        group("all", &format!("CN=\\43lub \\2b plus,OU=Groups,{BASE}")),
        group("Club \\+ plus", &format!("uid=dup,ou=eleves,{BASE}")),
        person("ou=profs", "dup", "mail: dup@acad-test.fr\n"),
        person("ou=eleves", "dup", "mail: dup@acad-test.fr\n"),
    ));
    let (people, groups, aside) = people_and_groups(&directory(&slapd.url(), json!({"base_dn": BASE, "group_base_dn": BASE})).await).await;
    assert_eq!((names(&people), aside.len()), (vec!["dup", "dup"], 0));
    assert_ne!(people[0].external_id, people[1].external_id);
    let outer = groups.iter().find(|group| group.name == "all").unwrap();
    let inner = groups.iter().find(|group| group.name != "all").unwrap();
    assert_eq!(outer.members, [Member::Dn(inner.dn_key.clone())]);
    assert_eq!(inner.members, [Member::Dn(format!("uid=dup,ou=eleves,{BASE}"))]);
}

#[tokio::test]
async fn labelled_composite_and_dollar_values_are_taken_apart_and_dates_close_accounts() {
    let slapd = branches(&person(
        "ou=profs",
        "anne",
        "supannRoleEntite: [role={SUPANN}D30][type={SUPANN}S101][code=INFO]\nsupannEtablissement: {UAI}0991000J\n\
         ENTEleveClasses: 0991000J$3A\nENTEleveClasses: 0991000J$4B\nENTPersonStructRattach: ENTStructureJointure=42,ou=structures,dc=x\n\
         schacExpiryDate: 20260630220000Z\n",
    ));
    let own = json!({"base_dn": format!("ou=profs,{BASE}"), "group_base_dn": format!("ou=groups,{BASE}"), "mapping": {
        "roles": "supannRoleEntite[role]{SUPANN}", "code": "supannRoleEntite[type={SUPANN}S101][code]",
        "classes": "ENTEleveClasses$2", "structure": "ENTPersonStructRattach<ENTStructureJointure>", "uai": "supannEtablissement{UAI}",
    }});
    let (people, ..) = people_and_groups(&directory(&slapd.url(), own).await).await;
    let of = |name: &str| people[0].attributes[name].iter().map(String::as_str).collect::<Vec<_>>();
    assert_eq!((of("roles"), of("code"), of("classes")), (vec!["D30"], vec!["INFO"], vec!["3A", "4B"]));
    assert_eq!((of("structure"), of("uai")), (vec!["42"], vec!["0991000J"]));
    let mut anne = people[0].clone();
    anne.settle(1_782_856_799);
    assert!(anne.active);
    anne.settle(1_782_856_800);
    assert_eq!((anne.active, anne.inactive_reason.as_deref()), (false, Some("schacExpiryDate 20260630220000Z")));
}

#[tokio::test]
async fn a_group_of_fifty_thousand_comes_whole() {
    let mut group = format!("dn: cn=all,ou=groups,{BASE}\nobjectClass: groupOfNames\ncn: all\n");
    for number in 0..50_000 {
        writeln!(group, "member: uid=u{number:06},ou=eleves,{BASE}").unwrap();
    }
    let slapd = branches(&format!("{}{group}\n", person("ou=profs", "anne", "")));
    let (_, groups, _) = people_and_groups(&directory(&slapd.url(), json!({"base_dn": format!("ou=profs,{BASE}")})).await).await;
    assert_eq!((groups.len(), groups[0].members.len()), (1, 50_000));
    assert_eq!(groups[0].members[49_999], Member::Dn(format!("uid=u049999,ou=eleves,{BASE}")));
}

#[tokio::test]
async fn a_real_reference_to_another_server_is_refused_unless_it_is_not_wanted() {
    let referral = format!(
        "dn: ou=elsewhere,{BASE}\nobjectClass: referral\nobjectClass: extensibleObject\nou: elsewhere\nref: ldap://other.example.fr/ou=elsewhere,{BASE}\n\n"
    );
    let slapd = branches(&format!("{}{referral}", person("ou=profs", "anne", "")));
    let whole = json!({"base_dn": BASE, "group_base_dn": format!("ou=groups,{BASE}")});
    let error = failure(&directory(&slapd.url(), whole.clone()).await).await;
    assert!(matches!(&error.cause, Cause::Referral(uri) if uri.contains("other.example.fr")), "{error:?}");
    let mut ignored = whole;
    ignored["referrals"] = json!("ignore");
    let (people, ..) = people_and_groups(&directory(&slapd.url(), ignored).await).await;
    assert_eq!(names(&people), ["anne"]);
}

#[tokio::test]
async fn a_fake_reference_in_the_middle_is_left_aside_when_it_is_not_wanted() {
    let json = json!({"urls": [start(Fault::Referral).await], "base_dn": "dc=x", "page_size": 10, "referrals": "ignore"});
    let mut settings = Settings::parse(&json).unwrap();
    settings.limits = impatient();
    let (_, outcome) = read(&Directory::new(settings, None).await.unwrap(), Duration::from_secs(3)).await;
    assert_eq!(outcome.unwrap().people, 30);
}

#[tokio::test]
async fn a_servers_certificate_and_its_last_day_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().unwrap();
    let authority = write("ca.pem", params.self_signed(&key).unwrap().pem());
    let issuer = rcgen::Issuer::new(params, key);
    let mut params = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    params.not_after = rcgen::date_time_ymd(2041, 5, 1);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = write("cert.pem", params.signed_by(&key, &issuer).unwrap().pem());
    let secret = write("key.pem", key.serialize_pem());
    let generated = generate(2, 100, 7);
    let tls = Some(crate::harness::slapd::Tls { certificate: &certificate, key: &secret });
    let slapd = Slapd::start_with(&Setup { ldif: Some(&generated.ldif), tls, ..Setup::default() });
    let source = directory(&slapd.ldaps_url("127.0.0.1"), json!({"tls": {"ca_file": authority}})).await;
    let day = async |now: i64| {
        let steps = source.check(now).await;
        let tls = steps.into_iter().find(|step| step.name == "tls").unwrap();
        (tls.code, tls.facts.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" "))
    };
    // 2041-05-01 is 2 250 979 200 seconds after 1970.
    assert_eq!(day(2_250_979_200 - 31 * 86_400).await, ("encrypted", "mode=LDAPS host=127.0.0.1 days=31 until=2041-05-01".to_owned()));
    assert_eq!(day(2_250_979_200 - 30 * 86_400).await.0, "certificate_ends");
}
