//! Lists: filtered, sorted, page by page, projected (RFC 7644 §3.4.2, §3.9; RFC 9865).

use serde_json::{Value, json};

use crate::harness::scim_client::{BULK, ENTERPRISE, Feed, LIST, Pushed, SEARCH, USER};

/// Five people of different names, kinds and ages, in this order.
async fn five(feed: &Feed) -> Vec<String> {
    let mut made = Vec::new();
    for (at, (name, family, active)) in
        [("dora", "Zola", true), ("ali", "Éluard", true), ("élodie", "Balzac", false), ("bruno", "Aragon", true), ("chloé", "zévaco", true)]
            .into_iter()
            .enumerate()
    {
        let body = json!({
            "schemas": [USER, ENTERPRISE], "userName": name, "externalId": format!("E{at}"), "active": active,
            "name": { "familyName": family },
            "emails": [
                { "type": "work", "value": format!("{name}@work.example"), "primary": true },
                { "type": "home", "value": format!("{name}@home.example") },
            ],
            ENTERPRISE: { "department": if at % 2 == 0 { "Lettres" } else { "Sciences" } },
        });
        let said = feed.post("/Users", &body).await;
        assert_eq!(said.status, 201, "{:#}", said.body);
        made.push(said.id());
    }
    made
}

async fn names(feed: &Feed, filter: &str) -> Vec<String> {
    let found = feed.find("/Users", filter).await;
    assert_eq!(found.status, 200, "{filter}: {:#}", found.body);
    let mut names = found.texts("/Resources", "userName");
    names.sort();
    names
}

#[tokio::test]
async fn filters_have_the_whole_grammar() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let ids = five(&feed).await;
    let department = format!("{ENTERPRISE}:department");
    for (filter, expected) in [
        ("userName sw \"d\"", vec!["dora"]),
        ("userName co \"L\"", vec!["ali", "chloé", "élodie"]),
        ("userName ew \"é\"", vec!["chloé"]),
        ("userName ne \"ali\"", vec!["bruno", "chloé", "dora", "élodie"]),
        ("userName gt \"c\" and userName lt \"e\"", vec!["chloé", "dora"]),
        ("active eq false", vec!["élodie"]),
        ("not (active eq true)", vec!["élodie"]),
        ("title pr", vec![]),
        ("not (title pr) and name.familyName eq \"ZOLA\"", vec!["dora"]),
        ("emails[type eq \"home\" and value sw \"ali\"]", vec!["ali"]),
        ("emails[type eq \"home\" and value ew \"@work.example\"]", vec![]),
        ("emails.value eq \"bruno@work.example\" or externalId eq \"E2\"", vec!["bruno", "élodie"]),
        ("USERNAME EQ \"ali\" OR (name.familyName sw \"Z\" and active eq TRUE)", vec!["ali", "chloé", "dora"]),
        (&format!("{department} eq \"lettres\""), vec!["chloé", "dora", "élodie"]),
        (&format!("{USER}:userName eq \"ali\""), vec!["ali"]),
        (&format!("id eq \"{}\"", ids[3]), vec!["bruno"]),
        ("meta.created gt \"2020-01-01T00:00:00Z\" and userName eq \"ali\"", vec!["ali"]),
        ("meta.lastModified lt \"2020-01-01T00:00:00Z\"", vec![]),
        // Letter case matters where the schema says so.
        ("externalId eq \"e2\"", vec![]),
    ] {
        assert_eq!(names(&feed, filter).await, expected, "{filter}");
    }
}

