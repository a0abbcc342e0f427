//! Changes of a group's members out of a PATCH, in their order, so that a store adds and removes single ones and never reads the others. Whether members exist is for the store.

use serde_json::{Map, Value};

use super::error::ScimError;
use super::grammar::{Literal, Operator, Tree};
use super::patch::{Op, Place, Target, Verb, target};
use super::resource_value::{Form, settle};
use super::schema::{AttrRef, GROUP_URN, Kind};

/// A member, as a client names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberRef {
    /// The identifier of the member.
    pub id: String,
    /// What the member is, when the client says so.
    pub kind: Option<Kind>,
}

/// A change of a group's members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberOp {
    /// Those who are not in it yet come in.
    Add(Vec<MemberRef>),
    /// Those of these identifiers who are in it go.
    Remove(Vec<String>),
    /// Everyone goes.
    RemoveAll,
    /// These are in it, and nobody else.
    Replace(Vec<MemberRef>),
}

/// The members out of a canonical group, which has none afterwards. `None` when it says nothing of them.
///
/// # Errors
/// `invalidValue` when a member has no identifier.
pub fn take(group: &mut Map<String, Value>) -> Result<Option<Vec<MemberRef>>, ScimError> {
    match group.remove("members") {
        Some(Value::Array(items)) => items.iter().map(member).collect::<Result<_, _>>().map(Some),
        _ => Ok(None),
    }
}

/// Parts the operations of a PATCH of a group: those about members apart from the others. Both keep their order.
///
/// # Errors
/// As `apply`, for those about members.
pub fn split_members(operations: &[Op]) -> Result<(Vec<Op>, Vec<MemberOp>), ScimError> {
    let mut rest = Vec::new();
    let mut members = Vec::new();
    for operation in operations {
        split(operation, &mut rest, &mut members).map_err(|error| error.at_operation(operation.at))?;
    }
    Ok((rest, members))
}

fn split(operation: &Op, rest: &mut Vec<Op>, members: &mut Vec<MemberOp>) -> Result<(), ScimError> {
    let place = match &operation.path {
        None => None,
        Some(path) => Some(target(Kind::Group, path)?),
    };
    match place {
        Some(Place::Target(target)) if target.attr.attribute.name == "members" => {
            members.extend(of_path(&target, operation)?);
            Ok(())
        }
        Some(Place::Target(_)) => {
            rest.push(operation.clone());
            Ok(())
        }
        // Without a path, or for the whole schema, the names within the value say what is meant.
        Some(Place::Schema(_)) | None => {
            let Some(Value::Object(named)) = &operation.value else {
                rest.push(operation.clone());
                return Ok(());
            };
            let (about, others): (Vec<_>, Vec<_>) = named.iter().partition(|(name, _)| names_members(name));
            for (_, value) in &about {
                members.extend(of_value(operation.verb, Some(value))?);
            }
            if about.is_empty() || !others.is_empty() {
                let others = others.into_iter().map(|(name, value)| (name.clone(), value.clone())).collect();
                rest.push(Op { value: Some(Value::Object(others)), ..operation.clone() });
            }
            Ok(())
        }
    }
}

fn names_members(name: &str) -> bool {
    let own = name.split_at_checked(GROUP_URN.len()).filter(|(urn, _)| urn.eq_ignore_ascii_case(GROUP_URN));
    own.and_then(|(_, rest)| rest.strip_prefix(':')).unwrap_or(name).eq_ignore_ascii_case("members")
}

fn of_path(target: &Target, operation: &Op) -> Result<Option<MemberOp>, ScimError> {
    if target.attr.sub.is_some() {
        return Err(ScimError::mutability("a member is added and removed as a whole"));
    }
    let Some(selected) = &target.selected else { return of_value(operation.verb, operation.value.as_ref()) };
    if operation.verb != Verb::Remove || selected.sub.is_some() {
        return Err(ScimError::mutability("a member is written once: remove it, and add another"));
    }
    let mut ids = Vec::new();
    if !identified(&selected.tree, &mut ids) {
        return Err(ScimError::invalid_filter("members are removed by their identifier: members[value eq \"…\"]"));
    }
    Ok(Some(MemberOp::Remove(ids)))
}

/// The identifiers that a selection names, when it does nothing else.
fn identified(tree: &Tree, ids: &mut Vec<String>) -> bool {
    match tree {
        Tree::Or(items) => items.iter().all(|item| identified(item, ids)),
        Tree::Compare(name, Operator::Eq, Literal::Text(id)) if name.eq_ignore_ascii_case("value") => {
            ids.push(id.clone());
            true
        }
        _ => false,
    }
}

fn of_value(verb: Verb, value: Option<&Value>) -> Result<Option<MemberOp>, ScimError> {
    let Some(value) = value.filter(|value| !value.is_null()) else {
        return Ok((verb != Verb::Add).then_some(MemberOp::RemoveAll));
    };
    let attribute = Kind::Group.attribute("members").ok_or_else(|| ScimError::new(500, "the table has members"))?;
    let settled = settle(AttrRef { extension: None, attribute, sub: None }, value.clone(), Form::Patch)?;
    let named = match settled {
        Some(Value::Array(items)) => items.iter().map(member).collect::<Result<Vec<_>, _>>()?,
        _ => Vec::new(),
    };
    Ok(Some(match verb {
        Verb::Add => MemberOp::Add(named),
        Verb::Replace => MemberOp::Replace(named),
        Verb::Remove => MemberOp::Remove(named.into_iter().map(|member| member.id).collect()),
    }))
}

