//! People who are renamed, move, leave, come back, or meet another's name.

use passerelle::services::{groups, jobs, users};
use passerelle::store::establishment::change::Operation;
use passerelle::store::establishment::group;
use passerelle::store::establishment::sync_run::Mode;
use passerelle::store::establishment::user::{DisabledBy, UserStatus};
use passerelle::types::page::PageRequest;

use super::{Fed, add, delete, dn, group as group_entry, person, rename};
use crate::harness::listener::Listener;
use crate::harness::relying_party::{claims, text};
use crate::harness::server::Place;
use crate::harness::slapd::BASE;

#[tokio::test]
async fn renamed_and_moved_people_stay_who_they_are() {
    let fed = Fed::with_people(&["anne", "bob", "chloe"]).await;
    fed.slapd.modify(&add(&group_entry("profs", &[&dn("anne"), &dn("bob")])));
    fed.sync().await;
    let before = fed.user("anne").await;

    fed.slapd.modify(&rename("anne", "anne.martin"));
    fed.slapd.modify(&format!(
        "dn: ou=autre,ou=people,{BASE}\nchangetype: add\nobjectClass: organizationalUnit\nou: autre\n\n\
         dn: {}\nchangetype: modrdn\nnewrdn: uid=bob\ndeleteoldrdn: 1\nnewsuperior: ou=autre,ou=people,{BASE}\n\n\
         dn: cn=profs,ou=groups,{BASE}\nchangetype: modify\nreplace: member\nmember: uid=anne.martin,ou=people,{BASE}\nmember: UID=Bob, ou=Autre,ou=people,{BASE}\n\n",
        dn("bob")
    ));
    let run = fed.sync().await;
    assert_eq!(fed.user("anne.martin").await.id, before.id);
    assert_eq!((run.counts.created, run.counts.moved, run.counts.updated, run.counts.disabled), (0, 2, 1, 0));
    // Both are still in the group, whose list of members reads otherwise.
    assert_eq!((run.counts.memberships_added, run.counts.memberships_removed), (0, 0));
    let changes = fed.changes(&run).await;
    let anne = changes.iter().find(|change| change.subject_id == Some(before.id.uuid())).unwrap();
    let detail = anne.detail.as_ref().unwrap();
    assert_eq!(
        (anne.operation, &detail["username"]["before"], &detail["username"]["after"]),
        (Operation::Moved, &"anne".into(), &"anne.martin".into())
    );
}

#[tokio::test]
async fn someone_gone_is_disabled_and_comes_back_with_everything() {
    let fed = Fed::with_people(&["anne", "bob"]).await;
    fed.sync().await;
    let before = fed.user("anne").await;
    fed.slapd.modify("dn: uid=anne,ou=people,dc=acad-test,dc=fr\nchangetype: modrdn\nnewrdn: uid=anne\ndeleteoldrdn: 1\nnewsuperior: dc=acad-test,dc=fr\n\n");
    // Out of the base first, so that the same entry can return: only its place changes.
    fed.change(|fields| fields.settings["base_dn"] = format!("ou=people,{BASE}").into()).await;
    let run = fed.sync().await;
    assert_eq!((run.counts.disabled, run.counts.quarantined), (1, 0));
    let gone = fed.user("anne").await;
    assert_eq!((gone.id, gone.status, gone.disabled_by), (before.id, UserStatus::Disabled, Some(DisabledBy::Source)));
    let profile = users::profile(&fed.ctx, gone.id).await.unwrap();
    assert!(!profile.links[0].present);
    assert!(users::enable(&fed.ctx, gone.id).await.is_err(), "an administrator cannot bring back whom the source does not state");
    assert_eq!(fed.sync().await.counts.disabled, 0, "gone once is gone");

    fed.slapd
        .modify(&format!("dn: uid=anne,{BASE}\nchangetype: modrdn\nnewrdn: uid=anne\ndeleteoldrdn: 1\nnewsuperior: ou=people,{BASE}\n\n"));
    let run = fed.sync().await;
    assert_eq!((run.counts.enabled, run.counts.created), (1, 0));
    let back = fed.user("anne").await;
    assert_eq!((back.id, back.status, back.disabled_by, back.email), (before.id, UserStatus::Active, None, before.email));
}

