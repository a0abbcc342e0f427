//! What the gateway says of its SCIM (RFC 7644 §4, RFC 7643 §5 to §7): what it can do, which resources there are, and their attributes, all from the one table.

use serde_json::{Map, Value, json};

use super::schema::{Attribute, Kind, Mutability, Returned, Schema, Type, Uniqueness};

/// The schema of a list of resources (RFC 7644 §3.4.2).
pub const LIST_URN: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
const CONFIG_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
const RESOURCE_TYPE_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
const SCHEMA_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";

/// How much may be asked for at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Most operations of a Bulk.
    pub bulk_operations_max: usize,
    /// Largest body of a Bulk, in bytes.
    pub bulk_payload_max_bytes: usize,
    /// Most resources on a page.
    pub page_max: usize,
    /// Resources on a page when the client names no number.
    pub page_default: usize,
    /// How long a cursor is good for, in seconds (RFC 9865).
    pub cursor_lifetime_s: u32,
}

/// What the service can do (RFC 7643 §5, RFC 9865 §4). `base` is the address of the service, without a slash at its end.
pub fn service_provider_config(base: &str, bounds: &Bounds) -> Value {
    json!({
        "schemas": [CONFIG_URN],
        "patch": {"supported": true},
        "bulk": {"supported": true, "maxOperations": bounds.bulk_operations_max, "maxPayloadSize": bounds.bulk_payload_max_bytes},
        "filter": {"supported": true, "maxResults": bounds.page_max},
        "changePassword": {"supported": false},
        "sort": {"supported": true},
        "etag": {"supported": true},
        "pagination": {
            "cursor": true, "index": true, "defaultPaginationMethod": "index",
            "defaultPageSize": bounds.page_default, "maxPageSize": bounds.page_max, "cursorTimeout": bounds.cursor_lifetime_s
        },
        "authenticationSchemes": [{
            "type": "oauthbearertoken", "name": "Bearer token", "description": "A token of the feed, in the header Authorization",
            "specUri": "https://www.rfc-editor.org/info/rfc6750", "primary": true
        }],
        "meta": {"resourceType": "ServiceProviderConfig", "location": format!("{base}/ServiceProviderConfig")}
    })
}

/// Every kind of resource (RFC 7643 §6), as a list.
pub fn resource_types(base: &str) -> Value {
    list(&Kind::ALL.map(|kind| of_kind(base, kind)))
}

/// One kind of resource by its name, whatever the letter case.
pub fn resource_type(base: &str, name: &str) -> Option<Value> {
    Kind::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(name)).map(|kind| of_kind(base, kind))
}

/// Every schema (RFC 7643 §7), as a list.
pub fn schemas(base: &str) -> Value {
    list(&Kind::ALL.into_iter().flat_map(Kind::schemas).map(|schema| of_schema(base, schema)).collect::<Vec<_>>())
}

/// One schema by its URN, whatever the letter case.
pub fn schema(base: &str, urn: &str) -> Option<Value> {
    Kind::ALL.into_iter().find_map(|kind| kind.schema(urn)).map(|schema| of_schema(base, schema))
}

fn list(resources: &[Value]) -> Value {
    let total = resources.len();
    json!({"schemas": [LIST_URN], "totalResults": total, "startIndex": 1, "itemsPerPage": total, "Resources": resources})
}

fn of_kind(base: &str, kind: Kind) -> Value {
    let extensions: Vec<Value> = kind.extensions().iter().map(|schema| json!({"schema": schema.urn, "required": false})).collect();
    json!({
        "schemas": [RESOURCE_TYPE_URN],
        "id": kind.name(), "name": kind.name(), "description": kind.core().description,
        "endpoint": format!("/{}", kind.endpoint()), "schema": kind.core().urn, "schemaExtensions": extensions,
        "meta": {"resourceType": "ResourceType", "location": format!("{base}/ResourceTypes/{}", kind.name())}
    })
}

