//! Filters, beside `scimmy` and `scim2-parse-filter`.

use passerelle::services::scim::evaluate::evaluate;
use passerelle::services::scim::filter::parse;
use passerelle::services::scim::schema::{ENTERPRISE_URN, Kind, USER_URN};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::{Explained, answers, settle};

const PEERS: [&str; 2] = ["scimmy", "scim2-parse-filter"];

const CASE: &str = "compares texts by letter case; caseExact decides (RFC 7643 §2.2)";
const NE: &str =
    "has `ne` hold when any value differs, and never without a value; for us it is the contrary of `eq`, which the standard leaves open";
const DEFAULT: &str = "compares a list of complex values as such; `value` is meant (RFC 7643 §2.4)";
const SELECTED: &str = "tests each part of a selection over all values; they are those of one value (RFC 7644 §3.4.2.2)";
const NOT: &str = "does not turn `not` of a group or of a selection round as a whole";
const INSTANT: &str = "compares instants as texts; they are chronological (RFC 7644 §3.4.2.2)";
const URN: &str = "does not understand names with their schema (RFC 7644 §3.10)";
const LENIENT: &str = "takes what the grammar does not have (RFC 7644 figure 1), or what makes no sense for a truth (RFC 7644 table 3)";
const ESCAPE: &str = "refuses an escaped quotation mark, which JSON has";
const DEEP: &str = "refuses parentheses within parentheses";

