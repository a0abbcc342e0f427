//! `[mail]`: the server that takes letters. It opens no connection and reads no file.

use std::net::IpAddr;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize};

use super::setting::{Accepted, Setting};
use crate::types::mailbox::Mailbox;
use crate::types::secret::Secret;

/// The server that takes letters, and whom they are from.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mail {
    /// Its name; empty for no mail.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub security: Security,
    /// The name to sign in with; empty for a server that asks for none.
    pub username: String,
    /// The password.
    #[serde(skip_serializing, deserialize_with = "secret")]
    pub password: Option<Secret>,
    /// A file that holds the password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// Whom letters are from.
    pub from: String,
    /// Where answers go; empty for the sender's own address.
    pub reply_to: String,
    /// A file of certificates that are trusted instead of the system's; empty for the system's.
    pub ca_file: String,
    /// Longest wait for the server.
    pub timeout_s: u32,
}

/// How the connection to the server is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// TLS is asked for once connected (RFC 3207), and required.
    #[default]
    Starttls,
    /// TLS from the first byte (RFC 8314 §3.3).
    Tls,
    /// None.
    None,
}

impl Default for Mail {
    fn default() -> Self {
        Self {
            host: String::new(),
            port: 587,
            security: Security::default(),
            username: String::new(),
            password: None,
            password_file: None,
            from: String::new(),
            reply_to: String::new(),
            ca_file: String::new(),
            timeout_s: 30,
        }
    }
}

impl Mail {
    /// Whether the server lies on this machine.
    fn is_here(&self) -> bool {
        let address = self.host.trim_start_matches('[').trim_end_matches(']');
        self.host == "localhost" || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    pub(super) fn contradictions(&self) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        let mut tell = |key, reason: &str| found.push((key, reason.to_owned()));
        if self.password.is_some() && self.password_file.is_some() {
            tell("mail.password", "is given together with mail.password_file: keep one of them");
        }
        // Without a server the rest is idle, so that one variable turns mail off.
        if self.host.is_empty() {
            return found;
        }
        if self.from.is_empty() {
            tell("mail.from", "is empty, and mail.host names a server: say whom letters are from");
        }
        let password = self.password.is_some() || self.password_file.is_some();
        if !self.username.is_empty() && !password {
            tell("mail.username", "is given without a password: set mail.password_file, or PASSERELLE__MAIL__PASSWORD");
        }
        if self.username.is_empty() && password {
            tell("mail.username", "is empty, and a password is given: say whose it is");
        }
        // Letters carry links that make their reader an administrator: in clear they never leave the machine, whatever the network is said to
        // be. A relay on this machine may take them in clear and go on with TLS.
        if self.security == Security::None && !self.is_here() {
            tell("mail.security", "would send one-time links and passwords in clear to another machine: take starttls or tls");
        }
        if self.security == Security::None && !self.ca_file.is_empty() {
            tell("mail.ca_file", "has no use without TLS: leave it out, or take mail.security = \"starttls\" or \"tls\"");
        }
        found
    }
}

const fn text(key: &'static str, form: &'static str, check: fn(&str) -> Result<(), String>, meaning: &'static str) -> Setting {
    Setting { key, accepted: Accepted::Text { form, check, secret: false }, meaning }
}

pub(super) const SETTINGS: &[Setting] = &[
    text(
        "mail.host",
        "the name or address of a server, such as smtp.example.fr",
        check_host,
        "The SMTP server that takes letters. Empty: the gateway sends no mail, and one-time links are shown to whoever makes them.",
    ),
    Setting {
        key: "mail.port",
        accepted: Accepted::Number { min: 1, max: 65_535, unit: "" },
        meaning: "Its port: usually 587 with `starttls`, 465 with `tls`.",
    },
    Setting {
        key: "mail.security",
        accepted: Accepted::OneOf(&["starttls", "tls", "none"]),
        meaning: "`starttls` asks for TLS once connected and goes no further without it, `tls` speaks TLS from the start, `none` is for a relay on \
                  this machine only: letters carry links by which people become administrators.",
    },
    text("mail.username", "a user name", check_line, "The name to sign in to the server with. Empty for a server that asks for none."),
    Setting {
        key: "mail.password",
        accepted: Accepted::Text { form: "a password", check: check_password, secret: true },
        meaning: "The password, for those who hand it over in the environment.",
    },
    text(
        "mail.password_file",
        "the path of a file",
        super::secrets::check_file,
        "A file that holds the password on its first line. Not set by default.",
    ),
    text(
        "mail.from",
        "an address with or without a name, such as Passerelle <noreply@example.fr>",
        check_mailbox,
        "Whom letters are from. Its domain has to let the server send for it (SPF, DKIM).",
    ),
    text(
        "mail.reply_to",
        "an address with or without a name, such as Service informatique <si@example.fr>",
        check_mailbox,
        "Where answers go. Empty: to `from`.",
    ),
    text(
        "mail.ca_file",
        "the path of a PEM file",
        check_line,
        "Certificates that are trusted for this server instead of the system's, for an authority of one's own. Empty: the system's.",
    ),
    Setting {
        key: "mail.timeout_s",
        accepted: Accepted::Number { min: 1, max: 300, unit: "seconds" },
        meaning: "The longest wait for the server before a letter is tried again later.",
    },
];

fn check_host(raw: &str) -> Result<(), String> {
    if raw.is_empty() {
        return Ok(());
    }
    if raw.contains("//") {
        return Err("is an address with a scheme: write the name alone, and the port in mail.port".to_owned());
    }
    url::Host::parse(raw).map(drop).map_err(|error| format!("is not the name of a server ({error})"))
}

fn check_mailbox(raw: &str) -> Result<(), String> {
    if raw.is_empty() {
        return Ok(());
    }
    Mailbox::parse(raw).map(drop).map_err(|invalid| format!("is not accepted ({})", invalid.message))
}

fn check_line(raw: &str) -> Result<(), String> {
    if raw.chars().any(char::is_control) { Err("has control characters".to_owned()) } else { Ok(()) }
}

fn check_password(raw: &str) -> Result<(), String> {
    if raw.is_empty() { Err("is empty".to_owned()) } else { check_line(raw) }
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    let raw = String::deserialize(deserializer)?;
    Secret::parse("mail.password", raw).map(Some).map_err(serde::de::Error::custom)
}
