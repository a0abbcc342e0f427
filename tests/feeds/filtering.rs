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
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value eq \"7\"",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager eq \"7\"",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager[value eq \"7\"]",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager[not (value eq \"7\")]",
    "urn:passerelle:params:scim:schemas:extension:1.0:User:units eq \"chimie\"",
    "urn:passerelle:params:scim:schemas:extension:1.0:User:units.value eq \"chimie\"",
    "urn:passerelle:params:scim:schemas:extension:1.0:User:units[value sw \"ch\"]",
    "groups pr",
    "groups.display eq \"gea 1\"",
    "groups.display sw \"GEA\"",
    "groups.display ew \"2\" and groups.display ew \"1\"",
    "groups[display ew \"2\" and display ew \"1\"]",
    "groups.type eq \"direct\"",
    "groups[type eq \"indirect\" or display co \"1\"]",
    "groups[not (display eq \"gea 1\")]",
    "groups.value sw \"0\"",
    "groups.value eq \"x\"",
    "userName eq \"élodie.1\" or (title pr and active eq true) and not (emails.value ew \".org\")",
    "meta.created gt \"2000-01-01T00:00:00Z\"",
    "meta.lastModified lt \"2000-01-01T00:00:00.5Z\"",
    "meta.created ge \"2000-01-01T00:00:00Z\" and meta.lastModified le \"2900-01-01T00:00:00Z\"",
    "meta.lastModified ne \"2000-01-01T00:00:00Z\"",
    "meta.lastModified eq \"2000-01-01T00:00:00Z\"",
    "id pr",
    "id eq \"x\"",
    "id sw \"0\"",
    "id co \"-\"",
    "id co \"a\"",
    "id co \"\"",
    "id ew \"0\" or id ew \"1\" or id ew \"2\" or id ew \"a\" or id ew \"b\" or id ew \"c\"",
    "id gt \"00000000\"",
    "id ge \"x\"",
    "id lt \"019\"",
    "id le \"g\"",
    "schemas eq \"urn:ietf:params:scim:schemas:core:2.0:User\"",
    "schemas eq \"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\"",
    "schemas ne \"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\"",
    "schemas eq \"urn:passerelle:params:scim:schemas:extension:1.0:User\"",
    "schemas co \"enterprise\"",
    "schemas[value sw \"urn:ietf\" and value co \"enterprise\"]",
    "schemas.value ew \"2.0:User\"",
    "schemas eq \"urn:nope\"",
    "meta.resourceType eq \"User\"",
    "meta.resourceType eq \"Group\"",
    "meta.resourceType sw \"Us\"",
    "meta.resourceType ne \"User\"",
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
    if n % 5 == 2 {
        body["urn:passerelle:params:scim:schemas:extension:1.0:User"] = json!({ "units": ["GEA", "Chimie"] });
        body["schemas"].as_array_mut().unwrap().push(json!("urn:passerelle:params:scim:schemas:extension:1.0:User"));
    }
    body
}

/// Twelve people, and groups of some of them: one within another, one of nobody.
async fn populated() -> Fed {
    let fed = Fed::new().await;
    let mut people = Vec::new();
    for n in 0..12 {
        people.push(fed.user(user(n)).await.unwrap());
    }
    let first = fed.group("GEA 1", &[&people[0], &people[1], &people[2]]).await.unwrap();
    fed.group("GEA 2", &[&people[2], &people[3], &first]).await.unwrap();
    fed.group("École", &[&first]).await.unwrap();
    fed.group("Personne", &[]).await.unwrap();
    fed
}

/// Whether the store finds for each of these, and for all that is put together of them, whom they mean.
async fn found_as_meant(fed: &Fed, kind: Kind, filters: &[String]) {
    let everyone = fed.list(kind, &Asked::default()).await.unwrap().resources;
    let mut met = [false, false];
    for text in filters.iter().cloned().chain(compositions(filters)) {
        let filter = filter::parse(kind, &text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
        let meant: Vec<_> = everyone.iter().filter(|one| evaluate(&filter, &one.resource)).map(|one| one.id).collect();
        let asked = Asked { filter: Some(filter), with: With::default(), ..Asked::default() };
        let listed = fed.list(kind, &asked).await.unwrap_or_else(|error| panic!("{text}: {error:?}"));
        let found: Vec<_> = listed.resources.iter().map(|one| one.id).collect();
        assert_eq!((found, listed.total), (meant.clone(), i64::try_from(meant.len()).unwrap()), "{text}");
        met[usize::from(!meant.is_empty() && meant.len() < everyone.len())] = true;
    }
    assert_eq!(met, [true, true], "some find some, and some all or none");
}

#[tokio::test]
async fn a_store_finds_what_a_filter_means() {
    let fed = populated().await;
    let filters: Vec<String> = FILTERS.iter().map(|text| (*text).to_owned()).collect();
    found_as_meant(&fed, Kind::User, &filters).await;
}

#[tokio::test]
async fn a_store_finds_groups_by_what_is_in_them() {
    let fed = populated().await;
    let people = fed.list(Kind::User, &Asked::default()).await.unwrap().resources;
    let groups = fed.list(Kind::Group, &Asked::default()).await.unwrap().resources;
    let (in_two, inner) = (people[2].id, groups[0].id);
    let filters = [
        format!("members eq \"{in_two}\""),
        format!("members.value ne \"{in_two}\""),
        format!("members[value eq \"{in_two}\"]"),
        format!("members[value eq \"{in_two}\" and type eq \"User\"]"),
        format!("members[value eq \"{in_two}\" and type eq \"Group\"]"),
        format!("members[value eq \"{in_two}\" or value eq \"{inner}\"]"),
        format!("members[not (value eq \"{in_two}\")]"),
        format!("members[value eq \"{}\"]", in_two.to_string().to_uppercase()),
        format!("members[type eq \"group\" and value ne \"{in_two}\"]"),
        format!("members.value gt \"{in_two}\""),
        format!("members[value le \"{in_two}\" and type sw \"u\"]"),
        format!("members.value co \"{}\"", &in_two.to_string()[20..]),
        format!("id eq \"{inner}\" or id eq \"x\""),
        format!("id gt \"{inner}\""),
        format!("id ew \"{}\"", &inner.to_string()[30..]),
        "members pr".to_owned(),
        "not (members pr)".to_owned(),
        "members.type eq \"Group\"".to_owned(),
        "members[type pr]".to_owned(),
        "displayName sw \"gea\"".to_owned(),
        "displayName eq \"ÉCOLE\"".to_owned(),
        "schemas eq \"urn:ietf:params:scim:schemas:core:2.0:Group\"".to_owned(),
        "schemas co \"User\"".to_owned(),
        "meta.resourceType eq \"Group\"".to_owned(),
        "meta.version eq \"W/\\\"1\\\"\"".to_owned(),
        "meta.version eq \"1\"".to_owned(),
        "meta.lastModified gt \"2000-01-01T00:00:00Z\"".to_owned(),
    ];
    found_as_meant(&fed, Kind::Group, &filters).await;
}

/// Filters put together of these, always the same ones.
fn compositions(filters: &[String]) -> Vec<String> {
    let mut state = 7_u64;
    let mut draw = |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % bound
    };
    let mut made = Vec::new();
    for _ in 0..150 {
        let mut text = filters[draw(filters.len())].clone();
        for _ in 0..=draw(4) {
            let other = &filters[draw(filters.len())];
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
    for (kind, text) in [
        (Kind::Group, "members.display co \"x\""),
        (Kind::Group, "members.$ref co \"Users\""),
        (Kind::User, "groups.$ref pr and groups.$ref co \"x\""),
        (Kind::User, "meta.version eq \"W/\\\"1\\\"\""),
        (Kind::User, "meta.location co \"x\""),
        (Kind::User, "urn:passerelle:params:scim:schemas:extension:1.0:User:assignments.role eq \"x\""),
    ] {
        assert_eq!(word(&found(kind, text.to_owned()).await.unwrap_err()), Some("invalidFilter"), "{text}");
    }
}
