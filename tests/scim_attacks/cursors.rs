//! Pages: numbers that are none, cursors that were given for something else, parameters in numbers.

use serde_json::json;

use crate::harness::scim_client::{Feed, Pushed, SEARCH, feed_of};

async fn cursor(feed: &Feed, query: &str) -> String {
    let page = feed.get(&format!("/Users?count=1&cursor=&{query}")).await;
    assert_eq!(page.status, 200, "{:#}", page.body);
    page.text("/nextCursor").to_owned()
}

async fn peopled(feed: &Feed) {
    for name in ["anne", "bob", "chloé"] {
        feed.person(name).await;
    }
}

#[tokio::test]
async fn numbers_out_of_bounds_are_answered_or_refused_in_words() {
    let (_pushed, feed) = Pushed::with_feed().await;
    peopled(&feed).await;
    for (query, shown) in [
        ("startIndex=-9223372036854775808", 3),
        ("startIndex=0", 3),
        ("startIndex=9223372036854775807", 0),
        ("startIndex=9223372036854775807&count=9223372036854775807", 0),
        ("count=-9223372036854775808", 0),
        ("count=-1", 0),
        ("count=9223372036854775807", 3),
        ("startIndex=2&count=1&sortBy=userName", 1),
    ] {
        let page = feed.get(&format!("/Users?{query}")).await;
        assert_eq!(page.counts(), (3, shown), "{query}: {:#}", page.body);
    }
    for number in [
        "9223372036854775808",
        "-9223372036854775809",
        "1e3",
        "1.0",
        "0x10",
        "١",
        "NaN",
        "one",
        "",
        "1,2",
        "--1",
        "9".repeat(10_000).as_str(),
    ] {
        for name in ["startIndex", "count"] {
            let said = feed.said(feed.request("GET", "/Users").query(&[(name, number)])).await;
            assert_eq!(said.refusal(), (400, "invalidValue"), "{name}={number}");
            assert!(said.text("/detail").len() < 200);
        }
    }
    for value in [json!(1.5), json!(1e30), json!("1"), json!(true), json!([]), json!({})] {
        let said = feed.post("/Users/.search", &json!({ "schemas": [SEARCH], "count": value })).await;
        assert!(said.status == 400 && said.refusal().1 == "invalidValue", "{value}: {:#}", said.body);
    }
    assert_eq!(feed.get("/?startIndex=9223372036854775807&filter=userName+pr").await.counts(), (3, 0));
}

#[tokio::test]
async fn a_cursor_leads_on_where_it_was_given_and_nowhere_else() {
    let (pushed, feed) = Pushed::with_feed().await;
    let other = pushed.feed("okta").await;
    let elsewhere = feed_of(&pushed.server.establishment("Lycée Ampère").await, "entra").await;
    peopled(&feed).await;
    for (feed, name) in [(&other, "denis"), (&other, "émile"), (&elsewhere, "anne"), (&elsewhere, "bob")] {
        feed.person(name).await;
    }
    let (plain, sorted) = (cursor(&feed, "").await, cursor(&feed, "sortBy=userName").await);
    let filtered = cursor(&feed, "filter=userName+ne+%22y%22").await;
    let next = feed.get(&format!("/Users?count=1&cursor={plain}")).await;
    assert_eq!((next.status, next.counts()), (200, (3, 1)));
    let refused = async |feed: &Feed, query: &str| {
        let said = feed.get(&format!("/Users?count=1&{query}")).await;
        assert_eq!(said.refusal(), (400, "invalidCursor"), "{query}: {:#}", said.body);
    };
    for (one, query) in [
        (&plain, "sortBy=userName"),
        (&plain, "filter=active+eq+true"),
        (&sorted, ""),
        (&sorted, "sortBy=userName&sortOrder=descending"),
        (&sorted, "sortBy=externalId"),
        (&filtered, ""),
        (&filtered, "filter=userName+ne+%22x%22"),
    ] {
        refused(&feed, &format!("cursor={one}&{query}")).await;
    }
    // Of another feed, and of another establishment.
    refused(&other, &format!("cursor={plain}")).await;
    refused(&elsewhere, &format!("cursor={plain}")).await;
    assert_eq!(feed.get(&format!("/Groups?cursor={plain}")).await.refusal(), (400, "invalidCursor"));
    for forged in [
        "x",
        "%25",
        "AAAA",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAA",
        &plain[1..],
        &plain[..plain.len() - 4],
        &format!("{plain}AAAA"),
        "'",
        "é",
        &"A".repeat(20_000),
    ] {
        refused(&feed, &format!("cursor={forged}")).await;
    }
    // A cursor and a place say two things.
    let both = feed.get(&format!("/Users?count=1&startIndex=2&cursor={plain}")).await;
    assert!(both.status == 400 || both.body.get("startIndex").is_none(), "{:#}", both.body);
}

#[tokio::test]
async fn what_is_asked_twice_or_too_often_is_refused_and_not_passed_over() {
    let (_pushed, feed) = Pushed::with_feed().await;
    peopled(&feed).await;
    for query in [
        "filter=userName+eq+%22anne%22&filter=userName+pr",
        "filter=userName+eq+%22anne%22&FILTER=userName+pr",
        "count=1&count=2",
        "startIndex=1&startindex=2",
        "sortBy=userName&sortBy=title",
        "cursor=&cursor=x",
    ] {
        assert_eq!(feed.get(&format!("/Users?{query}")).await.refusal(), (400, "invalidValue"), "{query}");
    }
    let late = format!("/Users?{}filter=userName+eq+%22anne%22", "x=1&".repeat(500));
    assert_eq!(feed.get(&late).await.refusal(), (400, "invalidValue"), "a filter that is not looked at would answer everyone");
    assert_eq!(feed.get("/Users?Filter=userName+eq+%22anne%22").await.counts(), (1, 1));
    assert_eq!(feed.get("/Users?sortBy=userName&sortOrder=sideways").await.refusal(), (400, "invalidValue"));
    // Names of attributes are many, or none: what there is not is passed over, and what is always shown is shown.
    let many = (0..10_000).map(|n| format!("a{n}")).collect::<Vec<_>>();
    let said = feed.post("/Users/.search", &json!({ "schemas": [SEARCH], "attributes": many })).await;
    assert_eq!(said.counts(), (3, 3));
    assert_eq!(said.body["Resources"][0].as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>(), ["id", "schemas"]);
    let hidden = feed.get("/Users?excludedAttributes=id,schemas,userName,meta,x").await;
    assert!(hidden.body["Resources"][0].get("id").is_some() && hidden.body["Resources"][0].get("userName").is_none());
}
