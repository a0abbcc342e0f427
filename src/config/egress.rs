//! `[egress]`: which private hosts may be called when the address comes from a client.

use serde::{Deserialize, Serialize};

use super::setting::{Accepted, Setting};
use crate::types::network::Hosts;

/// What may be called of what clients name. Directories are not meant: they are named by whoever administers their source.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Egress {
    /// Hosts that may be called although their addresses are private.
    pub private_hosts_allowed: Hosts,
}

pub(super) const SETTINGS: &[Setting] = &[Setting {
    key: "egress.private_hosts_allowed",
    accepted: Accepted::Text {
        form: "names of hosts, addresses and networks with commas between, such as scodoc.lycee.lan, 10.20.0.0/16",
        check,
        secret: false,
    },
    meaning: "Hosts that applications may have the gateway call although their addresses are private, and over plain http too: where they hear of \
              sign-outs (`backchannel_logout_uri`), where people are written to (provisioning), and SCIM services that are read as sources. All \
              other private addresses are refused, so that nobody who registers an application reaches into your network through the gateway. \
              This machine itself may be called when `public_url` lies on it.",
}];

fn check(raw: &str) -> Result<(), String> {
    Hosts::parse(raw).map(drop).map_err(|invalid| format!("is not accepted ({})", invalid.message))
}
