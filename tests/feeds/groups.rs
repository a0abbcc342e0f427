//! Groups of a feed and their members.

use passerelle::services::groups;
use passerelle::services::scim::change::{Change, Done, Stored, With};
use passerelle::services::scim::resources::{self, Asked, Listed, Start};
use passerelle::services::scim::schema::Kind;
use passerelle::services::scim::shown::MEMBERS_MAX;
use passerelle::services::scim::sorting;
use passerelle::store::establishment::group::{self, Filter};
use passerelle::store::establishment::membership;
use passerelle::types::id::{GroupId, UserId};
use passerelle::types::page::PageRequest;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Fed, feed, object, person, word};

/// Most members that one request names.
const NAMED_MAX: usize = 100_000;

async fn three(fed: &Fed) -> [Stored; 3] {
    [fed.user(person("a")).await.unwrap(), fed.user(person("b")).await.unwrap(), fed.user(person("c")).await.unwrap()]
}

fn names(group: &Stored) -> Vec<&str> {
    let mut names: Vec<&str> = group.resource["members"].as_array().unwrap().iter().map(|one| one["value"].as_str().unwrap()).collect();
    names.sort_unstable();
    names
}

async fn count(fed: &Fed) -> i64 {
    let page = groups::list(&fed.ctx, &PageRequest::first(50), &Filter::default()).await.unwrap();
    page.items.iter().find(|group| group.name == "GEA").unwrap().member_count
}

