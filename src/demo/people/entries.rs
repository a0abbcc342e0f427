//! The people and groups drawn, written as entries: inetOrgPerson, eduPerson, supann, groups of every kind. Draws nothing.

use std::collections::BTreeMap;

use super::draw::{DEPARTMENTS, Function, Person, levels, plain};
use super::establishments::{BASE_DN, Establishment, Kind, password_of};
use crate::demo::directory::Entry;

/// The first of the departments' Unix group numbers.
const GID_FIRST: usize = 5000;
/// Added to a person's number for a Unix user number.
const UID_NUMBER_FIRST: usize = 20_000;

/// The top entry.
pub(super) fn top() -> Entry {
    Entry::new(BASE_DN)
        .with_all("objectClass", ["top", "dcObject", "organization"])
        .with("dc", "demo")
        .with("o", "Démonstration de Passerelle")
}

/// One establishment's part: its structure, its people, its groups.
pub(super) fn establishment(establishment: &Establishment, people: &[Person]) -> Vec<Entry> {
    let kind = match establishment.kind {
        Kind::College => "COLLEGE",
        Kind::Lycee => "LYCEE",
        Kind::Iut => "UNIVERSITE",
    };
    let unit = |dn: String, name: &str| Entry::new(dn).with_all("objectClass", ["top", "organizationalUnit"]).with("ou", name);
    let mut entries = vec![
        Entry::new(establishment.base_dn())
            .with_all("objectClass", ["top", "organizationalUnit", "ENTStructure", "supannEntite"])
            .with("ou", establishment.uai)
            .with("description", establishment.name)
            .with("l", establishment.locality)
            .with("ENTStructureUAI", establishment.uai)
            .with("ENTStructureTypeStruct", kind)
            .with("supannCodeEntite", establishment.uai)
            .with("supannRefId", format!("{{UAI}}{}", establishment.uai)),
        unit(establishment.people_dn(), "people"),
        unit(establishment.groups_dn(), "groups"),
    ];
    entries.extend(people.iter().map(|p| person(establishment, p)));
    entries.extend(groups(establishment, people));
    entries
}

fn person(at: &Establishment, p: &Person) -> Entry {
    let name = format!("{} {}", p.given, p.family);
    let affiliation = affiliation(p.function);
    let state = if p.left.is_some() { "{COMPTE}I" } else { "{COMPTE}A" };
    let (year, month, day) = p.born;
    let in_department = at.kind == Kind::Iut && p.function != Function::Computers;
    let main_unit = p.units.first().filter(|_| in_department).map_or(at.uai, String::as_str);
    let mut entry = Entry::new(at.person_dn(&p.uid))
        .with_all("objectClass", ["top", "person", "organizationalPerson", "inetOrgPerson", "eduPerson", "supannPerson", "ENTPerson"])
        .with("uid", &p.uid)
        .with("cn", &name)
        .with("sn", &p.family)
        .with("givenName", &p.given)
        .with("displayName", &name)
        .with("mail", format!("{}@{}", p.mailbox, at.domain()))
        .with("preferredLanguage", "fr")
        .with("eduPersonPrincipalName", format!("{}@{}", p.uid, at.domain()))
        .with("eduPersonPrimaryAffiliation", affiliation)
        .with_all("eduPersonAffiliation", affiliations(p.function))
        .with("supannCivilite", p.civility)
        .with("supannAliasLogin", &p.mailbox)
        .with("supannEtablissement", format!("{{UAI}}{}", at.uai))
        .with("supannEntiteAffectation", main_unit)
        .with("supannEntiteAffectationPrincipale", main_unit)
        .with("supannRessourceEtat", state)
        .with("ENTPersonLogin", &p.uid)
        .with("ENTPersonJointure", format!("DEMO${}", p.number))
        .with("ENTPersonDateNaissance", format!("{day:02}/{month:02}/{year}"))
        .with("ENTPersonProfils", profile(p.function))
        .with("ENTPersonStructRattach", at.uai)
        .with("schacHomeOrganization", at.domain())
        .with_all("schacExpiryDate", p.left.map(|day| format!("202607{day:02}000000Z")))
        .with_all("title", title(at.kind, p))
        .with_all("supannRefId", p.children.iter().map(|child| format!("{{CHILD}}{child}")))
        .with("userPassword", password_of(&p.uid));
    for more in p.units.iter().skip(1).filter(|_| in_department) {
        entry.push("supannEntiteAffectation", more.clone().into_bytes());
    }
    match p.function {
        Function::Pupil | Function::Apprentice => entry.push("supannEtuId", format!("{:08}", 20_000_000 + p.number).into_bytes()),
        Function::Outside => {}
        Function::Head | Function::Computers | Function::Teacher | Function::Staff => {
            let number = format!("{:06}", 100_000 + p.number);
            entry = entry.with("supannEmpId", &number).with("employeeNumber", &number);
        }
    }
    if at.kind == Kind::Iut { with_unix(entry, p) } else { with_classes(entry, at, p) }
}

