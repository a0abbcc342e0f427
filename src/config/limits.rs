//! `[limits]`: the bounds and lifetimes an installation may move. Those nobody has a reason to move are constants beside their code.

use serde::{Deserialize, Serialize};

use super::setting::{Accepted, Setting};

/// Bounds and lifetimes. Names end in their unit.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Largest request body.
    pub body_max_bytes: usize,
    /// Longest time a request may take.
    pub request_timeout_s: u32,
    /// Time for balancers to look elsewhere before the program ends.
    pub drain_s: u32,
    /// Connections held at once.
    pub connections_max: usize,
    /// Establishments whose store is kept open.
    pub open_establishments_max: usize,
    /// Failed sign-ins before the next ones wait.
    pub sign_in_attempts_max: u32,
    /// Time over which failed sign-ins are counted.
    pub sign_in_window_s: u32,
    /// Wait between two sign-ins once there were too many failures.
    pub sign_in_delay_s: u32,
    /// Passwords hashed at the same time.
    pub password_hash_concurrency: usize,
    /// Longest password.
    pub password_length_max: usize,
    /// Lifetime of an access token (RFC 6749 §4.2.2).
    pub access_token_lifetime_s: u32,
    /// Lifetime of an ID token (OpenID Connect Core §2).
    pub id_token_lifetime_s: u32,
    /// Lifetime of a family of refresh tokens (RFC 9700 §4.14.2).
    pub refresh_token_lifetime_s: u32,
    /// Lifetime of an authorization code (RFC 6749 §4.1.2).
    pub authorization_code_lifetime_s: u32,
    /// Longest session.
    pub session_lifetime_s: u32,
    /// Longest pause in a session.
    pub session_idle_s: u32,
    /// Time to finish a sign-in once begun.
    pub interaction_lifetime_s: u32,
    /// Lifetime of an invitation.
    pub one_time_link_lifetime_s: u32,
    /// Longest run of a source.
    pub sync_run_deadline_s: u32,
    /// Largest file that a source reads.
    pub source_file_max_bytes: u32,
    /// Runs that schedules begin at the same time.
    pub sync_runs_at_once: usize,
    /// Sources listened to at the same time.
    pub live_sources_max: usize,
    /// Most roles that a set of rules takes away without a person's word.
    pub role_losses_max: u32,
    /// Most roles that a set of rules takes away without a person's word, in per cent of those held.
    pub role_losses_max_percent: u32,
    /// How long it is known who held which role.
    pub role_history_d: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_max_bytes: 1024 * 1024,
            request_timeout_s: 30,
            drain_s: 0,
            connections_max: 2000,
            open_establishments_max: 256,
            sign_in_attempts_max: 10,
            sign_in_window_s: 5 * 60,
            sign_in_delay_s: 30,
            password_hash_concurrency: 2,
            password_length_max: 256,
            access_token_lifetime_s: 5 * 60,
            id_token_lifetime_s: 5 * 60,
            refresh_token_lifetime_s: 30 * 24 * 3600,
            authorization_code_lifetime_s: 60,
            session_lifetime_s: 12 * 3600,
            session_idle_s: 2 * 3600,
            interaction_lifetime_s: 15 * 60,
            one_time_link_lifetime_s: 72 * 3600,
            sync_run_deadline_s: 2 * 3600,
            source_file_max_bytes: 32 * 1024 * 1024,
            sync_runs_at_once: 2,
            live_sources_max: 100,
            role_losses_max: 500,
            role_losses_max_percent: 10,
            role_history_d: 800,
        }
    }
}

impl Limits {
    pub(super) fn contradictions(&self) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        if self.session_idle_s > self.session_lifetime_s {
            found.push(("limits.session_idle_s", format!("is longer than limits.session_lifetime_s ({})", self.session_lifetime_s)));
        }
        if self.sign_in_delay_s > self.sign_in_window_s {
            found.push(("limits.sign_in_delay_s", format!("is longer than limits.sign_in_window_s ({})", self.sign_in_window_s)));
        }
        if self.access_token_lifetime_s > self.refresh_token_lifetime_s {
            let reason = format!("is longer than limits.refresh_token_lifetime_s ({})", self.refresh_token_lifetime_s);
            found.push(("limits.access_token_lifetime_s", reason));
        }
        found
    }
}

const fn number(key: &'static str, (min, max): (u32, u32), unit: &'static str, meaning: &'static str) -> Setting {
    Setting { key, accepted: Accepted::Number { min, max, unit }, meaning }
}

const SECONDS: &str = "seconds";