const EXPLAINED: &[Explained] = &[
    ("scimmy", r#"userName eq "ELODIE""#, CASE),
    ("scimmy", r#"emails.type ne "work""#, NE),
    ("scimmy", r#"not (emails[type eq "work"])"#, NOT),
    ("scimmy", r#"meta.lastModified eq "2026-09-15T10:00:00+02:00""#, INSTANT),
    ("scimmy", r#"not (userName eq "zoe" or active eq true)"#, NOT),
    ("scimmy", r#"not (userName eq "zoe" and active eq true)"#, NOT),
    ("scimmy", r#"not (not (userName eq "zoe"))"#, DEEP),
    ("scimmy", r#"userName eq "quote\"d""#, ESCAPE),
    ("scimmy", "userName eq", LENIENT),
    ("scimmy", "userName eq elodie", LENIENT),
    ("scimmy", r#"userName eq "a" and"#, LENIENT),
    ("scimmy", "not userName pr", LENIENT),
    ("scimmy", "active gt true", LENIENT),
    ("scimmy", r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "Chimie""#, URN),
    ("scimmy", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department pr", URN),
    ("scimmy", "not (urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department pr)", URN),
    ("scimmy", r#"urn:ietf:params:scim:schemas:core:2.0:User:userName eq "elodie""#, URN),
    ("scimmy", r#"schemas eq "urn:ietf:params:scim:schemas:core:2.0:User""#, DEFAULT),
    ("scim2-parse-filter", r#"userName eq "ELODIE""#, CASE),
    ("scim2-parse-filter", r#"title ne "maitre""#, NE),
    ("scim2-parse-filter", "title eq null", NE),
    ("scim2-parse-filter", "active ne true", NE),
    ("scim2-parse-filter", r#"emails co "home.fr""#, DEFAULT),
    ("scim2-parse-filter", r#"emails.type ne "work""#, NE),
    ("scim2-parse-filter", r#"emails[type eq "work" and value co "home"]"#, SELECTED),
    ("scim2-parse-filter", r#"emails[not (type eq "home")]"#, SELECTED),
    ("scim2-parse-filter", r#"emails[type eq "work"].value eq "e@home.fr""#, SELECTED),
    ("scim2-parse-filter", r#"meta.lastModified eq "2026-09-15T10:00:00+02:00""#, INSTANT),
    ("scim2-parse-filter", "not userName pr", LENIENT),
    ("scim2-parse-filter", "active gt true", LENIENT),
    ("scim2-parse-filter", r#"urn:ietf:params:scim:schemas:core:2.0:User:userName eq "elodie""#, URN),
    ("scim2-parse-filter", r#"schemas eq "urn:ietf:params:scim:schemas:core:2.0:User""#, DEFAULT),
];

fn people() -> Vec<Value> {
    vec![
        json!({
            "schemas": [USER_URN], "userName": "elodie", "title": "maitre", "active": true,
            "name": {"familyName": "Lefèvre", "givenName": "Élodie"},
            "emails": [{"value": "elodie@iut.fr", "type": "work", "primary": true}, {"value": "e@home.fr", "type": "home"}],
            ENTERPRISE_URN: {"department": "Chimie"},
            "meta": {"resourceType": "User", "lastModified": "2026-09-15T08:00:00Z"}
        }),
        json!({
            "schemas": [USER_URN], "userName": "École-Jean", "active": false, "name": {"familyName": "Martin"},
            "emails": [{"value": "jean@home.fr", "type": "home"}],
            "meta": {"resourceType": "User", "lastModified": "2026-10-01T08:00:00Z"}
        }),
        json!({"schemas": [USER_URN], "userName": "zoe", "meta": {"resourceType": "User", "lastModified": "2026-09-15T08:00:00Z"}}),
    ]
}

/// What is asked, by those whose names need no schema.
const FIXED: &[&str] = &[
    r#"userName eq "elodie""#,
    r#"userName eq "ELODIE""#,
    r#"USERNAME eq "elodie""#,
    r#"userName EQ "elodie""#,
    r#"userName eq "École-Jean""#,
    r#"userName ne "elodie""#,
    r#"title ne "maitre""#,
    r#"title co "it""#,
    r#"title sw "mai""#,
    r#"title ew "tre""#,
    r#"userName gt "m""#,
    r#"userName ge "elodie""#,
    r#"userName lt "m""#,
    r#"userName le "elodie""#,
    r#"title gt "a""#,
    "title pr",
    "not (title pr)",
    "title eq null",
    "title ne null",
    "active eq true",
    "active eq false",
    "active ne true",
    "name pr",
    r#"name.familyName eq "Martin""#,
    r#"name.familyName co "è""#,
    "name.givenName pr",
    "emails pr",
    r#"emails co "home.fr""#,
    r#"emails.value co "home.fr""#,
    r#"emails.value eq "jean@home.fr""#,
    r#"emails.type eq "work""#,
    r#"emails.type ne "work""#,
    "emails.primary eq true",
    r#"emails[type eq "work"]"#,
    r#"emails[type eq "work" and value co "home"]"#,
    r#"emails[type eq "home" and value co "home"]"#,
    r#"emails[type eq "work" or type eq "home"]"#,
    r#"emails[not (type eq "home")]"#,
    r#"emails[type eq "work"].value eq "elodie@iut.fr""#,
    r#"emails[type eq "work"].value eq "e@home.fr""#,
    r#"not (emails[type eq "work"])"#,
    r#"meta.lastModified eq "2026-09-15T08:00:00Z""#,
    r#"meta.lastModified eq "2026-09-15T10:00:00+02:00""#,
    r#"meta.lastModified gt "2026-09-20T00:00:00Z""#,
    r#"meta.lastModified le "2026-09-15T08:00:00Z""#,
    r#"meta.resourceType eq "User""#,
    r#"meta.resourceType sw "Us""#,
    r#"meta.lastModified ge "2026-09-15T08:00:00Z""#,
    r#"meta.lastModified lt "2026-09-20T00:00:00Z""#,
    r#"userName eq "elodie" and active eq true"#,
    r#"userName eq "zoe" or active eq true"#,
    r#"userName eq "zoe" or active eq true and title eq "x""#,
    r#"(userName eq "zoe" or active eq true) and title eq "x""#,
    r#"not (userName eq "zoe" or active eq true)"#,
    r#"not (userName eq "zoe" and active eq true)"#,
    r#"not (not (userName eq "zoe"))"#,
    r#"userName sw "e" and userName ew "e" and not (active eq false)"#,
    r#"userName eq "quote\"d""#,
    // What is no filter.
    "",
    "userName",
    "userName eq",
    "userName eq elodie",
    r#"userName zz "a""#,
    r#"userName eq "a" and"#,
    r#"(userName eq "a""#,
    r#"userName eq "a")"#,
    r#"emails[type eq "work""#,
    "not userName pr",
    "active gt true",
];

fn cases() -> Vec<String> {
    let department = format!("{ENTERPRISE_URN}:department");
    let own = [
        format!(r#"{department} eq "Chimie""#),
        format!("{department} pr"),
        format!("not ({department} pr)"),
        format!(r#"{USER_URN}:userName eq "elodie""#),
        format!(r#"schemas eq "{USER_URN}""#),
    ];
    FIXED.iter().map(|filter| (*filter).to_owned()).chain(own).collect()
}

#[test]
fn filters_select_whom_the_libraries_select() {
    let (people, cases) = (people(), cases());
    let asked: Vec<(&str, &String, &Value)> = PEERS
        .into_iter()
        .flat_map(|peer| cases.iter().map(move |case| (peer, case)))
        .flat_map(|(peer, case)| people.iter().map(move |person| (peer, case, person)))
        .collect();
    let questions: Vec<Value> =
        asked.iter().map(|(peer, case, person)| json!({"peer": peer, "filter": case, "resource": person})).collect();
    let mut differences = Vec::new();
    for (chunk, answers) in asked.chunks(people.len()).zip(answers(&questions).chunks(people.len())) {
        let (peer, case, _) = chunk[0];
        let own = parse(Kind::User, case);
        let ours: Vec<Option<bool>> =
            people.iter().map(|person| own.as_ref().ok().map(|filter| evaluate(filter, person.as_object().unwrap()))).collect();
        let theirs: Vec<Option<bool>> = answers.iter().map(|answer| answer["answer"].as_bool()).collect();
        if !agree(&ours, &theirs) {
            differences.push((peer, case.clone(), format!("we {ours:?}, they {theirs:?} {}", answers[0]["refused"])));
        }
    }
    settle(&differences, EXPLAINED);
}

/// Whether both say the same of everyone. A library that fails over one person, and not over the filter, says nothing of them: `scimmy` does for whoever lacks the attribute.
fn agree(ours: &[Option<bool>], theirs: &[Option<bool>]) -> bool {
    let refused = theirs.iter().all(Option::is_none);
    ours.iter().zip(theirs).all(|(our, their)| our == their || (their.is_none() && !refused))
}

/// Filters of any shape over what both understand alike: single values in small letters, joined, grouped and negated.
fn any_filter() -> impl Strategy<Value = String> {
    let name = || prop::sample::select(vec!["userName", "title", "name.familyName", "userType"]);
    let op = prop::sample::select(vec!["eq", "co", "sw", "ew", "gt", "ge", "lt", "le"]);
    let text = prop::sample::select(vec!["a", "b", "ab", "ba", "abc", "b%", "_"]);
    let leaf = prop_oneof![
        (name(), op, text).prop_map(|(name, op, text)| format!("{name} {op} \"{text}\"")),
        name().prop_map(|name| format!("{name} pr")),
        any::<bool>().prop_map(|yes| format!("active eq {yes}")),
    ];
    leaf.prop_recursive(4, 24, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("{one} and {other}")),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("{one} or {other}")),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("({one}) and ({other})")),
            inner.prop_map(|inner| format!("not ({inner})")),
        ]
    })
}

#[test]
fn filters_of_any_shape_select_whom_the_library_selects() {
    /// Filters tried: the same ones every time.
    const TRIED: usize = 500;
    let people = [
        json!({"userName": "a", "title": "ab", "active": true}),
        json!({"userName": "ba", "name": {"familyName": "abc"}, "active": false}),
        json!({"userName": "ab%", "title": "b_", "userType": "b"}),
    ];
    let mut runner = TestRunner::deterministic();
    let strategy = any_filter();
    let filters: Vec<String> = (0..TRIED).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect();
    let asked: Vec<(&String, &Value)> = filters.iter().flat_map(|filter| people.iter().map(move |person| (filter, person))).collect();
    let questions: Vec<Value> =
        asked.iter().map(|(filter, person)| json!({"peer": "scim2-parse-filter", "filter": filter, "resource": person})).collect();
    for ((filter, person), answer) in asked.into_iter().zip(answers(&questions)) {
        let ours = evaluate(&parse(Kind::User, filter).unwrap(), person.as_object().unwrap());
        assert_eq!(answer["answer"], json!(ours), "{filter} over {person}: {answer}");
    }
}
