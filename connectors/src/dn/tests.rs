//! Names that are one name, names that are none, and every form between.
#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails, and says where")]

use super::{DnError, filter_escape, normalise, rdn_escape};
use proptest::prelude::*;

#[test]
fn the_same_name_written_differently_is_one_name() {
    let wanted = "cn=club échecs\\, mercredi \\+ samedi,ou=0991000j,dc=acad-test,dc=fr";
    for dn in [
        "cn=Club échecs\\2C mercredi \\2B samedi,ou=0991000J,dc=acad-test,dc=fr",
        "CN = Club  e\u{301}checs\\, mercredi \\+ samedi , OU=0991000J, DC=Acad-Test,DC=FR",
        "2.5.4.3=\"Club échecs, mercredi + samedi\",oid.2.5.4.11=0991000j,dc=acad-test,dc=fr",
    ] {
        assert_eq!(normalise(dn).unwrap(), wanted, "{dn}");
    }
}

#[test]
fn the_order_within_an_rdn_does_not_count() {
    assert_eq!(normalise("uid=Z+cn=A,dc=x").unwrap(), normalise("cn=a + UID=z,dc=x").unwrap());
}

#[test]
fn hexadecimal_text_is_text_and_other_hexadecimal_stays() {
    assert_eq!(normalise("cn=#0C035A6FC3").unwrap_or_default(), "cn=#0c035a6fc3");
    assert_eq!(normalise("cn=#0c04 5a").err(), Some(DnError::BadEscape(9)));
    assert_eq!(normalise("cn=#0C045A6FC3AB,dc=x").unwrap(), "cn=zoë,dc=x");
    assert_eq!(normalise("cn=\\#a").unwrap(), "cn=\\#a");
}

#[test]
fn what_is_not_a_dn_is_refused_with_the_place() {
    assert_eq!(normalise("nonsense"), Err(DnError::NoEquals(0)));
    assert_eq!(normalise("cn=a,,dc=b"), Err(DnError::NoEquals(5)));
    assert_eq!(normalise("cn=a\\"), Err(DnError::BadEscape(4)));
    assert_eq!(normalise("cn=a\\ff"), Err(DnError::NotUtf8(7)));
    assert_eq!(normalise("cn=\"a"), Err(DnError::BadEscape(3)));
    assert!(matches!(normalise("c n=a"), Err(DnError::BadType(_))));
    assert!(matches!(normalise(&"x".repeat(9000)), Err(DnError::TooLong(9000))));
    assert_eq!(normalise(" "), Ok(String::new()));
}

#[test]
fn a_filter_value_cannot_leave_its_place() {
    assert_eq!(filter_escape("a*)(uid=\\\0"), "a\\2a\\29\\28uid=\\5c\\00");
}

proptest! {
    #[test]
    fn the_short_way_agrees_with_the_thorough_one(dn in "(uid|CN|ou|Mail|x)=[ -~]{1,6}(,(dc|O|st)=[a-zA-Z0-9 '=.#-]{0,6}){0,2}") {
        if let Some(short) = super::plain(&dn) {
            prop_assert_eq!(Ok(short), super::written(&dn, super::fold));
        }
    }

    #[test]
    fn normalising_twice_changes_nothing(values in proptest::collection::vec("\\PC{0,12}", 1..4)) {
        let dn = values.iter().map(|v| format!("CN={}", rdn_escape(v))).collect::<Vec<_>>().join(" , ");
        let once = normalise(&dn).unwrap();
        prop_assert_eq!(normalise(&once).unwrap(), once);
    }

    #[test]
    fn both_forms_of_escape_are_equal(value in "\\PC{0,12}") {
        let hex = value.bytes().map(|b| format!("\\{b:02X}")).collect::<Vec<_>>().concat();
        prop_assert_eq!(normalise(&format!("cn={hex},dc=x")).unwrap(), normalise(&format!("cn={},dc=x", rdn_escape(&value))).unwrap());
    }

    #[test]
    fn letter_case_and_spaces_do_not_count(value in "[a-zé][a-zé ]{0,8}[a-zé]") {
        let loud = value.to_uppercase().replace(' ', "  ");
        prop_assert_eq!(normalise(&format!("CN= {loud} , DC=X")).unwrap(), normalise(&format!("cn={value},dc=x")).unwrap());
    }

    #[test]
    fn any_text_is_answered_without_panic(text in "\\PC{0,40}") {
        let _ = normalise(&text);
    }
}

#[test]
fn the_values_of_one_type_come_as_they_are_written() {
    assert_eq!(super::values("UID=a+cn=Ä\\, B , OU=x,ou=\\20Y,DC=fr", "ou"), ["x", "Y"]);
    assert_eq!(super::values("UID=a+cn=Ä\\, B , OU=x", "cn"), ["Ä, B"]);
    assert_eq!(super::values("nothing", "ou"), Vec::<String>::new());
}

#[test]
fn a_name_lies_within_another_by_whole_parts_only() {
    assert!(super::within("uid=a,ou=x,dc=y", "ou=x,dc=y") && super::within("dc=y", "dc=y") && super::within("dc=y", ""));
    assert!(
        !super::within("ou=xx,dc=y", "ou=x,dc=y") && !super::within("cn=a\\,ou=x,dc=y", "ou=x,dc=y") && !super::within("dc=y", "ou=x,dc=y")
    );
}
