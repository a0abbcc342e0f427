//! Entries of every make, built in memory, and the records they become.
#![expect(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that meets the unexpected fails, and says where")]

use serde_json::{Value, json};

use super::Entries;
use crate::ldap::Settings;
use crate::record::{Group, Kind, Member, Person, Record, Unreadable};

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let size = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x82], size.as_slice(), content].concat()
}

fn bytes(value: &[u8]) -> Vec<u8> {
    element(0x04, value)
}

fn list(parts: &[Vec<u8>]) -> Vec<u8> {
    element(0x30, &parts.concat())
}

fn entry(dn: &str, attributes: &[(&str, &[&[u8]])]) -> Vec<u8> {
    let pair = |(name, values): &(&str, &[&[u8]])| {
        list(&[bytes(name.as_bytes()), list(&values.iter().map(|value| bytes(value)).collect::<Vec<_>>())])
    };
    [bytes(dn.as_bytes()), list(&attributes.iter().map(pair).collect::<Vec<_>>())].concat()
}

fn entries(own: Value) -> Entries {
    let mut json = json!({"urls": ["ldaps://l.test"], "base_dn": "dc=x"});
    let (Value::Object(all), Value::Object(own)) = (&mut json, own) else { panic!("settings are an object") };
    all.extend(own);
    Entries::new(&Settings::parse(&json).unwrap())
}

fn person(own: Value, attributes: &[(&str, &[&[u8]])]) -> Person {
    match entries(own).record(Kind::Person, &entry("UID=a , dc=x", attributes)) {
        Record::Person(person) => person,
        other => panic!("{other:?}"),
    }
}

fn group(attributes: &[(&str, &[&[u8]])]) -> Group {
    match entries(json!({})).record(Kind::Group, &entry("cn=g,dc=x", attributes)) {
        Record::Group(group) => group,
        other => panic!("{other:?}"),
    }
}

fn aside(own: Value, kind: Kind, raw: &[u8]) -> Unreadable {
    match entries(own).record(kind, raw) {
        Record::Unreadable(entry) => entry,
        other => panic!("{other:?}"),
    }
}

const KEY: (&str, &[&[u8]]) = ("entryUUID", &[b"AB-1"]);

#[test]
fn a_person_is_made_regular_whatever_the_case_of_attribute_names() {
    let made = person(json!({}), &[KEY, ("UID", &[b" a "]), ("givenname", &["Zoe\u{308}".as_bytes()]), ("SN", &[b"", b"Roux"])]);
    assert_eq!((made.external_id.as_str(), made.dn.as_str(), made.dn_key.as_str()), ("ab-1", "UID=a , dc=x", "uid=a,dc=x"));
    assert_eq!((made.username.as_str(), made.display_name.as_str(), made.active), ("a", "Zoë Roux", true));
    assert_eq!(made.email, None);
}

#[test]
fn supann_says_who_is_closed_or_suspended() {
    let state = |value: &str| {
        let values: &[&[u8]] = &[b"{MAIL}I", value.as_bytes()];
        person(json!({"profile": "supann"}), &[KEY, ("uid", &[b"a"]), ("supannRessourceEtat", values)]).inactive_reason
    };
    assert_eq!(state("{COMPTE}A"), None);
    assert_eq!(state("{COMPTE}I").as_deref(), Some("supannRessourceEtat {COMPTE}I"));
    assert_eq!(state("{compte}S:SupannSuspendu").as_deref(), Some("supannRessourceEtat {compte}S:SupannSuspendu"));
    assert_eq!(state("{COMPTÉ}I"), None);
}

#[test]
fn locks_of_openldap_and_389_close_an_account_and_a_passing_lock_does_not() {
    let state = |name: &str, value: &str| person(json!({}), &[KEY, ("uid", &[b"a"]), (name, &[value.as_bytes()])]).active;
    assert!(!state("pwdAccountLockedTime", "000001010000Z"));
    assert!(state("pwdAccountLockedTime", "20260101120000Z"));
    assert!(!state("nsAccountLock", "TRUE"));
    assert!(state("nsAccountLock", "false"));
}

