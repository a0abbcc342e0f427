//! Filters, orders and pages: what the store finds is what the filter means.

use passerelle::services::scim::change::With;
use passerelle::services::scim::evaluate::evaluate;
use passerelle::services::scim::filter;
use passerelle::services::scim::resources::{Asked, Start};
use passerelle::services::scim::schema::Kind;
use passerelle::services::scim::sorting;
use serde_json::{Value, json};

use super::{Fed, word};

const FILTERS: &[&str] = &[
    "userName eq \"ÉLODIE.1\"",
    "userName ne \"élodie.1\"",
    "userName sw \"é\"",
    "userName co \"LODIE\"",
    "userName ew \".3\"",
    "userName co \"\"",
    "userName gt \"m\"",
    "userName le \"élodie.2\"",
    "externalId eq \"A1\"",
    "externalId eq \"a1\"",
    "externalId pr",
    "not (externalId pr)",
    "externalId ne \"A1\"",
    "externalId sw \"A\"",
    "active eq true",
    "active eq \"False\"",
    "active ne false",
    "title pr",
    "not (title pr)",
    "title eq null",
    "title sw \"prof\"",
    "title co \"%\"",
    "title co \"_\"",
    "title co \"\\\\\"",
    "title ge \"Prof\"",
    "name.familyName eq \"o'neil\"",
    "name.familyName co \"'\"",
    "name pr",
    "emails pr",
    "emails.value co \"@x\"",
    "emails eq \"a@x.fr\"",
    "emails.type eq \"work\"",
    "emails[type eq \"work\"].value eq \"a@x.fr\"",
    "emails[type eq \"work\" and value co \"b@\"]",
    "emails[type eq \"home\" and value co \"@x\"]",
    "emails[not (type eq \"work\")]",
    "emails[primary eq true].value sw \"a\"",
    "emails[type pr and primary pr]",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq \"GEA\"",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber eq \"7\"",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value pr",
    "userName eq \"élodie.1\" or (title pr and active eq true) and not (emails.value ew \".org\")",
    "meta.created gt \"2000-01-01T00:00:00Z\"",
    "meta.lastModified lt \"2000-01-01T00:00:00.5Z\"",
    "meta.version eq \"W/\\\"1\\\"\"",
    "meta.version eq \"1\"",
    "id pr",
    "id eq \"x\"",
    "meta.resourceType eq \"User\"",
    "meta.resourceType eq \"Group\"",
    "displayName eq \"elodie 1\"",
    "displayName lt \"m\"",
    "displayName eq \"éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé1\"",
    "displayName eq \"éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé\"",
];

fn user(n: usize) -> Value {
    let titles = [None, Some("Prof"), Some("100 %"), Some("a_b"), Some("c\\d"), Some("professeur")];
    let mut body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
        "userName": format!("Élodie.{n}"), "active": !n.is_multiple_of(3), "displayName": format!("Elodie {n}"),
        "name": { "familyName": if n.is_multiple_of(2) { "O'Neil" } else { "N’Guyen" } },
    });
    if let Some(title) = titles[n % titles.len()] {
        body["title"] = json!(title);
    }
    if n % 2 == 1 {
        body["externalId"] = json!(format!("A{n}"));
    }
    if n > 8 {
        // Alike in all that an index holds of them.
        body["displayName"] = json!(format!("{}{}", "é".repeat(64), n % 2));
    }
    body["emails"] = match n % 4 {
        0 => json!([]),
        1 => json!([{ "type": "work", "value": "A@x.fr", "primary": true }, { "type": "home", "value": "b@y.org" }]),
        2 => json!([{ "type": "work", "value": "b@y.org" }, { "type": "home", "value": "c@x.fr" }]),
        _ => json!([{ "value": "plain@x.fr" }]),
    };
    if n % 3 == 1 {
        body["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"] =
            json!({ "department": "gea", "employeeNumber": n.to_string(), "manager": { "value": "7" } });
    }
    body
}

#[tokio::test]
async fn a_store_finds_what_a_filter_means() {
    let fed = Fed::new().await;
    for n in 0..12 {
        fed.user(user(n)).await.unwrap();
    }
    let everyone = fed.list(Kind::User, &Asked::default()).await.unwrap().resources;
    let all = FILTERS.iter().map(|text| (*text).to_owned()).chain(compositions());
    for text in all {
        let filter = filter::parse(Kind::User, &text).unwrap();
        let meant: Vec<_> = everyone.iter().filter(|one| evaluate(&filter, &one.resource)).map(|one| one.id).collect();
        let asked = Asked { filter: Some(filter), with: With::default(), ..Asked::default() };
        let listed = fed.list(Kind::User, &asked).await.unwrap_or_else(|error| panic!("{text}: {error:?}"));
        let found: Vec<_> = listed.resources.iter().map(|one| one.id).collect();
        assert_eq!((found, listed.total), (meant.clone(), i64::try_from(meant.len()).unwrap()), "{text}");
    }
}

