//! `[listen]`: the socket the gateway answers on.

use std::net::{Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::setting::{Accepted, Setting};

/// Where the gateway listens.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listen {
    /// Address and port; port 0 lets the system pick one.
    pub address: SocketAddr,
}

impl Default for Listen {
    fn default() -> Self {
        Self { address: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)) }
    }
}

pub(super) const SETTINGS: &[Setting] = &[Setting {
    key: "listen.address",
    accepted: Accepted::Text { form: "an IP address and a port, such as 127.0.0.1:8080 or [::]:8080", check, secret: false },
    meaning: "The address and port the gateway listens on, in plain HTTP: TLS ends at the reverse proxy. Port 0 picks a free one.",
}];

fn check(raw: &str) -> Result<(), String> {
    raw.parse::<SocketAddr>().map(drop).map_err(|error| format!("is not accepted ({error})"))
}