fn member(item: &Value) -> Result<MemberRef, ScimError> {
    let text = |name: &str| item.get(name).and_then(Value::as_str);
    let address = text("$ref");
    let last = address.and_then(|address| address.trim_end_matches('/').rsplit('/').next()).filter(|id| !id.is_empty());
    let Some(id) = text("value").or(last) else { return Err(ScimError::invalid_value("members: a member has its identifier in value")) };
    let said = text("type").and_then(|said| Kind::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(said)));
    let within = |kind: &Kind| address.is_some_and(|address| address.split('/').any(|part| part == kind.endpoint()));
    Ok(MemberRef { id: id.to_owned(), kind: said.or_else(|| Kind::ALL.into_iter().find(within)) })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::needless_pass_by_value, reason = "a test that meets the unexpected fails")]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::services::scim::error::ScimType;
    use crate::services::scim::patch::{PATCH_URN, parse};

    fn of(operations: Value) -> Result<(Vec<Op>, Vec<MemberOp>), ScimError> {
        let body = json!({"schemas": [PATCH_URN], "Operations": operations});
        split_members(&parse(body.as_object().unwrap()).unwrap())
    }

    fn refs(ids: &[&str]) -> Vec<MemberRef> {
        ids.iter().map(|id| MemberRef { id: (*id).to_owned(), kind: None }).collect()
    }

    #[test]
    fn every_form_of_a_member_change_is_understood() {
        let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        for (operation, expected) in [
            (
                json!({"op": "Add", "path": "members", "value": [{"$ref": null, "value": "a"}, {"value": "b"}]}),
                MemberOp::Add(refs(&["a", "b"])),
            ),
            (json!({"op": "add", "path": "MEMBERS", "value": {"value": "a"}}), MemberOp::Add(refs(&["a"]))),
            (json!({"op": "add", "value": {"Members": [{"value": "a", "display": "A"}]}}), MemberOp::Add(refs(&["a"]))),
            (json!({"op": "add", "path": format!("{GROUP_URN}:members"), "value": ["a"]}), MemberOp::Add(refs(&["a"]))),
            (json!({"op": "Remove", "path": "members", "value": [{"value": "a"}]}), MemberOp::Remove(ids(&["a"]))),
            (json!({"op": "remove", "path": "members[value eq \"a\"]"}), MemberOp::Remove(ids(&["a"]))),
            (json!({"op": "remove", "path": "members[value eq \"a\" or VALUE eq \"b\"]"}), MemberOp::Remove(ids(&["a", "b"]))),
            (json!({"op": "remove", "path": "members"}), MemberOp::RemoveAll),
            (json!({"op": "remove", "path": "members", "value": []}), MemberOp::Remove(Vec::new())),
            (json!({"op": "replace", "path": "members", "value": []}), MemberOp::Replace(Vec::new())),
            (json!({"op": "replace", "path": "members", "value": null}), MemberOp::RemoveAll),
            (json!({"op": "replace", "value": {"members": [{"value": "a"}]}}), MemberOp::Replace(refs(&["a"]))),
        ] {
            let (rest, members) = of(json!([operation])).unwrap();
            assert_eq!((rest.len(), members), (0, vec![expected]), "{operation}");
        }
    }

    #[test]
    fn what_the_client_says_of_a_member_is_kept() {
        let (_, members) = of(json!([{"op": "add", "path": "members", "value": [
            {"value": "a", "type": "group"}, {"$ref": "https://example.org/scim/v2/Users/b"}
        ]}]))
        .unwrap();
        let user = MemberRef { id: "b".to_owned(), kind: Some(Kind::User) };
        assert_eq!(members, [MemberOp::Add(vec![MemberRef { id: "a".to_owned(), kind: Some(Kind::Group) }, user])]);
    }

    #[test]
    fn the_rest_of_a_value_stays_and_everything_keeps_its_order() {
        let (rest, members) = of(json!([
            {"op": "replace", "value": {"id": "7", "displayName": "GEA", "members": [{"value": "a"}]}},
            {"op": "remove", "path": "members[value eq \"a\"]"},
            {"op": "replace", "path": "displayName", "value": "GEA 1"}
        ]))
        .unwrap();
        assert_eq!(rest.iter().map(|op| op.at).collect::<Vec<_>>(), [0, 2]);
        assert_eq!(rest[0].value, Some(json!({"id": "7", "displayName": "GEA"})));
        assert_eq!(members, [MemberOp::Replace(refs(&["a"])), MemberOp::Remove(vec!["a".to_owned()])]);
    }

    #[test]
    fn members_are_not_changed_in_place() {
        let word = |operation: Value| of(json!([operation])).unwrap_err().scim_type;
        assert_eq!(word(json!({"op": "replace", "path": "members[value eq \"a\"].value", "value": "b"})), Some(ScimType::Mutability));
        assert_eq!(word(json!({"op": "replace", "path": "members.value", "value": "b"})), Some(ScimType::Mutability));
        assert_eq!(word(json!({"op": "remove", "path": "members[type eq \"User\"]"})), Some(ScimType::InvalidFilter));
        assert_eq!(word(json!({"op": "remove", "path": "members[nope eq \"x\"]"})), Some(ScimType::InvalidFilter));
        assert_eq!(word(json!({"op": "add", "path": "members", "value": [7]})), Some(ScimType::InvalidValue));
    }
}
