//! The applications that come with the gateway, row by row against what their systems publish.

use std::collections::{BTreeMap, BTreeSet};

use passerelle::services::applications::{ApplicationFields, catalogue, from_catalogue};
use passerelle::store::establishment::application::{Cardinality, Level, RoleScope, ScopeKind};
use serde_json::Value;

fn shipped(name: &str) -> ApplicationFields {
    let (_, text) = catalogue().into_iter().find(|(shipped, _)| *shipped == name).unwrap();
    from_catalogue(text).unwrap()
}

fn published(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn scodoc_has_the_roles_and_privileges_of_its_sources() {
    let published = published(include_str!("../data/scodoc_roles.json"));
    let scodoc = shipped("scodoc");
    assert_eq!((scodoc.cardinality, scodoc.scope_kind, scodoc.default_role), (Cardinality::Multi, ScopeKind::Unit, None));
    let wanted: BTreeMap<&str, BTreeSet<&str>> = published["roles"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(role, privileges)| (role.as_str(), privileges.as_array().unwrap().iter().map(|p| p.as_str().unwrap()).collect()))
        .collect();
    let found: BTreeMap<&str, BTreeSet<&str>> =
        scodoc.roles.iter().map(|role| (role.name.as_str(), role.privileges.keys().map(String::as_str).collect())).collect();
    assert_eq!(found, wanted);
    assert!(scodoc.roles.iter().flat_map(|role| role.privileges.values()).all(|level| *level == Level::Yes));
}

/// OME-44, OME-61, OME-41.
#[test]
fn omenori_has_its_matrix_row_by_row() {
    let published = published(include_str!("../data/omenori_matrix.json"));
    let omenori = shipped("omenori");
    assert_eq!((omenori.cardinality, omenori.default_role.as_deref()), (Cardinality::Single, published["default_role"].as_str()));
    let order: Vec<&str> = published["roles"].as_array().unwrap().iter().map(|role| role.as_str().unwrap()).collect();
    assert_eq!(omenori.roles.iter().map(|role| role.name.as_str()).collect::<Vec<_>>(), order);
    let matrix = published["matrix"].as_object().unwrap();
    for (feature, levels) in matrix {
        let found: Vec<Level> = omenori.roles.iter().map(|role| role.privileges[feature]).collect();
        let wanted: Vec<Level> = serde_json::from_value(levels.clone()).unwrap();
        assert_eq!(found, wanted, "{feature}");
    }
    assert!(omenori.roles.iter().all(|role| role.privileges.len() == matrix.len()));
}

#[test]
fn a_catalogue_with_a_mistake_names_its_line() {
    let refused = from_catalogue("name = \"x\"\nrolls = []\n").unwrap_err().to_string();
    assert!(refused.contains("rolls") && refused.contains("line 2"), "{refused}");
}