pub(super) const SETTINGS: &[Setting] = &[
    number("limits.body_max_bytes", (4096, 64 * 1024 * 1024), "bytes", "The largest request body read; a larger one is answered 413."),
    number("limits.request_timeout_s", (1, 600), SECONDS, "The longest time a request may take before it is answered 503."),
    number(
        "limits.drain_s",
        (0, 300),
        SECONDS,
        "How long the gateway goes on answering after it was asked to stop, while /readyz says no: time for a balancer to send requests to \
         other nodes. Twice the interval at which the balancer asks is enough.",
    ),
    number(
        "limits.connections_max",
        (16, 65_536),
        "connections",
        "The connections held at once; further ones wait until one ends. Each takes a file handle: the system's bound on open files \
         (`ulimit -n`, or `LimitNOFILE=` of a service) has to be larger.",
    ),
    number(
        "limits.open_establishments_max",
        (1, 4096),
        "establishments",
        "How many establishments' stores are kept open at once; those used least recently are closed first. Each holds a few file handles.",
    ),
    number(
        "limits.sign_in_attempts_max",
        (3, 1000),
        "attempts",
        "Failed sign-ins for one account, within `sign_in_window_s`, after which the next ones have to wait. An account is never locked for good.",
    ),
    number("limits.sign_in_window_s", (10, 86_400), SECONDS, "The time over which failed sign-ins are counted."),
    number(
        "limits.sign_in_delay_s",
        (1, 3600),
        SECONDS,
        "The wait between two sign-ins once `sign_in_attempts_max` is reached. At most `sign_in_window_s`.",
    ),
    number(
        "limits.password_hash_concurrency",
        (1, 64),
        "passwords",
        "Passwords hashed at the same time; the others queue. Each takes a core and some 20 MB while it is hashed.",
    ),
    number("limits.password_length_max", (64, 1024), "bytes", "The longest password accepted; longer ones are refused before any hashing."),
    number(
        "limits.access_token_lifetime_s",
        (60, 86_400),
        SECONDS,
        "Lifetime of an access token (RFC 6749 §4.2.2). At most `refresh_token_lifetime_s`.",
    ),
    number("limits.id_token_lifetime_s", (60, 86_400), SECONDS, "Lifetime of an ID token (OpenID Connect Core §2)."),
    number(
        "limits.refresh_token_lifetime_s",
        (3600, 31_536_000),
        SECONDS,
        "Lifetime of a refresh token and of those that replace it, counted from the sign-in (RFC 9700 §4.14.2).",
    ),
    number(
        "limits.authorization_code_lifetime_s",
        (10, 600),
        SECONDS,
        "Lifetime of an authorization code, which RFC 6749 §4.1.2 wants short: ten minutes at most.",
    ),
    number(
        "limits.session_lifetime_s",
        (300, 2_592_000),
        SECONDS,
        "The longest time a person stays signed in to the gateway, however active; then the password is asked for again.",
    ),
    number(
        "limits.session_idle_s",
        (60, 2_592_000),
        SECONDS,
        "The longest pause in a session; after it the password is asked for again. At most `session_lifetime_s`; keep it short where computers are shared.",
    ),
    number("limits.interaction_lifetime_s", (60, 86_400), SECONDS, "The time to finish a sign-in once its page is shown."),
    number(
        "limits.one_time_link_lifetime_s",
        (300, 2_592_000),
        SECONDS,
        "Lifetime of the link by which someone chooses a first password or a new one.",
    ),
    number("limits.sync_run_deadline_s", (60, 86_400), SECONDS, "The longest run of a source; a run past it fails and changes nothing."),
    number(
        "limits.source_file_max_bytes",
        (64 * 1024, 512 * 1024 * 1024),
        "bytes",
        "The largest file that a spreadsheet or LDIF source is given or reads; it is held in memory while a run reads it.",
    ),
    number(
        "limits.sync_runs_at_once",
        (1, 64),
        "runs",
        "How many runs of sources this node carries out at the same time because their schedule says so; the others wait their turn. Runs \
         that a person starts are not counted.",
    ),
    number(
        "limits.live_sources_max",
        (0, 2000),
        "sources",
        "How many sources with `live` this node listens to at the same time; each holds a connection. Other nodes take what is left.",
    ),
    number(
        "limits.role_losses_max",
        (0, 1_000_000),
        "roles",
        "The most roles that a set of rules takes away, when it replaces the rules, without a person naming the number. Ten are never asked about.",
    ),
    number("limits.role_losses_max_percent", (0, 100), "per cent", "The same, as a share of the roles that are held by rules."),
    number(
        "limits.role_history_d",
        (1, 36_500),
        "days",
        "How long it is known who held which role, so that two dates can be compared; two school years unless said otherwise.",
    ),
];
