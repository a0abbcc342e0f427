//! The columns of what SCIM feeds keep, in the order of the rows.

use super::{Column, bool, int, json, nullable, since, text, uuid};

pub(super) const SCIM_RESOURCES: &[Column] = &[
    uuid("source_id"),
    uuid("id"),
    text("kind"),
    nullable(text("link")),
    nullable(uuid("group_id")),
    nullable(text("external_id")),
    text("name"),
    text("name_folded"),
    bool("active"),
    text("body"),
    int("rev"),
    int("created_at"),
    int("updated_at"),
    nullable(int("deleted_at")),
    since(text("name_sorted")),
];

pub(super) const SCIM_VALUES: &[Column] = &[
    uuid("source_id"),
    uuid("id"),
    int("seq"),
    text("attribute"),
    int("element"),
    bool("leads"),
    nullable(text("text")),
    nullable(int("number")),
    nullable(text("head")),
    since(text("sorted")),
];

pub(super) const SCIM_HELD: &[Column] = &[
    uuid("id"),
    uuid("source_id"),
    text("reason"),
    text("operation"),
    nullable(uuid("subject_id")),
    text("subject"),
    text("name"),
    json("detail"),
    text("state"),
    int("times"),
    int("first_at"),
    int("last_at"),
    nullable(int("decided_at")),
    nullable(text("decided_by")),
];

pub(super) const SCIM_REQUESTS: &[Column] = &[
    uuid("id"),
    uuid("source_id"),
    int("at"),
    text("dialect"),
    text("method"),
    text("path"),
    int("status"),
    int("duration_us"),
    nullable(uuid("subject_id")),
    nullable(text("failing")),
    nullable(text("request")),
    nullable(text("answer")),
    nullable(text("changes")),
];
