//! Filters at their bounds, and texts that mean something to a store and nothing to a filter.

use serde_json::{Value, json};

use crate::harness::scim_client::{Feed, GROUP, Pushed, SEARCH, USER};

async fn search(feed: &Feed, path: &str, filter: &str) -> (u16, String, u64) {
    let said = feed.post(&format!("{path}/.search"), &json!({ "schemas": [SEARCH], "filter": filter })).await;
    let total = said.body["totalResults"].as_u64().unwrap_or_default();
    (said.status, said.body["scimType"].as_str().unwrap_or_default().to_owned(), total)
}

fn refused() -> (u16, String, u64) {
    (400, "invalidFilter".to_owned(), 0)
}

#[tokio::test]
async fn a_filter_at_its_bounds_is_answered_and_beyond_them_refused() {
    let (_pushed, feed) = Pushed::with_feed().await;
    for name in ["anne", "bob"] {
        feed.post(
            "/Users",
            &json!({ "schemas": [USER], "userName": name, "emails": [{ "value": format!("{name}@x.fr"), "type": "work" }] }),
        )
        .await;
    }
    let terms = |term: &dyn Fn(usize) -> String, joint: &str| (0..256).map(term).collect::<Vec<_>>().join(joint);
    for (filter, found) in [
        (terms(&|n| format!("emails.value co \"absent{n}\""), " or "), 0),
        ((0..128).map(|n| format!("emails[value co \"absent{n}\" and type eq \"work\"]")).collect::<Vec<_>>().join(" or "), 0),
        (terms(&|_| "userName co \"n\"".to_owned(), " and "), 1),
        (terms(&|n| format!("not (displayName co \"{n}\")"), " and "), 2),
        (terms(&|n| format!("externalId eq \"{n}\""), " or "), 0),
        (terms(&|n| format!("groups.value eq \"{n}\""), " or "), 0),
        (format!("{}userName eq \"anne\"{}", "(".repeat(32), ")".repeat(32)), 1),
        (format!("{}userName eq \"anne\"{}", "not (".repeat(32), ")".repeat(32)), 1),
        (format!("userName eq \"{}\"", "x".repeat(16_000)), 0),
        (format!("displayName co \"{}\"", "é".repeat(5_000)), 0),
    ] {
        let told = search(&feed, "/Users", &filter).await;
        assert_eq!(told, (200, String::new(), found), "{}…", filter.chars().take(60).collect::<String>());
    }
    for filter in [
        format!("{}userName pr{}", "(".repeat(1_000), ")".repeat(1_000)),
        format!("{}userName pr{}", "(".repeat(33), ")".repeat(33)),
        "(".repeat(10_000),
        "[".repeat(10_000),
        "\"".repeat(10_001),
        "\\".repeat(10_000),
        " ".repeat(10_000),
        "not ".repeat(3_000),
        vec!["userName pr"; 257].join(" or "),
        format!("userName eq \"{}\"", "x".repeat(17_000)),
        "emails[type eq \"work\" and value[x eq \"1\"]]".to_owned(),
        "emails[emails[type eq \"work\"]]".to_owned(),
        "emails[type eq \"work\"][type eq \"work\"]".to_owned(),
        "emails[type eq \"work\"].value[type eq \"x\"] pr".to_owned(),
        "userName[value eq \"anne\"]".to_owned(),
    ] {
        assert_eq!(search(&feed, "/Users", &filter).await, refused(), "{}…", filter.chars().take(60).collect::<String>());
    }
}

