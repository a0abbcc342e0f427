//! Cookies as the two servers write them, checked before they are sent: a server given nonsense may answer as if it were a change (OpenLDAP)
//! or fall over (old 389 Directory Server). Knows nothing of connections.

use super::table::Flavour;
use super::wire::COOKIE_BYTES_MAX;

/// True when a server of this flavour may have written it.
pub(super) fn is_sound(flavour: Flavour, cookie: &str) -> bool {
    if cookie.is_empty() || cookie.len() > COOKIE_BYTES_MAX || cookie.chars().any(char::is_control) {
        return false;
    }
    match flavour {
        Flavour::OpenLdap => csns(cookie).is_some(),
        // `server:port#account:base:filter#number`; a filter may hold `#` too.
        Flavour::Ds389 => {
            let (server, rest) = cookie.split_once('#').unwrap_or_default();
            let (client, number) = rest.rsplit_once('#').unwrap_or_default();
            !server.is_empty()
                && !client.is_empty()
                && !number.is_empty()
                && number.len() <= 20
                && number.bytes().all(|b| b.is_ascii_digit())
        }
    }
}

/// The cookie after a change, once the one before is known. OpenLDAP names only the provider that changed, and a cookie without the others
/// would ask for all that they ever did.
pub(super) fn after(flavour: Flavour, before: &str, change: &str) -> String {
    let (Flavour::OpenLdap, Some(before), Some(change)) = (flavour, csns(before), csns(change)) else { return change.to_owned() };
    let mut merged: Vec<&str> = before.iter().copied().filter(|old| change.iter().all(|new| provider(new) != provider(old))).collect();
    merged.extend(change);
    merged.sort_unstable_by_key(|csn| provider(csn).to_owned());
    format!("rid=000,csn={}", merged.join(";"))
}

/// The change numbers of OpenLDAP's `rid=001,sid=002,csn=…;…`, at least one; `None` when it is not one of its cookies.
fn csns(cookie: &str) -> Option<Vec<&str>> {
    let mut found = Vec::new();
    for part in cookie.split(',') {
        let (key, value) = part.split_once('=')?;
        match key {
            "rid" => (value.len() <= 3 && value.bytes().all(|b| b.is_ascii_digit())).then_some(())?,
            "sid" => (value.len() <= 3 && value.bytes().all(|b| b.is_ascii_hexdigit())).then_some(())?,
            "delcsn" => is_csn(value).then_some(())?,
            "csn" => found.extend(value.split(';').filter(|one| !one.is_empty())),
            _ => return None,
        }
    }
    (!found.is_empty() && found.iter().all(|csn| is_csn(csn))).then_some(found)
}

/// `20260101000000.000000Z#000000#000#000000`: time, count, provider, modification.
fn is_csn(text: &str) -> bool {
    let mut parts = text.split('#');
    let time = parts.next().and_then(|time| time.strip_suffix('Z')).and_then(|time| time.split_once('.'));
    let digits = |text: &str, length: usize| text.len() == length && text.bytes().all(|b| b.is_ascii_digit());
    let hex = |text: Option<&str>, length: usize| text.is_some_and(|t| t.len() == length && t.bytes().all(|b| b.is_ascii_hexdigit()));
    time.is_some_and(|(seconds, fraction)| digits(seconds, 14) && digits(fraction, 6))
        && hex(parts.next(), 6)
        && hex(parts.next(), 3)
        && hex(parts.next(), 6)
        && parts.next().is_none()
}

fn provider(csn: &str) -> &str {
    csn.split('#').nth(2).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Flavour, after, is_sound};

    const ONE: &str = "20260101000000.000000Z#000000#001#000000";
    const TWO: &str = "20260102000000.000000Z#000000#002#000000";

    #[test]
    fn only_what_the_server_may_have_written_is_sent_to_it() {
        let sound = |cookie: &str| is_sound(Flavour::OpenLdap, cookie);
        assert!(sound(&format!("rid=000,csn={ONE}")) && sound(&format!("rid=001,sid=00a,csn={ONE};{TWO}")));
        assert!(sound(&format!("csn={ONE}")));
        for nonsense in ["", "nonsense", "rid=001", "rid=001,csn=", "rid=001,csn=2026", "rid=x,csn=", "rid=001,csn=\0", "a=b"] {
            assert!(!sound(nonsense), "{nonsense}");
        }
        assert!(!sound(&format!("rid=001,csn={ONE}#")) && !sound(&format!("rid=0001,csn={ONE}")));

        let sound = |cookie: &str| is_sound(Flavour::Ds389, cookie);
        assert!(sound("ldap.test:389#cn=reader,dc=x:dc=x:(objectClass=*)#42") && sound("h:1##x:(cn=a#b)#0"));
        for nonsense in ["", "nonsense", "a#b", "a#b#", "a#b#-1", "#b#1", "a##1", "a#b#123456789012345678901"] {
            assert!(!sound(nonsense), "{nonsense}");
        }
    }

    #[test]
    fn a_change_of_one_provider_keeps_what_was_read_of_the_others() {
        let before = format!("rid=000,csn={ONE};{TWO}");
        let later = "20260303000000.000000Z#000000#001#000000";
        assert_eq!(after(Flavour::OpenLdap, &before, &format!("rid=000,sid=001,csn={later}")), format!("rid=000,csn={later};{TWO}"));
        assert_eq!(after(Flavour::OpenLdap, "", &format!("rid=000,csn={ONE}")), format!("rid=000,csn={ONE}"));
        assert_eq!(after(Flavour::Ds389, "h:1#c#1", "h:1#c#2"), "h:1#c#2");
    }
}
