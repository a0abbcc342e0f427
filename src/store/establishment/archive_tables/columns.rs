//! The columns of each table that is saved, in the order of the rows. Says nothing of when they are saved.

use super::{Column, Missing, bool, bytes, int, json, nullable, since, text, uuid};

pub(super) const SESSIONS: &[Column] =
    &[bytes("token_hash"), uuid("id"), uuid("user_id"), text("method"), int("auth_time"), int("last_seen_at"), int("expires_at")];

pub(super) const INTERACTIONS: &[Column] = &[
    bytes("id_hash"),
    bytes("browser_hash"),
    json("request"),
    nullable(uuid("signed_in_session")),
    nullable(text("consent")),
    nullable(uuid("consent_session")),
    int("created_at"),
    int("expires_at"),
];

pub(super) const GRANTS: &[Column] = &[
    uuid("id"),
    uuid("user_id"),
    text("client_id"),
    uuid("session_id"),
    text("scope"),
    nullable(text("nonce")),
    int("auth_time"),
    int("created_at"),
    int("expires_at"),
    nullable(int("revoked_at")),
    since(uuid("sid")),
];

pub(super) const AUTHORIZATION_CODES: &[Column] = &[
    bytes("code_hash"),
    uuid("grant_id"),
    text("redirect_uri"),
    nullable(text("code_challenge")),
    int("expires_at"),
    nullable(int("spent_at")),
];

pub(super) const ONE_TIME_LINKS: &[Column] =
    &[bytes("token_hash"), uuid("user_id"), text("purpose"), int("created_at"), int("expires_at"), nullable(int("used_at"))];

pub(super) const IDEMPOTENCY_KEYS: &[Column] =
    &[bytes("key_hash"), bytes("request_hash"), Column { sealed: true, ..nullable(bytes("answer_sealed")) }, int("created_at")];

pub(super) const OUTBOX: &[Column] = &[
    uuid("id"),
    text("kind"),
    text("recipient"),
    text("topic"),
    Column { sealed: true, ..nullable(bytes("content_sealed")) },
    nullable(uuid("batch")),
    text("state"),
    int("attempts"),
    int("due_at"),
    nullable(text("error")),
    int("created_at"),
    nullable(int("ended_at")),
];

pub(super) const SOURCES: &[Column] = &[
    uuid("id"),
    text("name"),
    text("kind"),
    json("settings"),
    Column { sealed: true, ..nullable(bytes("secret_sealed")) },
    json("guard"),
    bool("enabled"),
    int("created_at"),
    int("updated_at"),
    since(json("schedule")),
    since(json("leaving")),
    since(json("matching")),
    since(text("route")),
    since(uuid("routed_from")),
];

pub(super) const USERS: &[Column] = &[
    uuid("id"),
    text("username"),
    text("username_folded"),
    nullable(text("given_name")),
    nullable(text("family_name")),
    text("display_name"),
    nullable(text("email")),
    nullable(text("locale")),
    text("search"),
    text("status"),
    nullable(text("disabled_by")),
    nullable(text("home_unit")),
    json("units"),
    json("attributes"),
    nullable(int("last_sign_in_at")),
    int("created_at"),
    int("updated_at"),
    since(int("erased_at")),
];

pub(super) const LINKS: &[Column] = &[
    uuid("source_id"),
    text("external_id"),
    uuid("user_id"),
    nullable(text("dn")),
    bytes("content_hash"),
    bool("present"),
    bool("active"),
    since(bytes("place")),
    since(int("left_at")),
];

pub(super) const GROUPS: &[Column] = &[
    uuid("id"),
    nullable(uuid("source_id")),
    nullable(text("external_id")),
    text("name"),
    nullable(text("display_name")),
    nullable(text("dn")),
    nullable(text("dn_key")),
    text("search"),
    bytes("content_hash"),
    bytes("members_hash"),
    int("member_count"),
    int("created_at"),
    int("updated_at"),
    since(bytes("place")),
    since(bytes("dangling")),
];

pub(super) const RUNS: &[Column] = &[
    uuid("id"),
    uuid("source_id"),
    text("mode"),
    text("state"),
    json("counts"),
    nullable(text("error")),
    nullable(text("approved_by")),
    int("started_at"),
    nullable(int("duration_ms")),
    since(json("progress")),
    since(uuid("undoes")),
    Column { missing: Missing::Default("hand"), ..text("started_by") },
    since(text("note")),
];

pub(super) const CHANGES: &[Column] =
    &[uuid("run_id"), int("seq"), text("kind"), text("operation"), nullable(uuid("subject_id")), text("name"), nullable(json("detail"))];

pub(super) const PROPOSALS: &[Column] = &[
    uuid("id"),
    uuid("source_id"),
    text("external_id"),
    uuid("user_id"),
    text("rule"),
    json("detail"),
    text("state"),
    int("created_at"),
    nullable(int("decided_at")),
    nullable(text("decided_by")),
];

pub(super) const SOURCE_FILES: &[Column] =
    &[uuid("source_id"), text("name"), int("size"), bytes("digest"), text("given_by"), int("given_at")];

pub(super) const SOURCE_FILE_PARTS: &[Column] =
    &[uuid("id"), uuid("source_id"), int("part"), Column { sealed: true, ..bytes("content_sealed") }];

pub(super) const SOURCE_STATES: &[Column] = &[
    uuid("source_id"),
    nullable(text("bookmark")),
    nullable(int("bookmark_at")),
    nullable(int("full_at")),
    nullable(int("succeeded_at")),
    nullable(int("failed_at")),
    int("failures"),
    nullable(text("error")),
    json("taken"),
    bool("roles_due"),
    nullable(int("turns_at")),
    nullable(text("server")),
    nullable(int("paused_until")),
];

