//! Networks of addresses, and whose address a request came from when it passed trusted proxies.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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
    const fn v4([a, b, c, d]: [u8; 4], prefix: u8) -> Self {
        Self { address: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), prefix }
    }

    const fn v6([a, b, c]: [u16; 3], prefix: u8) -> Self {
        Self { address: IpAddr::V6(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0)), prefix }
    }

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

/// IPv4 networks that are not the public Internet's (IANA's registry of special-purpose addresses, RFC 6890).
const NOT_PUBLIC_V4: [Network; 14] = [
    Network::v4([0, 0, 0, 0], 8),
    Network::v4([10, 0, 0, 0], 8),
    Network::v4([100, 64, 0, 0], 10),
    Network::v4([127, 0, 0, 0], 8),
    Network::v4([169, 254, 0, 0], 16),
    Network::v4([172, 16, 0, 0], 12),
    Network::v4([192, 0, 0, 0], 24),
    Network::v4([192, 0, 2, 0], 24),
    Network::v4([192, 88, 99, 0], 24),
    Network::v4([192, 168, 0, 0], 16),
    Network::v4([198, 18, 0, 0], 15),
    Network::v4([198, 51, 100, 0], 24),
    Network::v4([203, 0, 113, 0], 24),
    // Multicast, what is reserved, and broadcast.
    Network::v4([224, 0, 0, 0], 3),
];
/// All that IPv6 gives out as global unicast (RFC 4291 §2.4).
const GLOBAL_V6: Network = Network::v6([0x2000, 0, 0], 3);
/// What of it is not the public Internet's: protocols' own (Teredo among them), examples, and 6to4, behind which any IPv4 address hides.
const NOT_PUBLIC_V6: [Network; 4] = [
    Network::v6([0x2001, 0, 0], 23),
    Network::v6([0x2001, 0x0db8, 0], 32),
    Network::v6([0x2002, 0, 0], 16),
    Network::v6([0x3fff, 0, 0], 20),
];

/// Whether an address is one of the public Internet: neither this machine, nor a private network, nor a group of machines, nor one that
/// stands for another address.
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        v4 @ IpAddr::V4(_) => !NOT_PUBLIC_V4.iter().any(|network| network.contains(v4)),
        v6 @ IpAddr::V6(_) => GLOBAL_V6.contains(v6) && !NOT_PUBLIC_V6.iter().any(|network| network.contains(v6)),
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

/// Hosts that may be called although their addresses are private: names to the letter, addresses and networks, written with commas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts {
    names: Vec<String>,
    networks: Vec<Network>,
}

/// Longest name of a host, in bytes (RFC 1035 §2.3.4).
const HOST_NAME_MAX_BYTES: usize = 253;

impl Hosts {
    /// # Errors
    /// `Invalid` for the first part that is neither a name nor a network.
    pub fn parse(raw: &str) -> Result<Self, Invalid> {
        let mut hosts = Self::default();
        for part in raw.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            match Network::parse(part) {
                Ok(network) => hosts.networks.push(network),
                Err(_) if is_host_name(part) => hosts.names.push(part.to_ascii_lowercase()),
                Err(_) => {
                    let text = format!("«{part}» is neither the name of a host, nor an address, nor a network such as 10.0.0.0/8");
                    return Err(Invalid::new("hosts", text));
                }
            }
        }
        Ok(hosts)
    }

    /// Whether a name is among them.
    pub fn names(&self, host: &str) -> bool {
        self.names.iter().any(|name| name.eq_ignore_ascii_case(host))
    }

    /// Whether an address lies in one of their networks.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(address))
    }
}

/// Letters, digits and hyphens between dots; the last part has a letter, or it would be a careless address.
fn is_host_name(part: &str) -> bool {
    let label = |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    let last_has_letter = part.rsplit('.').next().is_some_and(|last| last.bytes().any(|b| b.is_ascii_alphabetic()));
    part.len() <= HOST_NAME_MAX_BYTES && last_has_letter && part.split('.').all(label)
}

impl fmt::Display for Hosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let networks = self.networks.iter().map(ToString::to_string);
        f.write_str(&self.names.iter().cloned().chain(networks).collect::<Vec<_>>().join(", "))
    }
}

impl Serialize for Hosts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hosts {
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

    #[test]
    fn only_the_public_internet_is_public() {
        for raw in ["1.1.1.1", "194.199.7.1", "172.32.0.1", "100.128.0.1", "192.167.255.255", "2001:660:3003::1", "2a00:1450::1"] {
            assert!(is_public(raw.parse().unwrap()), "{raw}");
        }
        for raw in [
            "0.0.0.0",
            "0.1.2.3",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.250",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "2002:a00:1::",
            "3fff::1",
            "5f00::1",
            "4000::1",
        ] {
            assert!(!is_public(raw.parse().unwrap()), "{raw}");
        }
    }

    #[test]
    fn hosts_are_names_addresses_and_networks() {
        let hosts = Hosts::parse(" Scodoc.Lycee.LAN , 10.20.0.0/16,::1,localhost").unwrap();
        assert!(hosts.names("scodoc.lycee.lan") && hosts.names("LOCALHOST") && !hosts.names("lycee.lan"));
        assert!(hosts.contains("10.20.3.4".parse().unwrap()) && hosts.contains("::1".parse().unwrap()));
        assert!(!hosts.contains("10.21.0.1".parse().unwrap()));
        assert_eq!(hosts.to_string(), "scodoc.lycee.lan, localhost, 10.20.0.0/16, ::1/128");
        for raw in ["*.lan", "https://a.lan", "10.0.0.0/33", "10.0.0", "a b", "a..b", "a.lan:8080", "é.lan"] {
            assert!(Hosts::parse(raw).is_err(), "{raw}");
        }
    }
}