#[tokio::test]
async fn account_closed_in_the_directory_is_disabled_until_it_is_opened_there() {
    let fed = Fed::with_people(&["anne", "bob"]).await;
    fed.sync().await;
    let close = |state: &str| {
        format!(
            "dn: {}\nchangetype: modify\nadd: objectClass\nobjectClass: supannPerson\n-\nreplace: supannRessourceEtat\nsupannRessourceEtat: {{COMPTE}}{state}\n\n",
            dn("anne")
        )
    };
    fed.slapd.modify(&close("I"));
    let run = fed.sync().await;
    assert_eq!((run.counts.disabled, run.counts.updated), (1, 0));
    let anne = fed.user("anne").await;
    assert_eq!(anne.disabled_by, Some(DisabledBy::Source));
    assert!(users::enable(&fed.ctx, anne.id).await.is_err());
    // An administrator's word outlives the source's.
    users::disable(&fed.ctx, anne.id).await.unwrap();
    fed.slapd
        .modify(&format!("dn: {}\nchangetype: modify\nreplace: supannRessourceEtat\nsupannRessourceEtat: {{COMPTE}}A\n\n", dn("anne")));
    fed.sync().await;
    assert_eq!(fed.user("anne").await.disabled_by, Some(DisabledBy::Administrator));
    users::enable(&fed.ctx, anne.id).await.unwrap();
    assert_eq!(fed.user("anne").await.status, UserStatus::Active);
    for state in ["I", "A"] {
        fed.slapd.modify(&format!(
            "dn: {}\nchangetype: modify\nreplace: supannRessourceEtat\nsupannRessourceEtat: {{COMPTE}}{state}\n\n",
            dn("anne")
        ));
        fed.sync().await;
    }
    assert_eq!(fed.user("anne").await.status, UserStatus::Active, "the source took it away, and gives it back");
}

#[tokio::test]
async fn user_name_can_be_swapped_and_used_again() {
    let fed = Fed::with_people(&["anne", "bob", "chloe"]).await;
    fed.sync().await;
    let (anne, bob, chloe) = (fed.user("anne").await.id, fed.user("bob").await.id, fed.user("chloe").await.id);
    fed.slapd.modify(&format!("{}{}{}", rename("anne", "tmp"), rename("bob", "anne"), rename("tmp", "bob")));
    let run = fed.sync().await;
    assert_eq!((run.counts.quarantined, run.counts.moved), (0, 2));
    assert_eq!((fed.user("bob").await.id, fed.user("anne").await.id), (anne, bob));

    fed.slapd.modify(&format!("{}{}", delete("chloe"), add(&person("chloe"))));
    let run = fed.sync().await;
    assert_eq!((run.counts.created, run.counts.disabled, run.counts.quarantined), (1, 1, 0));
    assert_ne!(fed.user("chloe").await.id, chloe, "another entry is another person");
    let released = users::get(&fed.ctx, chloe).await.unwrap();
    assert!(released.username.starts_with("chloe~") && released.status == UserStatus::Disabled, "{}", released.username);
    assert_eq!(fed.sync().await.counts.created, 0);
}

#[tokio::test]
async fn conflict_sets_one_person_aside_and_not_the_run() {
    let fed = Fed::with_people(&["admin", "bob"]).await;
    let second = person("double")
        .replace("uid: double\n", "uid: double\nuid: bob\n")
        .replace("dn: uid=double", "dn: cn=double")
        .replace("uid: double\n", "");
    fed.slapd.modify(&add(&second));
    let run = fed.sync().await;
    assert_eq!((run.counts.created, run.counts.quarantined), (1, 2));
    let changes = fed.changes(&run).await;
    let reasons: Vec<&str> = changes
        .iter()
        .filter(|c| c.operation == Operation::Quarantined)
        .map(|c| c.detail.as_ref().unwrap()["reason"].as_str().unwrap())
        .collect();
    assert!(reasons.iter().any(|r| r.contains("«admin»") && r.contains("does not state")), "{reasons:?}");
    assert!(reasons.iter().any(|r| r.contains("«bob»") && r.contains("two entries")), "{reasons:?}");
    let again = fed.sync().await;
    assert_eq!((again.counts.created, again.counts.updated, again.counts.quarantined), (0, 0, 2));
}