#[tokio::test]
async fn members_come_and_go_in_every_form_and_are_counted() {
    let fed = Fed::new().await;
    let [a, b, c] = three(&fed).await;
    let group = fed.group("GEA", &[&a, &a]).await.unwrap();
    assert_eq!((names(&group).len(), count(&fed).await), (1, 1));
    let add = json!([{ "op": "Add", "path": "members", "value": [{ "value": b.id }, { "value": c.id }, { "value": a.id }] }]);
    let group = fed.patch(&group, add.clone()).await.unwrap();
    assert_eq!((names(&group).len(), count(&fed).await), (3, 3));
    fed.patch(&group, add).await.unwrap();
    assert_eq!(count(&fed).await, 3, "again is once");
    let group = fed.patch(&group, json!([{ "op": "Remove", "path": "members", "value": [{ "value": b.id }] }])).await.unwrap();
    let group = fed.patch(&group, json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", c.id) }])).await.unwrap();
    let group = fed.patch(&group, json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", c.id) }])).await.unwrap();
    assert_eq!((names(&group), count(&fed).await), (vec![a.id.to_string().as_str()], 1));
    let group =
        fed.patch(&group, json!([{ "op": "replace", "path": "members", "value": [{ "value": b.id }, { "value": c.id }] }])).await.unwrap();
    assert_eq!((names(&group).len(), count(&fed).await), (2, 2));
    let shown = fed.read(Kind::User, &b.id.to_string()).await.unwrap();
    assert_eq!(shown.resource["groups"][0]["display"], "GEA");
    let group = fed.patch(&group, json!([{ "op": "remove", "path": "members" }])).await.unwrap();
    assert_eq!((group.resource.get("members"), count(&fed).await), (None, 0));
}

#[tokio::test]
async fn whoever_the_feed_does_not_have_is_passed_over_and_a_group_is_not_in_itself() {
    let fed = Fed::new().await;
    let other = feed(&fed.ctx, "okta", &json!({})).await;
    let stranger = resources::create(&other, Kind::User, object(person("z")), With::USUAL).await.unwrap();
    let group = fed.group("GEA", &[]).await.unwrap();
    let add = |id: String| json!([{ "op": "add", "path": "members", "value": [{ "value": id }] }]);
    for id in [stranger.id.to_string(), "nobody".to_owned()] {
        let same = fed.patch(&group, add(id.clone())).await.unwrap();
        assert_eq!((same.resource.get("members"), count(&fed).await), (None, 0), "{id}");
    }
    let refused = fed.patch(&group, add(group.id.to_string())).await.unwrap_err();
    assert_eq!((refused.status, word(&refused)), (400, Some("invalidValue")));
    assert_eq!(fed.group("gea", &[]).await.unwrap_err().status, 409, "one name, one group");
}

#[tokio::test]
async fn groups_hold_groups_and_go_with_their_memberships() {
    let fed = Fed::new().await;
    let [a, b, _] = three(&fed).await;
    let inner = fed.group("TP1", &[&a]).await.unwrap();
    let outer = fed.group("GEA", &[&inner, &b]).await.unwrap();
    let kinds: Vec<&Value> = outer.resource["members"].as_array().unwrap().iter().map(|one| &one["type"]).collect();
    assert_eq!((kinds, count(&fed).await), (vec![&json!("User"), &json!("Group")], 2));
    let effective = group::effective_names_of_user(&mut fed.ctx.store.read().await.unwrap(), a.id.into()).await.unwrap();
    assert_eq!(effective, ["GEA", "TP1"]);
    resources::remove(&fed.feed, Kind::Group, &inner.id.to_string(), None).await.unwrap();
    assert_eq!(count(&fed).await, 1);
    assert_eq!(fed.read(Kind::Group, &inner.id.to_string()).await.unwrap_err().status, 404);
    let renamed = fed.patch(&outer, json!([{ "op": "Replace", "value": { "displayName": "GEA 2", "id": outer.id } }])).await;
    assert_eq!(renamed.unwrap().resource["displayName"], "GEA 2");
    let effective = group::effective_names_of_user(&mut fed.ctx.store.read().await.unwrap(), b.id.into()).await.unwrap();
    assert_eq!(effective, ["GEA 2"]);
}

#[tokio::test]
async fn a_group_that_is_called_like_a_directorys_entry_is_refused() {
    let fed = Fed::new().await;
    for name in ["cn=direction,ou=groups,dc=lycee,dc=fr", "CN=Direction, OU=Groups", "cn=direction"] {
        let refused = fed.group(name, &[]).await.unwrap_err();
        assert_eq!(refused.status, 400, "{name}");
        assert!(refused.detail.contains("plain name"), "{}", refused.detail);
    }
    let plain = fed.group("Direction", &[]).await.unwrap();
    let renamed = json!([{ "op": "replace", "path": "displayName", "value": "cn=direction,dc=lycee" }]);
    assert_eq!(fed.patch(&plain, renamed).await.unwrap_err().status, 400);
}

#[tokio::test]
async fn whoever_is_taken_out_and_is_not_there_is_passed_over_and_of_many_only_so_many_are_named() {
    let fed = Fed::new().await;
    let [a, b, c] = three(&fed).await;
    let (inner, other) = (fed.group("TP1", &[&c]).await.unwrap(), fed.group("TP2", &[&a]).await.unwrap());
    let group = fed.group("GEA", &[&a, &b, &inner]).await.unwrap();
    let strangers = (0..1000).map(|_| json!({ "value": Uuid::now_v7() }));
    let named: Vec<Value> = [&a, &c, &inner, &other].iter().map(|one| json!({ "value": one.id })).chain(strangers).collect();
    let group = fed.patch(&group, json!([{ "op": "remove", "path": "members", "value": named }])).await.unwrap();
    assert_eq!((names(&group), count(&fed).await), (vec![b.id.to_string().as_str()], 1));
    let many: Vec<Value> = (0..=NAMED_MAX).map(|n| json!({ "value": format!("{n}") })).collect();
    for op in ["add", "remove"] {
        let refused = fed.patch(&group, json!([{ "op": op, "path": "members", "value": many }])).await.unwrap_err();
        assert_eq!((refused.status, word(&refused)), (400, Some("tooMany")), "{op}");
        assert!(refused.detail.contains(&NAMED_MAX.to_string()), "{}", refused.detail);
    }
    let same = fed.patch(&group, json!([{ "op": "add", "path": "members", "value": [{ "value": "nobody" }] }])).await.unwrap();
    assert_eq!(same.rev, group.rev, "nobody came: it is no new version");
}

#[tokio::test]
async fn what_is_asked_of_members_before_all_are_named_is_not_done_and_still_has_to_fit() {
    let fed = Fed::new().await;
    let [a, b, c] = three(&fed).await;
    let group = fed.group("GEA", &[&a]).await.unwrap();
    let op = |op: &str, one: &Stored, kind: &str| json!({ "op": op, "path": "members", "value": [{ "value": one.id, "type": kind }] });
    let all = [op("add", &b, "User"), op("replace", &c, "User"), op("remove", &a, "User"), op("add", &a, "User")];
    let changed = fed.patch(&group, Value::from(all.to_vec())).await.unwrap();
    let mut wanted = [a.id.to_string(), c.id.to_string()];
    wanted.sort();
    assert_eq!((names(&changed), count(&fed).await), (wanted.iter().map(String::as_str).collect::<Vec<_>>(), 2));
    let wrong = fed.patch(&group, json!([op("add", &b, "Group"), op("replace", &c, "User")])).await.unwrap_err();
    assert_eq!((wrong.status, word(&wrong)), (400, Some("invalidValue")));
}

#[tokio::test]
async fn a_page_of_large_groups_is_cut_short_and_the_next_goes_on() {
    const PEOPLE: usize = 400;
    let fed = Fed::new().await;
    let body = |name: String, urn: &str, key: &str| object(json!({ "schemas": [urn], key: name }));
    let made = async |kind: Kind, count: usize, urn: &str, key: &str| {
        let changes = (0..count).map(|n| Change::Create { kind, body: body(format!("n{n:03}"), urn, key) }).collect();
        let done = resources::carry_all(&fed.feed, changes, With::default()).await;
        done.into_iter().map(|one| if let Ok(Done::Stored(made)) = one { made.id } else { panic!("{one:?}") }).collect::<Vec<Uuid>>()
    };
    let people = made(Kind::User, PEOPLE, "urn:ietf:params:scim:schemas:core:2.0:User", "userName").await;
    let fits = usize::try_from(MEMBERS_MAX).unwrap() / PEOPLE;
    let groups = made(Kind::Group, fits + 2, "urn:ietf:params:scim:schemas:core:2.0:Group", "displayName").await;
    let mut tx = fed.ctx.store.begin().await.unwrap();
    for group in &groups {
        let pairs: Vec<_> = people.iter().map(|one| (GroupId::from(*group), UserId::from(*one))).collect();
        membership::insert_all(&mut tx, &pairs).await.unwrap();
    }
    tx.commit().await.unwrap();
    let page = async |start: Start, sort: bool| {
        let sort = sort.then(|| (sorting::parse(Kind::Group, "displayName", None).unwrap().attr, false));
        fed.list(Kind::Group, &Asked { start, sort, count: 500, ..Asked::default() }).await.unwrap()
    };
    let ids = |page: &Listed| page.resources.iter().map(|one| one.id).collect::<Vec<_>>();
    let first = page(Start::Index(1), false).await;
    assert_eq!((first.resources.len(), first.total, first.next_cursor.as_ref()), (fits, i64::try_from(groups.len()).unwrap(), None));
    let rest = page(Start::Index(i64::try_from(fits).unwrap() + 1), false).await;
    assert_eq!([ids(&first), ids(&rest)].concat(), groups);
    for sorted in [false, true] {
        let first = page(Start::Cursor(None), sorted).await;
        let rest = page(Start::Cursor(first.next_cursor.clone()), sorted).await;
        assert_eq!((first.resources.len(), rest.next_cursor.as_ref()), (fits, None));
        assert_eq!([ids(&first), ids(&rest)].concat(), groups, "sorted: {sorted}");
    }
    let without = Asked { count: 500, with: With::default(), ..Asked::default() };
    assert_eq!(fed.list(Kind::Group, &without).await.unwrap().resources.len(), groups.len());
}