#[test]
fn active_directory_gives_a_guid_and_a_bit_for_the_account() {
    let guid: Vec<u8> = (0..16).collect();
    let made = |control: &str| {
        let attributes: &[(&str, &[&[u8]])] =
            &[("objectGUID", &[guid.as_slice()]), ("sAMAccountName", &[b"a"]), ("userAccountControl", &[control.as_bytes()])];
        person(json!({"profile": "active-directory"}), attributes)
    };
    assert_eq!(made("512").external_id, "03020100-0504-0706-0809-0a0b0c0d0e0f");
    assert!(made("512").active && !made("514").active);
    assert_eq!(made("66050").inactive_reason.as_deref(), Some("userAccountControl 66050"));
}

#[test]
fn a_key_that_is_text_nowhere_else_does_not_spoil_the_entry() {
    // Both keys are asked for; the one that is not used may be any bytes.
    let made = person(json!({}), &[KEY, ("objectGUID", &[&[0xff; 16]]), ("uid", &[b"a"])]);
    assert_eq!(made.external_id, "ab-1");
}

#[test]
fn an_own_key_and_a_login_by_template_are_honoured() {
    let own = json!({"mapping": {"external_id": "employeeNumber", "username": "{sn}.{employeeNumber}"}});
    let made = person(own, &[("employeeNumber", &[b"0042"]), ("sn", &[b"roux"])]);
    assert_eq!((made.external_id.as_str(), made.username.as_str()), ("0042", "roux.0042"));
}

#[test]
fn what_cannot_be_used_is_set_aside_with_the_attribute_named() {
    let reason = |attributes: &[(&str, &[&[u8]])]| aside(json!({}), Kind::Person, &entry("uid=a,dc=x", attributes)).reason;
    assert_eq!(reason(&[("uid", &[b"a"])]), "no key: none of entryUUID, nsUniqueId, objectGUID can be read by this account");
    assert_eq!(reason(&[KEY]), "uid: no login name");
    assert_eq!(reason(&[KEY, ("uid", &[b"a"]), ("mail", &[b"ok", b"\xff"])]), "mail: a value is not UTF-8");
    assert_eq!(reason(&[KEY, ("uid", &[b"a"]), ("sn", &[b"a\0b"])]), "sn: a value holds the NUL character (U+0000)");
    assert_eq!(reason(&[("entryUUID", &[b"ab\0"]), ("uid", &[b"a"])]), "entryUUID: the key has not the form expected");
    assert_eq!(reason(&[("entryUUID", &[&[b'a'; 1025]]), ("uid", &[b"a"])]), "entryUUID: the key has not the form expected");
    let found = aside(json!({}), Kind::Person, &entry("uid=a\0,dc=x", &[KEY, ("uid", &[b"a"])]));
    assert_eq!((found.dn.as_deref(), found.reason.as_str()), (Some("uid=a\u{fffd},dc=x"), "its DN holds the NUL character (U+0000)"));
    assert_eq!(reason(&[("objectGUID", &[b"short"]), ("uid", &[b"a"])]), "objectGUID: the key has not the form expected");
    let found = aside(json!({}), Kind::Person, &entry("no dn", &[KEY, ("uid", &[b"a"])]));
    assert_eq!((found.dn.as_deref(), found.external_id.as_deref()), (Some("no dn"), Some("ab-1")));
    assert!(found.reason.starts_with("its DN cannot be read"));
}

#[test]
fn members_of_every_kind_are_compared_normalised_and_each_once() {
    let made = group(&[
        KEY,
        ("cn", &[b"G"]),
        ("description", &[b"Le groupe"]),
        ("member", &[b"UID=b, dc=x", b"uid=b,DC=X", b"", b"uid=a,dc=x"]),
        ("uniqueMember", &[b"uid=c,dc=x#'0101'B", b"cn=d\\#'1'Bx,dc=x"]),
        ("memberUid", &[b" e "]),
    ]);
    let dn = |dn: &str| Member::Dn(dn.to_owned());
    let wanted = [dn("cn=d#'1'bx,dc=x"), dn("uid=a,dc=x"), dn("uid=b,dc=x"), dn("uid=c,dc=x"), Member::Username("e".to_owned())];
    assert_eq!((made.name.as_str(), made.display_name.as_deref()), ("G", Some("Le groupe")));
    assert_eq!(made.members, wanted);
}