fn with_classes(mut entry: Entry, at: &Establishment, p: &Person) -> Entry {
    let name = if p.function == Function::Pupil { "ENTEleveClasses" } else { "ENTAuxEnsClasses" };
    if !matches!(p.function, Function::Head | Function::Computers) {
        entry = entry.with_all(name, p.units.iter().map(|class| format!("{}${class}", at.uai)));
    }
    if p.function == Function::Head { entry.with("supannRoleGenerique", "{SUPANN}D00") } else { entry }
}

fn with_unix(mut entry: Entry, p: &Person) -> Entry {
    entry.push("objectClass", b"posixAccount".to_vec());
    entry = entry
        .with("uidNumber", (UID_NUMBER_FIRST + p.number).to_string())
        .with("gidNumber", GID_FIRST.to_string())
        .with("homeDirectory", format!("/home/{}", p.uid))
        .with("gecos", format!("{} {}", plain(&p.given), plain(&p.family)));
    if p.function == Function::Head {
        let roles = p.units.iter().map(|unit| format!("[role={{SUPANN}}D30][type={{SUPANN}}D107][code={unit}]"));
        entry = entry.with("supannRoleGenerique", "{SUPANN}D30").with_all("supannRoleEntite", roles);
    }
    entry
}

fn affiliation(function: Function) -> &'static str {
    match function {
        Function::Teacher => "faculty",
        Function::Head | Function::Computers | Function::Staff => "staff",
        Function::Pupil | Function::Apprentice => "student",
        Function::Outside => "affiliate",
    }
}

fn affiliations(function: Function) -> Vec<&'static str> {
    match affiliation(function) {
        "affiliate" => vec!["affiliate"],
        "student" => vec!["student", "member"],
        other => vec![other, "employee", "member"],
    }
}

fn profile(function: Function) -> &'static str {
    match function {
        Function::Pupil | Function::Apprentice => "National_ELV",
        Function::Teacher => "National_ENS",
        Function::Head => "National_DIR",
        Function::Computers | Function::Staff => "National_ETA",
        Function::Outside => "National_TUT",
    }
}

fn title(kind: Kind, p: &Person) -> Option<String> {
    let of = |man: &str, woman: &str| if p.civility == "Mme" { woman.to_owned() } else { man.to_owned() };
    match (kind, p.function) {
        (Kind::College, Function::Head) => Some(of("Principal", "Principale")),
        (Kind::Lycee, Function::Head) => Some(of("Proviseur", "Proviseure")),
        (Kind::Iut, Function::Head) => Some(of("Chef de département", "Cheffe de département")),
        (_, Function::Computers) => Some(of("Administrateur des systèmes", "Administratrice des systèmes")),
        (Kind::Iut, Function::Teacher) => Some(of("Enseignant-chercheur", "Enseignante-chercheuse")),
        (_, Function::Teacher) => Some(format!("{} – {}", of("Professeur", "Professeure"), p.subject)),
        (_, Function::Staff) => Some(of("Secrétaire de direction", "Secrétaire de direction")),
        _ => None,
    }
}

/// A group's people and nested groups while they are gathered, in the order of names.
#[derive(Default)]
struct Gathered<'a> {
    people: Vec<&'a Person>,
    nested: Vec<String>,
}

fn groups(at: &Establishment, people: &[Person]) -> Vec<Entry> {
    let mut gathered: BTreeMap<String, Gathered<'_>> = BTreeMap::new();
    for p in people {
        let names = if at.kind == Kind::Iut { department_groups(p) } else { school_groups(p) };
        for name in names {
            gathered.entry(name).or_default().people.push(p);
        }
    }
    nest(at, &mut gathered);
    gathered.into_iter().map(|(name, group)| written(at, &name, &group)).collect()
}

