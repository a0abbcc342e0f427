//! The table itself: each operation, who it is for, and what it answers them.

/// Whom an operation is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Operators of the platform.
    Platform,
    /// Whoever may read in the establishment.
    Read,
    /// The establishment's administrators.
    Manage,
    /// Operators of the platform, in an establishment.
    Operate,
    /// Whoever may find people: also those who administer their unit, the help desk, and those who answer for an application.
    People,
    /// Administrators, also those of the person's unit.
    Unit,
    /// Administrators, also those of the person's unit, and the help desk.
    Links,
    /// Whoever may see who holds what: also those who administer the person's unit, and those who answer for the application.
    Held,
    /// Administrators, and those who answer for the application.
    Access,
    /// Whoever may read; for those who answer for another application, it is not there.
    Given,
    /// Administrators; for those who answer for another application, it is not there.
    Hidden,
    /// Whoever may find people there; a unit of others is not there for those who administer one.
    Units,
    /// Whoever may read, and those before whom something of it was laid; for others who may find people, it is not there.
    Laid,
}

/// One operation.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub method: &'static str,
    pub path: &'static str,
    pub reach: Reach,
    /// The status for those it is for.
    pub answer: u16,
    /// A body that fits; `USER`, `OTHER`, `N` stand for the keys of two people and a number of its own.
    pub body: &'static str,
}

const fn row(method: &'static str, path: &'static str, reach: Reach, answer: u16, body: &'static str) -> Row {
    Row { method, path, reach, answer, body }
}

use Reach::{Access, Given, Held, Hidden, Laid, Links, Manage, Operate, People, Platform, Read, Unit, Units};

const RULE: &str = r#"{"application":"notes","when":[{"group":"nobody-N"}],"role":"reader"}"#;
const SOURCE: &str = r#"{"name":"new-N","settings":{"urls":["ldap://127.0.0.1:1"],"base_dn":"dc=acad-test,dc=fr","tls":{"mode":"none"}}}"#;

const RECIPIENT: &str = r#"{"recipient":"age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"}"#;

const TO_SERVICE: &str = r#"{"url":"http://127.0.0.1:1/scim","auth":{"kind":"bearer","secret":"jeton"}}"#;

const NOWHERE: &str = r#"{"slugs":["nowhere"]}"#;

// Nobody decides in it: that is told only to those who may begin one.
const CAMPAIGN: &str = r#"{"name":"new-N","due_at":"2026-01-01T00:00:00Z","extent":{}}"#;
const DECISIONS: &str = r#"{"decisions":[{"item":"01990000-0000-7000-8000-000000000000","decision":"keep"}]}"#;