/// Filters put together of these, always the same ones.
fn compositions() -> Vec<String> {
    let mut state = 7_u64;
    let mut draw = |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % bound
    };
    let mut made = Vec::new();
    for _ in 0..150 {
        let mut text = FILTERS[draw(FILTERS.len())].to_owned();
        for _ in 0..=draw(4) {
            let other = FILTERS[draw(FILTERS.len())];
            text = match draw(5) {
                0 => format!("({text}) and ({other})"),
                1 => format!("{other} or {text}"),
                2 => format!("not ({text}) and {other}"),
                3 => format!("({other} or not ({text}))"),
                _ => format!("not ({other} and ({text}))"),
            };
        }
        made.push(text);
    }
    made
}

#[tokio::test]
async fn an_order_is_the_same_in_the_store() {
    let fed = Fed::new().await;
    for n in 0..12 {
        fed.user(user(n)).await.unwrap();
    }
    let everyone = fed.list(Kind::User, &Asked::default()).await.unwrap().resources;
    for by in
        ["userName", "title", "emails", "emails.value", "name.familyName", "active", "externalId", "meta.lastModified", "emails.primary"]
    {
        for order in ["ascending", "descending"] {
            let sort = sorting::parse(Kind::User, by, Some(order)).unwrap();
            let asked = Asked { sort: Some((sort.attr, sort.descending)), ..Asked::default() };
            let found: Vec<_> = fed.list(Kind::User, &asked).await.unwrap().resources.into_iter().map(|one| one.id).collect();
            let mut meant = everyone.clone();
            meant.sort_by(|one, other| sort.compare(&one.resource, &other.resource).then(one.id.cmp(&other.id)));
            assert_eq!(found, meant.iter().map(|one| one.id).collect::<Vec<_>>(), "{by} {order}");
        }
    }
}

#[tokio::test]
async fn pages_follow_each_other_by_place_and_by_cursor() {
    let fed = Fed::new().await;
    for n in 0..7 {
        fed.user(user(n)).await.unwrap();
    }
    let all: Vec<_> = fed.list(Kind::User, &Asked::default()).await.unwrap().resources.iter().map(|one| one.id).collect();
    let place = Asked { start: Start::Index(4), count: 2, ..Asked::default() };
    let page = fed.list(Kind::User, &place).await.unwrap();
    assert_eq!((page.resources.iter().map(|one| one.id).collect::<Vec<_>>(), page.total, page.next_cursor), (all[3..5].to_vec(), 7, None));
    let none = fed.list(Kind::User, &Asked { count: 0, ..Asked::default() }).await.unwrap();
    assert_eq!((none.resources.len(), none.total), (0, 7));
    for sort in [None, Some(sorting::parse(Kind::User, "userName", Some("ascending")).unwrap())] {
        let sort = sort.map(|sort| (sort.attr, sort.descending));
        let (mut cursor, mut met) = (None, Vec::new());
        loop {
            let asked = Asked { start: Start::Cursor(cursor), count: 3, sort, ..Asked::default() };
            let page = fed.list(Kind::User, &asked).await.unwrap();
            met.extend(page.resources.iter().map(|one| one.id));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
            let elsewhere = Asked {
                filter: Some(filter::parse(Kind::User, "title pr").unwrap()),
                start: Start::Cursor(cursor.clone()),
                ..Asked::default()
            };
            assert_eq!(word(&fed.list(Kind::User, &elsewhere).await.unwrap_err()), Some("invalidCursor"));
        }
        assert_eq!(met, all);
    }
}

#[tokio::test]
async fn members_and_groups_are_found_by_their_identifiers_and_what_cannot_be_is_refused() {
    let fed = Fed::new().await;
    let (one, other) = (fed.user(user(1)).await.unwrap(), fed.user(user(2)).await.unwrap());
    let group = fed.group("GEA", &[&one]).await.unwrap();
    let found = async |kind: Kind, text: String| {
        let asked = Asked { filter: Some(filter::parse(kind, &text).unwrap()), ..Asked::default() };
        fed.list(kind, &asked).await.map(|listed| listed.total)
    };
    let within = |id: uuid::Uuid| format!("id eq \"{}\" and members eq \"{id}\"", group.id);
    assert_eq!((found(Kind::Group, within(one.id)).await, found(Kind::Group, within(other.id)).await), (Ok(1), Ok(0)));
    assert_eq!(found(Kind::Group, format!("members[value eq \"{}\"]", one.id)).await, Ok(1));
    assert_eq!(found(Kind::Group, "members pr".to_owned()).await, Ok(1));
    assert_eq!(found(Kind::Group, "displayName eq \"gea\"".to_owned()).await, Ok(1));
    assert_eq!(found(Kind::User, format!("groups.value eq \"{}\"", group.id)).await, Ok(1));
    assert_eq!(found(Kind::User, "not (groups pr)".to_owned()).await, Ok(1));
    for (kind, text) in [(Kind::Group, "members.display co \"x\""), (Kind::User, "id co \"a\""), (Kind::User, "groups.display eq \"GEA\"")]
    {
        assert_eq!(word(&found(kind, text.to_owned()).await.unwrap_err()), Some("invalidFilter"), "{text}");
    }
}
