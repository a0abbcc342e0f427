//! What each profile fills in when a source does not say it: filters, mapping, key and account-state attributes. Tables only.

use std::collections::BTreeMap;

/// Longest key, in bytes: stores compare it in indexes, which bound what they hold.
const KEY_MAX_BYTES: usize = 1024;

/// The schemas met in the field, ready to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Plain inetOrgPerson (RFC 2798).
    InetOrgPerson,
    /// Microsoft Active Directory.
    ActiveDirectory,
    /// SUPANN, the French higher-education schema, with its account state.
    Supann,
}

/// The make of server, which decides the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// Whatever key is there, in the order entryUUID, nsUniqueId, objectGUID.
    Auto,
    /// entryUUID (RFC 4530).
    OpenLdap,
    /// nsUniqueId.
    Ds389,
    /// objectGUID.
    ActiveDirectory,
    /// As `Auto`.
    Other,
}

/// How the bytes of a key become canonical text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyForm {
    /// A UUID in text: lower case.
    Uuid,
    /// Sixteen bytes, the first three fields little-endian (MS-DTYP §2.3.4).
    Guid,
    /// Raw bytes shown in hexadecimal.
    Hex,
    /// A security identifier, written `S-1-5-…` (MS-DTYP §2.4.2).
    Sid,
    /// Text kept as it is.
    Text,
}

impl Profile {
    pub(crate) const NAMES: [(&'static str, Self); 3] =
        [("inetorgperson", Self::InetOrgPerson), ("active-directory", Self::ActiveDirectory), ("supann", Self::Supann)];

    pub(crate) fn user_filter(self) -> &'static str {
        match self {
            Self::InetOrgPerson => "(objectClass=inetOrgPerson)",
            Self::ActiveDirectory => "(&(objectCategory=person)(objectClass=user))",
            Self::Supann => "(objectClass=supannPerson)",
        }
    }

    pub(crate) fn group_filter(self) -> &'static str {
        match self {
            Self::ActiveDirectory => "(objectClass=group)",
            Self::InetOrgPerson | Self::Supann => {
                "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup)(objectClass=groupOfURLs))"
            }
        }
    }

    /// The attributes that say whether an account is open.
    pub(crate) fn account_state(self) -> &'static [&'static str] {
        match self {
            Self::InetOrgPerson => {
                &["pwdAccountLockedTime", "pwdStartTime", "pwdEndTime", "nsAccountLock", "loginDisabled", "loginExpirationTime"]
            }
            Self::ActiveDirectory => &["userAccountControl", "accountExpires"],
            Self::Supann => {
                &["supannRessourceEtat", "schacExpiryDate", "nsAccountLock", "pwdAccountLockedTime", "pwdStartTime", "pwdEndTime"]
            }
        }
    }

    pub(crate) fn mapping(self) -> BTreeMap<String, String> {
        let own: &[(&str, &str)] = match self {
            Self::InetOrgPerson => &[
                ("username", "uid"),
                ("employeeNumber", "employeeNumber"),
                ("employeeType", "employeeType"),
                ("departmentNumber", "departmentNumber"),
                ("title", "title"),
            ],
            Self::ActiveDirectory => &[
                ("username", "sAMAccountName"),
                ("units", "department"),
                ("home_unit", "department"),
                ("employeeID", "employeeID"),
                ("title", "title"),
                ("userPrincipalName", "userPrincipalName"),
            ],
            Self::Supann => &[
                ("username", "uid"),
                ("units", "supannEntiteAffectation"),
                ("home_unit", "supannEntiteAffectationPrincipale|supannEntiteAffectation"),
                ("eduPersonAffiliation", "eduPersonAffiliation"),
                ("eduPersonPrimaryAffiliation", "eduPersonPrimaryAffiliation"),
                ("supannEtablissement", "supannEtablissement"),
                ("uai", "supannEtablissement{UAI}"),
                ("supannRoleGenerique", "supannRoleGenerique"),
                ("supannRoleEntite", "supannRoleEntite"),
                ("supannEmpId", "supannEmpId"),
                ("supannEtuId", "supannEtuId"),
            ],
        };
        let common = [
            ("given_name", "givenName"),
            ("family_name", "sn"),
            ("display_name", "displayName|{givenName} {sn}|cn"),
            ("email", "mail"),
            ("locale", "preferredLanguage"),
        ];
        common.iter().chain(own).map(|(field, text)| ((*field).to_owned(), (*text).to_owned())).collect()
    }
}

