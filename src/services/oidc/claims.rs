//! What a client is told about a person: pure, from plain facts, the granted scope and the client's claim shape.
//!
//! A claim without a value is left out: neither null nor empty ever goes out (OpenID Connect Core §5.3.2).

use serde_json::{Map, Value, json};

use super::claim_shape::ClaimShape;
use crate::types::locale::Locale;
use crate::types::oauth_scope::OauthScope;
use crate::types::time::Timestamp;

/// A person, as far as claims go.
#[derive(Clone, Debug, Default)]
pub struct PersonFacts {
    /// `sub`: stable and opaque (Core §2).
    pub subject: String,
    /// The name the person signs in with.
    pub username: String,
    /// Given name.
    pub given_name: Option<String>,
    /// Family name.
    pub family_name: Option<String>,
    /// Name as the directory displays it.
    pub display_name: Option<String>,
    /// Address.
    pub email: Option<String>,
    /// Whether the address was proved.
    pub email_verified: bool,
    /// Preferred language.
    pub locale: Option<Locale>,
    /// When any of this last changed.
    pub updated_at: Timestamp,
    /// Further attributes from the directory, released by a claim shape only.
    pub attributes: Map<String, Value>,
}

/// One role the person has in the client's application.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RoleFacts {
    /// The role.
    pub role: String,
    /// Where it holds; everywhere when absent.
    pub scope: Option<String>,
    /// Until when; for ever when absent.
    pub until: Option<Timestamp>,
}

impl RoleFacts {
    /// The role as one string: `Ens_RT`, or `Ens` when it holds everywhere.
    pub fn as_one_string(&self) -> String {
        match self.scope.as_deref().filter(|s| !s.is_empty()) {
            Some(scope) => format!("{}_{scope}", self.role),
            None => self.role.clone(),
        }
    }
}

/// The establishment the person answers for.
#[derive(Clone, Debug, Default)]
pub struct EstablishmentFacts {
    /// Short name.
    pub slug: String,
    /// Name.
    pub name: String,
    /// French school number.
    pub uai: Option<String>,
}

/// Everything claims are made of.
#[derive(Clone, Debug, Default)]
pub struct ClaimFacts {
    /// The person.
    pub person: PersonFacts,
    /// Names of the person's effective groups.
    pub groups: Vec<String>,
    /// The person's roles in the client's application.
    pub roles: Vec<RoleFacts>,
    /// The establishment.
    pub establishment: EstablishmentFacts,
}

/// The claims about a person that a scope releases (Core §5.4), shaped for the client; without `sub`.
pub fn released(facts: &ClaimFacts, scope: &OauthScope, shape: &ClaimShape) -> Map<String, Value> {
    let mut claims = Map::new();
    for name in STANDARD.iter().filter(|(_, by)| scope.contains(by)).map(|(name, _)| *name) {
        put(&mut claims, name, fact(facts, name));
    }
    shape.apply(facts, scope, &mut claims);
    claims
}

/// The UserInfo answer (Core §5.3.2): always with `sub`.
pub fn user_info(facts: &ClaimFacts, scope: &OauthScope, shape: &ClaimShape) -> Map<String, Value> {
    let mut claims = released(facts, scope, shape);
    claims.insert("sub".to_owned(), Value::from(facts.person.subject.as_str()));
    claims
}

/// Each claim the gateway can give, and the scope that releases it.
pub(super) const STANDARD: [(&str, &str); 12] = [
    ("name", "profile"),
    ("given_name", "profile"),
    ("family_name", "profile"),
    ("preferred_username", "profile"),
    ("locale", "profile"),
    ("updated_at", "profile"),
    ("email", "email"),
    ("email_verified", "email"),
    ("groups", "groups"),
    ("roles", "roles"),
    ("assignments", "roles"),
    ("establishment", "establishment"),
];

/// A fact by the name a claim shape calls it; absent when the person does not have it.
pub(super) fn fact(facts: &ClaimFacts, path: &str) -> Option<Value> {
    let person = &facts.person;
    let text = |raw: &Option<String>| raw.as_deref().map(Value::from);
    let found = match path {
        "sub" => Some(Value::from(person.subject.as_str())),
        "username" | "preferred_username" => Some(Value::from(person.username.as_str())),
        "given_name" => text(&person.given_name),
        "family_name" => text(&person.family_name),
        "name" => full_name(person).map(Value::from),
        "email" => text(&person.email),
        "email_verified" => person.email.as_ref().map(|_| Value::from(person.email_verified)),
        "locale" => person.locale.map(|l| Value::from(l.tag())),
        // Core §5.1: a number of seconds.
        "updated_at" => Some(Value::from(person.updated_at.seconds())),
        "groups" => Some(Value::from(sorted(facts.groups.clone()))),
        "roles" => Some(Value::from(sorted(facts.roles.iter().map(RoleFacts::as_one_string).collect()))),
        "role_names" => Some(Value::from(sorted(facts.roles.iter().map(|r| r.role.clone()).collect()))),
        "role_scopes" => Some(Value::from(sorted(facts.roles.iter().filter_map(|r| r.scope.clone()).collect()))),
        "assignments" => Some(assignments(&facts.roles)),
        "establishment" => Some(establishment(&facts.establishment)),
        "establishment.slug" => Some(Value::from(facts.establishment.slug.as_str())),
        "establishment.name" => Some(Value::from(facts.establishment.name.as_str())),
        "establishment.uai" => text(&facts.establishment.uai),
        _ => path.strip_prefix("attributes.").and_then(|name| person.attributes.get(name).cloned()),
    };
    found.filter(has_value)
}

/// Whether a fact of this name can exist.
pub(super) fn is_fact(path: &str) -> bool {
    const OTHERS: [&str; 7] =
        ["sub", "username", "role_names", "role_scopes", "establishment.slug", "establishment.name", "establishment.uai"];
    let attribute = path.strip_prefix("attributes.").is_some_and(|name| !name.is_empty());
    attribute || OTHERS.contains(&path) || STANDARD.iter().any(|(name, _)| *name == path)
}

/// Adds a claim unless it has no value.
pub(super) fn put(claims: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    match value.filter(has_value) {
        Some(value) => claims.insert(name.to_owned(), value),
        None => claims.remove(name),
    };
}

fn has_value(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

fn full_name(person: &PersonFacts) -> Option<String> {
    let displayed = person.display_name.as_deref().map(str::trim).filter(|n| !n.is_empty());
    displayed.map(str::to_owned).or_else(|| {
        let parts: Vec<_> = [&person.given_name, &person.family_name].into_iter().filter_map(Option::as_deref).collect();
        Some(parts.join(" ")).filter(|joined| !joined.trim().is_empty())
    })
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.retain(|n| !n.is_empty());
    names.sort_unstable();
    names.dedup();
    names
}

fn assignments(roles: &[RoleFacts]) -> Value {
    let mut ordered: Vec<_> = roles.iter().collect();
    ordered.sort_unstable();
    ordered.dedup();
    let objects = ordered.into_iter().map(|role| {
        let mut object = Map::new();
        put(&mut object, "role", Some(Value::from(role.role.as_str())));
        put(&mut object, "scope", role.scope.as_deref().map(Value::from));
        put(&mut object, "until", role.until.map(|at| Value::from(at.to_string())));
        Value::Object(object)
    });
    objects.collect()
}

fn establishment(facts: &EstablishmentFacts) -> Value {
    let mut object = json!({ "slug": facts.slug, "name": facts.name });
    if let (Some(uai), Some(members)) = (&facts.uai, object.as_object_mut()) {
        members.insert("uai".to_owned(), Value::from(uai.as_str()));
    }
    object
}
