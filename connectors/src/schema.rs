//! What is known of attribute types without a server's schema: other names, syntaxes, and which are secret. No entry is read here.

use unicode_normalization::UnicodeNormalization;

use crate::dn;

/// How the values of an attribute compare (RFC 4517 §4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// caseIgnoreMatch.
    Text,
    /// caseExactMatch.
    ExactText,
    /// distinguishedNameMatch, and uniqueMemberMatch.
    Dn,
    /// integerMatch.
    Integer,
    /// generalizedTimeMatch.
    Time,
}

const DN_VALUED: [&str; 11] = [
    "member",
    "uniquemember",
    "memberof",
    "manager",
    "secretary",
    "owner",
    "seealso",
    "roleoccupant",
    "entrydn",
    "supannparraindn",
    "aliasedobjectname",
];
const INTEGERS: [&str; 2] = ["uidnumber", "gidnumber"];
const TIMES: [&str; 3] = ["createtimestamp", "modifytimestamp", "schacexpirydate"];
const EXACT: [&str; 5] = ["memberuid", "homedirectory", "loginshell", "entrycsn", "labeleduri"];
const OTHER_NAMES: [(&str, &str); 13] = [
    ("commonname", "cn"),
    ("surname", "sn"),
    ("userid", "uid"),
    ("gn", "givenname"),
    ("rfc822mailbox", "mail"),
    ("localityname", "l"),
    ("organizationname", "o"),
    ("organizationalunitname", "ou"),
    ("domaincomponent", "dc"),
    ("2.5.4.0", "objectclass"),
    ("2.5.4.3", "cn"),
    ("2.5.4.35", "userpassword"),
    ("1.3.6.1.1.16.4", "entryuuid"),
];

/// The one name an attribute type compares by: lower case, no options, the usual one of its names.
pub fn canonical(description: &str) -> String {
    let name = description.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match OTHER_NAMES.iter().find(|(other, _)| *other == name) {
        Some((_, usual)) => (*usual).to_owned(),
        None => name,
    }
}

/// Whether a description is of a type, given by its canonical name: the same as comparing canonical names, without making one.
pub fn is_type(description: &str, canonical: &str) -> bool {
    let name = description.split(';').next().unwrap_or_default();
    let is_other = |(other, usual): &(&str, &str)| *usual == canonical && other.eq_ignore_ascii_case(name);
    name.eq_ignore_ascii_case(canonical) || OTHER_NAMES.iter().any(is_other)
}

/// Whether nobody may read or search this attribute.
pub fn is_secret(description: &str) -> bool {
    is_type(description, "userpassword")
}

/// How values of the type compare.
pub fn syntax(canonical: &str) -> Syntax {
    if DN_VALUED.contains(&canonical) {
        Syntax::Dn
    } else if INTEGERS.contains(&canonical) {
        Syntax::Integer
    } else if TIMES.contains(&canonical) {
        Syntax::Time
    } else if EXACT.contains(&canonical) {
        Syntax::ExactText
    } else {
        Syntax::Text
    }
}

/// The classes above a class (RFC 4512 §2.4): who asks for `person` means `inetOrgPerson` too.
pub fn superclasses(class: &str) -> &'static [&'static str] {
    match class.to_ascii_lowercase().as_str() {
        "inetorgperson" => &["organizationalperson", "person", "top"],
        "organizationalperson" => &["person", "top"],
        _ => &["top"],
    }
}

/// The form in which two values are equal when their bytes are; `None` when the value breaks its syntax.
pub fn prepared(syntax: Syntax, value: &[u8]) -> Option<Vec<u8>> {
    let Ok(text) = std::str::from_utf8(value) else {
        return matches!(syntax, Syntax::Text | Syntax::ExactText).then(|| value.to_vec());
    };
    match syntax {
        Syntax::Text => Some(folded(text).trim().to_owned().into_bytes()),
        Syntax::ExactText => Some(text.trim().as_bytes().to_vec()),
        Syntax::Dn => dn::normalise(without_identifier(text)).ok().map(String::into_bytes),
        Syntax::Integer => text.trim().parse::<i64>().ok().map(|n| n.to_string().into_bytes()),
        Syntax::Time => time_prepared(text.trim()).map(String::into_bytes),
    }
}

/// RFC 4518 in short: compatibility forms composed, lower case, runs of spaces made one.
pub fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    if text.is_ascii() {
        squeeze(&mut out, text.chars().map(|c| c.to_ascii_lowercase()));
    } else {
        squeeze(&mut out, text.nfkc().flat_map(char::to_lowercase));
    }
    out
}

fn squeeze(out: &mut String, letters: impl Iterator<Item = char>) {
    for c in letters {
        let c = if c.is_whitespace() { ' ' } else { c };
        if c != ' ' || !out.ends_with(' ') {
            out.push(c);
        }
    }
}

/// RFC 4517 §3.3.21: a `uniqueMember` may end in a bit string that tells apart uses of one name over time.
fn without_identifier(dn: &str) -> &str {
    match dn.rsplit_once('#') {
        Some((name, bits)) if bits.starts_with('\'') && bits.ends_with("'B") => name,
        _ => dn,
    }
}

/// `YYYYMMDDHHMMSS`, the fraction and the `Z` dropped; times in other zones are not understood.
fn time_prepared(text: &str) -> Option<String> {
    let digits: String = text.strip_suffix('Z')?.split(['.', ',']).next().unwrap_or_default().to_owned();
    let whole = digits.bytes().all(|b| b.is_ascii_digit()) && matches!(digits.len(), 10 | 12 | 14);
    whole.then(|| format!("{digits:0<14}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_compare_by_their_syntax() {
        let same = |syntax, a: &str, b: &str| prepared(syntax, a.as_bytes()) == prepared(syntax, b.as_bytes());
        assert!(same(Syntax::Text, "Hélène  LEFÈVRE", " hélène lefèvre "));
        assert!(!same(Syntax::Text, "Hélène", "Helene"));
        assert!(!same(Syntax::ExactText, "abc", "ABC"));
        assert!(same(Syntax::Dn, "UID=a, ou=People,dc=x", "uid=A,ou=people, DC=X"));
        assert!(same(Syntax::Dn, "uid=a,dc=x#'01'B", "uid=a,dc=x"));
        assert!(same(Syntax::Integer, "007", "7"));
        assert!(same(Syntax::Time, "20260915080000Z", "20260915080000.123Z"));
        assert_eq!(prepared(Syntax::Integer, b"seven"), None);
        assert_eq!(prepared(Syntax::Dn, b"not a name"), None);
    }

    #[test]
    fn one_type_has_one_name() {
        assert_eq!(canonical("CommonName;lang-fr"), "cn");
        assert!(is_type("CommonName;lang-fr", "cn") && is_type("CN", "cn") && !is_type("commonname", "uid"));
        assert!(is_secret("userPassword") && is_secret("2.5.4.35") && !is_secret("uid"));
    }
}
