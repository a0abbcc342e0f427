//! The attributes of a Group: RFC 7643 §4.2.

use super::{Attribute, GROUP_URN, Schema, Uniqueness};

/// A Group's schemas.
pub(super) const SCHEMAS: [Schema; 1] =
    [Schema { urn: GROUP_URN, name: "Group", description: "A group of people and of groups", code: "", attributes: ATTRIBUTES }];

const ATTRIBUTES: &[Attribute] = &[
    Attribute::text("displayName", "The name of the group").required().unique(Uniqueness::Server),
    Attribute::complex("members", "Who is in the group", MEMBER).list(),
];

const MEMBER: &[Attribute] = &[
    Attribute::text("value", "The identifier of the member").exact().immutable(),
    Attribute::reference("$ref", "The address of the member", &["User", "Group"]).immutable(),
    Attribute::text("type", "What the member is").immutable().one_of(&["User", "Group"]),
    // What is written and what is read is the same thing, unless somebody asks.
    Attribute::text("display", "The member's name").read_only().on_request(),
];
