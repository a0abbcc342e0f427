//! What came in tokens and answers, made ready to be read: roles, groups, the way to each role. Asks nobody.

use serde_json::Value;

use super::admin::{Change, Explanation, Missed};
use super::provider::SignedIn;
use crate::i18n::Texts;

/// Names listed at most in one change.
const NAMES_MAX: usize = 12;

/// A role in a scope, as the `assignments` claim has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldRole {
    /// The role.
    pub role: String,
    /// Where it holds; empty is everywhere.
    pub scope: String,
    /// Until when.
    pub until: Option<String>,
}

/// One step of a way, with what kind of step it is in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownStep {
    /// `entry`, `group`, `rule`, `capture`, `role` or `claim`: a class of the style sheet.
    pub kind: &'static str,
    /// The same in words.
    pub label: String,
    /// What people read of it.
    pub name: String,
}

/// A role and the way to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// The application.
    pub application: String,
    /// The role.
    pub role: String,
    /// Where it holds; empty is everywhere.
    pub scope: String,
    /// From the directory's entry to the role.
    pub path: Vec<ShownStep>,
}

/// Why someone has which roles.
#[derive(Clone, Debug, Default)]
pub struct Reasons {
    /// Roles in the client's application.
    pub here: Vec<Why>,
    /// Roles in other applications of the establishment.
    pub elsewhere: Vec<Why>,
    /// Roles of the client's application that were not given.
    pub missed: Vec<Missed>,
}

impl Reasons {
    /// What the admin API explained, sorted for a client of this application.
    pub fn of(explanation: Explanation, application: &str, texts: Texts) -> Self {
        let held = explanation.assignments.into_iter().filter(|held| held.counts);
        let all = held.map(|held| Why {
            path: held.path.into_iter().map(|step| shown_step(&step.kind, step.name, texts)).collect(),
            application: held.application,
            role: held.role,
            scope: held.scope.unwrap_or_default(),
        });
        let (here, elsewhere) = all.partition(|why| why.application == application);
        let missed = explanation.nearest_misses.into_iter().filter(|miss| miss.application.is_empty() || miss.application == application);
        Self { here, elsewhere, missed: missed.collect() }
    }
}

fn shown_step(kind: &str, name: String, texts: Texts) -> ShownStep {
    let (kind, label) = match kind {
        "entry" => ("entry", texts.text("demo-step-entry")),
        "group" => ("group", texts.text("demo-step-group")),
        "rule" => ("rule", texts.text("demo-step-rule")),
        "capture" => ("capture", texts.text("demo-step-capture")),
        "claim" => ("claim", texts.text("demo-step-claim")),
        _ => ("role", texts.text("demo-step-role")),
    };
    ShownStep { kind, label, name }
}

/// Someone signed in, as UserInfo and the ID token describe them.
#[derive(Clone, Debug)]
pub struct ShownPerson {
    /// What people call them.
    pub name: String,
    /// The name they sign in with.
    pub username: String,
    /// Their address.
    pub email: Option<String>,
    /// Roles as the application receives them.
    pub roles: Vec<String>,
    /// The same roles, role and scope apart.
    pub assignments: Vec<HeldRole>,
    /// Their groups.
    pub groups: Vec<String>,
    /// The ID token's header.
    pub header: String,
    /// The ID token's claims.
    pub claims: String,
    /// The ID token as it came: header, claims, signature.
    pub token: [String; 3],
    /// What UserInfo says.
    pub user_info: String,
}

impl ShownPerson {
    /// Reads what came.
    pub fn of(signed_in: &SignedIn) -> Self {
        let told = &signed_in.user_info;
        let word = |key: &str| told.get(key).and_then(Value::as_str).map(str::to_owned);
        let username = word("preferred_username").unwrap_or_default();
        // The token is the person's own, shown to that person: that is what the demo is for.
        let mut parts = signed_in.id_token.expose().split('.').map(str::to_owned);
        Self {
            name: word("name").unwrap_or_else(|| username.clone()),
            username,
            email: word("email"),
            roles: words(told.get("roles")),
            assignments: told.get("assignments").and_then(Value::as_array).into_iter().flatten().map(held_role).collect(),
            groups: words(told.get("groups")),
            header: pretty(&signed_in.header),
            claims: pretty(&signed_in.claims),
            token: std::array::from_fn(|_| parts.next().unwrap_or_default()),
            user_info: pretty(told),
        }
    }
}

fn held_role(assignment: &Value) -> HeldRole {
    let word = |key: &str| assignment.get(key).and_then(Value::as_str).map(str::to_owned);
    HeldRole { role: word("role").unwrap_or_default(), scope: word("scope").unwrap_or_default(), until: word("until") }
}

/// A claim that is a list of texts, or one text (a claim shape may make it so).
fn words(claim: Option<&Value>) -> Vec<String> {
    match claim {
        Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::String(value)) => vec![value.clone()],
        _ => Vec::new(),
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// A change of a run: what happened, to what, and to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownChange {
    /// What happened, in words.
    pub what: String,
    /// The thing.
    pub name: String,
    /// The people or groups meant, or the reason.
    pub more: String,
}

impl ShownChange {
    /// A change in the reader's language.
    pub fn of(change: Change, texts: Texts) -> Self {
        let what = match change.operation.as_str() {
            "created" => texts.text("demo-change-created"),
            "updated" => texts.text("demo-change-updated"),
            "moved" => texts.text("demo-change-moved"),
            "disabled" => texts.text("demo-change-disabled"),
            "enabled" => texts.text("demo-change-enabled"),
            "removed" => texts.text("demo-change-removed"),
            "quarantined" => texts.text("demo-change-quarantined"),
            "members_added" => texts.text("demo-change-members-added"),
            "members_removed" => texts.text("demo-change-members-removed"),
            other => other.to_owned(),
        };
        let detail = change.detail.unwrap_or_default();
        let mut names = [words(detail.get("people")), words(detail.get("groups")), words(detail.get("reason"))].concat();
        if names.len() > NAMES_MAX {
            names.truncate(NAMES_MAX);
            names.push("…".to_owned());
        }
        Self { what, name: change.name, more: names.join(", ") }
    }
}