pub const TABLE: &[Row] = &[
    row("GET", "/establishments", Platform, 200, ""),
    row("POST", "/establishments", Platform, 201, r#"{"name":"École N"}"#),
    row("GET", "/establishments/{slug}", Read, 200, ""),
    // Nothing is sent with these: that is told only to those who may send it.
    row("POST", "/establishments/import", Platform, 422, ""),
    row("POST", "/establishments/{slug}/restore", Manage, 422, ""),
    row("POST", "/establishments/{slug}/export", Manage, 200, RECIPIENT),
    // Those that are named are not there: who may ask is tried here, and nothing befalls the others.
    row("GET", "/establishments/bulk", Platform, 200, ""),
    row("GET", "/establishments/bulk/{id}", Platform, 200, ""),
    row("GET", "/establishments/bulk/{id}/items", Platform, 200, ""),
    row("POST", "/establishments/bulk/stats", Platform, 202, NOWHERE),
    row("POST", "/establishments/bulk/block", Platform, 202, NOWHERE),
    row("POST", "/establishments/bulk/unblock", Platform, 202, NOWHERE),
    row("POST", "/establishments/bulk/delete", Platform, 202, r#"{"slugs":["nowhere"],"confirm":"delete 1"}"#),
    // No recipient is configured, and no server that takes mail: that is told only to those who may do it.
    row("POST", "/establishments/bulk/export", Platform, 422, NOWHERE),
    row("POST", "/establishments/bulk/mail", Platform, 422, r#"{"slugs":["nowhere"],"subject":"Essai","body":"Bonjour"}"#),
    row("POST", "/establishments/{slug}/mail", Operate, 422, r#"{"subject":"Essai","body":"Bonjour"}"#),
    row("POST", "/establishments/{slug}/stats", Operate, 200, ""),
    row("PATCH", "/establishments/{slug}", Operate, 200, r#"{"locality":"14000 Caen"}"#),
    row("GET", "/establishments/{slug}/administrators", Read, 200, ""),
    row("POST", "/establishments/{slug}/reset-administrator", Operate, 200, r#"{"send_mail":false}"#),
    row("GET", "/zones", Platform, 200, ""),
    row("PUT", "/zones/{name}", Platform, 200, r#"{"title":"Zone"}"#),
    row("DELETE", "/zones/{name}", Platform, 204, ""),
    row("GET", "/establishments/{slug}/users", People, 200, ""),
    row("POST", "/establishments/{slug}/users", Unit, 201, r#"{"username":"new-N","home_unit":"rt"}"#),
    row("GET", "/establishments/{slug}/users/{id}", People, 200, ""),
    row("PATCH", "/establishments/{slug}/users/{id}", Unit, 200, r#"{"given_name":"Zoé"}"#),
    row("POST", "/establishments/{slug}/users/{id}/disable", Unit, 200, ""),
    row("POST", "/establishments/{slug}/users/{id}/enable", Unit, 200, ""),
    row("POST", "/establishments/{slug}/users/{id}/delete", Manage, 204, ""),
    row("POST", "/establishments/{slug}/users/{id}/invite", Links, 200, ""),
    row("POST", "/establishments/{slug}/users/{id}/reset", Links, 200, ""),
    row("GET", "/establishments/{slug}/users/{id}/explain", Held, 200, ""),
    row("GET", "/establishments/{slug}/groups", Read, 200, ""),
    row("GET", "/establishments/{slug}/groups/{id}", Read, 200, ""),
    row("GET", "/establishments/{slug}/groups/{id}/members", Read, 200, ""),
    row("GET", "/establishments/{slug}/sources", Read, 200, ""),
    row("POST", "/establishments/{slug}/sources", Manage, 201, SOURCE),
    row("GET", "/establishments/{slug}/sources/{name}", Read, 200, ""),
    row("PATCH", "/establishments/{slug}/sources/{name}", Manage, 200, r#"{"enabled":false}"#),
    row("DELETE", "/establishments/{slug}/sources/{name}", Manage, 204, ""),
    row("GET", "/establishments/{slug}/sources/{name}/file", Read, 200, ""),
    row("PUT", "/establishments/{slug}/sources/{name}/file", Manage, 200, ""),
    row("DELETE", "/establishments/{slug}/sources/{name}/file", Manage, 204, ""),
    row("POST", "/establishments/{slug}/sources/{name}/check", Manage, 200, ""),
    row("POST", "/establishments/{slug}/sources/{name}/preview", Manage, 202, ""),
    row("GET", "/establishments/{slug}/sources/{name}/establishments", Read, 200, ""),
    row("POST", "/establishments/{slug}/sources/{name}/sync", Manage, 202, r#"{"mode":"full"}"#),
    row("POST", "/establishments/{slug}/sources/{name}/resume", Manage, 200, ""),
    row("GET", "/establishments/{slug}/sources/{name}/held", Read, 200, ""),
    row("POST", "/establishments/{slug}/sources/{name}/held/approve", Manage, 200, "{}"),
    row("POST", "/establishments/{slug}/sources/{name}/held/refuse", Manage, 200, "{}"),
    row("GET", "/establishments/{slug}/sources/{name}/requests", Read, 200, ""),
    row("GET", "/establishments/{slug}/sources/{name}/requests/{id}", Read, 200, ""),
    row("POST", "/establishments/{slug}/sources/{name}/requests/{id}/replay", Manage, 200, ""),
    row("GET", "/establishments/{slug}/runs", Read, 200, ""),
    row("GET", "/establishments/{slug}/runs/{id}", Read, 200, ""),
    row("GET", "/establishments/{slug}/runs/{id}/changes", Read, 200, ""),
    row("POST", "/establishments/{slug}/runs/{id}/approve", Manage, 202, ""),
    row("POST", "/establishments/{slug}/runs/{id}/refuse", Manage, 200, ""),
    // A run that is held changed nothing: that is told only to those who may take one back.
    row("POST", "/establishments/{slug}/runs/{id}/undo", Manage, 409, ""),
    row("GET", "/establishments/{slug}/proposals", Read, 200, ""),
    row("GET", "/establishments/{slug}/proposals/{id}", Read, 200, ""),
    row("POST", "/establishments/{slug}/proposals/{id}/accept", Manage, 200, ""),
    row("POST", "/establishments/{slug}/proposals/{id}/reject", Manage, 200, ""),
    row("GET", "/establishments/{slug}/applications", Held, 200, ""),
    row("POST", "/establishments/{slug}/applications", Manage, 201, r#"{"name":"new-N","roles":[{"name":"reader"}]}"#),
    row("GET", "/establishments/{slug}/applications/{name}", Given, 200, ""),
    row("PATCH", "/establishments/{slug}/applications/{name}", Hidden, 200, r#"{"title":"Autre"}"#),
    row("DELETE", "/establishments/{slug}/applications/{name}", Manage, 204, ""),
    row("POST", "/establishments/{slug}/applications/{name}/simulate", Hidden, 200, r#"{"cardinality":"single"}"#),
    row("GET", "/establishments/{slug}/applications/catalogue", Read, 200, ""),
    row("POST", "/establishments/{slug}/applications/import", Manage, 200, r#"{"catalogue":"grafana"}"#),
    row("GET", "/establishments/{slug}/applications/{name}/export", Read, 200, ""),
    row("GET", "/establishments/{slug}/applications/{name}/matrix", Given, 200, ""),
    row("GET", "/establishments/{slug}/applications/{name}/pending", Read, 200, ""),
    row("POST", "/establishments/{slug}/check", Held, 200, r#"{"username":"nobody","application":"notes","privilege":"marks"}"#),
    row("GET", "/establishments/{slug}/rules", Read, 200, ""),
    row("POST", "/establishments/{slug}/rules", Manage, 201, RULE),
    row("GET", "/establishments/{slug}/rules/lint", Read, 200, ""),
    row("POST", "/establishments/{slug}/rules/simulate", Manage, 200, r#"{"rules":[]}"#),
    // It is of no simulation: that is told only to those who may save one.
    row("POST", "/establishments/{slug}/rules/apply", Manage, 409, r#"{"rules":[],"simulation":"none"}"#),
    row("GET", "/establishments/{slug}/applications/{name}/provisioning", Read, 200, ""),
    row("PUT", "/establishments/{slug}/applications/{name}/provisioning", Manage, 200, TO_SERVICE),
    row("PATCH", "/establishments/{slug}/applications/{name}/provisioning", Manage, 200, r#"{"dry_run":true}"#),
    row("DELETE", "/establishments/{slug}/applications/{name}/provisioning", Manage, 204, ""),
    // Nobody answers there: the steps say so.
    row("POST", "/establishments/{slug}/applications/{name}/provisioning/check", Manage, 200, ""),
    row("POST", "/establishments/{slug}/applications/{name}/provisioning/reconcile", Manage, 202, ""),
    // Nothing is held.
    row("POST", "/establishments/{slug}/applications/{name}/provisioning/approve", Manage, 409, r#"{"rows":1}"#),
    row("POST", "/establishments/{slug}/applications/{name}/provisioning/retry", Manage, 200, ""),
    row("GET", "/establishments/{slug}/applications/{name}/provisioning/queue", Read, 200, ""),
    row("GET", "/establishments/{slug}/applications/{name}/provisioning/drift", Read, 200, ""),
    row("GET", "/establishments/{slug}/rule-sets", Read, 200, ""),
    row("POST", "/establishments/{slug}/rule-sets", Manage, 201, r#"{"name":"new-N","rules":[]}"#),
    row("GET", "/establishments/{slug}/rule-sets/{name}", Read, 200, ""),
    row("PATCH", "/establishments/{slug}/rule-sets/{name}", Manage, 200, r#"{"title":"Autre"}"#),
    row("DELETE", "/establishments/{slug}/rule-sets/{name}", Manage, 204, ""),
    row("POST", "/establishments/{slug}/rule-sets/{name}/simulate", Manage, 200, ""),
    row("POST", "/establishments/{slug}/rule-sets/{name}/schedule", Manage, 200, r#"{"apply_at":"2400-01-01T00:00:00Z"}"#),
    row("POST", "/establishments/{slug}/rule-sets/{name}/apply", Manage, 200, r#"{"confirm_losses":0}"#),
    // It was not applied: that is told only to those who may take one back.
    row("POST", "/establishments/{slug}/rule-sets/{name}/rollback", Manage, 409, ""),
    row("POST", "/establishments/{slug}/rule-sets/{name}/cancel", Manage, 200, ""),
    row("GET", "/establishments/{slug}/rules/{id}", Read, 200, ""),
    row("PATCH", "/establishments/{slug}/rules/{id}", Manage, 200, r#"{"priority":3}"#),
    row("DELETE", "/establishments/{slug}/rules/{id}", Manage, 204, ""),
    row("GET", "/establishments/{slug}/assignments", Held, 200, ""),
    row("POST", "/establishments/{slug}/assignments", Access, 201, r#"{"user":"USER","application":"notes","role":"reader"}"#),
    row("GET", "/establishments/{slug}/assignments/compare", Read, 200, ""),
    row("GET", "/establishments/{slug}/assignments/{id}", Held, 200, ""),
    row("POST", "/establishments/{slug}/assignments/{id}/end", Access, 204, ""),
    row("GET", "/establishments/{slug}/assignments/unused", Read, 200, ""),
    row("GET", "/establishments/{slug}/users/unused", Read, 200, ""),
    row("GET", "/establishments/{slug}/exclusions", Held, 200, ""),
    row(
        "POST",
        "/establishments/{slug}/exclusions",
        Manage,
        201,
        r#"{"user":"USER","application":"notes","role":"reader","reason":"essai"}"#,
    ),
    row("GET", "/establishments/{slug}/exclusions/{id}", Held, 200, ""),
    row("POST", "/establishments/{slug}/exclusions/{id}/end", Manage, 204, ""),
    row("GET", "/establishments/{slug}/campaigns", People, 200, ""),
    row("POST", "/establishments/{slug}/campaigns", Manage, 422, CAMPAIGN),
    row("GET", "/establishments/{slug}/campaigns/{id}", Laid, 200, ""),
    row("GET", "/establishments/{slug}/campaigns/{id}/items", Laid, 200, ""),
    row("POST", "/establishments/{slug}/campaigns/{id}/decide", Manage, 404, DECISIONS),
    // No server takes mail: that is told only to those who may do it.
    row("POST", "/establishments/{slug}/campaigns/{id}/remind", Manage, 409, ""),
    row("POST", "/establishments/{slug}/campaigns/{id}/close", Manage, 200, ""),
    row("PATCH", "/establishments/{slug}/assignments/{id}", Access, 200, r#"{"reason":"stage"}"#),
    row("POST", "/establishments/{slug}/assignments/import", Manage, 200, r#"{"rows":[]}"#),
    row("GET", "/establishments/{slug}/units", Units, 200, ""),
    row("POST", "/establishments/{slug}/units", Manage, 201, r#"{"name":"new-N"}"#),
    row("GET", "/establishments/{slug}/units/{id}", Units, 200, ""),
    row("PATCH", "/establishments/{slug}/units/{id}", Manage, 200, r#"{"title":"Autre"}"#),
    row("DELETE", "/establishments/{slug}/units/{id}", Manage, 200, ""),
    row("GET", "/establishments/{slug}/relations", Read, 200, ""),
    row("POST", "/establishments/{slug}/relations", Manage, 201, r#"{"kind":"tutor","user":"USER","other":"OTHER"}"#),
    row("POST", "/establishments/{slug}/relations/import", Manage, 200, r#"{"rows":[]}"#),
    row("GET", "/establishments/{slug}/relations/{id}", Read, 200, ""),
    row("DELETE", "/establishments/{slug}/relations/{id}", Manage, 204, ""),
    row("GET", "/establishments/{slug}/clients", Read, 200, ""),
    row("POST", "/establishments/{slug}/clients", Manage, 201, r#"{"name":"New"}"#),
    row("GET", "/establishments/{slug}/clients/{client_id}", Read, 200, ""),
    row("PATCH", "/establishments/{slug}/clients/{client_id}", Manage, 200, r#"{"name":"Other"}"#),
    row("DELETE", "/establishments/{slug}/clients/{client_id}", Manage, 204, ""),
    row("POST", "/establishments/{slug}/clients/{client_id}/rotate_secret", Manage, 200, ""),
    row("GET", "/establishments/{slug}/tokens", Read, 200, ""),
    row("POST", "/establishments/{slug}/tokens", Manage, 201, r#"{"name":"New","scope":"auditor"}"#),
    row("GET", "/establishments/{slug}/tokens/{id}", Read, 200, ""),
    row("DELETE", "/establishments/{slug}/tokens/{id}", Manage, 204, ""),
    row("POST", "/establishments/{slug}/tokens/{id}/rotate", Manage, 201, "{}"),
    row("GET", "/establishments/{slug}/keys", Read, 200, ""),
    row("GET", "/establishments/{slug}/audit", Read, 200, ""),
    // None was blocked before, so there is none to read.
    row("GET", "/establishments/{slug}/receipts/{batch}", Read, 404, ""),
    row("GET", "/establishments/{slug}/outbox", Read, 200, ""),
    row("POST", "/establishments/{slug}/outbox/{id}/retry", Manage, 200, ""),
    // Last, because a blocked establishment refuses its own tokens; unblocking one that is open changes nothing.
    row("POST", "/establishments/{slug}/unblock", Operate, 200, ""),
    row("POST", "/establishments/{slug}/block", Operate, 200, ""),
    // What it confirms is not there, so that the establishment stays for the callers after.
    row("DELETE", "/establishments/{slug}", Operate, 422, ""),
];
