//! Whoever is erased stands nowhere in the store any more: neither what feeds state of them, nor what feeds asked about them, nor what waited for a
//! person to decide. The trail and the change logs of runs keep what they say (docs/leaving.md).

use passerelle::services::context::Context;
use passerelle::services::leaving;
use passerelle::services::scim::{held, inspector};
use passerelle::services::sources::{self, SourceFields};
use passerelle::services::users;
use passerelle::store::establishment::scim_request::Filter;
use passerelle::types::id::UserId;
use passerelle::types::leaving::{Afterwards, Leaving};
use passerelle::types::page::PageRequest;
use serde_json::{Value, json};

use crate::harness::remains;
use crate::harness::scim_client::{BULK, ENTERPRISE, Feed, GROUP, Pushed, SEARCH, USER};

/// What nobody else in these stores is called.
const WORDS: [&str; 5] = ["zebulon", "Quichotte", "zq.exemple.fr", "x-zq-77", "x-zq-78"];

fn person(username: &str, external_id: &str) -> Value {
    json!({ "schemas": [USER, ENTERPRISE], "userName": username, "externalId": external_id, "displayName": "Zébulon Quichotte",
        "name": { "givenName": "Zébulon", "familyName": "Quichotte" }, "active": true,
        "emails": [{ "type": "work", "value": "z@zq.exemple.fr", "primary": true }] })
}

async fn change(ctx: &Context, feed: &str, adjust: impl FnOnce(&mut SourceFields)) {
    let standing = sources::get(ctx, feed).await.unwrap();
    let mut fields = SourceFields::from(&standing);
    adjust(&mut fields);
    sources::update(ctx, &standing, &fields).await.unwrap();
}

/// Where the store tells of them, but for what is said to stay.
async fn told(pushed: &Pushed) -> Vec<String> {
    let all = remains::of(&pushed.place.ctx.store, &WORDS).await;
    all.into_iter().filter(|place| !place.starts_with("audit_events.") && !place.starts_with("changes.")).collect()
}

/// Two feeds that have much to say and to ask about one person, who left. The person's key.
async fn left(pushed: &Pushed, then: Afterwards) -> UserId {
    let ctx = &pushed.place.ctx;
    let (entra, okta) = (pushed.feed("entra").await, pushed.feed("okta").await);
    change(ctx, "entra", |fields| {
        fields.leaving = Leaving { grace_days: 30, then };
        fields.guard.people.max_count = 0;
    })
    .await;
    let alike = json!({ "soft": [{ "fields": ["family_name", "given_name"] }] });
    let made = entra.post("/Users", &person("zebulon.q", "x-zq-77")).await;
    let id = made.id();
    let one = entra.post("/Users", &json!({ "schemas": [USER], "userName": "autre" })).await.id();
    let group = json!({ "schemas": [GROUP], "displayName": "GEA", "members": [{ "value": id }, { "value": one }] });
    assert_eq!(entra.post("/Groups", &group).await.status, 201);
    ask_about(&entra, &id).await;
    // Another feed states someone of that name, and then someone who looks like them.
    assert_eq!(okta.post("/Users", &person("zebulon.q", "x-zq-78")).await.status, 409);
    change(ctx, "okta", |fields| fields.matching = serde_json::from_value(alike).unwrap()).await;
    assert_eq!(okta.post("/Users", &person("zebulon.zwei", "x-zq-78")).await.status, 409);
    // The guard holds that they are shut out, and lets them be deleted.
    let off = json!([{ "op": "replace", "path": "active", "value": false }]);
    assert_eq!(entra.patch(&format!("/Users/{id}"), &off).await.status, 503);
    assert_eq!(entra.delete(&format!("/Users/{id}")).await.status, 503);
    assert_eq!(held::approve(ctx, "entra", None).await.unwrap(), 2);
    assert_eq!(entra.delete(&format!("/Users/{id}")).await.status, 204);
    for feed in ["entra", "okta"] {
        inspector::list(ctx, feed, &PageRequest::first(1), &Filter::default()).await.unwrap();
    }
    let before = told(pushed).await;
    for table in ["users.", "scim_resources.", "scim_requests.path", "scim_requests.request", "scim_held.name", "proposals."] {
        assert!(before.iter().any(|place| place.starts_with(table)), "{table} tells nothing, so this shows nothing: {before:#?}");
    }
    UserId::from(id.parse::<uuid::Uuid>().unwrap())
}

/// Asks for them in every way that names them.
async fn ask_about(feed: &Feed, id: &str) {
    feed.find("/Users", "userName eq \"Zebulon.Q\"").await;
    feed.find("/Users", "name.familyName co \"Quichotte\"").await;
    feed.find("/Users", "name.familyName eq \"quichotte\" and name.givenName sw \"zébulon\"").await;
    feed.find("/Users", "emails.value eq \"z@zq.exemple.fr\"").await;
    let search = json!({ "schemas": [SEARCH], "filter": "externalId eq \"x-zq-77\"" });
    feed.post("/.search", &search).await;
    assert_eq!(feed.post("/Users", &person("ZEBULON.Q", "x-zq-77")).await.status, 409);
    let rename = json!([{ "op": "replace", "path": "shoeSize", "value": "Zébulon Quichotte" }]);
    assert_eq!(feed.patch(&format!("/Users/{id}"), &rename).await.status, 400);
    let bulk = json!({ "method": "POST", "path": "/Users", "bulkId": "a", "data": person("zebulon.q", "x-zq-77") });
    feed.post("/Bulk", &json!({ "schemas": [BULK], "Operations": [bulk] })).await;
    // This one is about somebody else, and stays.
    feed.find("/Users", "userName eq \"autre\"").await;
}

async fn requests(pushed: &Pushed) -> Vec<String> {
    let listed = inspector::list(&pushed.place.ctx, "entra", &PageRequest::first(500), &Filter::default()).await.unwrap();
    listed.items.into_iter().map(|seen| format!("{} {}", seen.method, seen.path)).collect()
}

#[tokio::test]
async fn whoever_is_anonymised_or_purged_stands_nowhere_in_the_store() {
    for then in [Afterwards::Anonymise, Afterwards::Purge] {
        let pushed = Pushed::start().await;
        let id = left(&pushed, then).await;
        let at = Context { now: pushed.place.ctx.now.plus_s(40 * 24 * 3600), ..pushed.place.ctx.clone() };
        let (round, _) = leaving::round(&at).await.unwrap();
        assert_eq!(round.anonymised + round.purged, 1, "{round:?}");
        assert_eq!(told(&pushed).await, Vec::<String>::new(), "{then:?}");
        assert_eq!(users::get(&pushed.place.ctx, id).await.is_ok(), then == Afterwards::Anonymise);
        let left = requests(&pushed).await;
        assert!(left.iter().any(|request| request.contains("autre")), "others' requests stay: {left:?}");
    }
}

#[tokio::test]
async fn whoever_an_administrator_removes_stands_nowhere_in_the_store() {
    let pushed = Pushed::start().await;
    let id = left(&pushed, Afterwards::Keep).await;
    users::delete(&pushed.place.ctx, id).await.unwrap();
    assert_eq!(told(&pushed).await, Vec::<String>::new());
}
