//! The columns of the tables of provisioning, in the order of the rows. Says nothing of when they are saved.

use super::{Column, bool, bytes, int, json, nullable, text, uuid};

pub(super) const PROVISIONINGS: &[Column] = &[
    uuid("id"),
    uuid("application_id"),
    json("settings"),
    Column { sealed: true, ..nullable(bytes("secret_sealed")) },
    bool("enabled"),
    bool("writes_groups"),
    int("created_at"),
    int("updated_at"),
];

pub(super) const PROVISIONED: &[Column] = &[
    uuid("id"),
    uuid("provisioning_id"),
    text("kind"),
    text("subject"),
    text("name"),
    text("search"),
    nullable(text("remote_id")),
    nullable(bytes("written")),
    bool("active"),
    text("state"),
    nullable(text("action")),
    bool("approved"),
    int("attempts"),
    int("due_at"),
    nullable(text("error")),
    int("seq"),
    int("updated_at"),
    bool("adopted"),
    nullable(int("approved_at")),
];

pub(super) const PROVISIONING_STATES: &[Column] = &[
    uuid("provisioning_id"),
    nullable(int("looked_at")),
    nullable(text("paused")),
    nullable(int("paused_at")),
    nullable(int("rest_until")),
    int("failures"),
    nullable(json("abilities")),
    nullable(int("abilities_at")),
    nullable(text("asked")),
    nullable(json("report")),
    nullable(int("written_at")),
];

pub(super) const PROVISIONING_DRIFTS: &[Column] = &[
    uuid("id"),
    uuid("provisioning_id"),
    text("kind"),
    text("what"),
    text("name"),
    text("search"),
    nullable(text("remote_id")),
    json("fields"),
];