pub(super) const APPLICATIONS: &[Column] = &[
    uuid("id"),
    text("name"),
    text("title"),
    text("cardinality"),
    nullable(text("default_role")),
    text("scope_kind"),
    json("roles"),
    json("claim_shape"),
    int("created_at"),
    int("updated_at"),
    Column { missing: Missing::Default("{}"), ..json("policy") },
    Column { missing: Missing::Default("[]"), ..json("services") },
];

pub(super) const RULES: &[Column] = &[
    uuid("id"),
    uuid("application_id"),
    json("conditions"),
    text("role"),
    nullable(text("scope")),
    int("priority"),
    bool("enabled"),
    int("created_at"),
    int("updated_at"),
    since(int("valid_from")),
    since(int("valid_until")),
    since(text("ends")),
];

pub(super) const ASSIGNMENTS: &[Column] = &[
    uuid("id"),
    uuid("user_id"),
    uuid("application_id"),
    text("role"),
    text("scope"),
    text("origin"),
    nullable(uuid("rule_id")),
    nullable(int("valid_from")),
    nullable(int("valid_until")),
    text("reason"),
    int("created_at"),
    since(text("given_by")),
];

pub(super) const ENDED_ASSIGNMENTS: &[Column] =
    &[uuid("id"), uuid("user_id"), text("application"), text("role"), text("scope"), text("origin"), int("given_at"), int("ended_at")];

pub(super) const EXCLUSIONS: &[Column] = &[
    uuid("id"),
    uuid("user_id"),
    uuid("application_id"),
    text("role"),
    text("scope"),
    text("reason"),
    text("given_by"),
    nullable(int("valid_until")),
    int("created_at"),
];

pub(super) const UNITS: &[Column] = &[
    uuid("id"),
    text("name"),
    text("title"),
    text("search"),
    nullable(uuid("parent_id")),
    nullable(uuid("source_id")),
    int("created_at"),
    int("updated_at"),
];

pub(super) const RELATIONS: &[Column] = &[
    uuid("id"),
    text("kind"),
    uuid("user_id"),
    uuid("other_id"),
    nullable(uuid("source_id")),
    nullable(int("valid_from")),
    nullable(int("valid_until")),
    nullable(text("reason")),
    int("created_at"),
];

pub(super) const RULE_SETS: &[Column] = &[
    uuid("id"),
    text("name"),
    text("title"),
    json("rules"),
    text("state"),
    nullable(int("apply_at")),
    nullable(json("expected")),
    nullable(json("previous")),
    nullable(text("note")),
    text("created_by"),
    int("created_at"),
    int("updated_at"),
    nullable(int("applied_at")),
];

pub(super) const CAMPAIGNS: &[Column] = &[
    uuid("id"),
    text("name"),
    text("title"),
    json("extent"),
    text("state"),
    int("due_at"),
    nullable(int("reminded_at")),
    text("created_by"),
    int("created_at"),
    nullable(int("closed_at")),
];

pub(super) const REVIEW_ITEMS: &[Column] = &[
    uuid("id"),
    uuid("campaign_id"),
    nullable(uuid("reviewer_id")),
    uuid("user_id"),
    text("application"),
    text("role"),
    text("scope"),
    text("origin"),
    nullable(int("last_used_at")),
    nullable(int("last_sign_in_at")),
    nullable(text("decision")),
    nullable(text("reason")),
    nullable(text("decided_by")),
    nullable(int("decided_at")),
    nullable(text("outcome")),
];

pub(super) const CLIENTS: &[Column] = &[
    uuid("id"),
    text("client_id"),
    text("name"),
    text("search"),
    nullable(uuid("application_id")),
    nullable(bytes("secret_hash")),
    json("redirect_uris"),
    json("post_logout_redirect_uris"),
    text("token_endpoint_auth_method"),
    text("id_token_signed_response_alg"),
    json("scopes"),
    text("pkce"),
    text("consent"),
    bool("claims_in_id_token"),
    bool("require_role"),
    json("claim_shape"),
    bool("enabled"),
    int("created_at"),
    int("updated_at"),
    since(text("backchannel_logout_uri")),
    Column { missing: Missing::No, ..bool("backchannel_logout_session_required") },
];

pub(super) const SIGNING_KEYS: &[Column] = &[
    text("kid"),
    text("algorithm"),
    json("public_jwk"),
    Column { sealed: true, ..bytes("private_sealed") },
    text("state"),
    int("created_at"),
];

pub(super) const API_TOKENS: &[Column] = &[
    uuid("id"),
    text("name"),
    text("search"),
    text("kind"),
    text("scope"),
    bytes("secret_hash"),
    int("created_at"),
    nullable(int("last_used_at")),
    nullable(int("expires_at")),
    nullable(uuid("created_by")),
    since(text("within")),
    since(uuid("source_id")),
];

pub(super) const AUDIT_EVENTS: &[Column] =
    &[uuid("id"), int("at"), text("actor"), text("action"), text("subject_kind"), text("subject_id"), json("detail")];

pub(super) const ROUTED_PARTS: &[Column] = &[
    uuid("source_id"),
    text("slug"),
    text("outcome"),
    nullable(uuid("run_id")),
    int("people"),
    int("groups"),
    json("counts"),
    nullable(text("error")),
    int("fed_at"),
];
