//! What the end of a refresh means, server by server: read by the letter of RFC 4533, some answers would delete everyone and some nobody.
//! Pure: it asks nothing and keeps nothing.

use crate::changes::Extent;

/// The servers whose answers are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flavour {
    OpenLdap,
    Ds389,
}

/// What a refresh said, all of it together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Refresh {
    /// Whether it was asked for since a cookie.
    pub(super) since: bool,
    /// The flag of its end, or of its last phase.
    pub(super) deletes: bool,
    /// The cookie of its end.
    pub(super) cookie: Option<String>,
    /// Entries stated, or keys named as present.
    pub(super) said: usize,
}

/// Since when to ask next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// As before: nothing changed.
    Same,
    /// Since this.
    New(String),
    /// Nothing can be asked next: the source is to be read whole.
    Lost,
}

/// How much a refresh said, and since when to ask next.
pub(super) fn decide(flavour: Flavour, refresh: &Refresh) -> (Extent, Next) {
    let next = match &refresh.cookie {
        None if refresh.since => Next::Same,
        Some(cookie) if super::cookie::is_sound(flavour, cookie) => Next::New(cookie.clone()),
        None | Some(_) => Next::Lost,
    };
    let only_changes = match flavour {
        // Everything is stated, whatever the flag: OpenLDAP sets it here, 389 Directory Server does not.
        _ if !refresh.since => false,
        // It never sets the flag, and names deletions one by one: by the letter, whatever did not change would be gone.
        Flavour::Ds389 => true,
        // A cookie it could not read: it states everything as if it had changed, and gives an empty cookie.
        Flavour::OpenLdap if next == Next::Lost => false,
        // With the flag, its journal reaches back to the cookie; without, what is neither stated nor named present is gone. But not a word
        // and no cookie mean that nothing changed: nobody is gone because a server was silent.
        Flavour::OpenLdap => refresh.deletes || (next == Next::Same && refresh.said == 0),
    };
    let extent = if only_changes { Extent::Changes } else { Extent::Whole };
    (extent, next)
}

#[cfg(test)]
mod tests {
    use super::{Extent, Flavour, Next, Refresh, decide};

    const CSN: &str = "rid=000,csn=20260101000000.000000Z#000000#000#000000";

    fn openldap(since: bool, deletes: bool, cookie: Option<&str>, said: usize) -> (Extent, Next) {
        decide(Flavour::OpenLdap, &Refresh { since, deletes, cookie: cookie.map(str::to_owned), said })
    }

    fn ds389(since: bool, deletes: bool, cookie: Option<&str>, said: usize) -> (Extent, Next) {
        decide(Flavour::Ds389, &Refresh { since, deletes, cookie: cookie.map(str::to_owned), said })
    }

    fn new(cookie: &str) -> Next {
        Next::New(cookie.to_owned())
    }

    #[test]
    fn openldap_without_a_cookie_states_everything_and_calls_it_deletions() {
        assert_eq!(openldap(false, true, Some(CSN), 100_000), (Extent::Whole, new(CSN)));
        assert_eq!(openldap(false, false, Some(CSN), 100_000), (Extent::Whole, new(CSN)));
    }

    #[test]
    fn openldap_since_a_cookie_in_its_journal_states_changes() {
        assert_eq!(openldap(true, true, Some(CSN), 100), (Extent::Changes, new(CSN)));
    }

    #[test]
    fn openldap_with_nothing_changed_gives_no_cookie_and_the_old_one_holds() {
        assert_eq!(openldap(true, true, None, 0), (Extent::Changes, Next::Same));
        assert_eq!(openldap(true, false, None, 0), (Extent::Changes, Next::Same));
    }

    #[test]
    fn openldap_given_a_cookie_it_cannot_read_states_everything_and_the_thread_is_lost() {
        assert_eq!(openldap(true, true, Some(""), 100_000), (Extent::Whole, Next::Lost));
        assert_eq!(openldap(true, true, Some("nonsense"), 100_000), (Extent::Whole, Next::Lost));
    }

    #[test]
    fn openldap_after_a_restart_names_what_is_present() {
        assert_eq!(openldap(true, false, Some(CSN), 100_000), (Extent::Whole, new(CSN)));
    }

    #[test]
    fn openldap_after_an_access_rule_took_almost_everyone_away_is_whole_and_for_the_guard() {
        assert_eq!(openldap(true, false, Some(CSN), 1), (Extent::Whole, new(CSN)));
    }

    #[test]
    fn ds389_never_sets_the_flag_and_states_changes_all_the_same() {
        let cookie = "h:389#cn=reader:dc=x:(uid=*)#7";
        assert_eq!(ds389(false, false, Some(cookie), 5_000), (Extent::Whole, new(cookie)));
        assert_eq!(ds389(true, false, Some(cookie), 3), (Extent::Changes, new(cookie)));
        assert_eq!(ds389(true, false, None, 0), (Extent::Changes, Next::Same));
    }

    #[test]
    fn a_server_that_gives_no_cookie_at_first_cannot_be_asked_for_changes() {
        assert_eq!(openldap(false, true, None, 10).1, Next::Lost);
        assert_eq!(ds389(false, false, None, 10).1, Next::Lost);
    }
}
