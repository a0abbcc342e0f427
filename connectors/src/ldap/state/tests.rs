//! What each attribute says of an account, and what is refused.
#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails, and says where")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{AccountState, KNOWN, Standing};
use crate::mapping::Mapping;

fn compiled(said: &Value) -> Result<(Mapping, AccountState), String> {
    let mut mapping = Mapping::compile(&BTreeMap::from([("username".to_owned(), "uid".to_owned())])).unwrap();
    let state = AccountState::compile(Some(said), &[], &mut mapping)?;
    Ok((mapping, state))
}

fn read(said: &Value, attribute: &str, values: &[&str]) -> Result<Standing, String> {
    let (mapping, state) = compiled(said).unwrap();
    let entry = mapping.names().iter().map(|name| if name == attribute { values.to_vec() } else { Vec::new() });
    state.read(&entry.collect::<Vec<_>>())
}

fn closed(said: &Value, attribute: &str, values: &[&str]) -> Option<String> {
    read(said, attribute, values).unwrap().closed
}

#[test]
fn what_is_known_needs_only_its_name() {
    let of = |attribute: &str, value: &str| closed(&json!([attribute]), attribute, &[value]);
    assert_eq!(of("userAccountControl", "514").as_deref(), Some("userAccountControl 514"));
    assert_eq!(of("userAccountControl", "-2147483136"), None);
    assert_eq!(of("msDS-User-Account-Control-Computed", "16").as_deref(), Some("msDS-User-Account-Control-Computed 16"));
    assert_eq!((of("lockoutTime", "0"), of("lockoutTime", "133536816000000000").is_some()), (None, true));
    assert!(of("pwdAccountLockedTime", "000001010000Z").is_some() && of("pwdAccountLockedTime", "20260101120000Z").is_none());
    assert!(of("nsAccountLock", "TRUE").is_some() && of("loginDisabled", "true").is_some() && of("loginDisabled", "FALSE").is_none());
    assert!(of("supannRessourceEtat", "{COMPTE}S:SupannSuspendu").is_some());
    assert!(of("supannRessourceEtat", "{MAIL}I").is_none() && of("supannRessourceEtat", "{COMPTE}A").is_none());
    assert!(of("inetUserStatus", "Inactive").is_some());
    let (_, all) = compiled(&Value::from(KNOWN.iter().take(16).map(|(name, ..)| Value::from(*name)).collect::<Vec<_>>())).unwrap();
    assert_eq!(all.slots().count(), 16);
}

#[test]
fn dates_are_handed_on_and_the_narrowest_stand() {
    let standing = read(&json!(["schacExpiryDate"]), "schacExpiryDate", &["20260630220000Z", "20250630220000Z"]).unwrap();
    assert_eq!((standing.closed, standing.opens), (None, None));
    let closes = standing.closes.unwrap();
    assert_eq!((closes.at, closes.said.as_str()), (1_751_320_800, "schacExpiryDate 20250630220000Z"));
    let at = |attribute: &str, value: &str| read(&json!([attribute]), attribute, &[value]).unwrap().closes.map(|turn| turn.at);
    assert_eq!(at("accountExpires", "133536816000000000"), Some(1_709_208_000));
    assert_eq!((at("accountExpires", "0"), at("accountExpires", "9223372036854775807"), at("shadowExpire", "-1")), (None, None, None));
    let opens = read(&json!([{"attribute": "arrival", "from": "date"}]), "arrival", &["2026-09-01"]).unwrap().opens;
    assert_eq!(opens.unwrap().at, 1_788_220_800);
}

#[test]
fn what_the_house_invented_is_declared() {
    let rule = |rule: Value| json!([rule]);
    let status = rule(json!({"attribute": "employeeStatus", "active": ["A", "conge*"]}));
    assert_eq!(
        (closed(&status, "employeeStatus", &["Congé"]), closed(&status, "employeeStatus", &["congeLD"])),
        (Some("employeeStatus Congé".into()), None)
    );
    assert!(closed(&status, "employeeStatus", &["P"]).is_some() && closed(&status, "employeeStatus", &[]).is_none());
    let labelled = rule(json!({"attribute": "supannRessourceEtat{MAIL}", "inactive": ["I"]}));
    assert!(closed(&labelled, "supannRessourceEtat", &["{COMPTE}A", "{MAIL}I"]).is_some());
    let bits = rule(json!({"attribute": "flags", "bits": 12}));
    assert!(closed(&bits, "flags", &["8"]).is_some() && closed(&bits, "flags", &["3"]).is_none());
}

#[test]
fn a_value_that_cannot_be_understood_concludes_nothing() {
    let wrong = |attribute: &str, value: &str| read(&json!([attribute]), attribute, &[value]).unwrap_err();
    assert_eq!(wrong("userAccountControl", "many"), "userAccountControl: `many` is not a number");
    assert!(wrong("schacExpiryDate", "tomorrow").starts_with("schacExpiryDate: `tomorrow` is not a generalized time"));
}

#[test]
fn a_declaration_that_says_nothing_or_too_much_is_refused() {
    let refusal = |said: Value| compiled(&said).unwrap_err();
    assert!(refusal(json!("x")).starts_with("accepted: a list"));
    assert!(refusal(json!(["employeeStatus"])).starts_with("what `employeeStatus` means is not known here"));
    assert!(refusal(json!([{"attribute": "a", "bits": 2, "active": ["x"]}])).starts_with("a: say one thing"));
    assert!(refusal(json!([{"attribute": "a", "bit": 2}])).starts_with("`bit` is unknown"));
    assert!(refusal(json!([{"attribute": "a", "until": "soon"}])).starts_with("a.until: accepted"));
    assert!(refusal(json!([{"attribute": "{a", "bits": 2}])).starts_with("`{a` names no attribute"));
    assert!(refusal(Value::from(vec!["lockoutTime"; 17])).starts_with("at most 16"));
}

proptest! {
    #[test]
    fn any_value_is_judged_without_panic(value in "\\PC{0,24}", at in 0..KNOWN.len()) {
        let name = KNOWN.get(at).unwrap().0;
        let _ = read(&json!([name]), name, &[&value]);
    }
}
