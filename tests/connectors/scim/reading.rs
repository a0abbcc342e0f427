//! Everything a service holds, however it pages; what cannot be used is set aside, and what is not the whole never counts as it.

use connectors::Member;
use connectors::scim::Fault;
use serde_json::json;

use super::{fault, source, whole};
use crate::harness::remote_scim::{Habits, LONG_AGO, ScimService};

#[tokio::test]
async fn people_groups_and_nested_groups_come_whole_page_after_page() {
    let service = ScimService::start().await;
    service.users(47);
    service.group("g1", "ens-RT", LONG_AGO, &[("User", "u00001"), ("User", "u00002"), ("Group", "g2")]);
    service.group("g2", "RT", LONG_AGO, &[("User", "u00003")]);
    let (people, groups, aside, summary) = whole(&source(&service, &json!({})).await).await;
    assert_eq!((people.len(), groups.len(), aside.len()), (47, 2, 0));
    assert_eq!((summary.people, summary.groups, summary.unreadable), (47, 2, 0));
    let members = |place: &str| Member::Dn(place.to_owned());
    let nested = [members("uid=g2,ou=groups"), members("uid=u00001,ou=users"), members("uid=u00002,ou=users")];
    assert_eq!((groups[0].name.as_str(), groups[0].members.as_slice()), ("ens-RT", nested.as_slice()));
    assert_eq!(people[3].email.as_deref(), Some("user00003@acad-test.fr"));
    let heard = service.heard();
    assert!(heard.iter().all(|one| one.headers["accept"].to_str().unwrap().starts_with("application/scim+json")));
    // Each page begins with the last resource of the one before.
    let starts: Vec<&str> =
        heard.iter().filter(|one| one.path == "/Users").filter_map(|one| one.query.get("startIndex")).map(String::as_str).collect();
    assert_eq!(starts[..6], ["1", "10", "19", "28", "37", "46"]);
}

#[tokio::test]
async fn cursors_are_followed_where_the_service_announces_them_and_begun_again_when_they_end() {
    for ends_after in [None, Some(2)] {
        let service = ScimService::with(Habits { by_cursor: true, cursors_end_after: ends_after, ..Habits::default() }).await;
        service.users(47);
        let (people, ..) = whole(&source(&service, &json!({})).await).await;
        assert_eq!(people.len(), 47);
        let by_index = service
            .heard()
            .iter()
            .filter(|one| one.path == "/Users" && one.query.contains_key("startIndex") && !one.query.contains_key("filter"))
            .count();
        assert_eq!(by_index, 0);
    }
    let service = ScimService::with(Habits { by_cursor: true, ..Habits::default() }).await;
    service.users(12);
    whole(&source(&service, &json!({"paging": "index"})).await).await;
    assert!(service.heard().iter().all(|one| !one.query.contains_key("cursor")));
}

#[tokio::test]
async fn a_resource_that_cannot_be_used_is_set_aside_with_its_reason() {
    let service = ScimService::start().await;
    service.users(11);
    service.user("u00003", "", LONG_AGO, &json!({}));
    service.user("u00007", "closed", LONG_AGO, &json!({"active": "False"}));
    service.user("", "keyless", LONG_AGO, &json!({}));
    let (people, _, aside, _) = whole(&source(&service, &json!({})).await).await;
    assert_eq!(aside, ["userName: no login name", "id: missing, or no text of at most 256 bytes"]);
    let closed: Vec<_> = people.iter().filter(|person| !person.active).map(|person| person.username.as_str()).collect();
    assert_eq!((people.len(), closed.as_slice()), (10, ["closed"].as_slice()));
}

#[tokio::test]
async fn services_of_odd_habits_are_read_whole() {
    let odd = [
        Habits { page_max: Some(1), ..Habits::default() },
        Habits { page_max: Some(3), ..Habits::default() },
        Habits { no_filter: true, ..Habits::default() },
        Habits { ignores_filters: true, ..Habits::default() },
    ];
    for habits in odd {
        let service = ScimService::with(habits.clone()).await;
        service.users(23);
        let (people, _, _, summary) = whole(&source(&service, &json!({})).await).await;
        assert_eq!(people.len(), 23, "{habits:?}");
        let filters = !habits.no_filter && !habits.ignores_filters;
        assert_eq!(summary.bookmark.is_some(), filters, "{habits:?}");
    }
}

