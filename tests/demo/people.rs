//! Tests of: the generated people.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use connectors::dn::normalise;
use passerelle::demo::directory::Entry;
use passerelle::demo::people::{BASE_DN, COUNT_DEFAULT, COUNT_MAX, COUNT_MIN, ESTABLISHMENTS, Kind, generate};
use passerelle::types::slug::Slug;
use passerelle::types::uai::Uai;

fn is_person(entry: &Entry) -> bool {
    entry.texts("objectClass").any(|class| class == "inetOrgPerson")
}

fn members(group: &Entry) -> Vec<String> {
    ["member", "uniqueMember"].iter().flat_map(|name| group.texts(name)).map(str::to_owned).collect()
}

#[test]
fn same_number_gives_same_people() -> Result<()> {
    for count in [COUNT_MIN, 61, 200, COUNT_DEFAULT] {
        let entries = generate(count)?;
        assert!(entries == generate(count)?);
        assert_eq!(entries.iter().filter(|e| is_person(e)).count(), count);
    }
    for count in [0, COUNT_MIN - 1, COUNT_MAX + 1] {
        assert!(generate(count).is_err_and(|e| e.to_string().contains(&count.to_string())));
    }
    Ok(())
}

#[test]
fn names_are_unique_and_members_exist() -> Result<()> {
    let entries = generate(3_000)?;
    let names: Result<BTreeSet<String>, _> = entries.iter().map(|e| normalise(e.dn())).collect();
    let names = names?;
    assert_eq!(names.len(), entries.len());
    for (entry, above) in entries.iter().filter(|e| e.dn() != BASE_DN).filter_map(|e| Some((e, e.dn().split_once(',')?.1))) {
        assert!(entry.dn().contains('\\') || names.contains(&normalise(above)?), "{}", entry.dn());
    }
    for name in ["uid", "mail"] {
        let values: Vec<&str> = entries.iter().filter_map(|e| e.first(name)).collect();
        assert_eq!(values.iter().collect::<BTreeSet<_>>().len(), values.len(), "{name}");
        assert!(values.iter().all(|v| v.is_ascii() && !v.contains(' ')), "{name}");
    }
    for member in entries.iter().flat_map(members) {
        assert!(names.contains(&normalise(&member)?), "{member}");
    }
    Ok(())
}

#[test]
fn well_known_people_are_where_their_functions_say() -> Result<()> {
    for count in [COUNT_MIN, COUNT_DEFAULT] {
        let entries = generate(count)?;
        for establishment in &ESTABLISHMENTS {
            let groups = |uid: &str| -> Vec<String> {
                let dn = establishment.person_dn(uid);
                let mine = entries.iter().filter(|e| members(e).contains(&dn));
                mine.filter_map(|e| e.first("cn").map(str::to_owned)).collect()
            };
            let has = |uid: &str, name: &str| assert!(groups(uid).iter().any(|g| g == name), "{uid}: {:?}", groups(uid));
            let (head, computers, pupil) = match establishment.kind {
                Kind::Iut => ("resp-RT", "dsi", "etu-RT"),
                Kind::College | Kind::Lycee => ("direction", "informatique", "eleves"),
            };
            has(establishment.head.uid, head);
            has(establishment.administrator.uid, computers);
            has(establishment.pupil.uid, pupil);
            has(establishment.teacher.uid, establishment.teacher_groups.0);
            let other = establishment.group_dn(establishment.teacher_groups.1);
            assert!(entries.iter().any(|e| e.dn() == other), "{other}");
            for known in [establishment.head, establishment.administrator, establishment.teacher, establishment.pupil] {
                let entry = entries.iter().find(|e| e.dn() == establishment.person_dn(known.uid)).context(known.uid)?;
                assert_eq!(entry.first("cn"), Some(known.display_name().as_str()));
                assert_eq!(entry.first("mail"), Some(establishment.email(&known).as_str()));
                assert_eq!(entry.first("userPassword"), Some(known.password().as_str()));
                assert_eq!(entry.first("supannRessourceEtat"), Some("{COMPTE}A"));
            }
        }
    }
    Ok(())
}

#[test]
fn passwords_are_not_shown() -> Result<()> {
    let entries = generate(COUNT_MIN)?;
    assert!(!format!("{entries:?}").contains("Essai-"));
    Ok(())
}

#[test]
fn establishments_have_valid_numbers_and_slugs() -> Result<()> {
    for establishment in &ESTABLISHMENTS {
        assert!(Uai::parse(establishment.uai)?.as_str().starts_with("099"));
        Slug::parse(establishment.slug)?;
    }
    Ok(())
}

#[test]
fn default_directory_shows_the_hard_cases() -> Result<()> {
    let entries = generate(COUNT_DEFAULT)?;
    let people: Vec<&Entry> = entries.iter().filter(|e| is_person(e)).collect();
    let mut by_name: BTreeMap<&str, usize> = BTreeMap::new();
    for person in &people {
        *by_name.entry(person.first("cn").unwrap_or_default()).or_default() += 1;
    }
    assert!(by_name.values().filter(|n| **n > 1).count() >= 5, "homonyms");
    let leavers = people.iter().filter(|p| p.first("supannRessourceEtat") == Some("{COMPTE}I")).count();
    assert!((10..=60).contains(&leavers), "{leavers} leavers");
    for sign in ["é", "'", "-", "de La ", "Ł", "ễ"] {
        assert!(people.iter().any(|p| p.first("cn").is_some_and(|cn| cn.contains(sign))), "{sign}");
    }
    let class = |name: &'static str| entries.iter().filter(move |e| e.texts("objectClass").any(|c| c == name)).count();
    assert!(class("groupOfNames") > 30 && class("groupOfUniqueNames") > 15 && class("posixGroup") == 4);
    assert!(entries.iter().any(|e| e.dn().contains("\\, mercredi")));
    let iut = &ESTABLISHMENTS[2];
    for department in ["RT", "GEII", "INFO", "GEA"] {
        for prefix in ["ens", "etu", "secr", "resp", "dept"] {
            let dn = iut.group_dn(&format!("{prefix}-{department}"));
            assert!(entries.iter().any(|e| e.dn() == dn), "{dn}");
        }
    }
    let nested = |name: &str| entries.iter().find(|e| e.dn() == ESTABLISHMENTS[0].group_dn(name)).map(members).unwrap_or_default();
    assert!(nested("tous").contains(&ESTABLISHMENTS[0].group_dn("niveau 6e")));
    assert!(nested("niveau 6e").contains(&ESTABLISHMENTS[0].group_dn("6e A")));
    Ok(())
}