#[tokio::test]
async fn lists_are_sorted() {
    let (_pushed, feed) = Pushed::with_feed().await;
    five(&feed).await;
    let sorted = async |query: &str| feed.get(&format!("/Users?{query}")).await.texts("/Resources", "userName");
    let by_name = sorted("sortBy=userName").await;
    assert_eq!(by_name.iter().map(String::as_str).collect::<Vec<_>>(), ["ali", "bruno", "chloé", "dora", "élodie"]);
    assert_eq!(feed.post("/Users", &json!({ "schemas": [USER], "userName": "fanny", "name": { "familyName": "Ève" } })).await.status, 201);
    assert_eq!(
        feed.post("/Users", &json!({ "schemas": [USER], "userName": "Edith", "name": { "familyName": "Evrard" } })).await.status,
        201
    );
    let by_name = sorted("sortBy=userName").await;
    assert_eq!(by_name[3..], ["dora", "Edith", "élodie", "fanny"], "accents and letter case do not part what belongs together");
    let families = ["bruno", "élodie", "ali", "fanny", "Edith", "chloé", "dora"];
    assert_eq!(sorted("sortBy=name.familyName").await, families, "Aragon, Balzac, Éluard, Ève, Evrard, zévaco, Zola");
    let mut backwards = by_name.clone();
    backwards.reverse();
    assert_eq!(sorted("sortBy=userName&sortOrder=descending").await, backwards);
    assert_eq!(sorted("sortBy=userName&startIndex=2&count=2").await, by_name[1..3]);
    for wrong in ["sortBy=colour", "sortBy=userName&sortOrder=sideways"] {
        assert_eq!(feed.get(&format!("/Users?{wrong}")).await.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn pages_have_bounds() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let ids = five(&feed).await;
    let most = feed.get("/ServiceProviderConfig").await.body["filter"]["maxResults"].as_u64().unwrap();
    for (query, start, shown) in [
        ("", 1, 5),
        ("startIndex=0", 1, 5),
        ("startIndex=-7&count=2", 1, 2),
        ("startIndex=4", 4, 2),
        ("startIndex=6", 6, 0),
        ("startIndex=9000000000", 9_000_000_000_u64, 0),
        ("count=0", 1, 0),
        ("count=-1", 1, 0),
        (&format!("count={}", most * 10), 1, 5),
    ] {
        let page = feed.get(&format!("/Users?{query}")).await;
        assert_eq!((page.status, page.counts()), (200, (ids.len() as u64, shown)), "{query}: {:#}", page.body);
        assert_eq!((&page.body["startIndex"], &page.body["itemsPerPage"]), (&json!(start), &json!(shown)), "{query}");
    }
    let in_order = feed.get("/Users").await.texts("/Resources", "id");
    for (start, count) in (1..=5).flat_map(|start| (1..=3).map(move |count| (start, count))) {
        let page = feed.get(&format!("/Users?startIndex={start}&count={count}")).await.texts("/Resources", "id");
        assert_eq!(page, in_order[start - 1..ids.len().min(start - 1 + count)], "{count} from {start}");
    }
    for wrong in ["count=many", "startIndex=1.5", "count=99999999999999999999999"] {
        assert_eq!(feed.get(&format!("/Users?{wrong}")).await.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn pages_are_as_large_as_the_service_says() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let config = feed.get("/ServiceProviderConfig").await.body;
    let (most, usual) = (config["pagination"]["maxPageSize"].as_u64().unwrap(), config["pagination"]["defaultPageSize"].as_u64().unwrap());
    assert_eq!(config["filter"]["maxResults"], most);
    let one = |n| json!({ "method": "POST", "path": "/Users", "bulkId": format!("b{n}"), "data": { "schemas": [USER], "userName": format!("p{n}") } });
    let all: Vec<Value> = (0..=most).map(one).collect();
    assert_eq!(feed.post("/Bulk", &json!({ "schemas": [BULK], "Operations": all })).await.status, 200);
    for (query, shown) in [("", usual), ("?cursor=", usual), ("?count=100000", most), ("?cursor=&count=100000", most)] {
        let page = feed.get(&format!("/Users{query}")).await;
        assert_eq!((page.status, page.counts()), (200, (most + 1, usize::try_from(shown).unwrap())), "{query}");
    }
}

#[tokio::test]
async fn cursors_walk_through_everything_whatever_comes_meanwhile() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let ids = five(&feed).await;
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    for step in 0..10 {
        let encoded: String = url::form_urlencoded::byte_serialize(cursor.as_bytes()).collect();
        let page = feed.get(&format!("/Users?cursor={encoded}&count=2")).await;
        assert_eq!(page.status, 200, "{:#}", page.body);
        assert!(page.body.get("startIndex").is_none(), "RFC 9865 §2: pages of cursors have no index");
        seen.extend(page.texts("/Resources", "id"));
        if step == 0 {
            assert_eq!(feed.delete(&format!("/Users/{}", ids[0])).await.status, 204);
        }
        match page.body.get("nextCursor") {
            Some(next) => next.as_str().unwrap().clone_into(&mut cursor),
            None => break,
        }
    }
    let mut once = seen.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), seen.len(), "nobody is shown twice");
    assert!(ids[1..].iter().all(|id| seen.contains(id)), "nobody is left out");
    let refused = feed.get("/Users?cursor=made-up").await;
    assert_eq!(refused.refusal(), (400, "invalidCursor"));
}

#[tokio::test]
async fn a_search_is_a_list_without_anything_in_the_address() {
    let (_pushed, feed) = Pushed::with_feed().await;
    five(&feed).await;
    let search = json!({
        "schemas": [SEARCH], "filter": "userName sw \"d\" or userName sw \"b\"", "sortBy": "userName", "sortOrder": "descending",
        "attributes": ["userName"], "startIndex": 1, "count": 1,
    });
    let found = feed.post("/Users/.search", &search).await;
    assert_eq!((found.status, &found.body["schemas"], found.counts()), (200, &json!([LIST]), (2, 1)));
    let shown = found.body["Resources"][0].as_object().unwrap();
    assert_eq!(shown.keys().map(String::as_str).collect::<Vec<_>>(), ["id", "schemas", "userName"]);
    assert_eq!(shown["userName"], "dora");
    assert_eq!(feed.post("/Users/.search", &json!({ "filter": "userName pr" })).await.refusal(), (400, "invalidSyntax"));
}

#[tokio::test]
async fn people_and_groups_are_searched_together() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let ids = five(&feed).await;
    let group = feed.group("Dora et les autres", &[&ids[0]]).await;
    let all = feed.post("/.search", &json!({ "schemas": [SEARCH], "filter": "id pr" })).await;
    assert_eq!((all.status, all.counts()), (200, (6, 6)), "{:#}", all.body);
    let groups = feed.find("/", "meta.resourceType eq \"Group\"").await;
    assert_eq!((groups.counts(), groups.text("/Resources/0/id")), ((1, 1), group.as_str()));
    // What a kind of resource does not have is not present there.
    let mixed = feed.find("/", "userName eq \"dora\" or displayName sw \"dora\"").await;
    assert_eq!((mixed.status, mixed.counts()), (200, (2, 2)), "{:#}", mixed.body);
    let second = feed.post("/.search", &json!({ "schemas": [SEARCH], "filter": "id pr", "startIndex": 5, "count": 2 })).await;
    assert_eq!(second.texts("/Resources", "id").len(), 2);
    assert_eq!(second.text("/Resources/1/id"), group, "groups come after people");
    assert_eq!(feed.find("/", "colour eq \"red\"").await.refusal(), (400, "invalidFilter"));
}

