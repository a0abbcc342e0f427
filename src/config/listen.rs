//! `[listen]`: the socket the gateway answers on.

use std::net::{Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::setting::{Accepted, Setting};
use crate::types::network::Networks;

/// Where the gateway listens.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listen {
    /// Address and port; port 0 lets the system pick one.
    pub address: SocketAddr,
    /// Reverse proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Networks,
}

impl Default for Listen {
    fn default() -> Self {
        Self { address: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)), trusted_proxies: Networks::default() }
    }
}

pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        key: "listen.address",
        accepted: Accepted::Text { form: "an IP address and a port, such as 127.0.0.1:8080 or [::]:8080", check, secret: false },
        meaning: "The address and port the gateway listens on, in plain HTTP: TLS ends at the reverse proxy. Port 0 picks a free one.",
    },
    Setting {
        key: "listen.trusted_proxies",
        accepted: Accepted::Text {
            form: "addresses and networks with commas between, such as 127.0.0.1, 10.0.0.0/8",
            check: check_proxies,
            secret: false,
        },
        meaning: "Reverse proxies whose X-Forwarded-For is believed, so that failed sign-ins are counted for the browser's address \
              and not for the proxy's. Empty when the gateway is reached directly.",
    },
];

fn check(raw: &str) -> Result<(), String> {
    raw.parse::<SocketAddr>().map(drop).map_err(|error| format!("is not accepted ({error})"))
}

fn check_proxies(raw: &str) -> Result<(), String> {
    Networks::parse(raw).map(drop).map_err(|invalid| format!("is not accepted ({})", invalid.message))
}
