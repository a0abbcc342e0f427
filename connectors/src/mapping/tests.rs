//! Declarations compiled and applied, each form with an example.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that meets the unexpected fails, and says where")]

use super::{BTreeMap, Mapped, Mapping};
use proptest::prelude::*;

fn mapped(declared: &[(&str, &str)], entry: &[(&str, &[&str])]) -> Mapped {
    let mut all = BTreeMap::from([("username".to_owned(), "uid".to_owned())]);
    all.extend(declared.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
    let mapping = Mapping::compile(&all).unwrap();
    let values = mapping.names().iter().map(|name| {
        let found = entry.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| *v).unwrap_or_default();
        found.iter().map(|v| (*v).to_owned()).collect()
    });
    mapping.apply(&values.collect::<Vec<_>>())
}

fn refusal(field: &str, text: &str) -> String {
    let declared = BTreeMap::from([("username".to_owned(), "uid".to_owned()), (field.to_owned(), text.to_owned())]);
    Mapping::compile(&declared).unwrap_err().to_string()
}

#[test]
fn the_first_alternative_that_yields_something_wins() {
    let declared = [("display_name", "displayName|{givenName} {sn}|cn")];
    assert_eq!(mapped(&declared, &[("sn", &["Roux"]), ("givenName", &["Zoë"])]).display_name.unwrap(), "Zoë Roux");
    assert_eq!(mapped(&declared, &[("sn", &["Roux"]), ("cn", &["Z. Roux"])]).display_name.unwrap(), "Z. Roux");
    assert_eq!(mapped(&declared, &[]).display_name, None);
}

#[test]
fn a_label_selects_values_and_goes_away() {
    let found = mapped(
        &[("uai", "supannEtablissement{UAI}"), ("all", "supannEtablissement")],
        &[("supannEtablissement", &["{uai}0751717J", "{SIRET}1234", "{UAI}", "é", "{UAI} 0870003F"])],
    );
    assert_eq!(found.attributes["uai"], ["0751717J", "0870003F"]);
    assert_eq!(found.attributes["all"].len(), 5);
}

#[test]
fn a_key_without_value_is_left_out() {
    assert_eq!(mapped(&[("office", "roomNumber")], &[("uid", &["a"])]).attributes.len(), 0);
}

#[test]
fn long_names_are_asked_for_by_their_short_ones() {
    assert_eq!(mapped(&[("family_name", "surname")], &[("sn", &["Faure"])]).family_name.unwrap(), "Faure");
}

#[test]
fn a_declaration_that_cannot_be_read_is_refused_by_its_field() {
    assert!(refusal("email", "{mail").starts_with("mapping.email: `{` is not closed"));
    assert!(refusal("email", "").starts_with("mapping.email: `` names no attribute"));
    assert!(refusal("email", "mail|").starts_with("mapping.email"));
    assert!(refusal("no space", "mail").starts_with("mapping.no space: a field is named"));
    assert!(Mapping::compile(&BTreeMap::new()).unwrap_err().to_string().starts_with("mapping.username: needed"));
}

proptest! {
    #[test]
    fn any_declaration_compiles_or_is_refused_and_never_panics(text in "[a-z{}|$<>\\[\\]=1 é]{0,24}", value in "\\PC{0,8}") {
        let declared = BTreeMap::from([("username".to_owned(), "uid".to_owned()), ("x".to_owned(), text)]);
        if let Ok(mapping) = Mapping::compile(&declared) {
            let values = vec![vec![value]; mapping.names().len()];
            mapping.apply(&values);
        }
    }
}

#[test]
fn a_part_between_dollars_is_taken() {
    let found = mapped(
        &[("classes", "ENTEleveClasses$2"), ("uais", "ENTEleveClasses$1"), ("ninth", "ENTEleveClasses$9")],
        &[("ENTEleveClasses", &["0991000J$3A", "0991001K$ 4 B ", "0991002L$", "alone"])],
    );
    assert_eq!(found.attributes["classes"], ["3A", "4 B"]);
    assert_eq!(found.attributes["uais"], ["0991000J", "0991001K", "0991002L", "alone"]);
    assert!(!found.attributes.contains_key("ninth"));
}

#[test]
fn a_composite_value_is_taken_apart_by_its_keys() {
    let entry: &[(&str, &[&str])] = &[(
        "supannRoleEntite",
        &["[role={SUPANN}D30][type={SUPANN}S101][code=INFO]", "[role={UAI:0991000J:R}X][type={SUPANN}F300][code=GEA]", "[broken"],
    )];
    let of = |text: &str| mapped(&[("x", text)], entry).attributes.remove("x").unwrap_or_default();
    assert_eq!(of("supannRoleEntite[code]"), ["INFO", "GEA"]);
    assert_eq!(of("supannRoleEntite[ROLE]{SUPANN}"), ["D30"]);
    assert_eq!(of("supannRoleEntite[type={SUPANN}F300][code]"), ["GEA"]);
    assert_eq!(of("supannRoleEntite[type={SUPANN}F300]").len(), 1);
    assert_eq!(of("{supannRoleEntite[code]}-{uid}"), Vec::<String>::new());
}

#[test]
fn a_dn_gives_the_values_of_one_type_and_the_entrys_own_is_at_hand() {
    let entry: &[(&str, &[&str])] = &[
        ("uid", &["a"]),
        ("dn", &["uid=a,OU=Élèves\\, 3A,ou=0991000J,dc=x"]),
        ("ENTPersonStructRattach", &["ENTStructureJointure=42,ou=structures,dc=x", "no dn"]),
    ];
    let of = |text: &str| mapped(&[("x", text)], entry).attributes.remove("x").unwrap_or_default();
    assert_eq!(of("dn<ou>"), ["Élèves, 3A", "0991000J"]);
    assert_eq!(of("ENTPersonStructRattach<ENTStructureJointure>"), ["42"]);
    assert_eq!(of("{uid}@{dn<dc>}"), ["a@x"]);
}

#[test]
fn a_trace_tells_which_alternative_gave_what() {
    let declared = BTreeMap::from([
        ("username".to_owned(), "uid".to_owned()),
        ("display_name".to_owned(), "displayName|{givenName} {sn}".to_owned()),
        ("office".to_owned(), "roomNumber|l".to_owned()),
    ]);
    let mapping = Mapping::compile(&declared).unwrap();
    let entry = [("uid", "a"), ("givenName", "Zoë"), ("sn", "Roux")];
    let values: Vec<Vec<&str>> =
        mapping.names().iter().map(|name| entry.iter().filter(|(n, _)| n == name).map(|(_, v)| *v).collect()).collect();
    let traced = mapping.trace(&values);
    let lines: Vec<String> = traced.iter().map(|t| format!("{} <- {}: {}", t.field, t.from, t.values.join(","))).collect();
    assert_eq!(lines, ["display_name <- {givenName} {sn}: Zoë Roux", "office <- roomNumber|l: ", "username <- uid: a"]);
    let reached: Vec<&str> = mapping.reached(&values).into_iter().map(|slot| mapping.names()[slot].as_str()).collect();
    assert_eq!(reached, ["displayName", "givenName", "sn", "roomNumber", "l", "uid"]);
}

#[test]
fn steps_that_mean_nothing_are_refused() {
    for text in ["mail$0", "mail$x", "mail[", "mail[a b]", "mail<a", "mail{A}{", "mail}x"] {
        assert!(refusal("email", text).starts_with("mapping.email"), "{text}");
    }
}