#[test]
fn a_group_whose_members_are_cut_or_unclear_is_set_aside_whole() {
    let of = |attributes: &[(&str, &[&[u8]])]| aside(json!({}), Kind::Group, &entry("cn=g,dc=x", attributes)).reason;
    assert!(of(&[KEY, ("cn", &[b"g"]), ("member", &[b"nobody"])]).starts_with("member: `nobody` is not a DN"));
    assert!(
        of(&[KEY, ("cn", &[b"g"]), ("member;range=0-1499", &[b"uid=a,dc=x"]), ("member", &[])]).starts_with("member: the directory cuts")
    );
    assert!(of(&[KEY]).starts_with("cn: no name"));
    assert_eq!(group(&[KEY, ("cn", &[b"g"]), ("member;range=0-*", &[b"uid=a,dc=x"])]).members.len(), 1);
}

#[test]
fn whatever_the_shape_it_is_answered_without_panic() {
    let pairless = [bytes(b"x"), list(&[bytes(b"x")])].concat();
    for raw in [vec![], bytes(b"x"), list(&[]), [bytes(b""), bytes(b"")].concat(), pairless, vec![4, 9]] {
        assert!(aside(json!({}), Kind::Person, &raw).reason.contains("RFC 4511"));
    }
    assert_eq!(aside(json!({}), Kind::Person, &entry("", &[KEY, ("uid", &[b"a"])])).reason, "its DN is empty");
}

#[test]
fn a_broken_value_that_nothing_is_made_of_does_no_harm() {
    let own = json!({"mapping": {"display_name": "displayName|description", "uai": "supannEtablissement{UAI}"}});
    let made = person(own.clone(), &[KEY, ("uid", &[b"a"]), ("displayName", &[b"A"]), ("description", &[b"\xff"])]);
    assert_eq!(made.display_name, "A");
    let reason = aside(own, Kind::Person, &entry("uid=a,dc=x", &[KEY, ("uid", &[b"a"]), ("description", &[b"\xff"])])).reason;
    assert_eq!(reason, "description: a value is not UTF-8");
    let reason = aside(json!({}), Kind::Person, &entry("uid=a,dc=x", &[KEY, ("uid", &[b"a"]), ("nsAccountLock", &[b"\xff"])])).reason;
    assert_eq!(reason, "nsAccountLock: a value is not UTF-8");
}

#[test]
fn an_entry_may_be_mapped_by_its_place_and_by_binary_values() {
    let guid: Vec<u8> = (0..16).collect();
    let own = json!({"mapping": {"external_id": "mS-DS-ConsistencyGuid", "units": "dn<ou>", "guid": "objectGUID", "sid": "objectSid"}});
    let attributes: &[(&str, &[&[u8]])] = &[
        ("mS-DS-ConsistencyGuid", &[guid.as_slice()]),
        ("objectGUID", &[guid.as_slice()]),
        ("objectSid", &[&[1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0]]),
        ("uid", &[b"a"]),
    ];
    let Record::Person(made) = entries(own).record(Kind::Person, &entry("uid=a,OU=Profs,ou=0991000J,dc=x", attributes)) else { panic!() };
    assert_eq!(
        (made.external_id.as_str(), made.units),
        ("03020100-0504-0706-0809-0a0b0c0d0e0f", vec!["Profs".to_owned(), "0991000J".to_owned()])
    );
    assert_eq!(
        (made.attributes["guid"].as_slice(), made.attributes["sid"].as_slice()),
        (&[made.external_id.clone()][..], &["S-1-5-18".to_owned()][..])
    );
}

#[test]
fn dates_of_an_account_come_with_the_record() {
    let made = person(
        json!({"profile": "active-directory"}),
        &[
            ("objectGUID", &[&[7; 16]]),
            ("sAMAccountName", &[b"a"]),
            ("userAccountControl", &[b"512"]),
            ("accountExpires", &[b"133536816000000000"]),
        ],
    );
    assert!(made.active && made.opens.is_none());
    assert_eq!(made.closes.map(|turn| turn.at), Some(1_709_208_000));
    let reason = aside(
        json!({"profile": "supann"}),
        Kind::Person,
        &entry("uid=a,dc=x", &[KEY, ("uid", &[b"a"]), ("schacExpiryDate", &[b"in June"])]),
    );
    assert!(reason.reason.starts_with("schacExpiryDate: `in June` is not a generalized time"));
}

#[test]
fn a_group_whose_search_was_not_carried_out_is_set_aside() {
    let found = aside(json!({}), Kind::Group, &entry("cn=g,dc=x", &[KEY, ("cn", &[b"g"]), ("memberURL", &[b"it stopped"])]));
    assert_eq!(found.reason, "memberURL: its members were not found out (it stopped)");
}