#[tokio::test]
async fn what_stores_take_for_patterns_is_text() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let odd =
        ["100%", "a_b", "a\\b", "it's", "a\"b", "*", "[x]", "^.*$", "a%b", "axb", "$1", "?1", ":x", "--", "/* x */", "\u{202e}x", "🏫"];
    for (at, text) in odd.iter().enumerate() {
        let body = json!({ "schemas": [USER], "userName": format!("u{at}"), "externalId": text, "title": text, "displayName": text, "entitlements": [{ "value": text }] });
        assert_eq!(feed.post("/Users", &body).await.status, 201, "{text}");
        feed.post("/Groups", &json!({ "schemas": [GROUP], "displayName": format!("g {text}") })).await;
    }
    for text in odd {
        let quoted = Value::from(text).to_string();
        for attribute in ["externalId", "title", "displayName", "entitlements.value"] {
            for operator in ["co", "sw", "ew", "eq"] {
                let expected = odd.iter().filter(|other| match operator {
                    "co" => other.contains(text),
                    "sw" => other.starts_with(text),
                    "ew" => other.ends_with(text),
                    _ => **other == text,
                });
                let filter = format!("{attribute} {operator} {quoted}");
                assert_eq!(search(&feed, "/Users", &filter).await, (200, String::new(), expected.count() as u64), "{filter}");
            }
        }
        let whole = format!("displayName eq {}", Value::from(format!("g {text}")));
        assert_eq!(search(&feed, "/Groups", &whole).await.2, 1, "{whole}");
    }
}

#[tokio::test]
async fn names_are_the_same_on_every_engine() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let make = async |name: &str| feed.post("/Users", &json!({ "schemas": [USER], "userName": name })).await.status;
    // Each name with others that are the same one, and with others that are not.
    for (name, same, different) in [
        ("École-Jean", &["école-jean", "ÉCOLE-JEAN", "E\u{301}cole-Jean", " École-Jean "][..], &["ecole-jean", "École-Jeanne"][..]),
        ("straße", &["STRAßE", "straẞe"], &["STRASSE"]),
        ("ılgaz", &[], &["ilgaz", "ILGAZ!"]),
        ("İstanbul", &["i\u{307}stanbul"], &["istanbul"]),
        ("ﬁn", &["fin", "FIN"], &["ﬁns"]),
        ("Ǆelal", &["ǆelal", "ǅelal"], &[]),
        ("Ⅷ", &["viii"], &["8"]),
        ("１２", &["12"], &["13"]),
        ("名前", &[], &["名"]),
    ] {
        assert_eq!(make(name).await, 201, "{name}");
        for other in same {
            assert_eq!(make(other).await, 409, "{other} is {name}");
            let found = search(&feed, "/Users", &format!("userName eq {}", Value::from(*other))).await;
            assert!(found.2 == 1 || other.starts_with(' '), "{other} finds {name}: {found:?}");
        }
        for other in different {
            assert_eq!(make(other).await, 201, "{other} is not {name}");
        }
    }
    // No name is another one's in disguise.
    for name in ["a b", "a\u{a0}b", "a\tb", "a\u{7}b", "", " ", "\u{2028}", "a\nb"] {
        assert_eq!(make(name).await, 400, "{name:?}");
    }
    assert_eq!(make(&"é".repeat(129)).await, 400);
    // Beyond what an index of PostgreSQL holds, were it not bounded, in letters that no compression shortens.
    let long: String = (0..4_000_u32).map(|n| char::from_u32(0x4e00 + n * 7 % 20_000).unwrap()).collect();
    for body in [
        json!({ "externalId": long }),
        json!({ "externalId": long.chars().take(512).collect::<String>() }),
        json!({ "displayName": long, "title": long, "emails": [{ "value": long }], "name": { "familyName": long } }),
        json!({ "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "department": long, "employeeNumber": long } }),
    ] {
        let mut whole = json!({ "schemas": [USER], "userName": format!("long{}", body.to_string().len()) });
        whole.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        let said = feed.post("/Users", &whole).await;
        assert!(matches!(said.status, 201 | 400), "{:#}", said.body);
        assert_eq!(
            said.status == 400,
            body.get("externalId").is_some_and(|id| id.as_str().unwrap().chars().count() > 512),
            "{:#}",
            said.body
        );
    }
    let group = feed.post("/Groups", &json!({ "schemas": [GROUP], "displayName": long })).await;
    assert_eq!(group.refusal(), (400, "invalidValue"));
}
