//! What changed alone: by the service's own time, without whoever did not change, and read whole when the service goes on no more.

use connectors::scim::Scim;
use connectors::{Bookmark, Caught, Cause, Error, Extent, Record, Step};
use serde_json::json;

use super::{DEADLINE, source, whole};
use crate::harness::remote_scim::{Fault, Habits, LATELY, LONG_AGO, ScimService};

async fn changes(scim: &Scim, since: &Bookmark) -> (Vec<String>, Result<Caught, Error>) {
    let mut changes = scim.changes(since, DEADLINE).unwrap();
    let mut named = Vec::new();
    while let Some(steps) = changes.steps.recv().await {
        named.extend(steps.into_iter().map(|step| match step {
            Step::Stated(Record::Person(person)) => person.username,
            Step::Stated(Record::Group(group)) => format!("{} ({})", group.name, group.members.len()),
            other => panic!("{other:?}"),
        }));
    }
    (named, changes.outcome.await.unwrap())
}

#[tokio::test]
async fn only_what_changed_since_is_asked_for_and_stated() {
    let service = ScimService::start().await;
    service.users(30);
    service.group("g1", "ens", LONG_AGO, &[("User", "u00001")]);
    let scim = source(&service, &json!({"user_filter": "name.familyName eq \"Essai\""})).await;
    let bookmark = whole(&scim).await.3.bookmark.unwrap();
    assert_eq!((bookmark.method.as_str(), &bookmark.belongs_to), ("last-modified", &scim.belongs_to()));
    let (named, caught) = changes(&scim, &bookmark).await;
    let caught = caught.unwrap();
    assert_eq!((named.len(), caught.people, caught.groups), (0, Extent::Changes, Extent::Changes));
    service.user("u00007", "anne", LATELY, &json!({}));
    service.user("new", "zoe", LATELY, &json!({}));
    service.user("other", "max", LATELY, &json!({"name": {"familyName": "Autre"}}));
    service.group("g1", "ens", LATELY, &[("User", "u00001"), ("User", "new")]);
    service.heard();
    let (named, caught) = changes(&scim, &caught.bookmark.unwrap()).await;
    assert_eq!(named, ["anne", "zoe", "ens (2)"]);
    assert!(caught.unwrap().bookmark.unwrap().people >= bookmark.people);
    let filters: Vec<String> = service.heard().iter().filter_map(|one| one.query.get("filter").cloned()).collect();
    assert!(filters.iter().any(|filter| filter.starts_with("(name.familyName eq \"Essai\") and meta.lastModified gt \"20")), "{filters:?}");
    assert!(filters.iter().any(|filter| filter.starts_with("meta.lastModified gt \"20")), "{filters:?}");
}

#[tokio::test]
async fn a_bookmark_serves_the_settings_it_was_made_with_only() {
    let service = ScimService::start().await;
    service.users(3);
    let scim = source(&service, &json!({})).await;
    let text = whole(&scim).await.3.bookmark.unwrap().to_text();
    assert!(Bookmark::from_text(&text, &scim.belongs_to()).is_ok());
    let quicker = source(&service, &json!({"page_size": 50, "page_pause_ms": 1})).await;
    assert_eq!(quicker.belongs_to(), scim.belongs_to());
    for other in [json!({"user_filter": "active eq true"}), json!({"mapping": {"title": ""}}), json!({"groups": "none"})] {
        assert_ne!(source(&service, &other).await.belongs_to(), scim.belongs_to(), "{other}");
    }
    let foreign = Bookmark { method: "syncrepl".to_owned(), ..Bookmark::from_text(&text, &scim.belongs_to()).unwrap() };
    assert!(scim.changes(&foreign, DEADLINE).is_none());
}

#[tokio::test]
async fn a_service_that_takes_the_filter_no_more_has_the_source_read_whole() {
    let service = ScimService::start().await;
    service.users(3);
    let scim = source(&service, &json!({})).await;
    let bookmark = whole(&scim).await.3.bookmark.unwrap();
    service.habit(|habits| habits.no_filter = true);
    let refused = changes(&scim, &bookmark).await.1.unwrap_err().cause;
    assert!(refused.bookmark_refused(), "{refused:?}");
    service.habit(|habits| *habits = Habits::default());
    service.fail("/Users", &[Fault::Refused(500, "oops")]);
    let failed = changes(&scim, &bookmark).await.1.unwrap_err().cause;
    assert!(matches!(failed, Cause::Service(_)) && !failed.bookmark_refused(), "{failed:?}");
}
