//! The one table of SCIM's attributes: what there is, and how each may be used. Everything else of SCIM reads it, and nothing repeats it.

mod group;
mod path;
mod user;

use std::fmt;

pub use path::{AttrRef, Named, resolve, resolve_sub};

/// The schema of a User (RFC 7643 §4.1).
pub const USER_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The schema of a Group (RFC 7643 §4.2).
pub const GROUP_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// The extension for people of an enterprise (RFC 7643 §4.3).
pub const ENTERPRISE_URN: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// Our own extension of a User.
pub const PASSERELLE_URN: &str = "urn:passerelle:params:scim:schemas:extension:1.0:User";
/// What Entra ID writes beside the schema of a Group; it brings no attribute.
pub const ENTRA_GROUP_URN: &str = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group";

/// The kinds of resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A person.
    User,
    /// A group.
    Group,
}

/// The types of a value (RFC 7643 §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Text.
    String,
    /// True or false.
    Boolean,
    /// An instant, written as RFC 3339 says.
    DateTime,
    /// An address, or the URN of a schema.
    Reference,
    /// Bytes in base64.
    Binary,
    /// Sub-attributes.
    Complex,
}

/// Who may write an attribute, and when (RFC 7643 §7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutability {
    /// The gateway alone.
    ReadOnly,
    /// The client, at any time.
    ReadWrite,
    /// The client, once.
    Immutable,
}

/// When an attribute is in an answer (RFC 7643 §7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returned {
    /// In every answer.
    Always,
    /// Unless left out by the client.
    Default,
    /// When the client names it.
    Request,
}

/// Among whom a value is the only one (RFC 7643 §7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uniqueness {
    /// Nobody.
    None,
    /// The resources of an establishment.
    Server,
    /// Everything anywhere.
    Global,
}

/// An attribute and its characteristics (RFC 7643 §7).
#[derive(Clone, Copy)]
pub struct Attribute {
    /// Its name, as it is written.
    pub name: &'static str,
    /// What it means, for people.
    pub description: &'static str,
    /// The type of its values.
    pub typ: Type,
    /// Whether it is a list.
    pub multi_valued: bool,
    /// Whether a resource must have it.
    pub required: bool,
    /// Whether letter case matters when it is compared.
    pub case_exact: bool,
    /// Who may write it.
    pub mutability: Mutability,
    /// When it is in an answer.
    pub returned: Returned,
    /// Among whom it is the only one.
    pub uniqueness: Uniqueness,
    /// Values that are proposed; others are taken too.
    pub canonical: &'static [&'static str],
    /// What a reference leads to.
    pub references: &'static [&'static str],
    /// The attributes of a complex one.
    pub subs: &'static [Attribute],
}

/// A set of attributes with its URN.
pub struct Schema {
    /// Its URN, as it is written.
    pub urn: &'static str,
    /// Its name, for people.
    pub name: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// What stands before the names of its attributes in an index; empty for the schema of the resource itself.
    pub code: &'static str,
    /// Its attributes, in the order in which they are shown.
    pub attributes: &'static [Attribute],
}

impl Kind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::User, Self::Group];

    /// Its name, as `meta.resourceType` states it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }

    /// The last part of its addresses.
    pub const fn endpoint(self) -> &'static str {
        match self {
            Self::User => "Users",
            Self::Group => "Groups",
        }
    }

    /// Its own schema, then the extensions.
    pub const fn schemas(self) -> &'static [Schema] {
        match self {
            Self::User => &user::SCHEMAS,
            Self::Group => &group::SCHEMAS,
        }
    }

    /// Its own schema.
    pub fn core(self) -> &'static Schema {
        let [core, ..] = self.schemas() else { return &user::USER };
        core
    }

    /// The schemas that may be beside its own.
    pub fn extensions(self) -> &'static [Schema] {
        self.schemas().split_first().map_or(&[], |(_, extensions)| extensions)
    }

    /// The schema with this URN, whatever the letter case, if resources of this kind may have it.
    pub fn schema(self, urn: &str) -> Option<&'static Schema> {
        self.schemas().iter().find(|schema| schema.urn.eq_ignore_ascii_case(urn))
    }

    /// The attribute of this name that stands at the top of a resource: of its own schema, or common to all (RFC 7643 §3.1).
    pub fn attribute(self, name: &str) -> Option<&'static Attribute> {
        find(COMMON, name).or_else(|| find(self.core().attributes, name))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Schema {
    /// The attribute of this name, whatever the letter case.
    pub fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        find(self.attributes, name)
    }
}

impl PartialEq for Schema {
    fn eq(&self, other: &Self) -> bool {
        self.urn == other.urn
    }
}

impl Eq for Schema {}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.urn)
    }
}

impl Attribute {
    /// A text that the client writes, compared without letter case.
    const fn text(name: &'static str, description: &'static str) -> Self {
        Self {
            name,
            description,
            typ: Type::String,
            multi_valued: false,
            required: false,
            case_exact: false,
            mutability: Mutability::ReadWrite,
            returned: Returned::Default,
            uniqueness: Uniqueness::None,
            canonical: &[],
            references: &[],
            subs: &[],
        }
    }