fn of_schema(base: &str, schema: &Schema) -> Value {
    json!({
        "schemas": [SCHEMA_URN],
        "id": schema.urn, "name": schema.name, "description": schema.description,
        "attributes": schema.attributes.iter().map(of_attribute).collect::<Vec<_>>(),
        "meta": {"resourceType": "Schema", "location": format!("{base}/Schemas/{}", schema.urn)}
    })
}

fn of_attribute(attribute: &Attribute) -> Value {
    let mut told = Map::new();
    let mut tell = |name: &str, value: Value| drop(told.insert(name.to_owned(), value));
    tell("name", json!(attribute.name));
    tell("type", json!(type_word(attribute.typ)));
    tell("multiValued", json!(attribute.multi_valued));
    tell("description", json!(attribute.description));
    tell("required", json!(attribute.required));
    tell("mutability", json!(mutability_word(attribute.mutability)));
    tell("returned", json!(returned_word(attribute.returned)));
    if attribute.is_complex() {
        tell("subAttributes", attribute.subs.iter().map(of_attribute).collect());
    } else {
        tell("caseExact", json!(attribute.case_exact));
        tell("uniqueness", json!(uniqueness_word(attribute.uniqueness)));
    }
    if !attribute.canonical.is_empty() {
        tell("canonicalValues", json!(attribute.canonical));
    }
    if attribute.typ == Type::Reference {
        tell("referenceTypes", json!(attribute.references));
    }
    Value::Object(told)
}

const fn type_word(typ: Type) -> &'static str {
    match typ {
        Type::String => "string",
        Type::Boolean => "boolean",
        Type::DateTime => "dateTime",
        Type::Reference => "reference",
        Type::Binary => "binary",
        Type::Complex => "complex",
    }
}

const fn mutability_word(mutability: Mutability) -> &'static str {
    match mutability {
        Mutability::ReadOnly => "readOnly",
        Mutability::ReadWrite => "readWrite",
        Mutability::Immutable => "immutable",
    }
}

const fn returned_word(returned: Returned) -> &'static str {
    match returned {
        Returned::Always => "always",
        Returned::Default => "default",
        Returned::Request => "request",
    }
}

const fn uniqueness_word(uniqueness: Uniqueness) -> &'static str {
    match uniqueness {
        Uniqueness::None => "none",
        Uniqueness::Server => "server",
        Uniqueness::Global => "global",
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that meets the unexpected fails")]
mod tests {
    use super::*;
    use crate::services::scim::schema::{ENTERPRISE_URN, USER_URN};

    const BASE: &str = "https://school.example.org/scim/v2";
    const BOUNDS: Bounds = Bounds {
        bulk_operations_max: 1_000,
        bulk_payload_max_bytes: 1_048_576,
        page_max: 200,
        page_default: 100,
        cursor_lifetime_s: 3_600,
    };

    fn holds_null(value: &Value) -> bool {
        match value {
            Value::Null => true,
            Value::Array(items) => items.iter().any(holds_null),
            Value::Object(members) => members.values().any(holds_null),
            _ => false,
        }
    }

    #[test]
    fn nothing_is_null_and_lists_count_themselves() {
        for told in [service_provider_config(BASE, &BOUNDS), resource_types(BASE), schemas(BASE)] {
            assert!(!holds_null(&told), "{told}");
        }
        let told = schemas(BASE);
        assert_eq!(told["totalResults"], told["Resources"].as_array().unwrap().len());
        assert_eq!(told["schemas"], json!([LIST_URN]));
    }

    #[test]
    fn one_is_found_by_its_name() {
        assert_eq!(resource_type(BASE, "user").unwrap()["schemaExtensions"][0], json!({"schema": ENTERPRISE_URN, "required": false}));
        assert!(resource_type(BASE, "Printer").is_none());
        let user = schema(BASE, &USER_URN.to_uppercase()).unwrap();
        assert_eq!(user["meta"]["location"], format!("{BASE}/Schemas/{USER_URN}"));
        let name = user["attributes"].as_array().unwrap().iter().find(|attribute| attribute["name"] == "userName").unwrap();
        assert_eq!((&name["required"], &name["uniqueness"], &name["caseExact"]), (&json!(true), &json!("server"), &json!(false)));
        assert!(schema(BASE, "urn:x").is_none());
    }
}
