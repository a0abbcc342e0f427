//! `[log]`: what the gateway writes about its own work, and in which form.

use serde::{Deserialize, Serialize};

use super::setting::{Accepted, Setting};

/// What the gateway writes about its own work, on standard error.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// The least important events that are written.
    pub level: Level,
    /// How they are written.
    pub format: Format,
}

/// Importance of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// What needs someone.
    Error,
    /// What may need someone.
    Warn,
    /// What happens.
    #[default]
    Info,
    /// How it happens.
    Debug,
    /// Every step of it.
    Trace,
}

/// Form of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A line for people.
    #[default]
    Text,
    /// A JSON object a line, for collectors.
    Json,
}

pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        key: "log.level",
        accepted: Accepted::OneOf(&["error", "warn", "info", "debug", "trace"]),
        meaning: "The least important events written to standard error. `debug` and `trace` hold for the gateway's own code; the libraries \
                  under it stay at `info`, because they would write what they carry.",
    },
    Setting {
        key: "log.format",
        accepted: Accepted::OneOf(&["text", "json"]),
        meaning: "Lines for people, or one JSON object a line for log collectors.",
    },
];
