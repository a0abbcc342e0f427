//! The attributes of a User: RFC 7643 §4.1, the enterprise's (§4.3), and our own.

use super::{Attribute, ENTERPRISE_URN, PASSERELLE_URN, Schema, USER_URN, Uniqueness};

/// A User's schemas: its own first.
pub(super) const SCHEMAS: [Schema; 3] = [USER, ENTERPRISE, PASSERELLE];

/// RFC 7643 §4.1. There is no `password`: passwords are checked where people's accounts are, or set by themselves here.
pub(super) const USER: Schema =
    Schema { urn: USER_URN, name: "User", description: "A person of the establishment", code: "", attributes: ATTRIBUTES };

const ENTERPRISE: Schema = Schema {
    urn: ENTERPRISE_URN,
    name: "EnterpriseUser",
    description: "What an enterprise says of a person",
    code: "e:",
    attributes: ENTERPRISE_ATTRIBUTES,
};

const PASSERELLE: Schema = Schema {
    urn: PASSERELLE_URN,
    name: "PasserelleUser",
    description: "What a school says of a person, and the roles the gateway gives",
    code: "p:",
    attributes: PASSERELLE_ATTRIBUTES,
};

const ATTRIBUTES: &[Attribute] = &[
    Attribute::text("userName", "The name to sign in with").required().unique(Uniqueness::Server),
    Attribute::complex("name", "The parts of the person's name", NAME),
    Attribute::text("displayName", "The name that people read"),
    Attribute::text("nickName", "How the person is called every day"),
    Attribute::reference("profileUrl", "A page about the person", &["external"]),
    Attribute::text("title", "The person's title, as Vice President"),
    Attribute::text("userType", "What the person is to the establishment"),
    Attribute::text("preferredLanguage", "The languages to speak, as Accept-Language writes them"),
    Attribute::text("locale", "The language and country for dates and numbers"),
    Attribute::text("timezone", "The time zone, as Europe/Paris"),
    Attribute::boolean("active", "Whether the person may sign in"),
    plural("emails", "Addresses for e-mail", EMAIL),
    plural("phoneNumbers", "Telephone numbers", PHONE),
    plural("ims", "Addresses for instant messages", IM),
    plural("photos", "Pictures of the person", PHOTO),
    plural("addresses", "Postal addresses", ADDRESS),
    plural("groups", "The groups that the person is in; they are changed through Groups", GROUP).read_only(),
    plural("entitlements", "What the person is entitled to", PLAIN),
    plural("roles", "The person's roles, as the client names them", PLAIN),
    plural("x509Certificates", "Certificates of the person", CERTIFICATE),
];

const NAME: &[Attribute] = &[
    Attribute::text("formatted", "The whole name"),
    Attribute::text("familyName", "The family name"),
    Attribute::text("givenName", "The given name"),
    Attribute::text("middleName", "The middle names"),
    Attribute::text("honorificPrefix", "What stands before the name, as Ms."),
    Attribute::text("honorificSuffix", "What stands after the name, as III"),
];

const DISPLAY: Attribute = Attribute::text("display", "The same for people");
const PRIMARY: Attribute = Attribute::boolean("primary", "Whether it is the one to use first; one of them at most is");
const TYPE: Attribute = Attribute::text("type", "What it is for");

const EMAIL: &[Attribute] = &[Attribute::text("value", "The address"), DISPLAY, TYPE.one_of(&["work", "home", "other"]), PRIMARY];
const PHONE: &[Attribute] = &[
    Attribute::text("value", "The number, as RFC 3966 writes it"),
    DISPLAY,
    TYPE.one_of(&["work", "home", "mobile", "fax", "pager", "other"]),
    PRIMARY,
];
const IM: &[Attribute] = &[
    Attribute::text("value", "The address"),
    DISPLAY,
    TYPE.one_of(&["aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"]),
    PRIMARY,
];
const PHOTO: &[Attribute] =
    &[Attribute::reference("value", "The address of the picture", &["external"]), DISPLAY, TYPE.one_of(&["photo", "thumbnail"]), PRIMARY];
const ADDRESS: &[Attribute] = &[
    Attribute::text("formatted", "The whole address"),
    Attribute::text("streetAddress", "Street and number"),
    Attribute::text("locality", "The town"),
    Attribute::text("region", "The region"),
    Attribute::text("postalCode", "The postal code"),
    Attribute::text("country", "The country, as ISO 3166-1 writes it in two letters"),
    TYPE.one_of(&["work", "home", "other"]),
    PRIMARY,
];
const GROUP: &[Attribute] = &[
    Attribute::text("value", "The identifier of the group").exact().read_only(),
    Attribute::reference("$ref", "The address of the group", &["Group"]).read_only(),
    Attribute::text("display", "The name of the group").read_only(),
    Attribute::text("type", "How the person is in it").read_only().one_of(&["direct", "indirect"]),
];
const PLAIN: &[Attribute] = &[Attribute::text("value", "The value"), DISPLAY, TYPE, PRIMARY];
const CERTIFICATE: &[Attribute] = &[Attribute::bytes("value", "The certificate in DER"), DISPLAY, TYPE, PRIMARY];

const ENTERPRISE_ATTRIBUTES: &[Attribute] = &[
    Attribute::text("employeeNumber", "The person's number"),
    Attribute::text("costCenter", "The cost centre"),
    Attribute::text("organization", "The organisation"),
    Attribute::text("division", "The division"),
    Attribute::text("department", "The department"),
    Attribute::complex("manager", "Whom the person reports to", SUPERIOR),
];

const SUPERIOR: &[Attribute] = &[
    Attribute::text("value", "The identifier of the manager").exact(),
    Attribute::reference("$ref", "The address of the manager", &["User"]),
    Attribute::text("displayName", "The manager's name").read_only(),
];

const PASSERELLE_ATTRIBUTES: &[Attribute] = &[
    // Units are the establishment's own: the one that nearly all of them have is proposed, and any is taken.
    Attribute::text("units", "The units that the person belongs to, by name").list().one_of(&["administration"]),
    Attribute::text("homeUnit", "The unit that the person belongs to first"),
    Attribute::text("uai", "The number of the person's school (UAI)"),
    // They are no word of the feed's: whoever wants them asks, and nobody pays for them with each change.
    Attribute::complex("assignments", "The roles that the gateway gives the person", ASSIGNMENT).list().read_only().on_request(),
];

const ASSIGNMENT: &[Attribute] = &[
    Attribute::text("application", "The application").read_only(),
    Attribute::text("role", "The role").read_only(),
    Attribute::text("scope", "Where it holds").read_only(),
    Attribute::instant("until", "When it ends").read_only(),
];

const fn plural(name: &'static str, description: &'static str, subs: &'static [Attribute]) -> Attribute {
    Attribute::complex(name, description, subs).list()
}