fn school_groups(p: &Person) -> Vec<String> {
    let mut names: Vec<String> = match p.function {
        Function::Head => vec!["personnels", "direction"],
        Function::Computers => vec!["personnels", "informatique"],
        Function::Teacher => vec!["profs"],
        Function::Staff => vec!["personnels"],
        Function::Pupil | Function::Apprentice => vec!["eleves"],
        Function::Outside => vec!["parents"],
    }
    .into_iter()
    .map(str::to_owned)
    .collect();
    match p.function {
        Function::Pupil => names.extend(p.units.iter().cloned()),
        Function::Teacher => names.extend(p.units.iter().map(|class| format!("équipe {class}"))),
        _ => {}
    }
    // A name that needs escapes: the club meets pupils whose number says so.
    if p.function == Function::Pupil && p.number % 25 == 4 {
        names.push("Club échecs, mercredi + samedi".to_owned());
    }
    names
}

fn department_groups(p: &Person) -> Vec<String> {
    let prefixes: &[&str] = match p.function {
        Function::Head => &["ens", "resp"],
        Function::Teacher => &["ens"],
        Function::Staff => &["secr"],
        Function::Pupil => &["etu"],
        Function::Apprentice => &["etu", "apprentis"],
        Function::Outside => &["tut"],
        Function::Computers => return vec!["dsi".to_owned()],
    };
    let mut names: Vec<String> = p.units.iter().flat_map(|unit| prefixes.iter().map(move |prefix| format!("{prefix}-{unit}"))).collect();
    if p.function != Function::Outside {
        names.extend(p.units.iter().map(|unit| format!("unix-{}", unit.to_lowercase())));
    }
    names
}

/// Classes in levels, levels in everyone; a department's groups in the department, departments in everyone.
fn nest(at: &Establishment, gathered: &mut BTreeMap<String, Gathered<'_>>) {
    let mut everyone = Vec::new();
    for (level, classes) in levels(at.kind) {
        let (name, parts) = if at.kind == Kind::Iut {
            (format!("dept-{level}"), ["ens", "etu", "secr"].iter().map(|prefix| format!("{prefix}-{level}")).collect())
        } else {
            (format!("niveau {level}"), classes)
        };
        let nested: Vec<String> = parts.iter().filter(|part| gathered.contains_key(*part)).map(|part| at.group_dn(part)).collect();
        if !nested.is_empty() {
            everyone.push(at.group_dn(&name));
            gathered.entry(name).or_default().nested = nested;
        }
    }
    let others = ["eleves", "profs", "personnels", "parents", "dsi"];
    everyone.extend(others.iter().filter(|name| gathered.contains_key(**name)).map(|name| at.group_dn(name)));
    gathered.entry("tous".to_owned()).or_default().nested = everyone;
}

fn written(at: &Establishment, name: &str, group: &Gathered<'_>) -> Entry {
    let entry = Entry::new(at.group_dn(name)).with("cn", name);
    if let Some(code) = name.strip_prefix("unix-") {
        let place = DEPARTMENTS.iter().position(|(known, _)| known.eq_ignore_ascii_case(code)).unwrap_or_default();
        return entry
            .with_all("objectClass", ["top", "posixGroup"])
            .with("gidNumber", (GID_FIRST + 1 + place).to_string())
            .with_all("memberUid", group.people.iter().map(|p| &p.uid));
    }
    let department = name.split_once('-').and_then(|(_, code)| DEPARTMENTS.iter().find(|(known, _)| *known == code));
    let entry = entry.with_all("description", department.map(|(_, title)| title));
    let members = group.people.iter().map(|p| at.person_dn(&p.uid)).chain(group.nested.iter().cloned());
    // Schools name members one way, universities often the other: the demo shows both.
    if at.kind == Kind::Iut && !name.starts_with("apprentis-") {
        entry.with_all("objectClass", ["top", "groupOfUniqueNames"]).with_all("uniqueMember", members)
    } else {
        entry.with_all("objectClass", ["top", "groupOfNames"]).with_all("member", members)
    }
}
