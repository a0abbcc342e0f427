//! What a server says of itself in its root DSE (RFC 4512 §5.1): its make, its controls, where its changes are. Decides nothing else.

use ldap3::Scope;

use super::ber::{Elements, OCTET_STRING};
use super::connection::Connection;
use super::error::Cause;
use super::range::attributes;
use super::search::{Query, run};
use super::settings::{Limits, Server};

/// The attributes asked for: operational ones come only when they are named.
const NAMES: [&str; 18] = [
    "objectClass",
    "vendorName",
    "vendorVersion",
    "supportedControl",
    "supportedCapabilities",
    "supportedExtension",
    "supportedSASLMechanisms",
    "namingContexts",
    "defaultNamingContext",
    "rootDomainNamingContext",
    "dnsHostName",
    "dsServiceName",
    "currentTime",
    "highestCommittedUSN",
    "isSynchronized",
    "changelog",
    "firstChangeNumber",
    "lastChangeNumber",
];
/// Values kept of one attribute.
const VALUES_MAX: usize = 500;
/// What only Active Directory, and what speaks like it, says it can do (MS-ADTS §3.1.1.3.4.3.1).
const ACTIVE_DIRECTORY: &str = "1.2.840.113556.1.4.800";

/// Controls by which changes are asked for.
pub(super) mod control {
    /// Content synchronisation (RFC 4533 §2.2).
    pub(crate) const SYNC_REQUEST: &str = "1.3.6.1.4.1.4203.1.9.1.1";
    /// DirSync (MS-ADTS §3.1.1.3.4.1.3).
    pub(crate) const DIRSYNC: &str = "1.2.840.113556.1.4.841";
}

/// The make of a server, as it shows itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Make {
    /// OpenLDAP.
    OpenLdap,
    /// 389 Directory Server, or Red Hat's.
    Ds389,
    /// Microsoft Active Directory.
    ActiveDirectory,
    /// Samba as an Active Directory controller.
    Samba,
    /// Any other, or one that does not tell.
    #[default]
    Other,
}

/// The root DSE, as far as this account may read it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RootDse {
    pub(super) make: Make,
    /// Name and version, as the server writes them.
    pub(super) vendor: Option<String>,
    pub(super) controls: Vec<String>,
    pub(super) capabilities: Vec<String>,
    pub(super) extensions: Vec<String>,
    pub(super) sasl_mechanisms: Vec<String>,
    pub(super) naming_contexts: Vec<String>,
    pub(super) default_naming_context: Option<String>,
    pub(super) root_domain_naming_context: Option<String>,
    pub(super) dns_host_name: Option<String>,
    /// The entry of this very server (`CN=NTDS Settings,…`), whose `invocationId` names its database.
    pub(super) ds_service_name: Option<String>,
    /// The server's clock (generalizedTime), when it tells.
    pub(super) current_time: Option<String>,
    pub(super) highest_committed_usn: Option<u64>,
    /// False while a controller is still catching up with the others.
    pub(super) is_synchronized: Option<bool>,
    /// Where the retro changelog is.
    pub(super) changelog: Option<String>,
    pub(super) first_change_number: Option<u64>,
    pub(super) last_change_number: Option<u64>,
}

impl RootDse {
    /// True when the server says that it knows this control.
    pub(super) fn knows(&self, control: &str) -> bool {
        self.controls.iter().any(|known| known == control)
    }

    /// The make, unless the settings name another.
    pub(super) fn make_or(&self, said: Server) -> Make {
        match said {
            Server::Auto => self.make,
            Server::OpenLdap => Make::OpenLdap,
            Server::Ds389 => Make::Ds389,
            Server::ActiveDirectory if self.make == Make::Samba => Make::Samba,
            Server::ActiveDirectory => Make::ActiveDirectory,
            Server::Other => Make::Other,
        }
    }

