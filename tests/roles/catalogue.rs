//! The applications that come with the gateway, row by row against what their systems publish.

use std::collections::{BTreeMap, BTreeSet};

use passerelle::services::applications::{self, ApplicationFields, catalogue, from_catalogue, to_toml};
use passerelle::services::oidc::claim_shape::ClaimShape;
use passerelle::store::establishment::application::{Cardinality, Level, RoleScope, ScopeKind};
use serde_json::Value;

use super::school::School;

pub fn shipped(name: &str) -> ApplicationFields {
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
    let unbound: Vec<&str> = scodoc.roles.iter().filter(|r| r.scope == RoleScope::Forbidden).map(|r| r.name.as_str()).collect();
    assert_eq!(unbound, ["SuperAdmin"]);
}

/// What is shipped is what its name says, stands alone in its establishment, and comes back the same from what it is written as.
#[tokio::test]
async fn every_catalogue_that_comes_with_the_gateway_can_be_added_and_written_out_again() {
    let school = School::new(&["a"], &[]).await;
    for (name, text) in catalogue() {
        let fields = from_catalogue(text).unwrap();
        assert_eq!(fields.name, name);
        assert!(fields.policy.version.is_some(), "{name} says which edition it is");
        assert!(fields.roles.iter().all(|role| !role.title.is_empty() && !role.privileges.is_empty()), "{name}");
        ClaimShape::parse(&fields.claim_shape).unwrap();
        school.install(name).await;
        let written = to_toml(&fields).unwrap();
        assert_eq!(from_catalogue(&written).unwrap(), fields, "{written}");
        assert_eq!(from_catalogue(&serde_json::to_string(&fields).unwrap()).unwrap(), fields);
    }
    let listed = applications::shipped(&school.ctx).await.unwrap();
    assert!(listed.iter().all(|shipped| shipped.installed && shipped.version == shipped.installed_version));
    assert_eq!(school.held("a", "omenori").await, ["USER"]);
    assert_eq!(school.held("a", "espace-securise").await, ["utilisateur"]);
}

#[test]
fn a_claim_that_is_left_out_survives_a_file() {
    let fields = r#"{"name": "notes", "claim_shape": {"claims": {"email": null, "role": {"from": "role_names"}}}}"#;
    let fields = from_catalogue(fields).unwrap();
    assert_eq!(from_catalogue(&to_toml(&fields).unwrap()).unwrap(), fields);
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
    let level = from_catalogue("name = \"x\"\n[[roles]]\nname = \"r\"\n[roles.privileges]\nmarks = \"write\"\n").unwrap_err().to_string();
    assert!(level.contains("line 5") && level.contains("`yes`, `read`, `own`, `no`"), "{level}");
}