#[tokio::test]
async fn unreadable_entry_is_set_aside_and_nobody_is_taken_for_gone() {
    let fed = Fed::with_people(&["anne", "bob"]).await;
    fed.slapd.modify(&add(&group_entry("profs", &[&dn("anne"), &dn("bob")])));
    fed.sync().await;
    fed.change(|fields| fields.settings["mapping"] = serde_json::json!({ "username": "employeeNumber" })).await;
    fed.slapd.modify(&format!("dn: {}\nchangetype: modify\nadd: employeeNumber\nemployeeNumber: E1\n\n", dn("bob")));
    let run = fed.sync().await;
    assert_eq!((run.counts.quarantined, run.counts.disabled, run.counts.memberships_removed), (1, 0, 0));
    assert_eq!(fed.user("anne").await.status, UserStatus::Active);
    assert_eq!(fed.user("E1").await.display_name, "bob");
}

#[tokio::test]
async fn groups_nest_in_circles_change_members_and_go() {
    let fed = Fed::with_people(&["anne", "bob", "chloe"]).await;
    let at = |name: &str| format!("cn={name},ou=groups,{BASE}");
    let ghost = dn("ghost");
    fed.slapd.modify(&add(&group_entry("a", &[&dn("anne"), &at("b"), &ghost])));
    fed.slapd.modify(&add(&group_entry("b", &[&dn("bob"), &at("a")])));
    fed.slapd.modify(&add(&group_entry("c", &[&dn("chloe")])));
    let run = fed.sync().await;
    assert_eq!((run.counts.created, run.counts.memberships_added), (6, 5));
    let names = async |name: &str, transitive: bool| {
        let filter = group::Filter { name: Some(name.to_owned()), ..Default::default() };
        let group = groups::list(&fed.ctx, &PageRequest::first(2), &filter).await.unwrap().items.remove(0);
        let members = groups::members(&fed.ctx, group.id, transitive, &PageRequest::first(10)).await.unwrap();
        let mut names: Vec<String> = members.items.into_iter().map(|member| member.username).collect();
        names.sort();
        names
    };
    assert_eq!(
        (names("a", false).await, names("a", true).await, names("b", true).await),
        (vec!["anne".into()], vec!["anne".into(), "bob".into()], vec!["anne".into(), "bob".into()])
    );

    fed.slapd.modify(&format!(
        "dn: {}\nchangetype: modify\nadd: member\nmember: {}\n-\ndelete: member\nmember: {}\n\ndn: {}\nchangetype: delete\n\n",
        at("b"),
        dn("chloe"),
        dn("bob"),
        at("c")
    ));
    let run = fed.sync().await;
    assert_eq!((run.counts.memberships_added, run.counts.memberships_removed, run.counts.removed, run.counts.updated), (1, 2, 1, 0));
    assert_eq!(names("a", true).await, ["anne", "chloe"]);
    let changes = fed.changes(&run).await;
    let added = changes.iter().find(|change| change.operation == Operation::MembersAdded).unwrap();
    assert_eq!((added.name.as_str(), &added.detail.as_ref().unwrap()["people"]), ("b", &serde_json::json!(["chloe"])));
}

#[tokio::test]
async fn whoever_leaves_the_directory_is_signed_out_of_applications_too() {
    let mut listener = Listener::start(&[]).await;
    let fed = Fed::with_people(&["anne", "bob", "chloe"]).await;
    fed.sync().await;
    let place = Place { ctx: fed.ctx.clone() };
    place.client("app", listener.registered()).await;
    let mut left = Vec::new();
    for name in ["anne", "bob", "chloe"] {
        let user = fed.user(name).await;
        place.granted("app", &place.session(&user, 60).await.1, None).await;
        left.push(user.id.to_string());
    }
    left.truncate(2);
    fed.slapd.modify(&delete("anne"));
    fed.slapd.modify(&delete("bob"));
    fed.run(Mode::Preview).await;
    jobs::run_due(&fed.ctx.gateway, fed.ctx.now).await.unwrap();
    assert!(listener.rest().is_empty(), "a preview tells nobody");
    assert_eq!(fed.sync().await.counts.disabled, 2);
    jobs::run_due(&fed.ctx.gateway, fed.ctx.now).await.unwrap();
    let mut told: Vec<String> = listener.rest().iter().map(|heard| text(&claims(&heard.token()), "sub")).collect();
    told.sort();
    left.sort();
    assert_eq!(told, left);
}