    /// Takes the attributes of a root DSE.
    fn of(entry: &[u8]) -> Self {
        let all = |name: &str| -> Vec<String> {
            let found = attributes(entry).find(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes()));
            let mut values = Elements(found.map(|(_, values)| values).unwrap_or_default());
            let texts = std::iter::from_fn(|| values.expect(OCTET_STRING, "").ok());
            texts.take(VALUES_MAX).map(|value| String::from_utf8_lossy(value).into_owned()).collect()
        };
        let first = |name: &str| all(name).into_iter().next().filter(|value| !value.is_empty());
        let number = |name: &str| first(name).and_then(|value| value.parse().ok());
        let vendor: Vec<String> = ["vendorName", "vendorVersion"].into_iter().filter_map(first).collect();
        let vendor = (!vendor.is_empty()).then(|| vendor.join(" "));
        let capabilities = all("supportedCapabilities");
        Self {
            make: make(vendor.as_deref(), &capabilities, &all("objectClass")),
            vendor,
            controls: all("supportedControl"),
            capabilities,
            extensions: all("supportedExtension"),
            sasl_mechanisms: all("supportedSASLMechanisms"),
            naming_contexts: all("namingContexts"),
            default_naming_context: first("defaultNamingContext"),
            root_domain_naming_context: first("rootDomainNamingContext"),
            dns_host_name: first("dnsHostName"),
            ds_service_name: first("dsServiceName"),
            current_time: first("currentTime"),
            highest_committed_usn: number("highestCommittedUSN"),
            is_synchronized: first("isSynchronized").map(|value| value.eq_ignore_ascii_case("true")),
            changelog: first("changelog"),
            first_change_number: number("firstChangeNumber"),
            last_change_number: number("lastChangeNumber"),
        }
    }
}

fn make(vendor: Option<&str>, capabilities: &[String], classes: &[String]) -> Make {
    let vendor = vendor.unwrap_or_default().to_ascii_lowercase();
    if vendor.contains("samba") {
        Make::Samba
    } else if capabilities.iter().any(|known| known == ACTIVE_DIRECTORY) {
        Make::ActiveDirectory
    } else if classes.iter().any(|class| class.eq_ignore_ascii_case("OpenLDAProotDSE")) {
        Make::OpenLdap
    } else if vendor.contains("389 project") || vendor.contains("389-directory") || vendor.contains("red hat") {
        Make::Ds389
    } else {
        Make::Other
    }
}

/// Reads the root DSE; an empty one when this account may not.
///
/// # Errors
/// The connection ended, or the server fell silent.
pub(super) async fn read(connection: &mut Connection, limits: Limits) -> Result<RootDse, Cause> {
    let names = NAMES.map(str::to_owned);
    let limits = Limits { stall: limits.answer, ..limits };
    let query =
        Query { base: "", scope: Scope::Base, filter: "(objectClass=*)", names: &names, page_size: 1, limits, references_expected: true };
    let (found, answer) = run(connection, &query, 1, 0).await?;
    let entry = found.first().and_then(|chunk| chunk.entries().next()).filter(|_| answer.rc == 0);
    let shown = entry.map(RootDse::of).unwrap_or_default();
    let (content_sync, dirsync) = (shown.knows(control::SYNC_REQUEST), shown.knows(control::DIRSYNC));
    tracing::debug!(make = ?shown.make, vendor = shown.vendor, content_sync, dirsync, changelog = shown.changelog, "directory server recognised");
    Ok(shown)
}

#[cfg(test)]
mod tests {
    use super::{ACTIVE_DIRECTORY, Make, RootDse, Server, make};

    #[test]
    fn servers_are_told_by_what_they_say() {
        let ad = [ACTIVE_DIRECTORY.to_owned()];
        assert_eq!(make(Some("Samba Team (https://www.samba.org)"), &ad, &[]), Make::Samba);
        assert_eq!(make(None, &ad, &["top".to_owned()]), Make::ActiveDirectory);
        assert_eq!(make(None, &[], &["top".to_owned(), "OpenLDAProotDSE".to_owned()]), Make::OpenLdap);
        assert_eq!(make(Some("389 Project 389-Directory/2.3.1 B2023.024.1"), &[], &["top".to_owned()]), Make::Ds389);
        assert_eq!(make(Some("Apache Software Foundation 2.0.0"), &[], &[]), Make::Other);
    }

    #[test]
    fn the_settings_stand_over_what_a_server_says() {
        let shown = RootDse { make: Make::Samba, ..RootDse::default() };
        assert_eq!(shown.make_or(Server::Auto), Make::Samba);
        assert_eq!(shown.make_or(Server::ActiveDirectory), Make::Samba);
        assert_eq!(shown.make_or(Server::Other), Make::Other);
        assert_eq!(RootDse::default().make_or(Server::OpenLdap), Make::OpenLdap);
    }
}