    const fn boolean(name: &'static str, description: &'static str) -> Self {
        Self { typ: Type::Boolean, ..Self::text(name, description) }
    }

    const fn instant(name: &'static str, description: &'static str) -> Self {
        Self { typ: Type::DateTime, ..Self::text(name, description) }
    }

    /// References and bytes are compared exactly (RFC 7643 §2.3.6, §2.3.7).
    const fn reference(name: &'static str, description: &'static str, references: &'static [&'static str]) -> Self {
        Self { typ: Type::Reference, case_exact: true, references, ..Self::text(name, description) }
    }

    const fn bytes(name: &'static str, description: &'static str) -> Self {
        Self { typ: Type::Binary, case_exact: true, ..Self::text(name, description) }
    }

    const fn complex(name: &'static str, description: &'static str, subs: &'static [Self]) -> Self {
        Self { typ: Type::Complex, subs, ..Self::text(name, description) }
    }

    const fn list(self) -> Self {
        Self { multi_valued: true, ..self }
    }

    const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    const fn exact(self) -> Self {
        Self { case_exact: true, ..self }
    }

    const fn read_only(self) -> Self {
        Self { mutability: Mutability::ReadOnly, ..self }
    }

    const fn immutable(self) -> Self {
        Self { mutability: Mutability::Immutable, ..self }
    }

    const fn on_request(self) -> Self {
        Self { returned: Returned::Request, ..self }
    }

    const fn always(self) -> Self {
        Self { returned: Returned::Always, ..self }
    }

    const fn unique(self, uniqueness: Uniqueness) -> Self {
        Self { uniqueness, ..self }
    }

    const fn one_of(self, canonical: &'static [&'static str]) -> Self {
        Self { canonical, ..self }
    }

    /// The sub-attribute of this name, whatever the letter case.
    pub fn sub(&self, name: &str) -> Option<&'static Self> {
        find(self.subs, name)
    }

    /// Whether its values have sub-attributes.
    pub fn is_complex(&self) -> bool {
        self.typ == Type::Complex
    }

    /// Whether filters may ask for it: bytes are kept, not compared.
    pub fn is_filterable(&self) -> bool {
        self.typ != Type::Binary
    }

    /// Whether the client may not write it at all.
    pub fn is_read_only(&self) -> bool {
        self.mutability == Mutability::ReadOnly
    }
}

impl fmt::Debug for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Attribute {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other) || (self.name == other.name && self.description == other.description && self.typ == other.typ)
    }
}

impl Eq for Attribute {}

fn find(attributes: &'static [Attribute], name: &str) -> Option<&'static Attribute> {
    attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}

/// The attributes of every resource (RFC 7643 §3.1). They are in no schema.
pub const COMMON: &[Attribute] = &[
    Attribute::reference("schemas", "The schemas of the resource", &["uri"]).list().required().always(),
    Attribute::text("id", "The identifier that the gateway gave").exact().read_only().always().unique(Uniqueness::Global),
    Attribute::text("externalId", "The identifier that the client gave; it is the feed's own").exact(),
    Attribute::complex("meta", "What the gateway says of the resource", META).read_only(),
];

const META: &[Attribute] = &[
    Attribute::text("resourceType", "The kind of resource").exact().read_only(),
    Attribute::instant("created", "When it was made").read_only(),
    Attribute::instant("lastModified", "When it was last changed").read_only(),
    Attribute::reference("location", "Where it is", &["uri"]).read_only(),
    Attribute::text("version", "Its version, as ETag states it").exact().read_only(),
];

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test that meets the unexpected fails")]
mod tests {
    use super::*;

    #[test]
    fn names_differ_whatever_their_case_and_complex_ones_have_parts() {
        fn check(attributes: &[Attribute]) {
            for (at, attribute) in attributes.iter().enumerate() {
                assert!(attributes[at + 1..].iter().all(|other| !other.name.eq_ignore_ascii_case(attribute.name)), "{attribute:?} twice");
                assert_eq!(attribute.is_complex(), !attribute.subs.is_empty(), "{attribute:?}");
                assert!(!attribute.description.is_empty());
                check(attribute.subs);
            }
        }
        check(COMMON);
        for schema in Kind::ALL.iter().flat_map(|kind| kind.schemas()) {
            check(schema.attributes);
        }
    }

    #[test]
    fn a_user_has_every_attribute_of_the_standard_but_the_password() {
        let names: Vec<&str> = Kind::User.core().attributes.iter().map(|attribute| attribute.name).collect();
        for name in [
            "userName",
            "name",
            "displayName",
            "nickName",
            "profileUrl",
            "title",
            "userType",
            "preferredLanguage",
            "locale",
            "timezone",
            "active",
            "emails",
            "phoneNumbers",
            "ims",
            "photos",
            "addresses",
            "groups",
            "entitlements",
            "roles",
            "x509Certificates",
        ] {
            assert!(names.contains(&name), "{name} is missing");
        }
        assert!(Kind::User.attribute("password").is_none());
    }
}
