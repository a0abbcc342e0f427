//! Networks of addresses, and whose address a request came from when it passed trusted proxies.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Invalid;

/// Most hops of a forwarded request that are looked at.
const HOPS_MAX: usize = 20;

/// One network: an address and the length of its prefix in bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Reads `10.0.0.0/8`, `::1/128`, or one address.
    ///
    /// # Errors
    /// `Invalid` when it is neither.
    pub fn parse(raw: &str) -> Result<Self, Invalid> {
        let refuse = || Invalid::new("network", format!("«{raw}» is neither an address nor a network such as 10.0.0.0/8"));
        let (address, prefix) = raw.trim().split_once('/').map_or((raw.trim(), None), |(a, p)| (a, Some(p)));
        let address: IpAddr = address.parse().map_err(|_| refuse())?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(bits), |p| p.parse().map_err(|_| refuse()))?;
        if prefix > bits { Err(refuse()) } else { Ok(Self { address, prefix }) }
    }

    /// Whether an address lies in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
                own.to_bits() & mask == other.to_bits() & mask
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
                own.to_bits() & mask == other.to_bits() & mask
            }
            _ => false,
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// A list of networks, written with commas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<Network>);

impl Networks {
    /// # Errors
    /// `Invalid` for the first part that is no network.
    pub fn parse(raw: &str) -> Result<Self, Invalid> {
        raw.split(',').map(str::trim).filter(|part| !part.is_empty()).map(Network::parse).collect::<Result<_, _>>().map(Self)
    }

    /// The address of whoever sent a request: the peer, or, when the peer is a trusted proxy, the last address of
    /// `X-Forwarded-For` that is not one. What stands before it was written by the sender and proves nothing.
    pub fn sender(&self, peer: IpAddr, forwarded_for: Option<&str>) -> IpAddr {
        let trusted = |address: IpAddr| self.0.iter().any(|n| n.contains(address));
        if !trusted(peer) {
            return peer;
        }
        let hops = forwarded_for.unwrap_or_default().rsplit(',').take(HOPS_MAX).map(|hop| hop.trim().parse::<IpAddr>());
        let mut sender = peer;
        for hop in hops {
            let Ok(address) = hop else { break };
            sender = address;
            if !trusted(address) {
                break;
            }
        }
        sender
    }
}

impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let written: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&written.join(", "))
    }
}

impl Serialize for Networks {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Networks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]
mod tests {
    use super::*;

    fn sender(trusted: &str, peer: &str, forwarded: Option<&str>) -> String {
        Networks::parse(trusted).unwrap().sender(peer.parse().unwrap(), forwarded).to_string()
    }

    #[test]
    fn a_stranger_cannot_forge_the_address() {
        assert_eq!(sender("", "192.0.2.1", Some("203.0.113.9")), "192.0.2.1");
        assert_eq!(sender("10.0.0.0/8", "10.1.2.3", Some("198.51.100.1, 203.0.113.9")), "203.0.113.9");
        assert_eq!(sender("10.0.0.0/8, ::1", "::1", Some("198.51.100.1, 10.9.9.9")), "198.51.100.1");
        assert_eq!(sender("10.0.0.0/8", "10.1.2.3", Some("nonsense")), "10.1.2.3");
        assert_eq!(sender("10.0.0.0/8", "10.1.2.3", None), "10.1.2.3");
    }

    #[test]
    fn networks_are_read_and_bounded() {
        assert!(Network::parse("0.0.0.0/0").unwrap().contains("203.0.113.9".parse().unwrap()));
        assert!(Network::parse("::/0").unwrap().contains("2001:db8::1".parse().unwrap()));
        assert!(Network::parse("10.0.0.0/8").unwrap().contains("::ffff:10.1.1.1".parse().unwrap()));
        for raw in ["10.0.0.0/33", "10.0.0/8", "example.org", "10.0.0.0/", "::/129"] {
            assert!(Network::parse(raw).is_err(), "{raw}");
        }
    }
}