#[tokio::test]
async fn answers_show_what_was_asked_for() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let path = format!("/Users/{}", five(&feed).await[0]);
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let some = feed.get(&format!("{path}?attributes=userName,emails.value,{ENTERPRISE}:department")).await;
    assert_eq!(keys(&some.body), ["emails", "id", "schemas", ENTERPRISE, "userName"]);
    assert_eq!(keys(&some.body["emails"][0]), ["value"]);
    let most = feed.get(&format!("{path}?excludedAttributes=emails,id,name.familyName,meta")).await;
    assert!(most.body.get("emails").is_none() && most.body.get("meta").is_none() && most.body["id"].is_string(), "{:#}", most.body);
    assert!(!most.header("etag").is_empty());
    let listed = feed.get("/Users?attributes=displayName").await;
    assert_eq!(keys(&listed.body["Resources"][0]), ["id", "schemas"]);
    // Also of what is written.
    let body = json!({ "schemas": [USER], "userName": "someone" });
    let made = feed.post("/Users?attributes=userName", &body).await;
    assert_eq!((made.status, keys(&made.body)), (201, vec!["id".into(), "schemas".into(), "userName".into()]));
    assert!(made.header("location").ends_with(&made.id()));
    let patched = feed.patch(&format!("{path}?attributes=title"), &json!([{ "op": "add", "path": "title", "value": "x" }])).await;
    assert_eq!((patched.status, keys(&patched.body)), (200, vec!["id".into(), "schemas".into(), "title".into()]));
    let group = feed.group("Élèves", &[]).await;
    let shown = feed
        .patch(&format!("/Groups/{group}?attributes=displayName"), &json!([{ "op": "Replace", "path": "displayName", "value": "y" }]))
        .await;
    assert_eq!((shown.status, keys(&shown.body)), (200, vec!["displayName".into(), "id".into(), "schemas".into()]), "RFC 7644 §3.5.2");
}

#[tokio::test]
async fn people_show_their_groups_and_a_group_its_members() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let ids = five(&feed).await;
    let group = feed.group("Élèves", &[&ids[0]]).await;
    let person = feed.get(&format!("/Users/{}", ids[0])).await;
    assert_eq!(person.texts("/groups", "value"), std::slice::from_ref(&group), "{:#}", person.body);
    assert_eq!(person.texts("/groups", "display"), ["Élèves"]);
    let shown = feed.get(&format!("/Groups/{group}")).await;
    assert_eq!(shown.text("/members/0/value"), ids[0]);
    assert_eq!(shown.text("/members/0/$ref"), format!("{}/Users/{}", feed.base, ids[0]));
    assert_eq!(shown.text("/members/0/type"), "User");
}