impl Server {
    pub(crate) const NAMES: [(&'static str, Self); 5] = [
        ("auto", Self::Auto),
        ("openldap", Self::OpenLdap),
        ("389ds", Self::Ds389),
        ("active-directory", Self::ActiveDirectory),
        ("other", Self::Other),
    ];

    /// The attributes that may hold the key, most preferred first.
    pub(crate) fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Auto | Self::Other => &["entryUUID", "nsUniqueId", "objectGUID"],
            Self::OpenLdap => &["entryUUID"],
            Self::Ds389 => &["nsUniqueId"],
            Self::ActiveDirectory => &["objectGUID"],
        }
    }
}

impl KeyForm {
    pub(crate) fn of(attribute: &str) -> Self {
        match attribute.to_ascii_lowercase().as_str() {
            "entryuuid" | "nsuniqueid" | "ipauniqueid" => Self::Uuid,
            "objectguid" | "ms-ds-consistencyguid" => Self::Guid,
            "objectsid" => Self::Sid,
            // eDirectory's key: sixteen bytes without a textual form of their own.
            "guid" => Self::Hex,
            _ => Self::Text,
        }
    }

    /// True when values are bytes that no text says.
    pub(crate) fn is_binary(self) -> bool {
        matches!(self, Self::Guid | Self::Hex | Self::Sid)
    }

    /// The canonical text, or `None` when the bytes have not the form.
    pub(crate) fn text(self, bytes: &[u8]) -> Option<String> {
        self.written(bytes).filter(|key| key.len() <= KEY_MAX_BYTES && !key.contains('\0'))
    }

    fn written(self, bytes: &[u8]) -> Option<String> {
        use std::borrow::Cow;
        use std::fmt::Write as _;
        let in_hex = |bytes: &mut dyn Iterator<Item = u8>| {
            bytes.fold(String::new(), |mut out, byte| {
                // Writing to a String cannot fail.
                let _ = write!(out, "{byte:02x}");
                out
            })
        };
        match self {
            Self::Uuid => std::str::from_utf8(bytes).ok().map(|t| t.trim().to_ascii_lowercase()).filter(|t| !t.is_empty()),
            Self::Text => crate::record::regular(std::str::from_utf8(bytes).ok()?).map(Cow::into_owned),
            Self::Sid => {
                let (&[1, count, ref authority @ ..], rest) = bytes.split_first_chunk::<8>()? else { return None };
                let of = |bytes: &[u8]| bytes.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
                let parts = rest.chunks(4).map(|part| of(&part.iter().rev().copied().collect::<Vec<_>>()).to_string());
                let whole = rest.len() == usize::from(count) * 4;
                whole.then(|| parts.fold(format!("S-1-{}", of(authority)), |text, part| format!("{text}-{part}")))
            }
            Self::Hex => (!bytes.is_empty()).then(|| in_hex(&mut bytes.iter().copied())),
            Self::Guid => {
                let fields = <[u8; 16]>::try_from(bytes).ok()?;
                let order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
                let hex = in_hex(&mut order.iter().filter_map(|at: &usize| fields.get(*at).copied()));
                let cut = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| hex.get(part).unwrap_or_default());
                Some(cut.join("-"))
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails, and says where")]
mod tests {
    use super::{KeyForm, Profile};
    use crate::ldap::state::AccountState;
    use crate::mapping::Mapping;

    #[test]
    fn a_guid_reads_as_microsoft_writes_it() {
        let bytes: Vec<u8> = (0..16).collect();
        assert_eq!(KeyForm::Guid.text(&bytes).as_deref(), Some("03020100-0504-0706-0809-0a0b0c0d0e0f"));
        assert_eq!(KeyForm::Guid.text(bytes.get(1..).unwrap_or_default()), None);
    }

    #[test]
    fn a_uuid_is_lower_case_and_other_forms_are_kept() {
        assert_eq!(KeyForm::Uuid.text(b"AB12 ").as_deref(), Some("ab12"));
        assert_eq!(KeyForm::of("GUID").text(&[0xAB, 1]).as_deref(), Some("ab01"));
        assert_eq!(KeyForm::of("employeeNumber").text(b" Ab1 ").as_deref(), Some("Ab1"));
        assert_eq!(KeyForm::Text.text(&[0xff]), None);
        let sid = [1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0];
        assert_eq!(KeyForm::of("objectSid").text(&sid).as_deref(), Some("S-1-5-32-544"));
        assert_eq!(KeyForm::Sid.text(&sid[..12]), None);
    }

    #[test]
    fn every_profile_compiles() {
        for (name, profile) in Profile::NAMES {
            let mut mapping = Mapping::compile(&profile.mapping()).unwrap();
            assert!(AccountState::compile(None, profile.account_state(), &mut mapping).is_ok(), "{name}");
            assert!(ldap3::parse_filter(profile.user_filter()).is_ok() && ldap3::parse_filter(profile.group_filter()).is_ok(), "{name}");
        }
    }
}