#[tokio::test]
async fn pages_that_do_not_fit_together_are_read_again_and_then_given_up() {
    let shrinking = ScimService::with(Habits { shrinks: true, ..Habits::default() }).await;
    shrinking.users(200);
    assert!(matches!(fault(&source(&shrinking, &json!({})).await).await, Fault::PagesIncoherent { passes: 3, .. }));

    let turning = ScimService::with(Habits { turns: true, ..Habits::default() }).await;
    turning.users(40);
    assert!(matches!(fault(&source(&turning, &json!({})).await).await, Fault::PagesIncoherent { .. }));
    // What fits into one page has no order to lose.
    assert_eq!(whole(&source(&turning, &json!({"page_size": 50})).await).await.0.len(), 40);

    let short = ScimService::with(Habits { announces_more: 1, ..Habits::default() }).await;
    short.users(25);
    assert!(matches!(fault(&source(&short, &json!({})).await).await, Fault::PagesIncoherent { read: 25, told: 26, .. }));
}

#[tokio::test]
async fn one_removal_while_pages_are_read_costs_a_second_reading_and_nobody() {
    let service = ScimService::start().await;
    service.users(40);
    let scim = source(&service, &json!({})).await;
    let mut reading = scim.read(super::DEADLINE);
    let mut people = reading.pages.recv().await.unwrap().len();
    // Two pages wait for this one to be taken: whoever is read by now is not the last.
    service.remove("u00000");
    while let Some(page) = reading.pages.recv().await {
        people += page.len();
    }
    let summary = reading.outcome.await.unwrap().unwrap();
    assert_eq!((people, summary.people), (40, 40), "whoever left was read before, and everyone else came");
}

#[tokio::test]
async fn own_filters_and_own_paths_decide_who_is_read_and_what_of_them() {
    let service = ScimService::start().await;
    service.users(15);
    service.user("t1", "teacher", LONG_AGO, &json!({"userType": "ens", "x": {"office": ["B12"]}, "urn:own:2.0:User": {"uai": "0990001X"}}));
    let own = json!({"user_filter": "userType eq \"ens\"", "groups": "none", "mapping": {"office": "x.office", "uai": "urn:own:2.0:User:uai", "email": ""}});
    let (people, ..) = whole(&source(&service, &own).await).await;
    assert_eq!(people.len(), 1);
    let attribute = |name: &str| people[0].attributes[name].clone();
    assert_eq!(
        (attribute("office"), attribute("uai"), people[0].email.clone()),
        (vec!["B12".to_owned()], vec!["0990001X".to_owned()], None)
    );
    assert!(service.heard().iter().all(|one| one.path != "/Groups"));
}

#[tokio::test]
async fn members_are_asked_for_group_by_group_and_not_again_while_versions_stay() {
    let service = ScimService::with(Habits { members_apart: true, ..Habits::default() }).await;
    service.users(3);
    for group in ["g1", "g2", "g3"] {
        service.group(group, group, LONG_AGO, &[("User", "u00001")]);
    }
    let scim = source(&service, &json!({"groups": "each"})).await;
    let asked = |service: &ScimService| service.heard().iter().filter(|one| one.path.starts_with("/Groups/")).count();
    assert!(whole(&scim).await.1.iter().all(|group| group.members.len() == 1));
    assert_eq!(asked(&service), 3);
    service.group("g2", "g2", LONG_AGO, &[("User", "u00001"), ("User", "u00002")]);
    let counts: Vec<usize> = whole(&scim).await.1.iter().map(|group| group.members.len()).collect();
    assert_eq!((counts, asked(&service)), (vec![1, 2, 1], 1));
}

#[tokio::test]
async fn where_lists_tell_no_versions_each_group_is_asked_whether_it_changed() {
    let service = ScimService::with(Habits { members_apart: true, versions_apart: true, ..Habits::default() }).await;
    service.users(2);
    service.group("g1", "g1", LONG_AGO, &[("User", "u00001")]);
    service.group("g2", "g2", LONG_AGO, &[("User", "u00001")]);
    let scim = source(&service, &json!({"groups": "each"})).await;
    let asked = |service: &ScimService| {
        let heard = service.heard().into_iter().filter(|one| one.path.starts_with("/Groups/"));
        heard.map(|one| one.headers.contains_key("if-none-match")).collect::<Vec<_>>()
    };
    assert!(whole(&scim).await.1.iter().all(|group| group.members.len() == 1));
    assert_eq!(asked(&service), [false, false]);
    service.group("g2", "g2", LONG_AGO, &[("User", "u00001"), ("User", "u00002")]);
    let counts: Vec<usize> = whole(&scim).await.1.iter().map(|group| group.members.len()).collect();
    assert_eq!((counts, asked(&service)), (vec![1, 2], vec![true, true]), "the first is what it was: 304 says so");
}
